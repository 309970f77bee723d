"""TCP connections of a node, on loopback."""

import asyncio
import contextlib
import socket
import sys

import pytest

from p2p_remote.net import tcp_connections
from p2p_remote.net.driver import Driver
from p2p_remote.net.tcp_connections import ROOM, TcpConnections
from p2p_remote.wire.address import TcpEndpoint
from p2p_remote.wire.framing import Deframer, framed
from tests.support.waiting import until


class Peer:
    """Somebody who listens, and connections that lead there."""

    def __init__(self):
        self.got = []  # of the connections
        self.closed = []
        self.heard = []  # of the listener: (datagram, source)
        self.writers = []
        self.tcp = TcpConnections(
            lambda data, path: self.got.append((data, path)),
            lambda: None,
            self.closed.append,
        )
        self.server = None
        self.path = None

    async def start(self):
        """Listen."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.path = TcpEndpoint(*self.server.sockets[0].getsockname()[:2])

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        deframer = Deframer()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                source = writer.get_extra_info("peername")
                self.heard += [(each, source) for each in deframer.feed(data)]

    async def close(self):
        """Stop everything."""
        self.tcp.close()
        self.server.close()
        for each in self.writers:
            each.close()


@pytest.fixture
async def peer():
    """A peer that listens."""
    running = Peer()
    await running.start()
    yield running
    await running.close()


async def test_the_first_datagram_connects_and_all_arrive_in_order(peer):
    """What is said before the connection is there waits for it."""
    for number in range(5):
        peer.tcp.send(b"%d" % number, peer.path)
    assert len(peer.tcp) == 1
    await until(lambda: len(peer.heard) == 5)
    assert [data for data, _ in peer.heard] == [b"0", b"1", b"2", b"3", b"4"]
    peer.writers[0].write(framed(b"answer") + framed(b"more"))
    await until(lambda: len(peer.got) == 2)
    assert peer.got == [(b"answer", peer.path), (b"more", peer.path)]
    assert len(peer.writers) == 1


async def test_all_connections_leave_from_one_port(peer):
    """So that who is met by one of them is met by all."""
    other = Peer()
    await other.start()
    peer.tcp.send(b"a", peer.path)
    peer.tcp.send(b"b", other.path)
    await until(lambda: peer.heard and other.heard)
    assert peer.heard[0][1] == other.heard[0][1]
    await other.close()


async def test_the_end_of_a_connection_is_told_and_the_next_datagram_connects(peer):
    """From the same port again, which is free at once."""
    peer.tcp.send(b"first", peer.path)
    await until(lambda: peer.heard)
    peer.writers[0].write(framed(b"answer"))
    await until(lambda: peer.got)
    peer.writers[0].close()
    await until(lambda: peer.closed)
    assert peer.closed == [peer.path]
    assert len(peer.tcp) == 0
    peer.tcp.send(b"second", peer.path)
    await until(lambda: len(peer.heard) == 2)


async def test_a_connection_from_which_nothing_comes_is_given_up(peer, monkeypatch):
    """Nobody waits for the kernel to give up; it is told, and the next one connects."""
    peer.tcp.send(b"first", peer.path)
    await until(lambda: peer.heard)
    monkeypatch.setattr(tcp_connections, "SILENCE_PATIENCE", 0.05)
    await until(lambda: peer.closed or peer.tcp.send(b"lost", peer.path))
    assert len(peer.writers) == 1
    peer.tcp._attempts.clear()
    peer.tcp.send(b"second", peer.path)
    await until(lambda: peer.heard[-1][0] == b"second")
    assert len(peer.writers) == 2


async def test_nobody_there_is_no_error_and_tries_are_spaced(peer):
    """Whoever sends on and on does not connect on and on."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        path = TcpEndpoint(*reserved.getsockname())
        peer.tcp.send(b"x", path)
        await until(lambda: len(peer.tcp) == 0)
        dropped = peer.tcp.dropped
        for _ in range(10):
            peer.tcp.send(b"x", path)
        assert peer.tcp.dropped == dropped + 10
        assert peer.closed == []


