"""The rendezvous client against the rendezvous server, in simulated time."""

from itertools import pairwise

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.crypto.primitives import sealed_box_seal
from p2p_remote.traversal.enrolment import TRANSITIONS, Phase, Trigger
from p2p_remote.traversal.registration import (
    REMEMBERED,
    CallAccepted,
    CallFailed,
    IdTaken,
    Punch,
    Registered,
    Registration,
    RegistrationLost,
    Rung,
)
from p2p_remote.traversal.requests import Lease
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, RelayPath
from rendezvous.rate_limit import Limits, Rate
from rendezvous.registry import MemoryClaims
from rendezvous.settings import Settings
from tests.support.rendezvous import (
    FIRST_MESSAGE,
    SERVER,
    RendezvousNetwork,
    quick_identity,
)

CALLEE = quick_identity("callee")
CALLER = quick_identity("caller")
HOME = "198.51.100.1"
UNKNOWN_ID = 999_999_999


@pytest.fixture
def network():
    return RendezvousNetwork()


def events_of(socket, kind):
    """Events of one kind that a client has reported."""
    return [event for event in socket.events if isinstance(event, kind)]


def pair(network):
    """A registered caller and callee."""
    callee = network.client(CALLEE, "203.0.113.2")
    caller = network.client(CALLER, HOME, listed=False)
    network.settle(caller, callee, limit=120)
    return caller, callee


def sent_types(socket):
    """Record the first bytes of what a client sends from now on."""
    sent = []
    original = socket.send

    def send(data, path, **options):
        sent.append(data[0])
        original(data, path, **options)

    socket.send = send
    return sent


# Registering.


def test_registering_takes_two_round_trips(network):
    """60 ms at 30 ms to the server and back; the reflexive address is reported."""
    client = network.client(CALLEE, HOME)
    begun = network.now
    network.settle(client)
    assert network.now - begun == pytest.approx(0.06, abs=0.001)
    assert client.events == [Registered(Endpoint(HOME, 5000), CALLEE.peer_id)]


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
    client = network.client(CALLEE, HOME)
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
    client = network.client(CALLEE, HOME)
    network.run_for(100)
    assert client.events == [RegistrationLost("timeout")]
    network.start_server()
    network.settle(client, limit=20)


def test_a_lease_is_kept_alive(network):
    """For ten minutes, with about one small datagram in 20 s each way."""
    client = network.client(CALLEE, HOME)
    network.settle(client)
    sent = sent_types(client)
    network.run_for(600)
    assert client.machine.is_registered
    assert len(client.events) == 1
    assert 27 <= len(sent) <= 34
    assert set(sent) == {wire.Keepalive.TYPE}


def test_a_lost_acknowledgement_is_asked_for_again_after_2_seconds(network):
    """One KEEPALIVE lost is made good long before the lease ends."""
    client = network.client(CALLEE, HOME)
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
    client = network.client(CALLEE, HOME)
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
    client = network.client(CALLEE, HOME)
    network.settle(client)
    sent = sent_types(client)
    hint = wire.UnknownRegistration(bytes(8)).encode()
    client.machine.receive_datagram(hint, SERVER, network.now)
    network.run_for(5)
    assert client.machine.is_registered
    assert sent == []


def test_a_hint_on_the_way_leads_to_a_question_and_not_to_a_loss(network):
    """Even with the right transaction id the lease is used until there is a new one."""
    client = network.client(CALLEE, HOME)
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
    client = network.client(CALLEE, HOME)
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
    client = network.client(CALLEE, HOME)
    network.settle(client)
    number = client.machine._lease.number
    network.move(client.host, "192.0.2.77")
    client.machine.refresh(network.now)
    network.run_for(0.2)
    assert client.events[-1] == Registered(Endpoint("192.0.2.77", 5000), CALLEE.peer_id)
    registration = network.server.protocol.registry.find(number)
    assert registration.address[12:16] == bytes([192, 0, 2, 77])


