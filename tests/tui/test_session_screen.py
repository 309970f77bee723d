"""The running session of the technician."""

import pytest
from textual import events

from p2p_remote.services import events as se
from p2p_remote.tui.actions import PREFIX
from p2p_remote.tui.screens.outgoing import LARGE_PASTE
from p2p_remote.tui.widgets.remote_view import RemoteView
from p2p_remote.wire.input import (
    ACTION_TAP,
    MODIFIER_ALT,
    MODIFIER_CONTROL,
    KeyInput,
    PointerInput,
    ReleaseAll,
    TextInput,
)
from tests.support.tui import (
    Stage,
    begin,
    calling_start,
    command,
    rest,
    settle,
    text_of,
)

SIZES = [(80, 24), (120, 40)]
LITERAL = KeyInput(0, 0x5D, MODIFIER_CONTROL, ACTION_TAP)


@pytest.mark.parametrize("size", SIZES)
async def test_the_line_says_what_is_going_on(size: tuple[int, int]) -> None:
    """ID, name, control in words, path and time are never left out."""
    stage = Stage(calling_start())
    async with stage.app.run_test(size=size) as pilot:
        await begin(stage, pilot, "control")
        stage.technician.notify(se.Stats(4.0, 310.0, 24.0))
        stage.now += 75
        await settle(pilot)
        stage.app.refresh_times()
        await settle(pilot)
        line = text_of(stage.app).splitlines()[0]
        for words in ("771 204 556", "“Kanzlei PC2”", "● control", "direct 4 ms"):
            assert words in line
        assert "01:15" in line
        if size[0] >= 120:
            assert "24 fps" in line
            assert "310 kbit/s" in line
            assert "58:45 left" in line


async def test_input_goes_out_only_with_control() -> None:
    """Before the grant nothing is sent, after the revoke neither."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        await pilot.press("a")
        await pilot.click(RemoteView, offset=(40, 10))
        await settle(pilot)
        assert not stage.technician.sent
        assert "view only" in text_of(stage.app)
        stage.technician.notify(se.GrantChanged("control", granted=True))
        await settle(pilot)
        await pilot.press("ä", "enter", "ctrl+q")
        await settle(pilot)
        assert stage.technician.sent[0] == TextInput(0, "ä")
        assert stage.technician.sent[1] == KeyInput(0, 0xFF0D, 0, ACTION_TAP)
        assert stage.technician.sent[2] == KeyInput(
            0, ord("q"), MODIFIER_CONTROL, ACTION_TAP
        )
        await pilot.click(RemoteView, offset=(40, 10))
        await settle(pilot)
        clicks = [m for m in stage.technician.sent if isinstance(m, PointerInput)]
        assert {message.buttons for message in clicks} >= {0, 1}
        stage.technician.notify(se.Revoked(("control",), "customer"))
        await settle(pilot)
        stage.technician.sent.clear()
        await pilot.press("b")
        await settle(pilot)
        assert not stage.technician.sent
        assert "Control taken back by the customer" in text_of(stage.app)


async def test_view_only_of_ones_own_sends_nothing() -> None:
    """What is held is let go first."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        await command(pilot, "v")
        assert stage.technician.sent == [ReleaseAll(0)]
        await pilot.press("a")
        await settle(pilot)
        assert stage.technician.sent == [ReleaseAll(0)]
        assert "view only (yours)" in text_of(stage.app)
        await command(pilot, "v")
        await pilot.press("a")
        await settle(pilot)
        assert stage.technician.sent[-1] == TextInput(0, "a")


async def test_view_only_from_the_start() -> None:
    """`connect --view-only` sends nothing even with control granted."""
    stage = Stage(calling_start(view_only=True))
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        await pilot.press("a")
        await settle(pilot)
        assert not stage.technician.sent


@pytest.mark.parametrize("keys", [(PREFIX,), ("right_square_bracket",)])
async def test_the_prefix_key_itself_can_be_sent(keys: tuple[str, ...]) -> None:
    """Twice, or with the bracket: the other side gets it once."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        await command(pilot, *keys)
        assert stage.technician.sent == [LITERAL]


async def test_the_menu_shows_what_the_next_key_does() -> None:
    """It comes with the prefix key and goes with the next one."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        await command(pilot)
        assert "Special keys" in text_of(stage.app)
        await pilot.press("x")
        await settle(pilot)
        shown = text_of(stage.app)
        assert "Special keys" not in shown
        assert "no command" in shown
        assert not stage.technician.sent


