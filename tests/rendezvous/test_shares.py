"""One client, one address or one site cannot use up what there is for all."""

import itertools

import pytest

from p2p_remote.wire import rendezvous as wire
from rendezvous import holdings, registry, relay
from rendezvous.holdings import Holdings, ManyHoldings
from rendezvous.rate_limit import SITE_FACTOR, Limits, PrefixLimit, Rate, site_of
from rendezvous.rejoins import MAX_CHANNELS_OF_ONE
from rendezvous.relay import IDLE_CLOSE
from rendezvous.settings import Settings
from tests.support.raw_client import Bench, address, of_kind, raw_client, raw_pair

FREE = Rate(1000, 1000)
MANY_CALLS = Settings(limits=Limits(call=FREE, ring=FREE, refusal=FREE))
SITE = bytes(6)


def rejoined(one, other, number):
    """Let two clients show one token; the channel, None if there is none."""
    token = number.to_bytes(16, "little")
    one.send(one.datagram(wire.Rejoin, token))
    told = of_kind(other.send(other.datagram(wire.Rejoin, token)), wire.Rejoined)
    return told[0][0].channel if told else None


def clients(bench, count, host):
    """Registered clients behind one address that only call."""
    made = [raw_client(bench, f"{host} {n}", host, port=5000 + n) for n in range(count)]
    for each in made:
        assert each.register(listed=False)
    return made


def test_tokens_of_one_client_leave_room_for_those_of_others():
    """It could fill the table that two ends of a session meet in."""
    bench = Bench()
    (mallory,) = clients(bench, 1, "192.0.2.66")
    for number in range(2000):
        bench.wait(0.001)
        mallory.send(mallory.datagram(wire.Rejoin, number.to_bytes(16, "little")))
    assert len(bench.protocol.introductions.rejoins) <= Limits().rejoin.burst + 41
    left, right = raw_pair(bench)
    assert rejoined(left, right, 9999)


def test_channels_of_one_address_leave_some_to_others(monkeypatch):
    """Two keys behind it and a token are enough to open one; keys cost nothing."""
    monkeypatch.setattr(relay, "MAX_OF_PREFIX", 40)
    bench = Bench(MANY_CALLS)
    mallory = clients(bench, 6, "192.0.2.66")
    channels = [
        rejoined(one, other, 100 * at + number)
        for at, (one, other) in enumerate(zip(mallory[::2], mallory[1::2], strict=True))
        for number in range(MAX_CHANNELS_OF_ONE)
    ]
    assert len([each for each in channels if each]) == 40
    caller, callee = raw_pair(bench)
    assert mallory[-1].call(callee.identity.peer_id) == []
    ((refused, _),) = of_kind(bench.wait(0.2), wire.Unavailable)
    assert refused.retry_after > 0
    assert of_kind(caller.call(callee.identity.peer_id), wire.Called)
    bench.wait(IDLE_CLOSE + 10)
    assert rejoined(mallory[-2], mallory[-1], 9999)


def test_calls_that_nobody_goes_on_with_keep_no_others_out():
    """Sixteen of them with a byte now and then would make an ID unreachable."""
    bench = Bench(MANY_CALLS)
    caller, callee = raw_pair(bench)
    target = callee.identity.peer_id
    mallory = clients(bench, 2, "192.0.2.66")
    held = []
    for call in range(MAX_CHANNELS_OF_ONE):
        sent = mallory[call % 2].call(target, call)
        ((ring, _),) = of_kind(sent, wire.Ring)
        callee.send(callee.datagram(wire.Rung, ring.channel))
        held.append((mallory[call % 2], ring.channel))
        bench.wait(0.1)
    ((called, _),) = of_kind(caller.call(target), wire.Called)
    callee.send(callee.datagram(wire.Rung, called.channel))
    for call in range(100, 130):
        ((ring, _),) = of_kind(mallory[0].call(target, call), wire.Ring)
        callee.send(callee.datagram(wire.Rung, ring.channel))
        for each, channel in held:
            each.send(b"\x30" + channel.to_bytes(4, "little") + b"x")
        bench.wait(0.5)
    through = b"\x30" + called.channel.to_bytes(4, "little") + b"M3"
    assert caller.send(through) == [(through, callee.home)]
    channels = next(
        each.channels for each in bench.protocol.registry if each.peer_id == target
    )
    assert len(channels) == MAX_CHANNELS_OF_ONE


