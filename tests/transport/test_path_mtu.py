"""The size of datagrams follows what the path carries."""

import pytest

from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import MAX_LATEST, Connection
from p2p_remote.transport.events import LatestReceived, PeerClosed
from p2p_remote.transport.path_mtu import LEAST, PathMtu
from p2p_remote.wire.address import Endpoint, RelayPath, TcpEndpoint
from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_CONTROL,
    CHANNEL_INPUT,
    CHANNEL_SCREEN,
)
from tests.support.connections import Pair
from tests.support.line import HEADERS
from tests.support.network import Line

SERVER = Endpoint("192.0.2.1", 3479)


def size(connection: Connection) -> int:
    return connection._sender.path_mtu.size


def connected(
    mtu: int, config: Config | None = None, delay: float = 0.02, **line: float
) -> Pair:
    """A pair that has exchanged a message over a path of this IP MTU."""
    pair = Pair(1, Line(delay=delay, mtu=mtu, **line), config=config)
    pair.left.send(CHANNEL_INPUT, b"x")
    pair.network.run_for(3)
    return pair


@pytest.mark.parametrize(
    ("mtu", "found"),
    [(0, 1472), (1500, 1472), (1480, 1452), (1450, 1420), (1400, 1372), (1300, 1200)],
)
def test_the_largest_size_that_passes_is_found(mtu, found):
    """Sizes are tried upwards; losing one tells the controller nothing."""
    pair = connected(mtu)
    window = pair.left.connection.statistics().window
    assert size(pair.left.connection) == found
    pair.network.run_for(5)
    statistics = pair.left.connection.statistics()
    assert statistics.packets_lost == 0
    assert statistics.window == window


def test_found_sizes_are_used():
    """A transfer takes fewer packets; no datagram is larger than what was found."""
    pair = connected(1400)
    before = pair.left.connection.statistics().packets_sent
    pair.left.send(CHANNEL_BULK, bytes(134_000))
    pair.network.run_for(3)
    assert pair.right.messages[CHANNEL_BULK] == [bytes(134_000)]
    packets = pair.left.connection.statistics().packets_sent - before
    assert packets < 110  # 116 of 1200 bytes
    assert pair.left.connection.statistics().packets_lost == 0


def test_losses_do_not_hide_a_size():
    """Each size has three tries."""
    pair = connected(1500, loss=0.2)
    pair.network.run_for(10)
    assert size(pair.left.connection) > 1200


@pytest.mark.parametrize(("mtu", "found"), [(1300, 1200), (1100, 1024), (576, LEAST)])
def test_a_path_that_gets_narrower_is_noticed(mtu, found):
    """Large packets vanish in mid transfer: smaller ones soon, nothing is missing."""
    pair = connected(1500, rate=8e6)
    contents = [bytes([index]) * 20_000 for index in range(60)]
    pair.left.pour(CHANNEL_BULK, 0, iter(contents))
    pair.network.run_for(0.3)
    pair.up.mtu = mtu
    narrowed = pair.network.now
    pair.network.run_for(
        20, while_=lambda: len(pair.right.messages.get(CHANNEL_BULK, [])) < 60
    )
    assert pair.right.messages[CHANNEL_BULK] == contents
    arrivals = [at for at in pair.right.arrivals[CHANNEL_BULK] if at > narrowed + 0.03]
    assert arrivals[0] - narrowed < 0.5
    assert pair.network.now - narrowed < 3
    assert size(pair.left.connection) == found


@pytest.mark.parametrize("delay", [0.02, 0.1])
@pytest.mark.parametrize("keys", [False, True])
def test_single_packets_that_vanish_are_enough(delay, keys):
    """One update of the screen now and then, with typing beside it or not."""
    pair = connected(1500, delay=delay)
    began = pair.network.now

    def update() -> None:
        pair.left.send(CHANNEL_SCREEN, bytes(1100))
        if keys:
            pair.left.send(CHANNEL_INPUT, b"key")

    for index in range(50):
        pair.network.call_at(began + index * 0.1, update)
    pair.network.run_for(2)
    pair.up.mtu = 600
    narrowed = pair.network.now
    pair.network.run_for(4)
    late = [at for at in pair.right.arrivals[CHANNEL_SCREEN] if at > narrowed + delay]
    assert late[0] - narrowed < 1.1
    assert len(pair.right.messages[CHANNEL_SCREEN]) == 50


@pytest.mark.parametrize("mtu", [576, 700, 1000, 1200])
def test_a_path_that_has_always_been_narrow(mtu):
    """It carries no datagram of the base size: both ends get their messages soon."""
    line = Line(delay=0.02, mtu=mtu)
    pair = Pair(1, line, Line(delay=0.02, mtu=mtu))
    for side in (pair.left, pair.right):
        side.send(CHANNEL_CONTROL, bytes(3000))
        side.send(CHANNEL_SCREEN, bytes(30_000))
    pair.network.run_for(2.0)
    for side in (pair.left, pair.right):
        assert side.messages == {
            CHANNEL_CONTROL: [bytes(3000)],
            CHANNEL_SCREEN: [bytes(30_000)],
        }
        assert size(side.connection) + HEADERS <= mtu
        side.connection.send_latest(0, bytes(MAX_LATEST), pair.network.now)
    pair.network.run_for(0.5)
    pair.left.connection.close(3, "\N{HIRAGANA LETTER A}" * 200, pair.network.now)
    pair.network.run_for(1.0)
    assert LatestReceived(0, bytes(MAX_LATEST)) in pair.right.events
    closed = pair.right.events[-1]
    assert isinstance(closed, PeerClosed)
    assert len(closed.text) > 100


