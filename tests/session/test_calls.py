"""Calls by the rendezvous and on the LAN at once."""

from typing import Any

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import NoSuchPeerError
from p2p_remote.session.calls import Calls
from p2p_remote.session.node_config import NodeConfig
from p2p_remote.session.node_events import CallFailed
from p2p_remote.traversal import registration_events as rv_events
from p2p_remote.wire.address import Endpoint

TARGET = 771_204_556
NEAR = Endpoint("192.168.1.7", 40_000)


class FakeRegistration:
    """Takes every call as number 5."""

    def call(self, target: int, first_message: bytes, now: float) -> int:
        """Nobody is called."""
        del target, first_message, now
        return 5


@pytest.fixture
def calls() -> Calls:
    """Calls of a node whose rendezvous answers nothing by itself."""
    identity = Identity(bytes(32), bytes(32), 0, 482_913_070)
    registration: Any = FakeRegistration()
    return Calls(identity, NodeConfig("Anna"), registration, bytes)


def test_an_id_unknown_to_the_server_fails_at_once_without_a_search(
    calls: Calls,
) -> None:
    """Nothing else could answer."""
    number = calls.call(TARGET, (), b"", 0.0)
    calls.on_failed(5, rv_events.UNAVAILABLE)
    failed = calls.next_event(0.1)
    assert isinstance(failed, CallFailed)
    assert failed.call == number
    assert isinstance(failed.error, NoSuchPeerError)


def test_an_id_unknown_to_the_server_may_still_be_found_on_the_lan(
    calls: Calls,
) -> None:
    """While the LAN is searched the call goes on, and goes there when that helps."""
    number = calls.call(TARGET, (), b"", 0.0)
    calls.look_on_lan(number)
    calls.on_failed(5, rv_events.UNAVAILABLE)
    assert calls.next_event(0.1) is None
    calls.found_on_lan(number, [NEAR])
    assert calls.next_event(0.2) is None
    (initiator,) = calls.machines
    assert [path for _, path in initiator.datagrams_to_send(0.2)] == [NEAR]


def test_a_search_in_vain_brings_the_failure_up(calls: Calls) -> None:
    """What the server said is told when nobody was found."""
    number = calls.call(TARGET, (), b"", 0.0)
    calls.look_on_lan(number)
    calls.on_failed(5, rv_events.UNAVAILABLE)
    calls.found_on_lan(number, [])
    failed = calls.next_event(0.6)
    assert isinstance(failed, CallFailed)
    assert isinstance(failed.error, NoSuchPeerError)
    assert calls.machines == []


def test_a_search_that_ends_after_the_call_changes_nothing(calls: Calls) -> None:
    """A call that was given up stays so."""
    number = calls.call(TARGET, (), b"", 0.0)
    calls.look_on_lan(number)
    calls._calls.clear()
    calls.look_on_lan(number)
    calls.found_on_lan(number, [NEAR])
    assert calls.next_event(0.6) is None