async def test_special_keys_are_chosen_from_a_list() -> None:
    """Keys that this terminal would take for itself arrive there."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        await command(pilot, "k")
        await pilot.press("enter")
        await settle(pilot)
        delete = KeyInput(0, 0xFFFF, MODIFIER_CONTROL | MODIFIER_ALT, ACTION_TAP)
        assert delete in stage.technician.sent


async def test_a_text_is_typed_as_it_is() -> None:
    """Written in a field of its own, line breaks and all."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        await command(pilot, "t")
        await pilot.press("ß", "enter", "ö", "f5")
        await settle(pilot)
        assert TextInput(0, "ß\nö") in stage.technician.sent


async def test_a_long_paste_is_asked_about() -> None:
    """A short one goes through; No keeps the long one here."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        view = stage.app.screen.query_one(RemoteView)
        view.post_message(events.Paste("short"))
        await settle(pilot)
        assert stage.technician.sent == [TextInput(0, "short")]
        view.post_message(events.Paste("x" * (LARGE_PASTE + 1)))
        await settle(pilot)
        assert "1,001 characters" in text_of(stage.app)
        await pilot.press("enter")
        await settle(pilot)
        texts = [m for m in stage.technician.sent if isinstance(m, TextInput)]
        assert len(texts) == 1
        view.post_message(events.Paste("x" * 5000))
        await rest(pilot)
        await pilot.press("tab", "enter")
        await settle(pilot)
        texts = [m for m in stage.technician.sent if isinstance(m, TextInput)]
        assert "".join(message.text for message in texts[1:]) == "x" * 5000


async def test_control_is_asked_for() -> None:
    """The customer decides; a no is told."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        await command(pilot, "c")
        assert stage.technician.requested == ["control"]
        stage.technician.notify(se.GrantChanged("control", granted=False))
        await settle(pilot)
        assert "did not give you control" in text_of(stage.app)


async def test_who_has_control_is_told_so_when_asking_for_it() -> None:
    """Nobody is asked; what was switched off on this side is on again."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        for tool in stage.app.screen.query("Toolbar ToolButton"):
            if "Ask" in str(tool.render()):
                await pilot.click(tool)
        await settle(pilot)
        assert "You have control already." in text_of(stage.app)
        await command(pilot, "v")
        await command(pilot, "c")
        assert "You have control." in text_of(stage.app)
        assert stage.technician.requested == []


async def test_the_toolbar_does_what_its_words_say() -> None:
    """By mouse, without taking the focus from the picture."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        for tool in stage.app.screen.query("Toolbar ToolButton"):
            if "Ask" in str(tool.render()):
                await pilot.click(tool)
        await settle(pilot)
        assert stage.technician.requested == ["control"]
        assert isinstance(stage.app.screen.focused, RemoteView)
        assert "Ask control" in text_of(stage.app)
        await command(pilot, "b")
        assert "Ask control" not in text_of(stage.app)


async def test_silence_dims_and_stops_input() -> None:
    """Nothing is sent into a line that does not answer."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        stage.technician.notify(se.Silence(4.0))
        await settle(pilot)
        stage.technician.sent.clear()
        await pilot.press("a")
        await settle(pilot)
        assert not stage.technician.sent
        assert "No answer for 4 s" in text_of(stage.app)
        stage.technician.notify(se.Silence(0.0))
        await settle(pilot)
        await pilot.press("a")
        await settle(pilot)
        assert stage.technician.sent == [TextInput(0, "a")]


async def test_the_viewport_is_told() -> None:
    """The other side sends what is shown here, not more."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        fit = stage.technician.viewports[-1]
        assert (fit.width, fit.height) == (128, 96)
        await command(pilot, "z")
        await command(pilot, "plus")
        assert stage.technician.viewports[-1].width < 128
        await command(pilot, "left")
        left = stage.technician.viewports[-1].x
        await command(pilot, "right")
        assert stage.technician.viewports[-1].x > left
        await command(pilot, "minus")
        await command(pilot, "z")
        assert stage.technician.viewports[-1].width == 128


async def test_the_remote_pointer_is_shown() -> None:
    """Where the customer's pointer is, the picture has a mark."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot)
        view = stage.app.screen.query_one(RemoteView)
        for x in (10, 20, 30):
            stage.technician.notify(se.Pointer(x, 40, visible=True))
        await settle(pilot)
        assert view.picture.pointer == (30, 40)


async def test_path_and_help_are_one_key_away() -> None:
    """Why it runs this way, and all keys."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        await command(pilot, "p")
        assert "both sides are reachable" in text_of(stage.app)
        await pilot.press("escape")
        await command(pilot, "h")
        assert "Help" in text_of(stage.app)
        await pilot.press("escape")
        await command(pilot, "colon")
        assert "Ask for control" in text_of(stage.app)