def test_a_move_goes_through_under_loss():
    """Challenge and answer are repeated like everything else."""
    network = RendezvousNetwork(seed=5, loss=0.4)
    client = network.client(CALLEE, HOME)
    network.settle(client, limit=120)
    network.move(client.host, "192.0.2.77")
    network.run_for(60)
    assert client.events[-1].reflexive == Endpoint("192.0.2.77", 5000)


def test_a_call_made_while_moving_goes_through_at_once(network):
    """The new address is proved first, then the call is repeated without waiting."""
    caller, callee = pair(network)
    network.move(caller.host, "192.0.2.77")
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(0.1)
    assert events_of(caller, CallAccepted)
    assert events_of(callee, Rung)


def test_refresh_hurries_a_client_that_has_been_waiting(network):
    """The network is back: no need to wait for the next HELLO."""
    network.stop_server()
    client = network.client(CALLEE, HOME)
    network.run_for(50)
    network.start_server()
    client.machine.refresh(network.now)
    network.run_for(0.1)
    assert client.machine.is_registered


def test_closing_unregisters_and_then_nothing_happens(network):
    """The server forgets at once, and the client is silent."""
    client = network.client(CALLEE, HOME)
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
    client = network.client(CALLEE, HOME)
    sent = sent_types(client)
    network.run_for(300)
    assert not client.machine.is_registered
    assert 20 < len(sent) < 150


def test_a_taken_id_is_reported_with_what_proves_it(network):
    """The key and counter that hold it; then registering stops."""
    network = RendezvousNetwork(derive=lambda *_: CALLEE.peer_id)
    older = quick_identity("older", CALLEE.peer_id)
    network.settle(network.client(older, "203.0.113.9"))
    client = network.client(CALLEE, HOME)
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
    client = network.client(CALLEE, HOME)
    network.settle(client, limit=10)
    called = network.server.protocol.registry.called(CALLEE.peer_id, network.now)
    assert called.public == CALLEE.public


# Calling.


def test_a_call_rings_within_one_way_to_the_server_and_one_back(network):
    """30 ms after the call the callee knows, and the caller has a channel."""
    caller, callee = pair(network)
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
    caller, callee = pair(network)
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
    caller, _ = pair(network)
    begun = network.now
    call = caller.machine.call(UNKNOWN_ID, FIRST_MESSAGE, begun)
    network.run(begun + 1, while_=lambda: not events_of(caller, CallFailed))
    assert caller.events[-1] == CallFailed(call, "unavailable")
    assert network.now - begun == pytest.approx(0.18, abs=0.001)


def test_a_limited_call_says_when_to_try_again(network):
    """The sixth call in a row is refused with a hint."""
    caller, _ = pair(network)
    for _ in range(6):
        call = caller.machine.call(UNKNOWN_ID, FIRST_MESSAGE, network.now)
        network.run_for(0.3)
    assert caller.events[-1] == CallFailed(call, "rate_limited", 5)


def test_a_call_without_a_server_fails_after_5_seconds(network):
    """With the reason "server", so that the user looks in the right place."""
    caller, _ = pair(network)
    network.stop_server()
    begun = network.now
    call = caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, begun)
    network.run(begun + 20, while_=lambda: not events_of(caller, CallFailed))
    assert caller.events[-1] == CallFailed(call, "server")
    assert network.now - begun == pytest.approx(5, abs=0.01)


def test_a_call_made_at_once_waits_for_the_registration(network):
    """Whoever starts and calls in the same breath is served after three round trips."""
    callee = network.client(CALLEE, "203.0.113.2")
    network.settle(callee)
    caller = network.client(CALLER, HOME, listed=False)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(0.1)
    assert events_of(caller, CallAccepted)
    assert events_of(callee, Rung)


