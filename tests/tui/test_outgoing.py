"""Calls and sessions of the technician."""

from typing import Any

import pytest

from p2p_remote.errors import (
    IdentityMismatchError,
    NetworkError,
    NoSuchPeerError,
    RefusedError,
)
from p2p_remote.services import events as se
from p2p_remote.tui.screens.home import HomeScreen
from p2p_remote.tui.screens.outgoing import CANCELLED
from p2p_remote.wire.input import (
    ACTION_TAP,
    MODIFIER_CONTROL,
    KeyInput,
)
from tests.support.tui import (
    OTHER_ID,
    Stage,
    begin,
    calling_start,
    command,
    settle,
    text_of,
)

SIZES = [(80, 24), (120, 40)]
LITERAL = KeyInput(0, 0x5D, MODIFIER_CONTROL, ACTION_TAP)


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
        assert "Read these digits to the customer: " in shown
        large = "╻ ╻┏━┓╺━┓   ┏━┓╺┓ ╺━┓" in shown
        assert large == (size != (50, 16))
        assert large or "482 913" in shown
    assert digits == ["482913"]


async def test_wrong_digits_are_told_while_it_rings() -> None:
    """The technician hears at once that they were misheard, or worse."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
        await settle(pilot)
        stage.technician.notify(se.Ringing("482913", "Kanzlei PC2"))
        await settle(pilot)
        assert "do not match" not in text_of(stage.app)
        for left, words in ((2, "2 tries are left"), (1, "1 try is left")):
            stage.technician.notify(se.WrongDigits(left))
            await settle(pilot)
            assert words in text_of(stage.app)


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
        # Enter alone never goes back into a call that was not genuine.
        await pilot.press(*(("enter",) if code == 5 else ("tab", "enter")))
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


async def test_the_end_is_told_and_its_exit_code_returned() -> None:
    """Ended here: 0; the record says with whom and how long."""
    stage = Stage(calling_start())
    async with stage.app.run_test() as pilot:
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