def test_the_size_comes_back_with_the_path():
    """A stall and losses are no narrow place: the size before is tried at once."""
    pair = connected(1500, rate=8e6)
    pair.left.pour(CHANNEL_BULK, 8000)
    pair.network.run_for(1)
    pair.up.down = True
    pair.network.run_for(0.4)
    assert size(pair.left.connection) == LEAST
    pair.up.down = False
    pair.network.run_for(0.5)
    assert size(pair.left.connection) == 1472


def test_a_silence_uses_up_no_tries():
    """A minute without a network says nothing about sizes."""
    pair = connected(1500, Config(lost_after=600.0))
    pair.left.send(CHANNEL_BULK, bytes(50_000))
    pair.up.down = pair.down.down = True
    pair.network.run_for(60)
    pair.up.down = pair.down.down = False
    pair.network.run_for(3)
    assert pair.right.messages[CHANNEL_BULK] == [bytes(50_000)]
    assert size(pair.left.connection) == 1472


@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_random_losses_are_no_narrow_place(burst):
    """At 5 % of loss nearly all packets of a transfer have the largest size."""
    pair = connected(1500, rate=10e6)
    pair.up.loss, pair.up.burst = 0.05, burst
    pair.left.pour(CHANNEL_BULK, 8000)
    sizes = []
    for _ in range(200):
        pair.network.run_for(0.02)
        sizes.append(size(pair.left.connection))
    assert sizes.count(1472) > 0.97 * len(sizes)


def test_small_packets_do_not_hide_a_hole():
    """Typing goes on while all large packets vanish: those come in smaller ones."""
    pair = connected(1500, rate=8e6)
    pair.up.mtu = 1300
    sent = pair.network.now
    pair.left.send(CHANNEL_BULK, bytes(60_000))
    for index in range(200):
        when = sent + index * 0.02
        pair.network.call_at(when, lambda: pair.left.send(CHANNEL_INPUT, b"key"))
    pair.network.run_for(5)
    assert pair.right.messages[CHANNEL_BULK] == [bytes(60_000)]
    assert len(pair.right.messages[CHANNEL_INPUT]) == 201
    assert pair.right.arrivals[CHANNEL_BULK][0] - sent < 1


def test_a_new_path_is_searched_anew():
    """A path is not trusted with what another one carried."""
    pair = connected(1500)
    assert size(pair.left.connection) == 1472
    pair.left.connection.set_path(
        pair.left.connection.path, pair.network.now, reset=True
    )
    assert size(pair.left.connection) == 1200
    pair.network.run_for(2)
    assert size(pair.left.connection) == 1472


@pytest.mark.parametrize(
    ("path", "largest"),
    [
        (SERVER, 1472),
        (Endpoint("2001:db8::1", 1), 1452),
        (RelayPath(SERVER, 1), 1467),
        (RelayPath(Endpoint("2001:db8::1", 1), 1), 1447),
    ],
)
def test_sizes_leave_room_for_what_is_around(path, largest):
    """IPv6 headers and the relay's bytes count; three failures end the search."""
    mtu = PathMtu(1200, path, searches=True)
    now = 5.0
    while (probe := mtu.next_probe(now)) is not None:
        mtu.on_probe_sent(probe)
        assert mtu.next_probe(now) is None
        mtu.on_probe_acked(probe)
    assert mtu.size == largest
    assert mtu.next_probe(now + 600) is None


@pytest.mark.parametrize("path", [SERVER, RelayPath(SERVER, 1)])
def test_sizes_after_a_hole(path):
    """First the size before, then the base, then upwards; then a rest that grows."""
    mtu = PathMtu(1200, path, searches=True)
    probe = mtu.next_probe(5.0)
    assert probe is not None
    mtu.on_probe_sent(probe)
    mtu.on_probe_acked(probe)
    mtu.on_timeouts(1, 1.0)
    mtu.on_timeouts(3, 0.09)
    assert mtu.size == probe
    mtu.on_timeouts(2, 0.1)
    assert mtu.size == LEAST
    tried = []
    while (probe := mtu.next_probe(6.0)) is not None:
        tried.append(probe)
        mtu.on_probe_sent(probe)
        if probe > 1000:
            mtu.on_probe_lost(6.0)
        else:
            mtu.on_probe_acked(probe)
    before = tried[0]
    assert tried == [before] * 3 + [1200] * 3 + [768] + [1024] * 3
    assert mtu.size == 768
    assert mtu.next_probe(65.0) is None
    for _ in range(3):
        assert mtu.next_probe(67.0) == 1024
        mtu.on_probe_sent(1024)
        mtu.on_probe_lost(67.0)
    assert mtu.next_probe(666.0) is None
    assert mtu.next_probe(668.0) == 1024


def test_nothing_is_tried_where_there_are_no_datagrams():
    """A path by TCP keeps its size."""
    pair = connected(1500, Config(discover_mtu=False))
    assert size(pair.left.connection) == 1200
    assert pair.up.bytes_sent < 1200 + HEADERS


def test_a_tcp_connection_is_not_probed() -> None:
    """It has no packets of ours whose size could be tried."""
    path = TcpEndpoint("198.51.100.1", 4000)
    assert PathMtu(1200, path, searches=True).next_probe(0.0) is None
