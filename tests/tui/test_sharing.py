"""The customer's running session: what is shown, what stops it, and its end."""

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from p2p_remote.tui.customer_state import Stage as SharingStage
from p2p_remote.tui.screens.home import HomeScreen
from p2p_remote.tui.screens.question import QuestionScreen
from p2p_remote.tui.screens.sharing import SharingScreen
from p2p_remote.tui.widgets.countdown import Countdown
from tests.support.tui import (
    OTHER_ID,
    OWN_ID,
    STARTED,
    Stage,
    rest,
    settle,
    started,
    text_of,
)


async def share(stage: Stage, pilot: Pilot[Any], **fields: Any) -> None:
    """Let a session begin."""
    stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
    stage.share.event("started", **{**STARTED, **fields})
    await settle(pilot)


def commands(stage: Stage) -> list[tuple[str, str | None]]:
    """What the customer has decided."""
    return [(row["do"], row.get("permission")) for row in stage.share.answers]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_who_sees_the_screen_is_always_shown(size: tuple[int, int]) -> None:
    """Name, time, what they may do, and the ways to stop it."""
    stage = Stage()
    async with stage.app.run_test(size=size) as pilot:
        await share(stage, pilot)
        stage.now += 252
        stage.app.refresh_times()
        await settle(pilot)
        shown = text_of(stage.app)
        for words in (
            "“Anna Berg” sees your screen 04:12",
            "control: ON",
            "F11 stop control",
            "F12 end",
            "● yes  use mouse and keyboard",
            "They reach you directly",
        ):
            assert words in shown


async def test_the_stop_keys_work_on_every_screen() -> None:
    """In a session: on its page, at home and under a prompt; without one nowhere."""
    stage = Stage()
    keys, decided = ("f11", "f12"), [("revoke", "control"), ("end", None)]
    async with stage.app.run_test() as pilot:
        await pilot.press(*keys, "f9")
        await settle(pilot)
        assert not stage.share.answers
        await share(stage, pilot)
        await pilot.press(*keys)
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(stage.app.screen, HomeScreen)
        assert "sees your screen" in text_of(stage.app)
        await pilot.press(*keys)
        stage.share.event("asked", permission="clipboard_in", seconds=60)
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        assert commands(stage) == decided * 3


async def test_the_page_of_the_session_comes_back() -> None:
    """Closed with Escape, opened again with F8 or a click on the red line."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot)
        await pilot.press("escape", "f8")
        await settle(pilot)
        assert isinstance(stage.app.screen, SharingScreen)
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(stage.app.screen, HomeScreen)
        await pilot.click("#strip-text")
        await settle(pilot)
        assert isinstance(stage.app.screen, SharingScreen)


async def test_control_taken_back_is_shown_and_can_be_given_again() -> None:
    """The page follows the grants, whoever changed them."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot)
        stage.share.event("revoked", permissions=["control"], by="F11")
        await settle(pilot)
        shown = text_of(stage.app)
        assert "Control is yours again" in shown
        assert "control: off" in shown
        await pilot.click("#give")
        await rest(pilot)
        await pilot.press("tab", "enter")
        await settle(pilot)
        assert commands(stage) == [("grant", "control")]
        stage.share.event("granted", permission="control")
        await settle(pilot)
        assert "control: ON" in text_of(stage.app)


async def test_a_technician_is_remembered_after_a_question() -> None:
    """Only while the technician cannot press the button themselves."""
    stage = Stage()
    async with stage.app.run_test(size=(100, 30)) as pilot:
        await share(stage, pilot)
        assert not stage.app.screen.query_one("#remember").display
        stage.share.event("revoked", permissions=["control"], by="F11")
        await settle(pilot)
        await pilot.click("#remember")
        await rest(pilot)
        assert "need no digits the next time" in " ".join(text_of(stage.app).split())
        await pilot.press("tab", "enter")
        await settle(pilot)
        assert stage.share.answers[-1] == {"do": "remember"}
        stage.share.event("done", do="remember")
        await settle(pilot)
        assert stage.app.customer is not None
        assert stage.app.customer.state.remembered


async def test_nobody_is_remembered_who_is_not_verified() -> None:
    """Without digits there is nothing to remember."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot, grants=["view"], verified=False)
        assert not stage.app.screen.query_one("#remember").display


async def test_control_is_not_given_by_one_stray_key() -> None:
    """F9 asks first, and Enter is No."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot, grants=["view"])
        await pilot.press("f9")
        await settle(pilot)
        assert "Give control?" in text_of(stage.app)
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert not stage.share.answers