async def test_what_speaks_something_else_is_left(peer):
    """An impossible length ends the connection, and that is told."""
    peer.tcp.send(b"x", peer.path)
    await until(lambda: peer.writers)
    peer.writers[0].write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await until(lambda: peer.closed)
    assert peer.got == []


async def test_what_finds_no_room_is_dropped(peer):
    """A line that takes nothing keeps no more than a bound waiting."""
    for _ in range(200):
        peer.tcp.send(bytes(1400), peer.path)
    assert peer.tcp.dropped >= 200 - ROOM // 1400
    connection = peer.tcp._connections[peer.path]
    assert len(connection.waiting) <= ROOM + 1402
    await until(lambda: connection.transport)
    dropped = peer.tcp.dropped
    for _ in range(20_000):
        peer.tcp.send(bytes(1400), peer.path)
    assert peer.tcp.dropped > dropped
    assert connection.transport.get_write_buffer_size() <= ROOM + 2 * 1402


async def test_what_nobody_uses_is_closed(peer, monkeypatch):
    """Without a word to the machine: it did not want it."""
    monkeypatch.setattr(tcp_connections, "IDLE_PATIENCE", -1.0)
    monkeypatch.setattr(tcp_connections, "_SWEEP", 0.01)
    peer.tcp.send(b"x", peer.path)
    await until(lambda: len(peer.tcp) == 0)
    assert peer.closed == []


async def test_there_are_only_so_many(peer, monkeypatch):
    """A peer that tells many addresses does not use up our files."""
    monkeypatch.setattr(tcp_connections, "MAX_CONNECTIONS", 1)
    peer.tcp.send(b"x", peer.path)
    peer.tcp.send(b"x", TcpEndpoint("127.0.0.1", 9))
    assert len(peer.tcp) == 1
    assert peer.tcp.dropped == 1


async def test_a_port_that_cannot_be_had_is_replaced(peer):
    """Somebody else may have taken it meanwhile."""
    with socket.socket() as holder:
        holder.bind(("", 0))
        holder.listen()
        peer.tcp._ports[socket.AF_INET] = holder.getsockname()[1]
        peer.tcp.send(b"x", peer.path)
        await until(lambda: len(peer.tcp) == 0)
        peer.tcp._attempts.clear()
        peer.tcp.send(b"y", peer.path)
        await until(lambda: peer.heard)
        assert peer.heard[0][0] == b"y"


class Machine:
    """Sends what it is told and keeps what it hears."""

    def __init__(self):
        self.out = []
        self.heard = []
        self.closed = []

    def receive_datagram(self, data, path, now):
        self.heard.append((data, path))

    def handle_timer(self, now):
        """Nothing is ever due."""

    def datagrams_to_send(self, now):
        out, self.out = self.out, []
        return out

    def next_timer(self):
        return None

    def next_event(self):
        return None


async def test_a_driver_carries_the_datagrams_of_a_machine(peer):
    """To a `TcpEndpoint` they go by TCP, and come back under the same path."""
    machine = Machine()
    driver = Driver(machine, [], print, on_closed=machine.closed.append)
    await driver.start()
    machine.out.append((b"question", peer.path))
    driver.poke()
    await until(lambda: peer.heard)
    peer.writers[0].write(framed(b"answer"))
    await until(lambda: machine.heard)
    assert machine.heard == [(b"answer", peer.path)]
    peer.writers[0].close()
    await until(lambda: machine.closed)
    await driver.close()
    assert driver.unroutable == 0


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux picks ports")
async def test_syns_that_cross_make_a_connection(peer):
    """On loopback only one's own SYN can: a port that connects to itself."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    peer.tcp._ports[socket.AF_INET] = port
    path = TcpEndpoint("127.0.0.1", port)
    peer.tcp.send(b"to myself", path)
    await until(lambda: peer.got)
    assert peer.got == [(b"to myself", path)]