def test_a_call_is_made_as_soon_as_there_is_a_lease(network):
    """The server comes up four seconds later: the call is still made."""
    callee = network.client(CALLEE, "203.0.113.2")
    network.settle(callee)
    caller = network.client(CALLER, HOME, listed=False)
    caller.host.up.down = True
    network.run_for(0.1)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(3.5)
    caller.host.up.down = False
    network.run_for(1.0)
    assert events_of(caller, CallAccepted)


def test_a_callee_that_has_vanished_turns_the_call_into_a_failure(network):
    """It was rung in vain: CALLED first, then "unavailable"."""
    caller, callee = pair(network)
    callee.host.down.down = True
    call = caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(6)
    assert events_of(caller, CallAccepted)
    assert caller.events[-1] == CallFailed(call, "unavailable")


def test_a_cancelled_call_is_not_heard_of_again(network):
    """Neither success nor failure is reported."""
    caller, _ = pair(network)
    before = list(caller.events)
    call = caller.machine.call(UNKNOWN_ID, FIRST_MESSAGE, network.now)
    caller.machine.cancel(call)
    network.run_for(10)
    assert caller.events == before


def test_a_first_message_of_another_length_is_a_mistake_of_ours(network):
    """It would not fit the message."""
    caller, _ = pair(network)
    with pytest.raises(ValueError, match="119"):
        caller.machine.call(CALLEE.peer_id, bytes(118), network.now)


def test_a_client_that_only_calls_does_not_ring(network):
    """A RING under the right MAC is still nothing to somebody who is not listed."""
    caller, _ = pair(network)
    lease = caller.machine._lease
    forged = Lease(1, lease.key, 65, 20, lease.reflexive)
    ring = forged.datagram(lambda *_: wire.Ring(bytes(8), 1, FIRST_MESSAGE))
    caller.machine.receive_datagram(ring, SERVER, network.now)
    network.run_for(0.1)
    assert events_of(caller, Rung) == []


# Agreeing.


def called_pair(network):
    """A pair with a channel between them."""
    caller, callee = pair(network)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(1)
    (rung,) = events_of(callee, Rung)
    return caller, callee, rung.path


def test_agreeing_gives_each_side_the_endpoint_of_the_other(network):
    """At the same instant, once each."""
    caller, callee, path = called_pair(network)
    callee_sends, server_sends = sent_types(callee), sent_types(network.server_socket)
    callee.machine.agree(path, network.now)
    network.run_for(0.031)
    assert events_of(caller, Punch) == [Punch(path, (Endpoint("203.0.113.2", 5000),))]
    assert events_of(callee, Punch) == [Punch(path, (Endpoint(HOME, 5000),))]
    network.run_for(10)
    assert len(events_of(caller, Punch)) == len(events_of(callee, Punch)) == 1
    assert callee_sends.count(wire.Agree.TYPE) == 1
    assert server_sends.count(wire.Punch.TYPE) == 2


def test_agreeing_works_under_loss():
    """AGREE and PUNCH are repeated until they are answered."""
    network = RendezvousNetwork(seed=9, loss=0.4)
    caller, callee = pair(network)
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


# What is hostile.


def test_only_the_server_is_listened_to(network):
    """The same bytes from another endpoint or through a relay do nothing."""
    client = network.client(CALLEE, HOME)
    network.settle(client)
    lease = client.machine._lease
    server_side = Lease(1, lease.key, 65, 20, lease.reflexive)
    ring = server_side.datagram(lambda *_: wire.Ring(bytes(8), 9, FIRST_MESSAGE))
    for path in (
        Endpoint(SERVER.host, SERVER.port + 1),
        Endpoint("203.0.113.66", SERVER.port),
        RelayPath(SERVER, 9),
    ):
        client.machine.receive_datagram(ring, path, network.now)
    network.run_for(0.1)
    assert events_of(client, Rung) == []
    client.machine.receive_datagram(ring, SERVER, network.now)
    network.run_for(0.1)
    assert len(events_of(client, Rung)) == 1


