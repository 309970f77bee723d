"""The question that decides everything."""

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button

from p2p_remote.tui.screens.approve import TELL_AGAIN_AFTER, ApproveScreen
from p2p_remote.tui.screens.prompt import PromptScreen
from p2p_remote.tui.widgets.countdown import Countdown
from p2p_remote.tui.widgets.grouped_input import GroupedInput
from tests.support.tui import OWN_ID, REQUEST, STARTED, Stage, rest, settle, text_of

KNOWN = {**REQUEST, "verified": "known since 2026-05-03", "digits_expected": False}


async def ask(stage: Stage, pilot: Pilot[Any], **fields: Any) -> ApproveScreen:
    """Let a request arrive and return the question."""
    stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
    stage.share.event("request", **{**REQUEST, **fields})
    await rest(pilot)
    screen = stage.app.screen
    assert isinstance(screen, ApproveScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (50, 16)])
async def test_the_question_says_who_asks_and_warns(size: tuple[int, int]) -> None:
    """Name in quotes, ID, first contact, the warning, and the three answers."""
    stage = Stage()
    async with stage.app.run_test(size=size) as pilot:
        await ask(stage, pilot)
        shown = text_of(stage.app)
        for words in (
            "“Anna Berg”",
            "771 204 556",
            "First contact: anybody can choose any",
            "Did YOU call them?",
            "six digits",
            "No",
            "60 s, no answer is a No",
        ):
            assert words in shown
        assert ("Let them see and control" in shown) == (size[0] > 72)


async def test_the_answers_fit_when_the_window_becomes_smaller() -> None:
    """The words of the buttons are chosen anew for each size."""
    stage = Stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await ask(stage, pilot)
        assert "Let them see and control" in text_of(stage.app)
        await pilot.resize_terminal(50, 20)
        await settle(pilot)
        assert " See and control " in text_of(stage.app)


def approval(grants: list[str], digits: str) -> dict[str, object]:
    """Return a yes that names the request it answers."""
    return {"do": "approve", "grants": grants, "digits": digits, "request": 7}


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_a_single_key_is_a_no(key: str) -> None:
    """None of a keyboard's keys accepts on its own or covers the question."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        screen = await ask(stage, pilot)
        for other in ("y", "1", "space", "tab", "f1", "f5", "f9", "f11", "ctrl+p"):
            await pilot.press(other)
            assert screen.is_current, other
            assert not stage.share.answers, other
            screen.query_one("#no").focus()
        await pilot.press(key)
        await settle(pilot)
        assert stage.share.answers == [{"do": "deny", "request": 7}]
        assert not isinstance(stage.app.screen, ApproveScreen)
        signs = len(stage.share.signs)
        stage.now += TELL_AGAIN_AFTER
        stage.share.event("done", do="deny")
        await pilot.press("1")
        await settle(pilot)
        assert len(stage.share.signs) == signs


async def test_silence_is_a_no() -> None:
    """When the time is over nothing can be answered any more; the half says no."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        screen = await ask(stage, pilot)
        stage.now += 59
        screen.query_one(Countdown).tick()
        await settle(pilot)
        assert screen.is_current
        stage.now += 1
        screen.query_one(Countdown).tick()
        await settle(pilot)
        assert not screen.is_current
        assert not stage.share.answers


async def test_whoever_presses_keys_has_more_time() -> None:
    """Every two seconds at most that is told; the countdown follows the answer."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        screen = await ask(stage, pilot)
        assert not stage.share.signs
        await pilot.press("1", "tab", "x")
        stage.now += TELL_AGAIN_AFTER - 0.1
        await pilot.press("2")
        await settle(pilot)
        assert stage.share.signs == [{"do": "typing", "request": 7}]
        stage.now += 0.1
        await pilot.press("3")
        await settle(pilot)
        assert len(stage.share.signs) == 2
        stage.now += TELL_AGAIN_AFTER
        screen.post_message(events.Paste("456"))
        await settle(pilot)
        assert len(stage.share.signs) == 3

        stage.now += 50
        stage.share.event("more_time", request=6, seconds=90)
        stage.share.event("more_time", request=7, seconds=30)
        await settle(pilot)
        assert "30 s, no answer is a No" in text_of(stage.app)
        for seconds, is_open in ((29, True), (1, False)):
            stage.now += seconds
            screen.query_one(Countdown).tick()
            await settle(pilot)
            assert screen.is_current is is_open


async def test_digits_open_the_way_to_control() -> None:
    """Digits go into the field from anywhere, the button decides; wrong ones stay."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        screen = await ask(stage, pilot)
        control = screen.query_one("#control", Button)
        await pilot.press(*"12345")
        await settle(pilot)
        assert screen.query_one("#code", GroupedInput).value == "123 45"
        assert control.disabled
        await pilot.press("6")
        await settle(pilot)
        assert not control.disabled
        assert "Press Enter to go on" in text_of(stage.app)
        await pilot.press("enter")
        await settle(pilot)
        assert not stage.share.answers
        assert screen.focused is control
        assert "Press Enter again" in text_of(stage.app)
        await pilot.press("enter")
        await settle(pilot)
        assert stage.share.answers == [approval(["view", "control"], "123456")]
        assert screen.is_current
        assert "Checking" in text_of(stage.app)
        stage.share.event("wrong_digits", tries_left=2)
        stage.share.event("failed", do="approve", error="not those of this session")
        await settle(pilot)
        assert "2 tries left" in text_of(stage.app)
        assert screen.is_current
        assert screen.query_one("#code", GroupedInput).value == ""
        await pilot.press(*"654321", "enter", "enter")
        await settle(pilot)
        assert stage.share.answers[-1]["digits"] == "654321"
        stage.share.event("started", **STARTED)
        await settle(pilot)
        assert "use mouse and keyboard" in text_of(stage.app)


