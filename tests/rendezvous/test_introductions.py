"""CALL, RING, AGREE, PUNCH and HANGUP."""

from dataclasses import replace

import pytest

from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.first_byte import NO_CHANNEL
from rendezvous.addresses import Address
from rendezvous.authentication import is_authentic
from rendezvous.rate_limit import Limits, Rate
from rendezvous.settings import Settings
from tests.support.raw_client import (
    Bench,
    RawClient,
    address,
    decoded,
    of_kind,
    raw_client,
    raw_pair,
    ring_of,
)
from tests.support.rendezvous import FIRST_MESSAGE

FREE = Limits(call=Rate(1000, 1000), ring=Rate(1000, 1000))


def introduced(bench):
    """A pair with an open channel: caller, callee, number of the channel."""
    caller, callee = raw_pair(bench)
    ring, _ = ring_of(caller.call(callee.identity.peer_id))
    callee.send(callee.datagram(wire.Rung, ring.channel))
    return caller, callee, ring.channel


def test_a_call_rings_at_the_callee_and_tells_both_the_channel():
    """RING goes to the proven address, with the caller's message and a MAC."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    sent = caller.call(callee.identity.peer_id, call=77)
    ring, target = ring_of(sent)
    assert target == callee.home
    assert ring.first_message == FIRST_MESSAGE
    data = next(data for data, to in sent if to == callee.home)
    assert is_authentic(data, callee.key)
    ((called, to),) = of_kind(sent, wire.Called)
    assert (called.call, called.channel, to) == (77, ring.channel, caller.home)


def test_neither_side_learns_an_address_before_the_callee_agrees():
    """Nothing but the channel number passes until AGREE."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    sent = caller.call(callee.identity.peer_id) + bench.wait(3)
    assert of_kind(sent, wire.Punch) == []
    for data, to in sent:
        assert callee.home[12:16] not in data or to == callee.home
        assert caller.home[12:16] not in data


def test_a_repeated_call_opens_no_second_channel():
    """CALLED got lost: the same call number gives the same channel again."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    first = of_kind(caller.call(callee.identity.peer_id, call=5), wire.Called)
    again = caller.call(callee.identity.peer_id, call=5)
    assert of_kind(again, wire.Called)[0][0].channel == first[0][0].channel
    assert of_kind(again, wire.Ring) == []
    assert len(bench.protocol.introductions.relay) == 1


def test_ring_is_repeated_until_rung():
    """A lost RING is made good; RUNG ends the repeating."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    ring, _ = ring_of(caller.call(callee.identity.peer_id))
    assert len(of_kind(bench.wait(0.8), wire.Ring)) == 2
    callee.send(callee.datagram(wire.Rung, ring.channel))
    assert of_kind(bench.wait(10), wire.Ring) == []


def test_ring_is_repeated_until_the_callee_sends_relayed_data():
    """An answer through the channel says as much as RUNG."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    ring, _ = ring_of(caller.call(callee.identity.peer_id))
    callee.send(b"\x30" + ring.channel.to_bytes(4, "little") + b"M2")
    assert of_kind(bench.wait(10), wire.Ring) == []


def test_a_callee_that_never_answers_counts_as_unavailable():
    """Five RING in five seconds, then the caller is told and the channel closed."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    sent = caller.call(callee.identity.peer_id, call=9)
    sent += bench.wait(6)
    assert len(of_kind(sent, wire.Ring)) == 5
    ((unavailable, to),) = of_kind(sent, wire.Unavailable)
    assert (unavailable.call, unavailable.retry_after) == (9, 0)
    assert to == caller.home
    assert len(bench.protocol.introductions.relay) == 0
    again = caller.call(callee.identity.peer_id, call=9)
    assert of_kind(again, wire.Unavailable)


