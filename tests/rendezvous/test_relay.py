"""The blind relay: who may use a channel, and how much."""

from dataclasses import replace

import pytest

from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.constants import MAX_ANY_DATAGRAM
from p2p_remote.wire.first_byte import NO_CHANNEL
from rendezvous.relay import ONE_SIDED_CLOSE
from rendezvous.settings import Settings
from tests.support.raw_client import Bench, address, raw_client, ring_of


def connect(settings=None, *, agreed=True):
    """A caller and a callee with a channel: bench, caller, callee, channel header."""
    bench = Bench(settings)
    caller = raw_client(bench, "caller", "198.51.100.1")
    callee = raw_client(bench, "callee", "203.0.113.2")
    caller.register(listed=False)
    callee.register()
    ring, _ = ring_of(caller.call(callee.identity.peer_id))
    callee.send(callee.datagram(wire.Rung, ring.channel))
    if agreed:
        sent = callee.send(callee.datagram(wire.Agree, ring.channel))
        for side in (caller, callee):
            side.acknowledge(sent)
    return bench, caller, callee, b"\x30" + ring.channel.to_bytes(4, "little")


def passed(client, header, size, count):
    """How many of `count` datagrams of `size` bytes get through."""
    data = header + bytes(size - len(header))
    return sum(bool(client.send(data)) for _ in range(count))


def test_datagrams_pass_unchanged_in_both_directions():
    """What goes in comes out, byte by byte, at the other side only."""
    _, caller, callee, header = connect()
    for size in (1, 2, 1200, MAX_ANY_DATAGRAM):
        data = header + bytes([0xC0]) + bytes(size - 1)
        assert caller.send(data) == [(data, callee.home)]
        assert callee.send(data) == [(data, caller.home)]


def test_strangers_cannot_use_a_channel():
    """Who is neither end gets 5 bytes, whether the channel exists or not."""
    bench, caller, _, header = connect()
    stranger = raw_client(bench, "stranger", "192.0.2.50")
    stranger.register()
    for source in (
        address("192.0.2.66"),
        stranger.home,
        address("198.51.100.1", 5001),
    ):
        for asked in (header, b"\x30" + bytes(4)):
            hint = bytes((NO_CHANNEL,)) + asked[1:]
            assert caller.send(asked + b"x", source) == [(hint, source)]


def test_wrong_sizes_go_nowhere():
    """An empty inner datagram and one that is too long are met with silence."""
    _, caller, _, header = connect()
    for data in (
        b"\x30",
        header[:-1],
        header,
        header + bytes(MAX_ANY_DATAGRAM + 1),
    ):
        assert caller.send(data) == []


def test_an_unknown_channel_is_hinted_at():
    """Whoever uses it learns so from fewer bytes than they have sent."""
    _, caller, _, _ = connect()
    ((hint, _),) = caller.send(b"\x30" + b"none" + b"x")
    assert hint == b"\x28none"


def test_channels_do_not_mix():
    """Two sessions of one callee stay apart."""
    bench, caller, callee, header = connect()
    other = raw_client(bench, "other", "198.51.100.3")
    other.register(listed=False)
    ring, _ = ring_of(other.call(callee.identity.peer_id))
    other_header = b"\x30" + ring.channel.to_bytes(4, "little")
    assert other_header != header
    for client, foreign in ((other, header), (caller, other_header)):
        [(answer, to)] = client.send(foreign + b"x")
        assert (answer[0], to) == (NO_CHANNEL, client.home)
    assert callee.send(other_header + b"x")[0][1] == other.home


def test_before_the_callee_agrees_a_channel_carries_a_handshake_only():
    """64 datagrams at once, both directions together, then one a second."""
    bench, caller, callee, header = connect(agreed=False)
    assert passed(caller, header, 100, 40) == 40
    assert passed(callee, header, 100, 40) == 24
    bench.now += 2
    assert passed(caller, header, 100, 40) == 2


def test_before_the_callee_agrees_bytes_are_limited_too():
    """64 KB at once, whatever the number of datagrams."""
    _, caller, _, header = connect(agreed=False)
    assert passed(caller, header, 1200, 60) == 64_000 // 1200


def test_after_the_callee_has_agreed_a_session_fits():
    """1 MB at once, then 2 Mbit/s."""
    bench, caller, _, header = connect()
    assert passed(caller, header, 1000, 1100) == 1000
    bench.now += 1
    assert passed(caller, header, 1000, 300) == 250


def test_the_rate_is_a_setting():
    """An operator may allow more or less."""
    settings = replace(Settings(), relay_rate=10_000.0, relay_burst=5_000.0)
    bench, caller, _, header = connect(settings)
    assert passed(caller, header, 1000, 10) == 5
    bench.now += 0.2
    assert passed(caller, header, 1000, 10) == 2


def test_without_relay_a_channel_never_carries_more_than_a_handshake():
    """AGREE grants that once more, for the change to a direct path."""
    bench, caller, _, header = connect(replace(Settings(), relay=False))
    assert passed(caller, header, 100, 200) == 64
    bench.now += 3
    assert passed(caller, header, 100, 200) == 3


def test_what_is_refused_costs_nothing():
    """A datagram too many does not eat the allowance of the next."""
    bench, caller, _, header = connect(agreed=False)
    passed(caller, header, 1200, 60)
    bench.now += 2
    assert passed(caller, header, 1900, 5) == 0
    assert passed(caller, header, 1000, 5) == 2


@pytest.mark.parametrize("gap", [29.0, 30.5])
def test_an_idle_channel_is_closed_after_30_seconds(gap):
    """As long as something passes it stays open."""
    bench, caller, callee, header = connect()
    for _ in range(4):
        bench.wait(gap)
        for side in (caller, callee):
            side.keepalive()
        bench.wait(1.0 if gap > 30 else 0.0)
        ((data, _),) = caller.send(header + b"x")
        assert (data == header + b"x") is (gap < 30)


def test_a_full_relay_opens_nothing_more():
    """Callers get the same answer as for somebody offline."""
    bench, _, callee, _ = connect()
    bench.protocol.introductions.relay._limit = 1
    other = raw_client(bench, "other", "198.51.100.3")
    other.register(listed=False)
    assert other.call(callee.identity.peer_id) == []
    assert isinstance(wire.decode(bench.wait(0.2)[0][0]), wire.Unavailable)


def test_a_channel_is_closed_once():
    """Both sides hanging up at the same time is nothing special."""
    bench, _, _, header = connect()
    relay = bench.protocol.introductions.relay
    channel = relay.get(int.from_bytes(header[1:], "little"))
    relay.close(channel)
    relay.close(channel)
    assert len(relay) == 0


def test_a_channel_of_which_one_side_is_silent_ends():
    """Its address may be somebody else's by now, at whom the other one would aim."""
    bench, caller, callee, header = connect()
    sent = 0
    while caller.send(header + b"x") == [(header + b"x", callee.home)]:
        sent += 1
        if sent == 30:
            assert callee.send(header + b"y")
        bench.wait(10)
    assert sent == 30 + ONE_SIDED_CLOSE / 10
