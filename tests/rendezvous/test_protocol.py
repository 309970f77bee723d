"""Leases, moves to new addresses, and what is met with silence."""

from dataclasses import replace

import pytest

from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint
from rendezvous.authentication import authenticated
from rendezvous.counters import Drop
from rendezvous.rate_limit import Limits, Rate
from rendezvous.settings import Settings
from tests.support.raw_client import Bench, address, raw_client, ring_of

ELSEWHERE = address("203.0.113.77", 7777)


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def client(bench):
    client = raw_client(bench, "a", "198.51.100.1")
    assert client.register()
    return client


def test_a_keepalive_is_acknowledged_with_the_address_seen(client):
    """The client learns where it is heard."""
    ack = client.keepalive()
    seen = wire.unmask_endpoint(ack.masked, ack.transaction)
    assert seen == Endpoint("198.51.100.1", 5000)


@pytest.mark.parametrize("host", ["198.51.100.1", "2001:db8::1"])
def test_the_answer_to_a_keepalive_is_what_its_message_says(bench, host):
    """It is put together by numbers, for speed, and goes straight back."""
    client = raw_client(bench, "b", host)
    assert client.register()
    data = client.datagram(wire.Keepalive)
    answer = bench.protocol.answer(data, client.home, bench.now)
    masked = wire.mask_endpoint(Endpoint(host, 5000), data[2:10])
    assert answer == wire.KeepaliveAck(data[2:10], masked).encode()
    assert bench.protocol.datagrams_to_send(bench.now) == []


@pytest.mark.parametrize(
    "spoil", [lambda data: data + b"\0", lambda data: data[:1] + b"\2" + data[2:]]
)
def test_keepalives_of_another_length_or_version_are_malformed(bench, client, spoil):
    """They are met with silence and counted."""
    assert client.send(spoil(client.datagram(wire.Keepalive))) == []
    assert bench.protocol.counters.dropped[Drop.MALFORMED] == 1


def test_keepalives_hold_a_lease_and_silence_ends_it(bench, client):
    """65 s after the last one the client is forgotten, and nothing is left of it."""
    for _ in range(10):
        bench.wait(20)
        assert isinstance(client.keepalive(), wire.KeepaliveAck)
    bench.wait(64.9)
    registry = bench.protocol.registry
    assert registry.called(client.identity.peer_id, bench.now) is not None
    bench.wait(0.2)
    assert registry.called(client.identity.peer_id, bench.now) is None
    assert isinstance(client.keepalive(), wire.UnknownRegistration)
    bench.wait(2)
    assert len(registry) == 0
    assert bench.protocol.next_timer() is None


def test_an_unknown_registration_gets_a_hint_no_larger_than_the_question(bench):
    """After a restart clients hear at once that they have to register again."""
    client = raw_client(bench, "a", "198.51.100.1")
    client.number, client.key = 4711, bytes(32)
    data = client.datagram(wire.Keepalive)
    ((answer, target),) = client.send(data)
    assert wire.decode(answer) == wire.UnknownRegistration(data[2:10])
    assert len(answer) < len(data)
    assert target == client.home


def test_hints_to_one_network_are_limited():
    """A stream from a forged address is not answered without end."""
    bench = Bench(Settings(limits=replace(Limits(), hint=Rate(1.0, 3))))
    client = raw_client(bench, "a", "198.51.100.1")
    client.number, client.key = 4711, bytes(32)
    datagrams = [b"\x30none" + bytes(9), client.datagram(wire.Keepalive)] * 3
    assert sum(len(client.send(data)) for data in datagrams) == 3
    bench.wait(1.0)
    assert len(client.send(datagrams[0])) == 1


def test_a_replayed_keepalive_is_met_with_silence(client):
    """From the old address and from another: the counter has been used."""
    data = client.datagram(wire.Keepalive)
    assert client.send(data)
    assert client.send(data) == []
    assert client.send(data, ELSEWHERE) == []


def test_a_forged_mac_is_met_with_silence(client):
    """Without the key there is no answer at all."""
    data = client.datagram(wire.Keepalive)
    assert client.send(data[:-1] + bytes([data[-1] ^ 1])) == []


