"""Keys and mouse on the remote view, and what it posts for them."""

from textual import events

from p2p_remote.input.terminal_keys import ACTION_PRESS, ACTION_RELEASE, ACTION_TAP
from p2p_remote.tui.terminal_parser import RepeatedKey
from p2p_remote.tui.widgets import remote_messages as rm
from tests.support.view_app import SIZE, PretendedDriver, ViewApp, picture, with_driver


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
