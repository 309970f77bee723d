"""Registering at the rendezvous server and staying registered, in simulated time."""

from itertools import pairwise

import pytest

from p2p_remote.traversal.enrolment import TRANSITIONS, Phase, Trigger
from p2p_remote.traversal.registration_events import (
    CallAccepted,
    IdTaken,
    Registered,
    RegistrationLost,
    Rung,
)
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint
from rendezvous.registry import MemoryClaims
from tests.support.rendezvous import (
    CALLEE,
    CALLER_HOST,
    FIRST_MESSAGE,
    SERVER,
    RendezvousNetwork,
    events_of,
    quick_identity,
    registered_pair,
    sent_types,
)


def test_registering_takes_two_round_trips(network):
    """60 ms at 30 ms to the server and back; the reflexive address is reported."""
    client = network.client(CALLEE, CALLER_HOST)
    begun = network.now
    network.settle(client)
    assert network.now - begun == pytest.approx(0.06, abs=0.001)
    assert client.events == [
        Registered(Endpoint(CALLER_HOST, 5000), CALLEE.peer_id, SERVER)
    ]


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.5])
def test_registering_works_under_loss(loss):
    """HELLO and REGISTER are repeated; ten of ten clients get there."""
    network = RendezvousNetwork(seed=3, loss=loss)
    clients = [
        network.client(quick_identity(f"client {n}"), f"198.51.100.{n}")
        for n in range(1, 11)
    ]
    network.settle(*clients, limit=120)


def test_hello_backs_off_to_15_seconds(network):
    """Nobody answers: a quarter of a second, doubled, and never hectic."""
    network.stop_server()
    client = network.client(CALLEE, CALLER_HOST)
    times = []
    client.send = lambda *_: times.append(network.now)
    network.run_for(120)
    gaps = [b - a for a, b in pairwise(times)]
    for index, gap in enumerate(gaps):
        expected = min(0.25 * 2**index, 15)
        assert 0.89 * expected <= gap <= 1.11 * expected
    assert len(gaps) > 8


def test_an_unreachable_server_is_reported_once(network):
    """After five seconds, so that a command can say so; trying goes on."""
    network.stop_server()
    client = network.client(CALLEE, CALLER_HOST)
    network.run_for(100)
    assert client.events == [RegistrationLost("timeout")]
    network.start_server()
    network.settle(client, limit=20)


def test_a_lease_is_kept_alive(network):
    """For ten minutes, with about one small datagram in 20 s each way."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    sent = sent_types(client)
    network.run_for(600)
    assert client.machine.is_registered
    assert len(client.events) == 1
    assert 27 <= len(sent) <= 34
    assert set(sent) == {wire.Keepalive.TYPE}


def test_a_lost_acknowledgement_is_asked_for_again_after_2_seconds(network):
    """One KEEPALIVE lost is made good long before the lease ends."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    network.run_for(17)
    client.host.down.down = True
    network.run_for(6)
    sent = sent_types(client)
    client.host.down.down = False
    network.run_for(3)
    assert sent
    assert sent[0] == wire.Keepalive.TYPE
    assert client.machine.is_registered
    assert len(client.events) == 1


def test_keepalives_of_many_clients_do_not_march_in_step(network):
    """Periods vary by a tenth."""
    clients = [
        network.client(quick_identity(f"client {n}"), f"198.51.100.{n}")
        for n in range(1, 21)
    ]
    network.settle(*clients)
    due = {round(client.machine.next_timer(), 2) for client in clients}
    assert len(due) > 15
    assert max(due) - min(due) > 2


def test_a_restarted_server_knows_its_clients_again_within_a_keepalive(network):
    """The hint leads to a new registration; the lease is never reported lost."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    claims = network.server.claims
    network.stop_server()
    network.start_server(claims)
    network.run_for(23)
    registry = network.server.protocol.registry
    assert registry.called(CALLEE.peer_id, network.now) is not None
    assert events_of(client, RegistrationLost) == []
    assert len(events_of(client, Registered)) == 2


def test_a_forged_hint_ends_nothing(network):
    """UNKNOWN_REGISTRATION without our transaction id is nothing to us."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    sent = sent_types(client)
    hint = wire.UnknownRegistration(bytes(8)).encode()
    client.machine.receive_datagram(hint, SERVER, network.now)
    network.run_for(5)
    assert client.machine.is_registered
    assert sent == []


def test_a_hint_on_the_way_leads_to_a_question_and_not_to_a_loss(network):
    """Even with the right transaction id the lease is used until there is a new one."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    client.machine.refresh(network.now)
    (keepalive, _), *_ = client.machine.datagrams_to_send(network.now)
    hint = wire.UnknownRegistration(keepalive[2:10]).encode()
    client.machine.receive_datagram(hint, SERVER, network.now)
    assert client.machine.is_registered
    network.run_for(5)
    assert len(network.server.protocol.registry) == 1
    assert events_of(client, RegistrationLost) == []


def test_a_server_that_is_gone_is_reported_when_the_lease_ends(network):
    """65 s after the last acknowledgement, not before; then it comes back."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    network.run_for(1)
    network.stop_server()
    network.run_for(60)
    assert client.machine.is_registered
    network.run_for(30)
    assert client.events[1:] == [RegistrationLost("timeout")]
    network.start_server()
    network.settle(client, limit=20)
    assert isinstance(client.events[-1], Registered)


