"""The size of datagrams follows what the path carries."""

import pytest

from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import Connection
from p2p_remote.transport.path_mtu import PathMtu
from p2p_remote.wire.address import Endpoint, RelayPath, TcpEndpoint
from p2p_remote.wire.constants import CHANNEL_BULK, CHANNEL_INPUT
from tests.support.connections import Pair
from tests.support.line import HEADERS
from tests.support.network import Line

SERVER = Endpoint("192.0.2.1", 3479)


def size(connection: Connection) -> int:
    return connection._sender.path_mtu.size


def connected(mtu: int, config: Config | None = None, **line: float) -> Pair:
    """A pair that has exchanged a message over a path of this IP MTU."""
    pair = Pair(1, Line(delay=0.02, mtu=mtu, **line), config=config)
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


def test_a_path_that_gets_narrower_is_noticed():
    """Large packets vanish in mid transfer: back to the base, nothing is missing."""
    pair = connected(1500, rate=8e6)
    contents = [bytes([index]) * 20_000 for index in range(60)]
    pair.left.pour(CHANNEL_BULK, 0, iter(contents))
    pair.network.run_for(0.3)
    pair.up.mtu = 1300
    narrowed = pair.network.now
    pair.network.run_for(
        20, while_=lambda: len(pair.right.messages.get(CHANNEL_BULK, [])) < 60
    )
    assert pair.right.messages[CHANNEL_BULK] == contents
    assert size(pair.left.connection) == 1200
    assert pair.network.now - narrowed < 4


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
    assert pair.right.arrivals[CHANNEL_BULK][0] - sent < 2


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
    mtu.on_timeouts(2, now)
    assert mtu.size == largest
    mtu.on_timeouts(3, now)
    assert mtu.size == 1200
    assert mtu.next_probe(now + 59) is None
    for _ in range(3):
        probe = mtu.next_probe(now + 61)
        assert probe is not None
        mtu.on_probe_sent(probe)
        mtu.on_probe_lost(now + 61)
    assert mtu.next_probe(now + 600) is None
    assert mtu.next_probe(now + 662) == probe


def test_nothing_is_tried_where_there_are_no_datagrams():
    """A path by TCP keeps its size."""
    pair = connected(1500, Config(discover_mtu=False))
    assert size(pair.left.connection) == 1200
    assert pair.up.bytes_sent < 1200 + HEADERS


def test_a_tcp_connection_is_not_probed() -> None:
    """It has no packets of ours whose size could be tried."""
    path = TcpEndpoint("198.51.100.1", 4000)
    assert PathMtu(1200, path, searches=True).next_probe(0.0) is None
