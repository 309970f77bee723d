"""What the rendezvous client does not believe."""

import random

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.crypto.primitives import sealed_box_seal
from p2p_remote.traversal.registration import Registration
from p2p_remote.traversal.registration_events import (
    CallAccepted,
    Punch,
    Registered,
    Rung,
)
from p2p_remote.traversal.requests import REMEMBERED, Lease
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, RelayPath
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
    quick_identity,
    registered_pair,
    sent_types,
)


def test_only_the_server_is_listened_to(network):
    """The same bytes from another endpoint or through a relay do nothing."""
    client = network.client(CALLEE, CALLER_HOST)
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
    client = network.client(CALLEE, CALLER_HOST)
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
    caller, _ = registered_pair(network)
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
    caller = network.client(CALLER, CALLER_HOST, listed=False)
    callee = network.client(CALLEE, CALLEE_HOST)
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
    client = network.client(CALLEE, CALLER_HOST)
    network.settle(client)
    lease = client.machine._lease
    server_side = Lease(1, lease.key, 65, 20, lease.reflexive)
    for channel in range(1, 3 * REMEMBERED):
        ring = server_side.datagram(
            lambda *_, channel=channel: wire.Ring(bytes(8), channel, FIRST_MESSAGE)
        )
        client.machine.receive_datagram(ring, SERVER, network.now)
    assert len(client.machine._seen._seen) == REMEMBERED


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
    machine = network.client(CALLEE, CALLER_HOST).machine
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
    client = network.client(CALLEE, CALLER_HOST)
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
    masked = wire.mask_endpoint(Endpoint(CALLER_HOST, 1), hello[2:10])
    challenge = wire.Challenge(hello[2:10], bytes(16), masked)
    client.receive_datagram(challenge.encode(), SERVER, 0.0)
    ((register, _),) = client.datagrams_to_send(0.0)
    sealed = sealed_box_seal(identity.public, bytes(16), bytes(range(32)))
    masked = wire.mask_endpoint(Endpoint(CALLER_HOST, 1), register[2:10])
    registered = wire.Registered(register[2:10], 7, figure, figure, sealed, masked)
    client.receive_datagram(registered.encode(), SERVER, 0.0)
    assert client._lease is not None
    return client._lease


def test_a_server_that_forgets_us_all_the_time_keeps_us_busy_a_little_only():
    """Registering costs a signature, and what waits is sent right after it."""
    identity, source = quick_identity("c"), random.Random(3).randbytes
    machine = Registration(identity, SERVER, source, 0.0, listed=False)
    masked = wire.mask_endpoint(Endpoint("198.51.100.1", 5), bytes(8))
    sealed = sealed_box_seal(identity.public, bytes(16), bytes(32))

    def answer(asked):
        if asked[0] == wire.Hello.TYPE:
            return wire.Challenge(asked[2:10], bytes(16), masked)
        if asked[0] == wire.Register.TYPE:
            return wire.Registered(asked[2:10], 7, 65, 20, sealed, masked)
        return wire.UnknownRegistration(asked[2:10])

    machine.call(UNKNOWN_ID, FIRST_MESSAGE, 0.0)
    sent = []
    for now in (each / 1000 for each in range(5000)):
        machine.handle_timer(now)
        for data, path in machine.datagrams_to_send(now):
            sent.append(data[0])
            machine.receive_datagram(answer(data).encode(), path, now + 0.001)
    assert 2 <= sent.count(wire.Register.TYPE) <= 6