@pytest.mark.parametrize(
    "place", ["2001:db8:66:{:x}::1", "192.0.2.{}"], ids=["one /48", "IPv4"]
)
def test_who_waits_for_the_answer_is_not_thrown_out_by_a_crowd(place):
    """The customer's node speaks to who waits, and has spoken once to the others."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    target = callee.identity.peer_id
    ((called, _),) = of_kind(caller.call(target), wire.Called)
    waiting = b"\x30" + called.channel.to_bytes(4, "little") + b"keepalive"
    rung = 0
    for number in range(3 * MAX_CHANNELS_OF_ONE):
        assert callee.send(waiting) == [(waiting, caller.home)]
        assert caller.send(waiting) == [(waiting, callee.home)]
        each = raw_client(bench, f"mallory {number}", place.format(number + 1))
        assert each.register(listed=False)
        for ring, _ in of_kind(each.call(target), wire.Ring):
            rung += 1
            answer = b"\x30" + ring.channel.to_bytes(4, "little") + b"M2"
            assert callee.send(answer) == [(answer, each.home)]
        bench.wait(0.1 if rung < 8 else 2.0)
        callee.keepalive()
        caller.keepalive()
    assert rung > MAX_CHANNELS_OF_ONE


def test_calls_of_one_site_make_room_for_others():
    """A /48 has 65,536 networks; the newest of them goes before a lonely old call."""
    bench = Bench(MANY_CALLS)
    caller, callee = raw_pair(bench)
    target = callee.identity.peer_id
    ((called, _),) = of_kind(caller.call(target), wire.Called)
    callee.send(callee.datagram(wire.Rung, called.channel))
    for number in range(2 * MAX_CHANNELS_OF_ONE):
        each = raw_client(bench, f"mallory {number}", f"2001:db8:66:{number:x}::1")
        assert each.register(listed=False)
        ((ring, _),) = of_kind(each.call(target), wire.Ring)
        callee.send(callee.datagram(wire.Rung, ring.channel))
        bench.wait(0.1)
    assert bench.protocol.introductions.relay.get(called.channel)


def test_sessions_make_no_room_for_calls():
    """Who takes part in as many as one may is busy, as ever."""
    bench = Bench(MANY_CALLS)
    caller, callee = raw_pair(bench)
    target = callee.identity.peer_id
    for other in clients(bench, MAX_CHANNELS_OF_ONE, "192.0.2.66"):
        ((ring, _),) = of_kind(other.call(target), wire.Ring)
        callee.send(callee.datagram(wire.Agree, ring.channel))
    assert of_kind(caller.call(target), wire.Called) == []


def test_what_another_registration_took_over_is_given_back():
    """One key at two places: what the newer one took over does not stay counted."""
    bench = Bench(MANY_CALLS)
    older, newer = (
        raw_client(bench, "two places", "192.0.2.1", port=n) for n in (1, 2)
    )
    caller, _ = raw_pair(bench)
    assert older.register()
    registration = bench.protocol.registry.find(older.number)
    for number in range(MAX_CHANNELS_OF_ONE):
        assert rejoined(caller, older, number)
        if not number:
            assert newer.register()
        newer.send(newer.datagram(wire.Rejoin, number.to_bytes(16, "little")))
    bench.wait(IDLE_CLOSE + 10)
    assert len(bench.protocol.introductions.relay) == 0
    newer.send(newer.datagram(wire.Unregister))
    assert older.keepalive()
    caller.keepalive()
    assert registration is bench.protocol.registry.find(older.number)
    assert of_kind(caller.call(older.identity.peer_id), wire.Called)


def test_calls_that_an_address_may_not_make_count_for_no_key():
    """Keys share places in the table, so many keys would use up those of others."""
    bench = Bench()
    _, callee = raw_pair(bench)
    mallory = clients(bench, 3, "192.0.2.66")
    for each, call in itertools.product(mallory, range(5)):
        each.call(callee.identity.peer_id, call)
    last = mallory[-1]
    elsewhere = address("192.0.2.67")
    ((challenge, _),) = of_kind(
        last.send(last.datagram(wire.Keepalive), elsewhere), wire.AddressChallenge
    )
    last.send(last.datagram(wire.Rebind, challenge.cookie), elsewhere)
    last.home = elsewhere
    allowed = [last.call(callee.identity.peer_id, call) for call in range(10, 16)]
    assert [bool(of_kind(each, wire.Called)) for each in allowed] == [True] * 5 + [
        False
    ]


def test_a_client_that_moves_on_and_on_is_followed_now_and_then():
    """Each move is told to all the clients that it has channels with."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    for number in range(MAX_CHANNELS_OF_ONE):
        assert rejoined(caller, callee, number)
    places = [address("198.51.100.1", port) for port in (5000, 6000)]
    cookies = []
    for place in reversed(places):
        ((challenge, _),) = of_kind(
            caller.send(caller.datagram(wire.Keepalive), place), wire.AddressChallenge
        )
        cookies.insert(0, challenge.cookie)
        caller.send(caller.datagram(wire.Rebind, challenge.cookie), place)
    told = 0
    for move in range(2000):
        data = caller.datagram(wire.Rebind, cookies[move % 2])
        told += len(of_kind(caller.send(data, places[move % 2]), wire.Punch))
    assert 0 < told < (Limits().move.burst + 1) * MAX_CHANNELS_OF_ONE
    bench.wait(1)
    data = caller.datagram(wire.Keepalive)
    assert caller.send(data, places[0]) or caller.send(data, places[1])


