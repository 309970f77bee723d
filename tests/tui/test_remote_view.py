"""The remote view in an App, without a terminal and with a pretended driver."""

from typing import ClassVar

import numpy as np
import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.widgets import Static

from p2p_remote.input.terminal_keys import ACTION_PRESS, ACTION_RELEASE, ACTION_TAP
from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.cells import GLYPHS, POINTER, UPPER_HALF
from p2p_remote.terminal.colors import ColorDepth, rgb565
from p2p_remote.terminal.renderer import RENDERERS
from p2p_remote.tui.frame_driver import ASK_FOR_SIGN
from p2p_remote.tui.terminal_parser import RepeatedKey
from p2p_remote.tui.widgets import remote_messages as rm
from p2p_remote.tui.widgets.remote_view import WAITING, RemoteView
from tests.support.emulator import emulator, wrong_cells

SIZE = (80, 24)
FRAME = (480, 800, 4)  # an 80x24 view of half-blocks fits it with margins
RED, GREEN = (0, 0, 255, 0), (0, 255, 0, 0)  # B, G, R, X


class ViewApp(App[None]):
    """A view between two lines of text, and a list of what it posted."""

    BINDINGS: ClassVar = [
        Binding("ctrl+q", "boast", priority=True),
        Binding("f2", "boast"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[object] = []
        self.boasts = 0

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield RemoteView(id="view")
        yield Static("below", id="below")

    @property
    def view(self) -> RemoteView:
        return self.query_one(RemoteView)

    def action_boast(self) -> None:
        self.boasts += 1

    def on_mount(self) -> None:
        self.query_one("#above").styles.height = 1
        self.query_one("#below").styles.height = 1
        self.view.focus()

    def take(self, *kinds):
        """What was posted of these kinds since the last time."""
        taken = [message for message in self.posted if isinstance(message, kinds)]
        self.posted.clear()
        return taken


def _recorder(name):
    def record(self, message):
        self.posted.append(message)

    record.__name__ = name
    return record


for kind in (
    rm.RemoteText,
    rm.RemoteKey,
    rm.RemotePointer,
    rm.RemoteScroll,
    rm.RemotePaste,
    rm.ReleaseAll,
    rm.ViewportChanged,
    rm.PrefixKey,
    rm.CommandMode,
):
    setattr(ViewApp, kind.handler_name, _recorder(kind.handler_name))


class PretendedDriver:
    """Stands where our driver would; writes into an emulator."""

    def __init__(self, **capabilities):
        self.capabilities = Capabilities(cell_pixels=(8, 16), **capabilities)
        self.screen, self._feed = emulator(*SIZE)
        self.written = []
        self.listener = None

    def write_now(self, text):
        self.written.append(text)
        self._feed(text)

    def listen(self, listener):
        self.listener = listener

    def forget(self, listener):
        self.listener = None


def picture(color=RED):
    frame = np.zeros(FRAME, np.uint8)
    frame[:] = color
    return frame


def with_driver(app, driver):
    """Let the view take the pretended driver for that of the App."""
    view = app.view
    view.output.driver = driver
    view._capabilities = driver.capabilities
    view.input.releases_reported = driver.capabilities.kitty_keyboard
    driver.listen(view)
    return view


def painted_color(view, x, y):
    shown = view.picture.shown
    return int(shown.foreground[y, x]), int(shown.background[y, x])


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
        x, y = view._map.to_remote(toast.x + 1, toast.y)
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


async def test_text_and_keys_are_posted_apart():
    """Characters are text; shortcuts and named keys are keys."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        app.view.control_enabled = True
        await pilot.press("a", "ß", "space", "ctrl+c", "shift+left", "f5", "tab")
        await pilot.pause()
        got = [
            message.text
            if isinstance(message, rm.RemoteText)
            else (message.keysym, message.modifiers, message.action)
            for message in app.take(rm.RemoteText, rm.RemoteKey)
        ]
        assert got == [
            "a",
            "ß",
            " ",
            (ord("c"), 2, ACTION_TAP),
            (0xFF51, 1, ACTION_TAP),
            (0xFFC2, 0, ACTION_TAP),
            (0xFF09, 0, ACTION_TAP),
        ]


async def test_priority_bindings_of_the_app_go_to_the_remote_side():
    """Ctrl+Q is the remote side's with control and ours without."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+q")
        assert app.boasts == 1
        app.view.control_enabled = True
        await pilot.press("ctrl+q", "f2")
        await pilot.pause()
        assert app.boasts == 1
        assert [key.keysym for key in app.take(rm.RemoteKey)] == [ord("q"), 0xFFBF]
        app.view.input.local_keys = frozenset({"f2"})
        await pilot.press("f2")
        assert app.boasts == 2


async def test_without_control_nothing_is_posted():
    """View only: no key, no text, no pointer, no paste."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        app.view.update_frame(picture(), [])
        await pilot.press("a", "ctrl+c", "enter")
        await pilot.click("#view", offset=(40, 10))
        app.view.post_message(events.Paste("pasted"))
        await pilot.pause()
        assert not app.take(
            rm.RemoteText,
            rm.RemoteKey,
            rm.RemotePointer,
            rm.RemotePaste,
            rm.RemoteScroll,
        )


async def test_prefix_key_opens_command_mode_for_one_key():
    """Also without control; twice sends it through; Escape gives up."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        prefix = app.view.input.prefix_key
        await pilot.press(prefix, "z")
        await pilot.pause()
        assert [key.key for key in app.take(rm.PrefixKey)] == ["z"]
        app.view.control_enabled = True
        await pilot.press(prefix, "left_control", prefix, prefix, "escape", "x")
        await pilot.pause()
        got = app.take(rm.PrefixKey, rm.RemoteKey, rm.RemoteText, rm.CommandMode)
        assert [type(message) for message in got] == [
            rm.CommandMode,
            rm.CommandMode,
            rm.RemoteKey,
            rm.CommandMode,
            rm.CommandMode,
            rm.RemoteText,
        ]
        assert (got[2].keysym, got[2].modifiers) == (ord("]"), 2)


async def test_clicks_are_kept_and_moves_are_merged():
    """Every press and release arrives, with the position of the mouse at that time."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        view.control_enabled = True
        await pilot.pause()
        app.take()
        for step in range(40):
            view.post_message(_mouse(events.MouseMove, 20 + step / 2, 10.25))
        for x in (30.5, 31.5):
            view.post_message(_mouse(events.MouseDown, x, 10.25, 1))
            view.post_message(_mouse(events.MouseMove, x + 2, 10.25, 1))
            view.post_message(_mouse(events.MouseUp, x + 3, 10.25, 1))
        await pilot.pause(0.1)
        pointers = app.take(rm.RemotePointer)
        buttons = [message for message in pointers if not message.moved]
        assert [message.buttons for message in buttons] == [1, 0, 1, 0]
        assert len(pointers) < 12
        left = view.viewport.placement.x
        assert [message.x for message in buttons] == [
            int((x - left) * 800 / 73) for x in (30.5, 33.5, 31.5, 34.5)
        ]


async def test_a_press_beside_the_picture_is_no_click():
    """The margins of the letterbox are not the remote screen."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        app.view.update_frame(picture(), [])
        app.view.control_enabled = True
        await pilot.pause()
        app.view.post_message(_mouse(events.MouseDown, 0.5, 5.5, 1))
        app.view.post_message(_mouse(events.MouseUp, 0.5, 5.5, 1))
        await pilot.pause()
        assert not app.take(rm.RemotePointer)


async def test_wheel_scrolls_the_remote_side_or_zooms():
    """With control it is the remote side's, without it the picture is zoomed."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        await pilot.pause()
        view.post_message(_mouse(events.MouseScrollUp, 40.5, 10.5))
        await pilot.pause()
        assert not view.viewport.is_fit
        assert app.take(rm.ViewportChanged)[-1].region.width < 800
        view.control_enabled = True
        view.post_message(_mouse(events.MouseScrollDown, 40.5, 10.5))
        view.post_message(_mouse(events.MouseScrollLeft, 40.5, 10.5))
        await pilot.pause()
        steps = [(scroll.dx, scroll.dy) for scroll in app.take(rm.RemoteScroll)]
        assert steps == [(0, 1), (-1, 0)]


async def test_drag_without_control_moves_the_picture():
    """Zoomed in, the picture follows the mouse."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = app.view
        view.update_frame(picture(), [])
        view.one_to_one()
        before = view.viewport.region
        view.post_message(_mouse(events.MouseDown, 40.5, 10.5, 1))
        view.post_message(_mouse(events.MouseMove, 30.5, 8.5, 1))
        view.post_message(_mouse(events.MouseUp, 30.5, 8.5, 1))
        await pilot.pause()
        assert view.viewport.region == before.moved(10, 4)


async def test_blur_and_revoke_let_go_of_everything():
    """Focus lost or control gone: whoever listens must release all."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        app.view.control_enabled = True
        app.screen.set_focus(None)
        await pilot.pause()
        assert len(app.take(rm.ReleaseAll)) == 1
        app.view.control_enabled = False
        await pilot.pause()
        assert len(app.take(rm.ReleaseAll)) == 1


async def test_keys_are_tapped_unless_they_are_to_be_held():
    """Repeats are taps; with `hold_keys` a press is followed by its release."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        view = with_driver(app, PretendedDriver(kitty_keyboard=True))
        view.control_enabled = True

        async def hold_left():
            view.post_message(events.Key("left", None))
            view.post_message(RepeatedKey("left", None))
            view.key_released("left", None)
            await pilot.pause()
            return [key.action for key in app.take(rm.RemoteKey)]

        assert await hold_left() == [ACTION_TAP, ACTION_TAP]
        view.input.hold_keys = True
        assert await hold_left() == [ACTION_PRESS, ACTION_RELEASE]
        view.input.releases_reported = False
        assert await hold_left() == [ACTION_TAP, ACTION_TAP]


async def test_paste_is_one_message():
    """However long, and with its line ends."""
    app = ViewApp()
    async with app.run_test(size=SIZE) as pilot:
        app.view.control_enabled = True
        app.view.post_message(events.Paste("two\nlines"))
        await pilot.pause()
        assert [paste.text for paste in app.take(rm.RemotePaste)] == ["two\nlines"]


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
        view.follow_pointer = False
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


async def test_messages_of_a_drag_are_never_merged_with_its_press():
    """A press keeps its own position even when moves follow at once."""
    press = rm.RemotePointer(1, 1, 1)
    move = rm.RemotePointer(2, 2, 1, moved=True)
    assert not press.can_replace(move)
    assert move.can_replace(rm.RemotePointer(3, 3, 1, moved=True))
    assert move.can_replace(rm.RemotePointer(3, 3, 0))
    assert not move.can_replace(rm.RemoteText("a"))


def _mouse(kind, x, y, button=0):
    return kind(None, x, y, 0, 0, button, False, False, False, x, y)


def test_glyph_of_half_blocks_is_the_upper_half():
    """What the tests above take for granted."""
    assert GLYPHS[UPPER_HALF] == "▀"
