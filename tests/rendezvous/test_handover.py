"""One process takes the place of another, in simulated time."""

import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.traversal.registration_events import Punch, RegistrationLost
from p2p_remote.wire import rendezvous as wire
from rendezvous.handover import pack, unpack
from tests.support.raw_client import Bench, raw_pair, ring_of
from tests.support.rendezvous import (
    RendezvousNetwork,
    called_pair,
    events_of,
    sent_types,
)

SOCKETS = bytes(range(32))


def successor(bench):
    """A new server that has taken over from `bench`, and the number of leases."""
    after = Bench()
    after.now = bench.now + 1.0
    data = pack(bench.protocol, SOCKETS, bench.now)
    return after, unpack(data, after.protocol, SOCKETS, after.now)


def test_leases_calls_and_channels_go_on():
    """A keepalive is acknowledged, relayed datagrams pass, AGREE leads to PUNCH."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    ring, _ = ring_of(caller.call(callee.identity.peer_id))
    callee.send(callee.datagram(wire.Rung, ring.channel))
    after, taken = successor(bench)
    assert taken == 2
    caller.bench = callee.bench = after
    assert isinstance(callee.keepalive(), wire.KeepaliveAck)
    data = b"\x30" + ring.channel.to_bytes(4, "little") + b"inner"
    assert caller.send(data) == [(data, callee.home)]
    sent = callee.send(callee.datagram(wire.Agree, ring.channel))
    assert {wire.decode(d).TYPE for d, _ in sent} == {wire.Punch.TYPE}
    assert {target for _, target in sent} == {caller.home, callee.home}


def test_old_counters_stay_old():
    """A datagram caught before the restart cannot be replayed after it."""
    bench = Bench()
    caller, _ = raw_pair(bench)
    caught = caller.datagram(wire.Keepalive)
    assert caller.send(caught)
    after, _ = successor(bench)
    assert after.send(caught, caller.home) == []


def test_what_has_ended_is_not_taken_over():
    """Leases run on while nobody serves."""
    bench = Bench()
    raw_pair(bench)
    data = pack(bench.protocol, SOCKETS, bench.now)
    after = Bench()
    assert unpack(data, after.protocol, SOCKETS, bench.now + wire.LEASE) == 0


@pytest.mark.parametrize("case", ["short", "cut", "longer", "magic", "sockets", "boot"])
def test_what_does_not_fit_is_refused_whole(case):
    """Other sockets, an earlier boot, damage: nothing is taken."""
    bench = Bench()
    raw_pair(bench)
    data = pack(bench.protocol, SOCKETS, bench.now)
    now, sockets = bench.now + 1, SOCKETS
    if case == "short":
        data = b"p2pr"
    elif case == "cut":
        data = data[:-1]
    elif case == "longer":
        data += b"\0"
    elif case == "magic":
        data = b"x" + data[1:]
    elif case == "sockets":
        sockets = bytes(32)
    else:
        now = bench.now - 1
    after = Bench()
    with pytest.raises(MalformedMessageError):
        unpack(data, after.protocol, sockets, now)
    assert len(after.protocol.registry) == 0


def test_clients_notice_nothing_of_a_restart_with_handover():
    """In mid call: no HELLO, nothing lost, and AGREE after it leads to PUNCH."""
    network = RendezvousNetwork()
    caller, callee, path = called_pair(network)
    data = pack(network.server.protocol, SOCKETS, network.now)
    sent = sent_types(caller), sent_types(callee)
    network.stop_server()
    network.run_for(2)
    network.start_server()
    unpack(data, network.server.protocol, SOCKETS, network.now)
    callee.machine.agree(path, network.now)
    network.run_for(60)
    assert wire.Hello.TYPE not in sent[0] + sent[1]
    for client in (caller, callee):
        assert events_of(client, RegistrationLost) == []
        assert events_of(client, Punch)
