"""What callers say they want, which may only make a yes smaller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.services.requests import allowed, request_of
from p2p_remote.services.wishes import (
    GET,
    SEND,
    SUPPORT,
    VIEW,
    WISHES,
    bits,
    wish_of,
)
from p2p_remote.session.node_events import CallerArrived
from p2p_remote.wire.address import Endpoint


@pytest.mark.parametrize(
    ("wanted", "mode"),
    [
        (0, "support"),  # says nothing
        (bits(SUPPORT), "support"),
        (bits(("control",)), "support"),
        (bits(VIEW), "view"),
        (bits((*VIEW, *SEND)), "view"),
        (bits(SEND), "send"),
        (bits(GET), "get"),
        (bits((*SEND, *GET)), "files"),
        (bits(("terminal", "unattended")), "view"),
        (1 << 20, "support"),  # a bit that means nothing here
    ],
)
def test_what_the_bits_ask_for(wanted: int, mode: str) -> None:
    """Each kind of call has a name."""
    assert wish_of(wanted).mode == mode


@given(st.integers(0, 2**32 - 1))
def test_no_claim_proposes_more_than_to_see_and_control(wanted: int) -> None:
    """Whatever somebody sends, a plain yes gives no other permission."""
    wish = wish_of(wanted)
    assert set(wish.grants) <= set(SUPPORT)
    assert WISHES[wish.mode] is wish


def test_the_request_tells_the_wish() -> None:
    """It comes from the handshake into the question."""
    path = Endpoint("192.0.2.1", 5000)
    caller = CallerArrived(1, b"k" * 32, 0, "Anna", False, path, bits(SEND))
    assert request_of(caller, 482_913_070, None).mode == "send"


@pytest.mark.parametrize(
    ("permissions", "verified", "hotkey_lost", "given_"),
    [
        (["view", "control"], True, False, ["view", "control"]),
        (["view", "control"], False, False, ["view"]),
        (["control"], True, True, ["view"]),
        (["file_in"], False, False, ["file_in"]),
        ([], False, False, []),
        ([], True, True, []),
    ],
)
def test_what_may_be_given(
    permissions: list[str],
    verified: bool,
    hotkey_lost: bool,
    given_: list[str],
) -> None:
    """Looking stands in for more, and never for less."""
    assert allowed(permissions, verified, hotkey_lost) == given_