def test_a_new_address_is_proved_before_it_counts(bench, client):
    """KEEPALIVE from elsewhere is answered by a challenge; REBIND then moves it."""
    challenge = client.keepalive(ELSEWHERE)
    assert isinstance(challenge, wire.AddressChallenge)
    registration = bench.protocol.registry.find(client.number)
    assert registration.address == client.home
    rebind = client.datagram(wire.Rebind, challenge.cookie)
    ((answer, target),) = client.send(rebind, ELSEWHERE)
    assert isinstance(wire.decode(answer), wire.KeepaliveAck)
    assert target == ELSEWHERE
    assert registration.address == ELSEWHERE


def test_a_caught_keepalive_does_not_move_a_client(bench, client):
    """Somebody who catches one and sends it first from elsewhere gains nothing."""
    data = client.datagram(wire.Keepalive)
    ((challenge, _),) = client.send(data, ELSEWHERE)
    cookie = wire.decode(challenge).cookie
    forged = wire.Rebind(bytes(8), client.number, client.counter + 1, cookie)
    assert client.send(authenticated(forged, bytes(32)), ELSEWHERE) == []
    assert bench.protocol.registry.find(client.number).address == client.home
    assert isinstance(client.keepalive(), wire.KeepaliveAck)


def test_a_caught_rebind_does_not_move_a_client_further(bench, client):
    """The cookie belongs to the address it was sent to."""
    cookie = client.keepalive(ELSEWHERE).cookie
    data = client.datagram(wire.Rebind, cookie)
    assert client.send(data, address("203.0.113.66")) == []
    assert bench.protocol.registry.find(client.number).address == client.home


def test_the_same_public_address_gives_no_rights(bench, client):
    """A neighbour behind the same NAT cannot move or end the registration."""
    neighbour = raw_client(bench, "neighbour", "198.51.100.1", port=6000)
    assert neighbour.register()
    for kind in (wire.Keepalive, wire.Unregister):
        neighbour.counter += 1
        message = kind(bytes(8), client.number, 1000 + neighbour.counter)
        assert neighbour.send(authenticated(message, neighbour.key)) == []
    registration = bench.protocol.registry.find(client.number)
    assert registration.address == client.home
    assert registration.counter < 1000


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (wire.Unregister, ()),
        (wire.Call, (1, 123_456_789, bytes(119))),
        (wire.Rung, (1,)),
        (wire.Agree, (1,)),
        (wire.Punched, (1,)),
        (wire.HangUp, (1,)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_nothing_takes_effect_from_a_new_address(bench, client, kind, fields):
    """Every message from elsewhere is answered by a challenge only."""
    before = bench.state_size()
    ((answer, target),) = client.send(client.datagram(kind, *fields), ELSEWHERE)
    assert isinstance(wire.decode(answer), wire.AddressChallenge)
    assert target == ELSEWHERE
    assert bench.state_size() == before


def test_unregister_ends_a_registration(bench, client):
    """A clean exit leaves nothing."""
    assert client.send(client.datagram(wire.Unregister)) == []
    assert len(bench.protocol.registry) == 0


def test_messages_of_a_server_are_met_with_silence(bench, client):
    """What only a server sends is not taken from a client."""
    for message in (
        wire.Challenge(bytes(8), bytes(16), bytes(18)),
        wire.Called(bytes(8), 1, 1),
        wire.UnknownRegistration(bytes(8)),
    ):
        assert client.send(message.encode()) == []
    ring = authenticated(wire.Ring(bytes(8), 1, bytes(119)), client.key)
    assert client.send(ring) == []


def test_answers_leave_from_the_socket_the_question_came_to(bench):
    """The number of the listening socket is part of every address."""
    client = raw_client(bench, "a", "198.51.100.1")
    client.home = type(client.home)(client.home[:-1] + b"\x05")
    assert client.register()
    caller = raw_client(bench, "b", "198.51.100.2")
    caller.register(listed=False)
    _, target = ring_of(caller.call(client.identity.peer_id))
    assert target[-1] == 5
