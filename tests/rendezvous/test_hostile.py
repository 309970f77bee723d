"""Whatever comes from an unproven address: no crash, no growth, no amplification."""

import random

import pytest

from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.first_byte import NO_CHANNEL
from rendezvous.addresses import Address
from tests.support.raw_client import Bench, address, raw_client

DATAGRAMS = 100_000


def valid_datagrams(bench):
    """One valid datagram of every kind a client sends, and two of the relay."""
    client = raw_client(bench, "victim", "198.51.100.1")
    callee = raw_client(bench, "callee", "198.51.100.2")
    client.register()
    callee.register()
    sent = client.call(callee.identity.peer_id)
    channel = next(
        message.channel
        for message in (wire.decode(data) for data, _ in sent)
        if isinstance(message, wire.Called)
    )
    cookie = client.hello().cookie
    return [
        wire.Hello(bytes(8), client.identity.public).encode(),
        client.register_datagram(cookie),
        client.datagram(wire.Keepalive),
        client.datagram(wire.Rebind, bytes(16)),
        client.datagram(wire.Unregister),
        client.datagram(wire.Call, 7, callee.identity.peer_id, bytes(119)),
        client.datagram(wire.Rung, channel),
        client.datagram(wire.Agree, channel),
        client.datagram(wire.Punched, channel),
        client.datagram(wire.HangUp, channel),
        b"\x30" + channel.to_bytes(4, "little") + bytes(100),
    ]


def mutated(data, rng):
    """Somewhat wrong: a bit, a byte, the length, or the kind."""
    changed = bytearray(data)
    choice = rng.randrange(6)
    if choice == 0:
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    elif choice == 1:
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    elif choice == 2:
        del changed[rng.randrange(len(changed)) :]
    elif choice == 3:
        changed += rng.randbytes(rng.randrange(1, 40))
    elif choice == 4:
        changed[0] = rng.randrange(0x0F, 0x32)
    return bytes(changed)


def hostile_datagrams(templates, rng):
    """Endless: random bytes, random bodies under a valid head, mutated datagrams."""
    kinds = [message.TYPE for message in wire.MESSAGES]
    sizes = {message.TYPE: message.size() for message in wire.MESSAGES}
    while True:
        choice = rng.randrange(10)
        if choice == 0:
            yield rng.randbytes(rng.randrange(200))
        elif choice < 4:
            kind = rng.choice(kinds)
            yield bytes((kind, 1)) + rng.randbytes(sizes[kind] - 2)
        else:
            yield mutated(rng.choice(templates), rng)


def test_a_hundred_thousand_hostile_datagrams():
    """Each from an address that has proved nothing, some with datagrams of others."""
    bench = Bench()
    templates = valid_datagrams(bench)
    before = bench.state_size()
    victim = bench.protocol.registry
    addresses = {registration.address for registration in victim}
    rng = random.Random(20)
    datagrams = hostile_datagrams(templates, rng)
    answered = 0
    for _ in range(DATAGRAMS):
        source = Address(bytes(10) + b"\xff\xff\x0a" + rng.randbytes(5) + b"\x00")
        data = next(datagrams)
        for answer, target in bench.send(data, source):
            answered += 1
            assert target == source
            assert len(answer) <= len(data)
    assert answered > 10_000
    assert bench.state_size() == before
    assert {registration.address for registration in victim} == addresses


@pytest.mark.parametrize("kind", wire.MESSAGES, ids=lambda kind: kind.__name__)
def test_no_kind_of_message_gets_more_than_it_sent(kind):
    """Random contents of every kind, as a stranger sends them."""
    bench = Bench()
    rng = random.Random(kind.TYPE)
    for _ in range(500):
        data = bytes((kind.TYPE, 1)) + rng.randbytes(kind.size() - 2)
        total = sum(
            len(answer) for answer, _ in bench.send(data, address("192.0.2.66"))
        )
        assert total <= len(data)
    assert bench.state_size() == 0


def test_datagrams_of_others_do_nothing_for_whoever_caught_them():
    """Every datagram of a client, sent first from elsewhere, changes nothing."""
    bench = Bench()
    templates = valid_datagrams(bench)
    before = bench.state_size()
    thief = address("198.51.100.1", 6666)  # behind the same NAT
    for data in templates:
        for answer, target in bench.send(data, thief):
            assert target == thief
            assert len(answer) <= len(data)
            assert answer[0] == NO_CHANNEL or isinstance(
                wire.decode(answer), wire.Challenge | wire.AddressChallenge
            )
    assert bench.state_size() == before


def test_a_registered_client_cannot_make_the_server_grow():
    """A client with a key of its own sends nonsense under valid MACs."""
    bench = Bench()
    client = raw_client(bench, "mallory", "192.0.2.66")
    client.register()
    rng = random.Random(3)
    kinds = [wire.Rung, wire.Agree, wire.Punched, wire.HangUp]
    for _ in range(2000):
        kind = rng.choice(kinds)
        assert client.send(client.datagram(kind, rng.randrange(2**32))) == []
    assert bench.state_size() == 1