def test_registrations_of_one_address_leave_room_for_others(monkeypatch):
    """Keys cost nothing, and leases go on for as long as they are renewed."""
    monkeypatch.setattr(registry, "MAX_OF_PREFIX", 20)
    bench = Bench()
    mallory = clients(bench, 20, "192.0.2.66")
    late = raw_client(bench, "late", "192.0.2.66", port=7000)
    assert not late.register(listed=False)
    assert late.hello()
    raw_pair(bench)
    elsewhere = address("192.0.2.67")
    ((challenge, _),) = of_kind(
        mallory[0].send(mallory[0].datagram(wire.Keepalive), elsewhere),
        wire.AddressChallenge,
    )
    mallory[0].send(mallory[0].datagram(wire.Rebind, challenge.cookie), elsewhere)
    assert late.register(listed=False)
    bench.wait(66)
    assert len(bench.protocol.registry) == 0
    assert not any(bench.protocol.registry._held._held)


def network(number):
    """One of the /64s of a /48."""
    return SITE + number.to_bytes(2, "big")


def test_a_site_has_many_networks_but_not_their_sum():
    """A /48 of IPv6 has 65,536 of them."""
    limit = PrefixLimit(Rate(1.0, 5), bytes(32))
    allowed = [limit.allow(network(n), 0.0) for n in range(1000)]
    assert sum(allowed) == 5 * SITE_FACTOR
    assert limit.refused == 1000 - 5 * SITE_FACTOR
    assert limit.wait(network(2000), 0.0) == pytest.approx(1 / SITE_FACTOR)
    assert limit.allow(b"other " + b"nt", 0.0)
    assert limit.allow(b"IPv4", 0.0)


def test_one_network_of_a_site_has_its_own_limit():
    """And does not use up the site's by what it is refused."""
    limit = PrefixLimit(Rate(1.0, 5), bytes(32))
    assert sum(limit.allow(network(1), 0.0) for _ in range(1000)) == 5
    assert sum(limit.allow(network(n), 0.0) for n in range(2, 100)) == 75


def test_ipv4_addresses_are_of_no_site():
    """They are too few to be given away."""
    assert site_of(b"IPv4") is None
    assert site_of(network(3)) == SITE


@pytest.mark.parametrize("held", [Holdings(2, 3), ManyHoldings(2, 3, bytes(32))])
def test_what_is_held_is_counted_by_network_and_site(held):
    """And nothing is remembered of who holds nothing."""
    for number, room in ((1, True), (1, False), (2, False)):
        held.add(network(number))
        assert held.has_room(network(number)) is room
    assert not held.has_room(network(3))
    assert held.has_room(b"IPv4")
    for number in (1, 1, 2):
        held.remove(network(number))
    assert held.has_room(network(3))
    assert not any(held._held)


def test_a_site_takes_no_place_of_a_network_elsewhere(monkeypatch):
    """It may hold more than a network, which would be full without holding any."""
    monkeypatch.setattr(holdings, "SLOTS", 1)  # all networks share, and all sites
    held = ManyHoldings(5, 8, bytes(32))
    for number in range(4):
        held.add(network(number))
    assert held.has_room(b"IPv4")
    held.add(b"IPv4")
    assert not held.has_room(b"IPv4")
