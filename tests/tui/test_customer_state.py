"""The customer's half as the interface sees it."""

import pytest

from p2p_remote.tui.customer_state import PATIENCE, CustomerState, Stage
from tests.support.tui import REQUEST, STARTED

NOW = 50.0


def state_after(*events: dict[str, object], server: bool = True) -> CustomerState:
    state = CustomerState(has_server=server, lan=True)
    for event in events:
        state.apply(event, NOW)
    return state


READY = {"event": "ready", "id": "482913070", "rendezvous": True, "lan": True}
REQUESTED = {"event": "request", **REQUEST}
BEGUN = {"event": "started", **STARTED}


def test_ready_is_said_with_a_sign_and_a_word() -> None:
    """Nobody has to see the colour."""
    assert state_after(READY).status(NOW) == ("●", "ready: nobody is connected")


def test_without_a_server_only_the_local_network_is_promised() -> None:
    """Who cannot be reached from outside is told so."""
    ready = {**READY, "rendezvous": False}
    sign, text = state_after(ready, server=False).status(NOW)
    assert sign == "▲"
    assert "local network only" in text


def test_a_server_that_does_not_answer_is_named_after_a_while() -> None:
    """First there is patience, then the truth."""
    state = state_after({"event": "trouble", "text": "no hotkey here"})
    assert state.status(NOW)[1] == "getting ready"
    sign, text = state.status(NOW + PATIENCE)
    assert sign == "▲"
    assert "local network only" in text


def test_a_lost_registration_comes_back() -> None:
    """Trouble after ready is shown until the next ready."""
    lost = {"event": "trouble", "text": "The server is gone."}
    state = state_after(READY, lost)
    assert state.status(NOW) == ("▲", "local network only. The server is gone.")
    state.apply(READY, NOW)
    assert state.status(NOW)[0] == "●"


def test_a_process_that_ended_says_why() -> None:
    """This machine cannot share, and the reason is its last line."""
    state = state_after({"event": "stopped", "code": 7, "text": "There is no display."})
    assert state.status(NOW) == (
        "✖",
        "this machine cannot be helped from here: There is no display.",
    )


def test_advice_for_other_commands_is_left_out() -> None:
    """What the interface does not take is not advised there; other next steps are."""
    for text, shown in (
        ("No display found. Share with --screen synthetic.", "No display found."),
        ("This is Wayland. Log out.", "This is Wayland. Log out."),
    ):
        state = state_after({"event": "stopped", "code": 7, "text": text})
        assert state.trouble == shown


def test_wrong_digits_are_said_once_with_the_tries_left() -> None:
    """The failed answer behind it does not hide that."""
    state = state_after(
        READY,
        REQUESTED,
        {"event": "wrong_digits", "tries_left": 1},
        {"event": "failed", "do": "approve", "error": "the digits are not those"},
    )
    assert "1 try left" in state.problem
    assert state.stage is Stage.ASKED


def test_grants_follow_the_events() -> None:
    """Granted and taken back, nothing else."""
    state = state_after(READY, REQUESTED, BEGUN)
    assert state.control
    state.apply({"event": "revoked", "permissions": ["control"], "by": "F11"}, NOW)
    assert not state.control
    assert state.grants == {"view"}
    state.apply({"event": "granted", "permission": "control"}, NOW)
    assert state.control


@pytest.mark.parametrize("end", ["ended", "stopped"])
def test_nothing_is_granted_after_the_end(end: str) -> None:
    """The end takes everything, also when the process dies."""
    state = state_after(READY, REQUESTED, BEGUN, {"event": end, "duration_s": 3})
    assert not state.grants
    assert state.stage is not Stage.SHARING
    assert state.ended is not None


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event": "unknown"},
        {"event": "request"},
        {"event": "started"},
        {"event": "ended"},
        {"event": "asked"},
        {"event": "revoked"},
        {"event": "path"},
    ],
)
def test_missing_fields_do_no_harm(event: dict[str, object]) -> None:
    """Another version of the other process may leave fields out."""
    state = state_after(READY, event)
    assert state.status(NOW)[1]
