"""The picture of the remote view, without a terminal and with a pretended driver."""

import numpy as np
import pytest

from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.cells import GLYPHS, POINTER
from p2p_remote.terminal.colors import ColorDepth, rgb565
from p2p_remote.terminal.frame_gate import LOST_AFTER
from p2p_remote.terminal.renderer import RENDERERS
from p2p_remote.tui.frame_driver import ASK_FOR_SIGN
from p2p_remote.tui.widgets import remote_messages as rm
from p2p_remote.tui.widgets.remote_view import WAITING
from tests.support.emulator import wrong_cells
from tests.support.view_app import (
    FRAME,
    GREEN,
    SIZE,
    PretendedDriver,
    ViewApp,
    painted_color,
    picture,
    with_driver,
)


async def test_picture_fills_the_view_with_its_proportions():
    """Letterboxed: 800x480 in 80x22 cells leaves columns at the sides."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        assert WAITING in view.render_line(11).text
        view.update_frame(picture(), [])
        await pilot.pause()
        assert WAITING not in view.render_line(11).text
        changed = app.take(rm.ViewportChanged)[-1]
        assert changed.region == Rect(0, 0, 800, 480)
        assert (changed.output_width, changed.output_height) == (73, 44)
        red = rgb565(255, 0, 0)
        assert painted_color(view, 40, 0) == (red, red)
        assert painted_color(view, 40, 21) == (red, red)
        assert painted_color(view, 0, 5) != (red, red)


async def test_damage_alone_is_painted():
    """Only the damaged rectangle is read again."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        frame = picture()
        view.update_frame(frame, [])
        await pilot.pause()
        frame[:] = GREEN
        view.update_frame(frame, [Rect(300, 200, 20, 20)])
        await pilot.pause()
        colors = {int(color) for color in view.picture.shown.background.flat}
        assert rgb565(255, 0, 0) in colors
        green = (view.picture.shown.background == rgb565(0, 255, 0)).sum()
        assert 2 <= green <= 9


async def test_the_compositor_shows_the_same_cells():
    """`export_screenshot` and the compositor read the same arrays."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        app.view.update_frame(picture(), [])
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert strips[0].text.startswith("above")
        colors = {segment.style.bgcolor.name for segment in strips[5] if segment.style}
        assert "#ff0000" in colors
        assert "<svg" in app.export_screenshot()


async def test_direct_path_writes_exactly_the_changed_cells():
    """What the emulator shows is what the view says, after every frame."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        driver = PretendedDriver(sync=True)
        view = with_driver(app, driver)
        random = np.random.default_rng(1)
        frame = random.integers(0, 256, FRAME, dtype=np.uint8)
        view.update_frame(frame, [])
        view.terminal_answered()
        for _ in range(5):
            x, y = int(random.integers(700)), int(random.integers(400))
            frame[y : y + 50, x : x + 60] = random.integers(0, 256, 4)
            view.update_frame(frame, [Rect(x, y, 60, 50)])
            view.terminal_answered()
        view.update_pointer(400, 240)
        await pilot.pause()
        shown = view.picture.shown
        assert wrong_cells(driver.screen, shown, ColorDepth.TRUECOLOR, (0, 1)) == 0
        assert (shown.glyph == POINTER).sum() == 1
        assert all(
            text.endswith(f"{ASK_FOR_SIGN}\x1b8\x1b[?2026l") for text in driver.written
        )


async def test_a_small_change_is_small_on_the_wire():
    """Eight cells of 8x16 pixels: at most 400 bytes."""
    app = ViewApp()
    async with app.run_test(size=SIZE):
        driver = PretendedDriver(sync=True)
        view = with_driver(app, driver)
        frame = picture()
        view.update_frame(frame, [])
        view.terminal_answered()
        frame[100:118, 100:180] = np.arange(80)[None, :, None] * 3
        view.update_frame(frame, [Rect(100, 100, 80, 18)])
        assert 0 < len(driver.written[-1].encode()) <= 400


