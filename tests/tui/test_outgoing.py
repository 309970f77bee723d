"""Calls and sessions of the technician."""

from typing import Any

import numpy as np
import pytest
from textual import events
from textual.pilot import Pilot

from p2p_remote.errors import (
    IdentityMismatchError,
    NetworkError,
    NoSuchPeerError,
    RefusedError,
)
from p2p_remote.services import events as se
from p2p_remote.tui.actions import PREFIX
from p2p_remote.tui.screens.home import HomeScreen
from p2p_remote.tui.screens.outgoing import CANCELLED, LARGE_PASTE
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
    OTHER_ID,
    Stage,
    calling_start,
    started,
    text_of,
)

SIZES = [(80, 24), (120, 40)]
LITERAL = KeyInput(0, 0x5D, MODIFIER_CONTROL, ACTION_TAP)


async def settle(pilot: Pilot[Any]) -> None:
    await pilot.pause(0.02)
    await pilot.pause()


async def begin(stage: Stage, pilot: Pilot[Any], *grants: str) -> None:
    """Let the session begin and a first picture arrive."""
    await settle(pilot)
    stage.technician.notify(started(*grants))
    await settle(pilot)
    stage.technician.show(np.full((96, 128, 4), 120, np.uint8))
    await settle(pilot)


async def command(pilot: Pilot[Any], *keys: str) -> None:
    """Press the prefix key and a key of a command."""
    await pilot.press(PREFIX, *keys)
    await settle(pilot)


@pytest.mark.parametrize("size", [*SIZES, (50, 16)])
async def test_ringing_shows_the_digits_and_what_to_do(size: tuple[int, int]) -> None:
    """Large where there is room, and who calls itself what."""
    digits: list[str] = []
    stage = Stage(calling_start(on_digits=digits.append))
    async with stage.app.run_test(size=size) as pilot:
        await settle(pilot)
        assert "Looking for this machine" in text_of(stage.app)
        stage.technician.notify(se.Ringing("482913", "Kanzlei PC2"))
        await settle(pilot)
        shown = text_of(stage.app)
        assert "“Kanzlei PC2”" in shown
        assert "Read these digits to the customer." in shown
        large = "╻ ╻┏━┓╺━┓   ┏━┓╺┓ ╺━┓" in shown
        assert large == (size != (50, 16))
        assert large or "482 913" in shown
    assert digits == ["482913"]


@pytest.mark.parametrize("phase", ["calling", "ringing"])
async def test_a_call_can_be_given_up(phase: str) -> None:
    """Escape cancels; after `connect ID` the exit code says so."""
    stage = Stage(calling_start(password="secret"))
    async with stage.app.run_test() as pilot:
        await settle(pilot)
        assert stage.technician.called == [(OTHER_ID, "secret")]
        if phase == "ringing":
            stage.technician.notify(se.Ringing("482913", "PC2"))
            await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert not stage.technician.closed
        await pilot.press("escape")
        await settle(pilot)
    assert stage.technician.closed
    assert stage.app.return_value == CANCELLED


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (NoSuchPeerError(), 3, "Is p2p-remote open on their machine"),
        (RefusedError(), 4, "Ask on the phone"),
        (IdentityMismatchError(), 5, "Do not go on"),
        (NetworkError(), 6, "Check your connection"),
    ],
)
async def test_a_failed_call_says_what_to_do_next(
    error: Any, code: int, words: str
) -> None:
    """Cause and next step; the exit code is that of the error."""
    stage = Stage(calling_start())
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        stage.technician.notify(se.Failed(error))
        await settle(pilot)
        shown = text_of(stage.app)
        assert words in shown
        assert str(error).split(".", maxsplit=1)[0] in shown
        await pilot.press("tab", "enter")
        await settle(pilot)
    assert stage.app.return_value == code


async def test_a_failed_call_can_be_repeated() -> None:
    """With a new link; what still comes from the old one is not heard."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await settle(pilot)
        first = stage.technician
        first.notify(se.Failed(NoSuchPeerError()))
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        assert len(stage.technicians) == 2
        assert first.closed
        first.notify(se.Ringing("999999", "late"))
        await settle(pilot)
        assert "999" not in text_of(stage.app)
        assert "Looking for this machine" in text_of(stage.app)


async def test_from_home_one_comes_back_home() -> None:
    """And the next call works as well."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        for _ in range(2):
            await pilot.press(*str(OTHER_ID), "enter")
            await settle(pilot)
            stage.technician.notify(se.Failed(NoSuchPeerError()))
            await settle(pilot)
            await pilot.press("escape")
            await settle(pilot)
            assert isinstance(stage.app.screen, HomeScreen)
            await pilot.press(*["backspace"] * 9)
        assert len(stage.technicians) == 2


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
        await settle(pilot)
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
        await command(pilot, "z")
        await command(pilot, "z")


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


@pytest.mark.parametrize("size", SIZES)
async def test_the_end_is_told_and_its_exit_code_returned(
    size: tuple[int, int],
) -> None:
    """Ended here: 0; the record says with whom and how long."""
    stage = Stage(calling_start())
    async with stage.app.run_test(size=size) as pilot:
        await begin(stage, pilot, "control")
        await command(pilot, "e")
        await settle(pilot)
        shown = text_of(stage.app)
        for words in ("“Kanzlei PC2”, ID 771 204 556", "01:05", "You ended it."):
            assert words in shown
        assert stage.technician.closed
        await pilot.press("enter")
        await settle(pilot)
    assert stage.app.return_value == 0


async def test_an_end_from_the_other_side_has_its_own_exit_code() -> None:
    """The customer ended it in mid session: 8."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        stage.technician.notify(se.Ended("ended", "", 9.0, by_peer=True, exit_code=8))
        await settle(pilot)
        assert "The customer ended it." in text_of(stage.app)
        await pilot.press("enter")
        await settle(pilot)
    assert stage.app.return_value == 8


async def test_the_note_of_the_demo_is_shown() -> None:
    """While it rings and over the first picture."""
    stage = Stage(calling_start(note="Demo: click into the picture."))
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "control")
        assert "Demo: click" in text_of(stage.app)