def test_ring_follows_a_callee_that_registers_anew():
    """The callee restarts in another place while it rings: it rings there."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    caller.call(callee.identity.peer_id)
    reborn = raw_client(bench, "callee", "203.0.113.99")
    assert reborn.register()
    ((ring, to),) = of_kind(bench.wait(0.3), wire.Ring)
    assert to == reborn.home
    relayed = b"\x30" + ring.channel.to_bytes(4, "little") + b"x"
    assert caller.send(relayed) == [(relayed, reborn.home)]


def test_agree_tells_both_sides_each_others_endpoint_at_once():
    """PUNCH goes out in the same instant, each under the MAC of its receiver."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    sent = callee.send(callee.datagram(wire.Agree, channel))
    punches = {to: m for m, to in of_kind(sent, wire.Punch)}
    assert set(punches) == {caller.home, callee.home}
    expected = {
        caller.home: Endpoint("203.0.113.2", 5000),
        callee.home: Endpoint("198.51.100.1", 5000),
    }
    for to, punch in punches.items():
        seen = wire.unmask_endpoint(punch.masked, punch.transaction)
        assert (punch.channel, seen) == (channel, expected[to])
    keys = {caller.home: caller.key, callee.home: callee.key}
    assert all(is_authentic(data, keys[to]) for data, to in sent)


def test_punch_is_repeated_until_acknowledged():
    """Each side on its own; five times at most."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    sent = callee.send(callee.datagram(wire.Agree, channel))
    caller.acknowledge(sent)
    targets = [to for _, to in of_kind(bench.wait(10), wire.Punch)]
    assert targets == [callee.home] * 4


def test_a_repeated_agree_brings_punch_again():
    """PUNCH to the callee got lost five times: it may ask again."""
    bench = Bench()
    _, callee, channel = introduced(bench)
    callee.acknowledge(callee.send(callee.datagram(wire.Agree, channel)))
    sent = callee.send(callee.datagram(wire.Agree, channel))
    assert [to for _, to in of_kind(sent, wire.Punch)] == [callee.home]


@pytest.mark.parametrize("who", ["caller", "stranger"])
def test_only_the_callee_agrees(who):
    """Nobody gets an address out of the server without its owner's word."""
    bench = Bench()
    caller, _, channel = introduced(bench)
    stranger = raw_client(bench, "stranger", "192.0.2.50")
    stranger.register()
    client: RawClient = {"caller": caller, "stranger": stranger}[who]
    assert client.send(client.datagram(wire.Agree, channel)) == []
    assert bench.protocol.introductions.relay.get(channel).agreed is False


@pytest.mark.parametrize("who", ["caller", "callee", "stranger"])
def test_either_side_hangs_up_and_nobody_else(who):
    """HANGUP closes the channel for both."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    stranger = raw_client(bench, "stranger", "192.0.2.50")
    stranger.register()
    client = {"caller": caller, "callee": callee, "stranger": stranger}[who]
    client.send(client.datagram(wire.HangUp, channel))
    is_open = bench.protocol.introductions.relay.get(channel) is not None
    assert is_open is (who == "stranger")


def test_hanging_up_stops_the_ringing():
    """A caller that has changed its mind is not heard of again."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    ring, _ = ring_of(caller.call(callee.identity.peer_id))
    caller.send(caller.datagram(wire.HangUp, ring.channel))
    assert bench.wait(10) == []
    assert len(bench.protocol.introductions) == 0


def test_a_channel_follows_a_side_that_has_moved():
    """After REBIND relayed data goes to the new address and comes from there only."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    elsewhere = address("192.0.2.200", 9)
    cookie = callee.keepalive(elsewhere).cookie
    relayed = b"\x30" + channel.to_bytes(4, "little") + b"x"
    assert caller.send(relayed) == [(relayed, callee.home)]
    sent = callee.send(callee.datagram(wire.Rebind, cookie), elsewhere)
    assert of_kind(sent, wire.Punch) == []  # the callee has not agreed
    assert caller.send(relayed) == [(relayed, elsewhere)]
    assert callee.send(relayed, elsewhere) == [(relayed, caller.home)]
    [(hint, to)] = callee.send(relayed)
    assert (hint[0], to) == (NO_CHANNEL, callee.home)
    old_home = callee.home
    callee.home = Address(elsewhere)
    sent = callee.send(callee.datagram(wire.Agree, channel))
    assert {to for _, to in of_kind(sent, wire.Punch)} == {caller.home, elsewhere}
    assert old_home != elsewhere


def moved(client, number):
    """What leaves when a client is heard from yet another address."""
    there = address(f"192.0.2.{number}", number)
    cookie = client.keepalive(there).cookie
    sent = client.send(client.datagram(wire.Rebind, cookie), there)
    client.home = Address(there)
    return sent


def told(sent):
    """Hosts that PUNCHes tell of, and where they go."""
    return [
        (wire.unmask_endpoint(punch.masked, punch.transaction).host, to)
        for punch, to in of_kind(sent, wire.Punch)
    ]


def test_the_other_side_is_told_at_once_where_a_side_has_moved_to():
    """Again until PUNCHED; what told of the place before is repeated no more."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    sent = callee.send(callee.datagram(wire.Agree, channel))
    for side in (caller, callee):
        side.acknowledge(sent)
    assert told(moved(callee, 201)) == [("192.0.2.201", caller.home)]
    sent = moved(callee, 202)
    assert told(sent) == [("192.0.2.202", caller.home)]
    assert told(bench.wait(10)) == 4 * told(sent)
    sent = moved(caller, 203)
    assert told(sent) == [("192.0.2.203", callee.home)]
    callee.acknowledge(sent)
    caller.acknowledge(moved(callee, 204))
    assert told(bench.wait(10)) == []