def test_a_client_that_moves_is_found_at_its_new_address(network):
    """Roaming: the next KEEPALIVE leads to a challenge, and the address is reported."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    number = client.machine._lease.number
    network.move(client.host, "192.0.2.77")
    client.machine.refresh(network.now)
    network.run_for(0.2)
    assert client.events[-1] == Registered(
        Endpoint("192.0.2.77", 5000), CALLEE.peer_id, SERVER
    )
    registration = network.server.protocol.registry.find(number)
    assert registration.address[12:16] == bytes([192, 0, 2, 77])


def test_a_move_goes_through_under_loss():
    """Challenge and answer are repeated like everything else."""
    network = RendezvousNetwork(seed=5, loss=0.4)
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client, limit=120)
    network.move(client.host, "192.0.2.77")
    network.run_for(60)
    assert client.events[-1].reflexive == Endpoint("192.0.2.77", 5000)


def test_a_call_made_while_moving_goes_through_at_once(network):
    """The new address is proved first, then the call is repeated without waiting."""
    caller, callee = registered_pair(network)
    network.move(caller.host, "192.0.2.77")
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(0.1)
    assert events_of(caller, CallAccepted)
    assert events_of(callee, Rung)


def test_refresh_hurries_a_client_that_has_been_waiting(network):
    """The network is back: no need to wait for the next HELLO."""
    network.stop_server()
    client = network.client(CALLEE, CALLER_HOST)
    network.run_for(50)
    network.start_server()
    client.machine.refresh(network.now)
    network.run_for(0.1)
    assert client.machine.is_registered


def test_what_refresh_asks_is_repeated_soon(network):
    """One lost KEEPALIVE costs a tenth of a second, not two."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    network.move(client.host, "192.0.2.77")
    client.host.up.down = True
    client.machine.refresh(network.now)
    network.run_for(0.05)
    client.host.up.down = False
    network.run_for(0.2)
    assert client.events[-1].reflexive == Endpoint("192.0.2.77", 5000)


def test_a_refresh_while_one_is_under_way_does_not_flood(network):
    """However often something seems to have changed."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    network.stop_server()
    sent = sent_types(client)
    for _ in range(100):
        client.machine.refresh(network.now)
        network.run_for(0.01)
    assert 3 <= len(sent) <= 12


def test_closing_unregisters_and_then_nothing_happens(network):
    """The server forgets at once, and the client is silent."""
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    client.machine.close(network.now)
    network.run_for(1)
    assert len(network.server.protocol.registry) == 0
    sent = sent_types(client)
    network.run_for(100)
    assert sent == []
    assert client.machine.next_timer() is None


def test_a_refused_claim_is_tried_again_and_again_but_not_hectically(network):
    """The server is silent about an ID in dispute; the client slows down."""
    claims = MemoryClaims()
    network = RendezvousNetwork(claims=claims, derive=lambda *_: 0)
    rival = quick_identity("rival", CALLEE.peer_id)
    network.settle(network.client(rival, "203.0.113.9"))
    client = network.client(CALLEE, CALLER_HOST)
    sent = sent_types(client)
    network.run_for(300)
    assert not client.machine.is_registered
    assert 20 < len(sent) < 150


def test_a_taken_id_is_reported_with_what_proves_it(network):
    """The key and counter that hold it; then registering stops."""
    network = RendezvousNetwork(derive=lambda *_: CALLEE.peer_id)
    older = quick_identity("older", CALLEE.peer_id)
    network.settle(network.client(older, "203.0.113.9"))
    client = network.client(CALLEE, CALLER_HOST)
    network.run_for(30)
    assert IdTaken(CALLEE.peer_id, older.public, older.counter) in client.events
    assert client.machine.next_timer() is None
    assert network.server.derived == 2


def test_the_true_owner_gets_its_id_from_a_squatter(network):
    """One dispute, two derivations, and the client is registered by itself."""
    network = RendezvousNetwork(
        derive=lambda public, _: CALLEE.peer_id if public == CALLEE.public else 0
    )
    squatter = quick_identity("squatter", CALLEE.peer_id)
    network.settle(network.client(squatter, "203.0.113.9"))
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client, limit=10)
    called = network.server.protocol.registry.called(CALLEE.peer_id, network.now)
    assert called.public == CALLEE.public


def test_every_phase_but_closed_can_be_left_and_all_are_reached():
    """No dead end but the last one."""
    reached = {Phase.GREETING}
    for _ in Phase:
        reached |= {to for (phase, _), to in TRANSITIONS.items() if phase in reached}
    assert reached == set(Phase)
    assert {phase for phase, _ in TRANSITIONS} == set(Phase) - {Phase.CLOSED}
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)