def test_answers_need_the_transaction_id(network):
    """Somebody who cannot see our questions cannot answer them."""
    client = network.client(CALLEE, HOME)
    client.machine.handle_timer(network.now)
    machine = client.machine
    call = machine.call(UNKNOWN_ID, FIRST_MESSAGE, network.now)
    sent = machine.datagrams_to_send(network.now)
    for forged in (
        wire.Challenge(bytes(8), bytes(16), bytes(18)),
        wire.Called(bytes(8), call, 9),
        wire.Unavailable(bytes(8), call, 0),
        wire.IdTaken(bytes(8), bytes(32), 0),
    ):
        machine.receive_datagram(forged.encode(), SERVER, network.now)
    assert [data[0] for data, _ in sent] == [wire.Hello.TYPE]
    assert machine.datagrams_to_send(network.now) == []
    assert machine.next_event() is None


def test_answers_of_the_wrong_kind_do_nothing(network):
    """The right transaction id does not make an answer to another question."""
    caller, _ = pair(network)
    machine = caller.machine
    machine.call(UNKNOWN_ID, FIRST_MESSAGE, network.now)
    ((call, _),) = machine.datagrams_to_send(network.now)
    before = machine.next_timer()
    masked = wire.mask_endpoint(Endpoint("203.0.113.66", 1), call[2:10])
    ack = wire.KeepaliveAck(call[2:10], masked)
    machine.receive_datagram(ack.encode(), SERVER, network.now)
    assert machine.next_event() is None
    assert machine.next_timer() == before

    greeting = network.client(quick_identity("other"), "198.51.100.9").machine
    greeting.handle_timer(network.now)
    ((hello, _),) = greeting.datagrams_to_send(network.now)
    challenge = wire.Challenge(hello[2:10], bytes(16), bytes(18))
    greeting.receive_datagram(challenge.encode(), SERVER, network.now)
    ((register, _),) = greeting.datagrams_to_send(network.now)
    late = wire.Challenge(register[2:10], bytes(16), bytes(18))
    greeting.receive_datagram(late.encode(), SERVER, network.now)
    assert greeting.datagrams_to_send(network.now) == []


def test_what_arrives_twice_is_reported_once():
    """The network doubles every datagram; nothing is reported twice."""
    network = RendezvousNetwork()
    caller = network.client(CALLER, HOME, listed=False)
    callee = network.client(CALLEE, "203.0.113.2")
    for host in (caller.host, callee.host):
        host.up.duplicate = host.down.duplicate = 1.0
    network.settle(caller, callee)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(1)
    callee.machine.agree(events_of(callee, Rung)[0].path, network.now)
    network.run_for(1)
    assert [type(event) for event in caller.events] == [Registered, CallAccepted, Punch]
    assert [type(event) for event in callee.events] == [Registered, Rung, Punch]


def test_memory_for_repeats_is_bounded(network):
    """A server that rings without end cannot make a client grow."""
    client = network.client(CALLEE, HOME)
    network.settle(client)
    lease = client.machine._lease
    server_side = Lease(1, lease.key, 65, 20, lease.reflexive)
    for channel in range(1, 3 * REMEMBERED):
        ring = server_side.datagram(
            lambda *_, channel=channel: wire.Ring(bytes(8), channel, FIRST_MESSAGE)
        )
        client.machine.receive_datagram(ring, SERVER, network.now)
    assert len(client.machine._seen) == REMEMBERED


def test_agreeing_into_the_void_ends_by_itself(network):
    """The channel is gone: no event, and AGREE stops after five seconds."""
    _, callee, path = called_pair(network)
    network.run_for(40)
    sent = sent_types(callee)
    callee.machine.agree(path, network.now)
    network.run_for(60)
    assert sent.count(wire.Agree.TYPE) == 6
    assert events_of(callee, Punch) == []