async def test_a_stalled_terminal_gets_two_frames_and_then_the_newest_state():
    """Frames beyond the gate are merged; nothing old is drawn later."""
    app = ViewApp()
    async with app.run_test(size=SIZE):
        driver = PretendedDriver()
        view = with_driver(app, driver)
        frame = picture()
        for value in range(50):
            frame[:] = value * 5
            view.update_frame(frame, [Rect(0, 0, 800, 480)])
        assert len(driver.written) == 2
        view.terminal_answered()
        assert len(driver.written) == 3
        assert painted_color(view, 40, 10)[1] == rgb565(245, 245, 245)


async def test_what_lies_over_the_view_is_left_to_the_compositor():
    """A toast over the picture is not painted over; other cells go the fast way."""
    app = ViewApp()
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        driver = PretendedDriver()
        view = with_driver(app, driver)
        frame = picture()
        view.update_frame(frame, [])
        view.terminal_answered()
        app.notify("a toast")
        await pilot.pause(0.1)
        fronts = view.output._regions_in_front()
        toast = app.query_one("Toast").region
        assert toast in fronts
        before = len(driver.written)
        x, y = view.mouse.map.to_remote(toast.x + 1, toast.y)
        frame[y : y + 5, x : x + 5] = GREEN
        view.update_frame(frame, [Rect(x, y, 5, 5)])
        assert len(driver.written) == before
        await pilot.pause(0.1)
        assert driver.written[before:] == [f"\x1b7{ASK_FOR_SIGN}\x1b8"]
        view.terminal_answered()
        frame[0:20, 300:320] = GREEN
        view.update_frame(frame, [Rect(300, 0, 20, 20)])
        assert driver.written[-1].startswith("\x1b7\x1b[2;31H\x1b[38;2;")


async def test_under_another_screen_nothing_is_written():
    """The command palette and dialogs are never painted over."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        driver = PretendedDriver()
        view = with_driver(app, driver)
        view.update_frame(picture(), [])
        view.terminal_answered()
        app.action_command_palette()
        await pilot.pause(0.2)
        before = len(driver.written)
        view.update_frame(picture(GREEN), [Rect(0, 0, 800, 480)])
        assert all("48;2" not in text for text in driver.written[before:])
        assert painted_color(view, 40, 10)[1] == rgb565(0, 255, 0)


async def test_stale_picture_is_dimmed_and_says_since_when():
    """And comes back as it was."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        await pilot.pause()
        bright = painted_color(view, 40, 3)
        view.show_stale(4.2)
        await pilot.pause()
        assert "no picture for 4 s" in view.render_line(11).text
        assert painted_color(view, 40, 3)[1] < bright[1]
        view.show_stale(None)
        await pilot.pause()
        assert painted_color(view, 40, 3) == bright
        assert "no picture" not in view.render_line(11).text


async def test_remote_pointer_moves_and_disappears():
    """One cell has the mark, and the cell it left is whole again."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        view.update_pointer(0, 0)
        await pilot.pause()
        column = view.viewport.placement.x
        assert view.render_line(0).text[column] == GLYPHS[POINTER]
        view.update_pointer(799, 479)
        await pilot.pause()
        assert GLYPHS[POINTER] not in view.render_line(0).text
        assert GLYPHS[POINTER] in view.render_line(21).text
        view.update_pointer(0, 0, visible=False)
        await pilot.pause()
        assert not (view.picture.shown.glyph == POINTER).any()


async def test_zoomed_view_follows_the_remote_pointer():
    """The region moves just so far that the pointer is in view."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        view.one_to_one()
        view.update_pointer(799, 479)
        await pilot.pause()
        assert view.viewport.region == Rect(720, 436, 80, 44)
        view.follows = False
        view.update_pointer(0, 0)
        assert view.viewport.region == Rect(720, 436, 80, 44)