async def test_looking_needs_no_digits() -> None:
    """View only is a smaller yes; one that failed is explained and can be repeated."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        screen = await ask(stage, pilot)
        assert screen.query_one("#control", Button).disabled
        await pilot.click("#look")
        await settle(pilot)
        assert stage.share.answers == [approval(["view"], "")]
        stage.share.event("failed", do="approve", error="nobody waits")
        await settle(pilot)
        assert "nobody waits" in text_of(stage.app)
        assert not screen.query_one("#look", Button).disabled


async def test_a_known_machine_needs_no_digits() -> None:
    """Verified earlier: control is offered, No still has the focus."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        screen = await ask(stage, pilot, **KNOWN)
        shown = text_of(stage.app)
        assert "known since 2026-05-03" in shown
        assert "First contact" not in shown
        assert "six digits" not in shown
        assert screen.focused is not None
        assert screen.focused.id == "no"
        await pilot.press("tab", "tab", "enter")
        await settle(pilot)
        assert stage.share.answers == [approval(["view", "control"], "")]


async def test_no_yes_is_taken_before_the_hands_are_at_rest() -> None:
    """Clicks in the first moment do nothing, and each key makes the guard last."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
        stage.share.event("request", **KNOWN)
        await settle(pilot)
        for button in ("#look", "#control"):
            await pilot.click(button)
        assert not stage.share.answers
        for _ in range(4):
            await pilot.press("tab")
            await pilot.pause(PromptScreen.GUARD_SECONDS * 0.8)
            assert stage.app.screen.query_one("#control", Button).disabled
        await rest(pilot)
        assert not stage.app.screen.query_one("#control", Button).disabled


async def test_a_caller_who_hangs_up_is_told_and_the_question_goes() -> None:
    """Nobody is left in front of a question that has no asker."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await ask(stage, pilot)
        stage.share.event(
            "ended", reason="ended", text="", duration_s=0.0, by_peer=True
        )
        await settle(pilot)
        assert not isinstance(stage.app.screen, ApproveScreen)
        assert not stage.share.answers


async def test_quitting_is_possible_from_the_question() -> None:
    """Closing the program is a No to everything."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await ask(stage, pilot)
        await pilot.press("ctrl+q")
        await settle(pilot)
    assert stage.share.closed
    assert not any(answer["do"] == "approve" for answer in stage.share.answers)


@pytest.mark.parametrize(
    ("mode", "says", "button", "grants"),
    [
        ("view", "wants only to look", "#look", ["view"]),
        ("send", "wants to send you a file", "#files", []),
        ("get", "wants to have a file of yours", "#files", []),
    ],
)
async def test_the_answer_gives_what_was_asked_for(
    mode: str, says: str, button: str, grants: list[str]
) -> None:
    """There is one yes, which gives no control; digits and Enter lead to it."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        screen = await ask(stage, pilot, mode=mode)
        assert says in text_of(stage.app)
        assert [each.id for each in screen.query(Button) if "yes" in each.classes] == [
            button[1:]
        ]
        for_files = button == "#files"
        assert ("nothing of your screen" in text_of(stage.app)) is for_files
        assert screen.query_one(button).disabled is for_files
        await pilot.press(*"123456", "enter")
        await settle(pilot)
        assert screen.focused is screen.query_one(button)
        assert "Press Enter again" in text_of(stage.app)
        await pilot.press("enter")
        await settle(pilot)
        assert stage.share.answers == [approval(grants, "123456")]


async def test_a_session_for_files_is_called_that() -> None:
    """Page and strip say that nothing is seen, and offer no control."""
    stage = Stage()
    async with stage.app.run_test(size=(100, 30)) as pilot:
        await ask(stage, pilot, mode="send")
        stage.share.event("started", **{**STARTED, "grants": [], "verified": True})
        await settle(pilot)
        shown = text_of(stage.app)
        assert "here for files" in shown
        assert "sees your screen" not in shown
        assert "Give control" not in shown
