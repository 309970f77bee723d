"""Calling and agreeing through the rendezvous server, in simulated time."""

import pytest

from p2p_remote.traversal.registration_events import (
    CallAccepted,
    CallFailed,
    Punch,
    Rung,
)
from p2p_remote.traversal.requests import Lease
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint
from rendezvous.rate_limit import Limits, Rate
from rendezvous.settings import Settings
from tests.support.rendezvous import (
    CALLEE,
    CALLEE_HOST,
    CALLER,
    CALLER_HOST,
    FIRST_MESSAGE,
    SERVER,
    UNKNOWN_ID,
    RendezvousNetwork,
    called_pair,
    events_of,
    registered_pair,
    sent_types,
)


def test_a_call_rings_within_one_way_to_the_server_and_one_back(network):
    """30 ms after the call the callee knows, and the caller has a channel."""
    caller, callee = registered_pair(network)
    server_sends = sent_types(network.server_socket)
    begun = network.now
    call = caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, begun)
    network.run_for(0.031)
    (rung,) = events_of(callee, Rung)
    (accepted,) = events_of(caller, CallAccepted)
    assert rung.first_message == FIRST_MESSAGE
    assert accepted == CallAccepted(call, rung.path)
    assert rung.path.server == SERVER
    network.run_for(3)
    assert server_sends.count(wire.Ring.TYPE) == 1


def test_ring_and_call_survive_loss_and_are_reported_once():
    """At 30 % loss 20 of 20 calls get through, each with one event on either side."""
    limits = Limits(call=Rate(1000, 1000), ring=Rate(1000, 1000))
    network = RendezvousNetwork(seed=8, loss=0.3, settings=Settings(limits=limits))
    caller, callee = registered_pair(network)
    for _ in range(20):
        caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
        network.run_for(10)
    accepted = events_of(caller, CallAccepted)
    channels = {event.path.channel for event in accepted}
    rung = [event.path.channel for event in events_of(callee, Rung)]
    assert len(channels) == len(accepted) == 20
    assert sorted(rung) == sorted(channels)


def test_a_call_to_nobody_fails_after_the_delay_of_the_server(network):
    """Unknown: "unavailable" after 150 ms and a round trip."""
    caller, _ = registered_pair(network)
    begun = network.now
    call = caller.machine.call(UNKNOWN_ID, FIRST_MESSAGE, begun)
    network.run(begun + 1, while_=lambda: not events_of(caller, CallFailed))
    assert caller.events[-1] == CallFailed(call, "unavailable")
    assert network.now - begun == pytest.approx(0.18, abs=0.001)


def test_a_limited_call_says_when_to_try_again(network):
    """The sixth call in a row is refused with a hint."""
    caller, _ = registered_pair(network)
    for _ in range(6):
        call = caller.machine.call(UNKNOWN_ID, FIRST_MESSAGE, network.now)
        network.run_for(0.3)
    assert caller.events[-1] == CallFailed(call, "rate_limited", 5)


def test_a_call_without_a_server_fails_after_5_seconds(network):
    """With the reason "server", so that the user looks in the right place."""
    caller, _ = registered_pair(network)
    network.stop_server()
    begun = network.now
    call = caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, begun)
    network.run(begun + 20, while_=lambda: not events_of(caller, CallFailed))
    assert caller.events[-1] == CallFailed(call, "server")
    assert network.now - begun == pytest.approx(5, abs=0.01)


def test_a_call_made_at_once_waits_for_the_registration(network):
    """Whoever starts and calls in the same breath is served after three round trips."""
    callee = network.client(CALLEE, CALLEE_HOST)
    network.settle(callee)
    caller = network.client(CALLER, CALLER_HOST, listed=False)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(0.1)
    assert events_of(caller, CallAccepted)
    assert events_of(callee, Rung)


def test_a_call_is_made_as_soon_as_there_is_a_lease(network):
    """The server comes up four seconds later: the call is still made."""
    callee = network.client(CALLEE, CALLEE_HOST)
    network.settle(callee)
    caller = network.client(CALLER, CALLER_HOST, listed=False)
    caller.host.up.down = True
    network.run_for(0.1)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(3.5)
    caller.host.up.down = False
    network.run_for(1.0)
    assert events_of(caller, CallAccepted)


def test_a_callee_that_has_vanished_turns_the_call_into_a_failure(network):
    """It was rung in vain: CALLED first, then "unavailable"."""
    caller, callee = registered_pair(network)
    callee.host.down.down = True
    call = caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(6)
    assert events_of(caller, CallAccepted)
    assert caller.events[-1] == CallFailed(call, "unavailable")


def test_a_cancelled_call_is_not_heard_of_again(network):
    """Neither success nor failure is reported."""
    caller, _ = registered_pair(network)
    before = list(caller.events)
    call = caller.machine.call(UNKNOWN_ID, FIRST_MESSAGE, network.now)
    caller.machine.cancel(call)
    network.run_for(10)
    assert caller.events == before


def test_a_first_message_of_another_length_is_a_mistake_of_ours(network):
    """It would not fit the message."""
    caller, _ = registered_pair(network)
    with pytest.raises(ValueError, match="119"):
        caller.machine.call(CALLEE.peer_id, bytes(118), network.now)


def test_a_client_that_only_calls_does_not_ring(network):
    """A RING under the right MAC is still nothing to somebody who is not listed."""
    caller, _ = registered_pair(network)
    lease = caller.machine._lease
    forged = Lease(1, lease.key, 65, 20, lease.reflexive)
    ring = forged.datagram(lambda *_: wire.Ring(bytes(8), 1, FIRST_MESSAGE))
    caller.machine.receive_datagram(ring, SERVER, network.now)
    network.run_for(0.1)
    assert events_of(caller, Rung) == []


def test_agreeing_gives_each_side_the_endpoint_of_the_other(network):
    """At the same instant, once each."""
    caller, callee, path = called_pair(network)
    callee_sends, server_sends = sent_types(callee), sent_types(network.server_socket)
    callee.machine.agree(path, network.now)
    network.run_for(0.031)
    assert events_of(caller, Punch) == [Punch(path, (Endpoint(CALLEE_HOST, 5000),))]
    assert events_of(callee, Punch) == [Punch(path, (Endpoint(CALLER_HOST, 5000),))]
    network.run_for(10)
    assert len(events_of(caller, Punch)) == len(events_of(callee, Punch)) == 1
    assert callee_sends.count(wire.Agree.TYPE) == 1
    assert server_sends.count(wire.Punch.TYPE) == 2


def test_agreeing_works_under_loss():
    """AGREE and PUNCH are repeated until they are answered."""
    network = RendezvousNetwork(seed=9, loss=0.4)
    caller, callee = registered_pair(network)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(6, while_=lambda: not events_of(callee, Rung))
    (rung,) = events_of(callee, Rung)
    callee.machine.agree(rung.path, network.now)
    network.run_for(6)
    assert len(events_of(caller, Punch)) == len(events_of(callee, Punch)) == 1


def test_hanging_up_closes_the_channel(network):
    """The server forgets it at once."""
    _, callee, path = called_pair(network)
    callee.machine.hang_up(path, network.now)
    network.run_for(0.1)
    assert network.server.protocol.introductions.relay.get(path.channel) is None


def test_hanging_up_stops_agreeing(network):
    """No AGREE goes out after a change of mind."""
    _, callee, path = called_pair(network)
    network.stop_server()
    callee.machine.agree(path, network.now)
    network.run_for(0.1)
    callee.machine.hang_up(path, network.now)
    sent = sent_types(callee)
    network.run_for(5)
    assert wire.Agree.TYPE not in sent