def test_an_acknowledgement_counts_for_its_own_punch_alone():
    """PUNCHED for the address before, come late, leaves the new one to be repeated."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    sent = callee.send(callee.datagram(wire.Agree, channel))
    callee.acknowledge(sent)
    moved(callee, 201)
    caller.acknowledge(sent)
    caller.send(caller.datagram(wire.Punched, channel))  # of no PUNCH at all
    assert told(bench.wait(10)) == 4 * [("192.0.2.201", caller.home)]


def test_a_channel_follows_a_registration_that_is_replaced():
    """A client that registers anew in mid session keeps its channels."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    old = callee.number
    callee.home = address("192.0.2.201", 10)
    assert callee.register(replaces=old)
    relayed = b"\x30" + channel.to_bytes(4, "little") + b"x"
    assert caller.send(relayed) == [(relayed, callee.home)]
    callee.send(callee.datagram(wire.HangUp, channel))
    assert bench.protocol.registry.find(callee.number).channels == set()


def test_a_channel_does_not_follow_a_registration_that_it_has_left():
    """It rings at the newer of two machines; a move of the older changes nothing."""
    bench = Bench()
    caller, older = raw_pair(bench)
    ring, _ = ring_of(caller.call(older.identity.peer_id))
    newer = raw_client(bench, "callee", "203.0.113.99")
    assert newer.register()
    assert of_kind(bench.wait(0.3), wire.Ring)[0][1] == newer.home
    elsewhere = address("192.0.2.202")
    cookie = older.keepalive(elsewhere).cookie
    older.send(older.datagram(wire.Rebind, cookie), elsewhere)
    relayed = b"\x30" + ring.channel.to_bytes(4, "little") + b"x"
    assert caller.send(relayed) == [(relayed, newer.home)]


def test_a_callee_that_leaves_while_it_rings_is_not_rung_on():
    """RING stops at once, and the caller hears of it as of any other offline callee."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    caller.call(callee.identity.peer_id)
    callee.send(callee.datagram(wire.Unregister))
    sent = bench.wait(6)
    assert [type(message) for message, _ in decoded(sent)] == [wire.Unavailable]


def test_a_caller_that_leaves_while_it_rings_is_told_nothing():
    """There is nobody to tell; the channel is closed all the same."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    caller.call(callee.identity.peer_id)
    caller.send(caller.datagram(wire.Unregister))
    assert of_kind(bench.wait(6), wire.Unavailable) == []
    assert len(bench.protocol.introductions) == 0


def test_punch_goes_only_to_the_side_that_is_still_there():
    """The caller has left between CALL and AGREE."""
    bench = Bench()
    caller, callee, channel = introduced(bench)
    caller.send(caller.datagram(wire.Unregister))
    sent = callee.send(callee.datagram(wire.Agree, channel))
    assert [to for _, to in of_kind(sent, wire.Punch)] == [callee.home]


def test_nothing_is_left_of_a_call_that_has_ended():
    """Channels, timers and the marks at both registrations are gone."""
    bench = Bench(replace(Settings(), limits=FREE))
    caller, callee, channel = introduced(bench)
    bench.wait(31)
    registry = bench.protocol.registry
    assert bench.protocol.introductions.relay.get(channel) is None
    assert len(bench.protocol.introductions) == 0
    assert registry.find(caller.number).channels == set()
    assert registry.find(callee.number).channels == set()