async def test_resize_of_the_terminal_and_of_the_remote_screen():
    """Both keep the whole screen in view; every cell is painted anew."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        assert view.picture.shown.columns == 40
        assert view.picture.shown.rows == 10
        red = rgb565(255, 0, 0)
        assert (view.picture.shown.background == red).any()
        tall = np.zeros((900, 300, 4), np.uint8)
        tall[:] = GREEN
        view.update_frame(tall, [])
        await pilot.pause()
        assert view.viewport.region == Rect(0, 0, 300, 900)
        assert not (view.picture.shown.background == red).any()


@pytest.mark.parametrize("name", RENDERERS)
async def test_every_renderer_draws_in_the_view(name):
    """Switching keeps the picture and its proportions."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        frame = picture()
        frame[:, 400:] = GREEN
        view.update_frame(frame, [])
        view.set_renderer(RENDERERS[name], ColorDepth.PALETTE)
        await pilot.pause()
        backgrounds = set(view.picture.shown.background[10].tolist())
        assert len(backgrounds) >= 3
        place = view.viewport.placement
        width = place.width / RENDERERS[name].sub_columns
        height = 2 * place.height / RENDERERS[name].sub_rows
        assert abs(width / height - 800 / 480) < 0.06


async def test_zoom_and_pan_show_other_regions():
    """Each step posts the region that is shown, and the picture is that region."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        frame = picture()
        frame[:, 400:] = GREEN
        view.update_frame(frame, [])
        view.zoom_in()
        near = view.viewport.region
        assert near.width < 800
        view.pan(1000, 0)
        assert view.viewport.region == near.moved(800 - near.right, 0)
        await pilot.pause()
        assert app.take(rm.ViewportChanged)[-1].region == view.viewport.region
        for _ in range(3):
            view.zoom_out()
        assert view.viewport.is_fit
        view.one_to_one()
        view.pan(-100, -100)
        assert view.viewport.region == Rect(0, 0, 80, 44)
        assert (view.picture.shown.background == rgb565(255, 0, 0)).all()
        view.fit()
        assert view.viewport.region == Rect(0, 0, 800, 480)


async def test_one_to_one_shows_where_something_goes_on():
    """The top left at first, then the last change, then where somebody points."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        view.update_pointer(400, 240)
        view.one_to_one()
        assert view.viewport.region == Rect(0, 0, 80, 44)
        view.fit()
        view.update_frame(picture(), [Rect(300, 100, 400, 300)])
        view.one_to_one()
        assert view.viewport.region == Rect(300, 100, 80, 44)
        view.fit()
        view.update_pointer(500, 400)
        view.one_to_one()
        assert view.viewport.region == Rect(460, 378, 80, 44)
        view.fit()
        await pilot.pause()
        await pilot.click("#view", offset=(40, 11))
        place = view.mouse.map.to_remote(40.5, 11.5)
        view.one_to_one()
        assert view.viewport.region == Rect(place[0] - 40, place[1] - 22, 80, 44)


async def test_a_zoomed_view_goes_where_somebody_types():
    """The small change that a key brings is kept in view; large ones and others not."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        view.control_enabled = True
        await pilot.click("#view", offset=(2, 2))
        await pilot.press("a")
        typed = Rect(600, 400, 15, 28)
        view.update_frame(picture(), [typed])
        view.next_zoom()
        assert view.viewport.region.contains(typed)
        near = view.viewport.region
        view.update_frame(picture(), [Rect(0, 0, 15, 28)])
        assert view.viewport.region == near
        await pilot.press("b")
        view.update_frame(picture(), [Rect(0, 0, 700, 300)])
        assert view.viewport.region == near
        view.update_frame(picture(), [Rect(0, 100, 15, 28)])
        assert view.viewport.region.contains(Rect(0, 100, 15, 28))
        view.follows = False
        near = view.viewport.region
        await pilot.press("c")
        view.update_frame(picture(), [typed])
        assert view.viewport.region == near


async def test_answers_that_were_lost_hold_up_frames_only_for_a_while():
    """After the time limit, or when the terminal comes back, the picture goes on."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        driver = PretendedDriver()
        view = with_driver(app, driver)
        frame = picture()
        for value in (10, 20, 30):
            frame[:] = value
            view.update_frame(frame, [Rect(0, 0, 800, 480)])
        assert len(driver.written) == 2
        await pilot.pause(LOST_AFTER - 0.1)
        assert len(driver.written) == 2
        await pilot.pause(0.2)
        assert len(driver.written) == 3
        for value in (40, 50):
            frame[:] = value
            view.update_frame(frame, [Rect(0, 0, 800, 480)])
        view.terminal_restarted()
        assert view.output.gate.outstanding == 1
        assert painted_color(view, 40, 10)[1] == rgb565(50, 50, 50)