async def test_control_is_not_offered_to_somebody_unverified() -> None:
    """Without the digits there is only looking."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot, grants=["view"], verified=False)
        shown = text_of(stage.app)
        assert "not verified" in shown
        assert "Give control" not in shown


async def test_more_is_asked_with_no_as_default() -> None:
    """Each permission needs a clear yes; silence or an answer elsewhere is none."""
    stage = Stage()

    async def asked(pilot: Pilot[Any]) -> None:
        stage.share.answers.clear()
        stage.share.event("asked", permission="control", seconds=60)
        await rest(pilot)
        assert isinstance(stage.app.screen, QuestionScreen)
        assert "asks to use mouse and keyboard" in text_of(stage.app)

    async with stage.app.run_test() as pilot:
        await share(stage, pilot, grants=["view"])
        for keys, answer in (
            (["enter"], "decline"),
            (["escape"], "decline"),
            (["tab", "enter"], "grant"),
        ):
            await asked(pilot)
            await pilot.press(*keys)
            await settle(pilot)
            assert commands(stage) == [(answer, "control")]
            assert isinstance(stage.app.screen, SharingScreen)
        await asked(pilot)
        stage.now += 60
        stage.app.screen.query_one(Countdown).tick()
        await settle(pilot)
        assert commands(stage) == [("decline", "control")]
        await asked(pilot)
        stage.share.event("declined", permission="control")
        await settle(pilot)
        assert isinstance(stage.app.screen, SharingScreen)
        assert not stage.share.answers


async def test_the_end_is_told_with_its_duration() -> None:
    """Who it was, from when to when, how it ended; then home."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot)
        stage.share.event(
            "ended", reason="ended", text="", duration_s=252.0, by_peer=True
        )
        await settle(pilot)
        shown = text_of(stage.app)
        for words in (
            "“Anna Berg”, ID 771 204 556",
            "12:25 to 12:30",
            "04:12",
            "They ended it.",
            "Nobody can see or control this machine now.",
        ):
            assert words in shown
        assert "sees your screen" not in shown
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(stage.app.screen, HomeScreen)


async def test_the_end_is_told_even_if_the_page_was_closed() -> None:
    """And a process that dies in mid session is an end, too."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot)
        await pilot.press("escape")
        stage.share.event("stopped", code=1, text="crashed")
        await settle(pilot)
        assert "The session is over" in text_of(stage.app)
        await pilot.press("enter")
        await settle(pilot)
        assert "✖ this machine cannot be helped from here" in text_of(stage.app)


async def test_both_halves_at_once() -> None:
    """A request comes on top of the own session; F12 ends what others see."""
    stage = Stage()
    async with stage.app.run_test(size=(120, 40)) as pilot:
        await pilot.press(*str(OTHER_ID), "enter")
        await settle(pilot)
        stage.technician.notify(started("control"))
        await settle(pilot)
        await share(stage, pilot)
        assert isinstance(stage.app.screen, SharingScreen)
        await pilot.press("escape")
        await settle(pilot)
        assert "“Anna Berg” sees your screen" in text_of(stage.app)
        assert "“Kanzlei PC2”" in text_of(stage.app)
        await pilot.press("x", "f12")
        await settle(pilot)
        assert commands(stage) == [("end", None)]
        assert len(stage.technician.sent) == 1


async def test_the_buttons_say_what_fits_the_window_as_it_is_now() -> None:
    """A window that is made smaller in mid session keeps buttons that can be read."""
    stage = Stage()
    long, short = "Stop control (F11)", "Stop"
    async with stage.app.run_test(size=(100, 30)) as pilot:
        await share(stage, pilot)
        button = stage.app.screen.query_one("#stop", Button)
        assert str(button.label) == long
        sizes = (50, 30, short), (100, 30, long), (60, 15, short), (300, 90, long)
        for width, height, label in sizes:
            await pilot.resize_terminal(width, height)
            await settle(pilot)
            assert str(button.label) == label


async def test_a_call_that_ends_beside_an_end_page_says_nothing() -> None:
    """The page tells of a session that was; a toast would speak of another one."""
    stage = Stage()
    async with stage.app.run_test(size=(100, 30)) as pilot:
        await share(stage, pilot)
        stage.share.event("ended", reason="ended", by_peer=True, duration_s=253)
        await settle(pilot)
        assert "The session is over" in text_of(stage.app)
        stage.app.customer.state.stage = SharingStage.ASKED
        stage.share.event("ended", reason="ended", by_peer=True, duration_s=0)
        await settle(pilot)
        assert not stage.app._notifications


async def test_whoever_presses_keys_has_more_time_for_later_questions_too() -> None:
    """It is told every two seconds at most, and the countdown follows the answer."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await share(stage, pilot, grants=["view"])
        await pilot.press("x")
        assert not stage.share.signs
        stage.share.event("asked", permission="control", seconds=60)
        await rest(pilot)
        await pilot.press("x", "x")
        await settle(pilot)
        assert stage.share.signs == [{"do": "typing"}]
        stage.now += 59
        stage.share.event("more_time", permission="file_in", seconds=90)
        stage.share.event("more_time", permission="control", seconds=30)
        await settle(pilot)
        assert "30 s, no answer is a No" in text_of(stage.app)
        assert isinstance(stage.app.screen, QuestionScreen)