def test_id_taken_by_our_own_key_is_nonsense():
    """A confused or hostile server cannot talk us out of our own ID."""
    network = RendezvousNetwork()
    machine = network.client(CALLEE, HOME).machine
    machine.handle_timer(network.now)
    ((hello, _),) = machine.datagrams_to_send(network.now)
    challenge = wire.Challenge(hello[2:10], bytes(16), bytes(18))
    machine.receive_datagram(challenge.encode(), SERVER, network.now)
    ((register, _),) = machine.datagrams_to_send(network.now)
    taken = wire.IdTaken(register[2:10], CALLEE.public, 0)
    machine.receive_datagram(taken.encode(), SERVER, network.now)
    assert machine.next_event() is None
    assert machine.next_timer() is not None


@pytest.mark.parametrize(
    "message",
    [
        wire.Ring(bytes(8), 9, FIRST_MESSAGE),
        wire.Punch(
            bytes(8), 9, wire.mask_endpoint(Endpoint("203.0.113.66", 1), bytes(8))
        ),
    ],
    ids=["ring", "punch"],
)
def test_ring_and_punch_need_the_mac(network, message):
    """A forger on the way can neither make us ring nor aim our packets at a victim."""
    client = network.client(CALLEE, HOME)
    network.settle(client)
    before = list(client.events)
    data = message.encode() + bytes(wire.MAC_LENGTH)
    client.machine.receive_datagram(data, SERVER, network.now)
    assert client.machine.next_event() is None
    assert client.machine.datagrams_to_send(network.now) == []
    assert client.events == before


def test_any_bytes_from_the_server_are_survived(network):
    """Random and mutated datagrams raise nothing and change no registration."""
    caller, callee, _ = called_pair(network)
    random = network.random("hostile")
    for message in wire.MESSAGES:
        for length in (message.size(), 12):
            for _ in range(100):
                data = bytes((message.TYPE, 1)) + random(length - 2)
                for client in (caller, callee):
                    client.machine.receive_datagram(data, SERVER, network.now)
    assert caller.machine.is_registered
    assert callee.machine.is_registered
    assert caller.machine.next_event() is None


def test_a_lease_with_absurd_figures_is_brought_within_bounds():
    """A server cannot make a client send every millisecond, or never."""
    for asked, kept in ((0, (15, 5)), (65_535, (600, 60))):
        lease = granted_lease(CALLEE, asked)
        assert (lease.length, lease.keepalive) == kept


def granted_lease(identity: Identity, figure: int) -> Lease:
    """Lease of a client whose server asks for `figure` as lease and interval."""
    network = RendezvousNetwork()
    client = Registration(identity, SERVER, network.random("x"), 0.0, listed=True)
    client.handle_timer(0.0)
    ((hello, _),) = client.datagrams_to_send(0.0)
    masked = wire.mask_endpoint(Endpoint(HOME, 1), hello[2:10])
    challenge = wire.Challenge(hello[2:10], bytes(16), masked)
    client.receive_datagram(challenge.encode(), SERVER, 0.0)
    ((register, _),) = client.datagrams_to_send(0.0)
    sealed = sealed_box_seal(identity.public, bytes(32), bytes(range(32)))
    masked = wire.mask_endpoint(Endpoint(HOME, 1), register[2:10])
    registered = wire.Registered(register[2:10], 7, figure, figure, sealed, masked)
    client.receive_datagram(registered.encode(), SERVER, 0.0)
    assert client._lease is not None
    return client._lease


# The table.


def test_every_phase_but_closed_can_be_left_and_all_are_reached():
    """No dead end but the last one."""
    reached = {Phase.GREETING}
    for _ in Phase:
        reached |= {to for (phase, _), to in TRANSITIONS.items() if phase in reached}
    assert reached == set(Phase)
    assert {phase for phase, _ in TRANSITIONS} == set(Phase) - {Phase.CLOSED}
    assert {trigger for _, trigger in TRANSITIONS} == set(Trigger)
