"""An outgoing call as the interface sees it."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from p2p_remote.errors import (
    IdentityMismatchError,
    NetworkError,
    NoSuchPeerError,
    RefusedError,
)
from p2p_remote.services import events as se
from p2p_remote.tui.call_state import BANNER_SECONDS, CallState, Phase
from tests.support.tui import OTHER_ID, started

NOW = 50.0


def active(*grants: str, verified: bool = True) -> CallState:
    state = CallState(OTHER_ID)
    state.apply(started(*grants, verified=verified), NOW)
    return state


def test_ringing_brings_the_digits_and_the_name() -> None:
    """The digits to be read out are those of the event."""
    state = CallState(OTHER_ID)
    state.apply(se.Ringing("482913", "PC2"), NOW)
    assert (state.phase, state.digits, state.who) == (Phase.RINGING, "482913", "“PC2”")


def test_a_file_that_has_come_is_told_with_its_whole_path() -> None:
    """Who gets a file to "." learns where that is."""
    state = active()
    file: dict[str, Any] = {"incoming": True, "name": "a.txt", "size": 1, "position": 1}
    report = se.TransferReport(1, **file, state="done", lane=False, path="a.txt")
    state.apply(report, NOW)
    assert state.banner == f"● “a.txt” is here: {Path.cwd() / 'a.txt'}"


def test_the_reason_for_the_way_is_known_from_the_start() -> None:
    """A session begins by the relay while something better is looked for."""
    state = CallState(OTHER_ID)
    event = started("view")
    state.apply(dataclasses.replace(event, path_kind="relay", why=""), NOW)
    assert state.path_why == se.LOOKING
    state.apply(dataclasses.replace(event, path_kind="lan", why=""), NOW)
    assert state.path_why == ""
    state.apply(se.PathReport("relay", 40.0, "both routers are hard"), NOW)
    assert state.path_why == "both routers are hard"


def test_what_is_shared_is_said_and_kept() -> None:
    """At the start only if it is less than everything, then at each change."""
    state = active("control")
    state.apply(se.Shared("everything", (), 1, 1), NOW)
    assert (state.shared, state.banner) == ("", "")
    state.apply(se.Shared("monitor", ("DP-1",), 1, 1), NOW)
    assert state.shared == "the monitor “DP-1” only"
    assert "You see the monitor" in state.banner
    state.apply(se.Shared("windows", ("Letter", "Map"), 1, 1), NOW)
    assert state.shared == "the windows “Letter”, “Map” only"
    state.apply(se.Shared("nothing", (), 1, 1), NOW)
    assert "nothing but grey" in state.banner
    state.apply(se.Shared("everything", (), 1, 1), NOW)
    assert state.shared == ""
    assert "the whole screen" in state.banner


def test_control_needs_the_grant_the_own_switch_and_a_living_line() -> None:
    """Input is sent only while all three hold."""
    assert not active().control
    state = active("control")
    assert state.control
    state.own_view_only = True
    assert not state.control
    state.own_view_only = False
    state.apply(se.Silence(3.0), NOW)
    assert not state.control
    state.apply(se.Silence(0.0), NOW)
    assert state.control
    state.apply(se.Revoked(("control",), "F11"), NOW)
    assert not state.control


def test_control_granted_later_is_control() -> None:
    """A grant in mid session counts from then on."""
    state = active()
    state.apply(se.GrantChanged("control", granted=True), NOW)
    assert state.control
    assert "You have control" in state.warning(NOW)


def test_a_revoke_is_told_and_forgotten_after_a_while() -> None:
    """The banner comes with the revoke and goes by itself."""
    state = active("control")
    state.apply(se.Revoked(("control",), "F11"), NOW)
    assert "taken back by the customer" in state.warning(NOW)
    assert not state.warning(NOW + BANNER_SECONDS)


def test_a_refusal_says_what_is_missing() -> None:
    """Without digits the customer could not have said yes: the banner says so."""
    verified, unverified = active(), active(verified=False)
    for state in (verified, unverified):
        state.apply(se.GrantChanged("control", granted=False), NOW)
    assert "did not give" in verified.warning(NOW)
    assert "six digits" in unverified.warning(NOW)


def test_silence_counts_on_and_says_that_nothing_is_sent() -> None:
    """The age grows with the clock, not only with events."""
    state = active("control")
    state.apply(se.Silence(3.0), NOW)
    assert "No answer for 7 s" in state.warning(NOW + 4.0)


def test_the_customers_own_hands_are_told() -> None:
    """The customer's own mouse and keys win, and the technician knows why."""
    state = active("control")
    state.apply(se.ControlPaused(paused=True), NOW)
    assert "using mouse and keyboard" in state.warning(NOW)
    state.apply(se.ControlPaused(paused=False), NOW)
    assert "using" not in state.warning(NOW)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoSuchPeerError(), 3),
        (RefusedError(), 4),
        (IdentityMismatchError(), 5),
        (NetworkError(), 6),
    ],
)
def test_a_failed_call_has_its_exit_code_and_a_next_step(
    error: Exception, code: int
) -> None:
    """Every failure says what happened and what to do next."""
    state = CallState(OTHER_ID)
    state.apply(se.Failed(error), NOW)  # type: ignore[arg-type]
    assert state.phase is Phase.FAILED
    assert state.exit_code == code
    assert state.failure is not None
    assert state.failure.next_step
    assert state.failure.text == str(error)


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("denied", 4, "said no"),
        ("timed_out", 4, "did not answer"),
        ("busy", 4, "busy"),
        ("wrong_digits", 5, "digits did not match"),
        ("wrong_identity", 5, "does not own this ID"),
    ],
)
def test_an_end_before_the_session_is_a_failure(
    reason: str, code: int, words: str
) -> None:
    """Whoever was refused is told so, and may try again."""
    state = CallState(OTHER_ID)
    state.apply(se.Ringing("482913", "PC2"), NOW)
    state.apply(se.Ended(reason, "", 0.0, by_peer=True, exit_code=code), NOW)
    assert state.phase is Phase.FAILED
    assert state.exit_code == code
    assert state.failure is not None
    assert words in state.failure.text


def test_the_end_of_a_session_keeps_its_exit_code() -> None:
    """Ended by the customer in mid session is 8."""
    state = active("control")
    state.apply(se.Ended("ended", "", 5.0, by_peer=True, exit_code=8), NOW)
    assert (state.phase, state.exit_code, state.control) == (Phase.ENDED, 8, False)
