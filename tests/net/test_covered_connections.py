"""Connections in TLS, and through a proxy, on loopback."""

import asyncio
import contextlib
import socket

import pytest

from p2p_remote.net import stream_opening
from p2p_remote.net.proxy import Proxy
from p2p_remote.net.stream_opening import WayOut
from p2p_remote.net.tcp_connections import ROOM, SILENCE_PATIENCE, TcpConnections
from p2p_remote.services.network_checks import SERVER_PATIENCE
from p2p_remote.wire.address import ProxiedEndpoint, TlsEndpoint
from p2p_remote.wire.framing import Deframer, framed
from rendezvous import tls
from tests.support.connect_proxy import ConnectProxy
from tests.support.waiting import until

LOOPBACK = "127.0.0.1"
NAME = "rendezvous.test"
DATAGRAM = b"\x30" + bytes(1200)


class Bench:
    """Connections of ours, a server in TLS, and a proxy."""

    def __init__(self):
        self.got = []
        self.closed = []
        self.names = []
        self.heard = []
        self.writers = []
        self.reads = True
        self.proxy = ConnectProxy(names={NAME: LOOPBACK})
        self._servers = []
        self.tcp = None

    async def start(self, user="", credentials=""):
        """Listen; `user` is whom the proxy lets in."""
        context = tls.context(None, None)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        server = await asyncio.start_server(self._serve, LOOPBACK, 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self.proxy.user = user
        self.proxy.ports = frozenset({self.port})
        listener = await self.proxy.listen(LOOPBACK, 0)
        self._servers = [server, listener]
        self.use(listener.sockets[0].getsockname()[1], credentials)

    def use(self, proxy_port, credentials=""):
        """Go out through the proxy at this port."""
        if self.tcp is not None:
            self.tcp.close()
        way_out = WayOut(
            Proxy(LOOPBACK, proxy_port, credentials), {LOOPBACK: NAME, "100::1": NAME}
        )
        self.tcp = TcpConnections(
            lambda data, path: self.got.append((data, path)),
            lambda: None,
            self.closed.append,
            way_out,
        )

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        deframer = Deframer()
        with contextlib.suppress(OSError):
            while self.reads and (data := await reader.read(65536)):
                self.heard += deframer.feed(data)

    async def close(self):
        """End everything."""
        self.tcp.close()
        for each in self.writers:
            each.transport.abort()
        for each in self._servers:
            each.close()
        for _ in range(5):
            await asyncio.sleep(0.001)


@pytest.fixture
async def bench():
    """Not started."""
    made = Bench()
    yield made
    await made.close()


@pytest.mark.parametrize("kind", [TlsEndpoint, ProxiedEndpoint])
async def test_datagrams_go_both_ways(bench, kind):
    """Under the path that they were sent to; the server's name is told."""
    await bench.start()
    path = kind(LOOPBACK, bench.port)
    bench.tcp.send(b"hello", path)
    bench.tcp.send(DATAGRAM, path)
    await until(lambda: len(bench.heard) == 2)
    assert bench.heard == [b"hello", DATAGRAM]
    assert bench.names == [NAME]
    tunnel = bench.writers[0].get_extra_info("ssl_object")
    assert tunnel.selected_alpn_protocol() == "http/1.1"
    bench.writers[0].write(framed(b"answer"))
    await until(lambda: bench.got)
    assert bench.got == [(b"answer", path)]
    bench.writers[0].transport.abort()
    await until(lambda: bench.closed)
    assert bench.closed == [path]
    assert not len(bench.tcp)
    asked = [(f"{NAME}:{bench.port}", 200)] if kind is ProxiedEndpoint else []
    assert bench.proxy.asked == asked


async def test_a_name_that_only_the_proxy_knows(bench):
    """The address that stands for it is never connected to."""
    await bench.start(user="me:secret", credentials="me:secret")
    path = ProxiedEndpoint("100::1", bench.port)
    bench.tcp.send(b"hello", path)
    await until(lambda: bench.heard)
    assert bench.tcp.trouble == ""


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ("", "wants a name and a password"),
        ("me:wrong", "does not accept this name and password"),
    ],
)
async def test_a_proxy_that_wants_a_password_is_asked_once(bench, credentials, words):
    """Another wrong one could lock an account; the reason is told, the password not."""
    await bench.start(user="me:secret", credentials=credentials)
    path = ProxiedEndpoint(LOOPBACK, bench.port)
    bench.tcp.send(b"hello", path)
    await until(lambda: bench.tcp.trouble)
    assert words in bench.tcp.trouble
    assert "wrong" not in bench.tcp.trouble
    assert not len(bench.tcp)
    bench.tcp.send(b"hello", path)
    bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, 443))
    assert not len(bench.tcp)
    assert len(bench.proxy.asked) == 1


async def test_a_proxy_that_refuses_a_port_is_not_asked_at_once_again(bench):
    """Other ports may be open."""
    await bench.start()
    bench.proxy.ports = frozenset({443})
    path = ProxiedEndpoint(LOOPBACK, bench.port)
    bench.tcp.send(b"hello", path)
    await until(lambda: bench.tcp.trouble)
    assert "does not let p2p-remote through" in bench.tcp.trouble
    await asyncio.sleep(0.15)  # the usual pause
    bench.tcp.send(b"hello", path)
    assert not len(bench.tcp)
    bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, 443))
    assert len(bench.tcp) == 1


async def test_a_proxy_that_works_again_is_trouble_no_more(bench):
    """What was wrong is forgotten when something comes back."""
    await bench.start()
    bench.tcp.trouble = "it was away"
    bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, bench.port))
    await until(lambda: bench.writers)
    bench.writers[0].write(framed(b"answer"))
    await until(lambda: bench.got)
    assert bench.tcp.trouble == ""


async def test_a_proxy_that_is_not_needed_is_trouble_no_more(bench):
    """Nor is what it is being asked just now; other connections go on."""
    await bench.start()
    direct = TlsEndpoint(LOOPBACK, bench.port)
    bench.tcp.trouble = "it says no"
    bench.proxy.ports = frozenset({443})
    bench.tcp.send(b"hello", direct)
    bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, bench.port))
    bench.tcp.forget_proxy()
    await until(lambda: bench.heard)
    await until(lambda: len(bench.tcp) == 1)
    assert bench.tcp.trouble == ""
    assert list(bench.tcp._connections) == [direct]


async def test_a_proxy_that_is_not_there(bench):
    """Its address is named."""
    await bench.start()
    with socket.socket() as nobody:
        nobody.bind((LOOPBACK, 0))
        bench.use(nobody.getsockname()[1])
        bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, bench.port))
        await until(lambda: bench.tcp.trouble)
        assert "cannot be reached" in bench.tcp.trouble
        assert f"{LOOPBACK}:{nobody.getsockname()[1]}" in bench.tcp.trouble


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n\x16", b"x" * 9000]
)
async def test_a_proxy_that_talks_nonsense(bench, answer):
    """Or nothing, or without end, or before its turn: in one sentence."""
    await bench.start()

    async def serve(_reader, writer):
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    bench.use(server.sockets[0].getsockname()[1])
    bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, bench.port))
    await until(lambda: bench.tcp.trouble)
    assert "does not answer as an HTTP proxy does" in bench.tcp.trouble
    await until(lambda: not len(bench.tcp))
    server.close()


async def test_a_proxy_that_says_nothing(bench, monkeypatch):
    """It accepts, and that is all: this is told like a no."""
    await bench.start()
    monkeypatch.setattr(stream_opening, "TUNNEL_PATIENCE", 0.1)
    with socket.create_server((LOOPBACK, 0)) as silent:
        bench.use(silent.getsockname()[1])
        bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, bench.port))
        await until(lambda: bench.tcp.trouble)
        assert "does not answer" in bench.tcp.trouble
        assert f"{LOOPBACK}:{silent.getsockname()[1]}" in bench.tcp.trouble
        await until(lambda: not len(bench.tcp))


async def test_an_address_that_drops_packets_costs_a_proxy_little_time(
    bench, monkeypatch
):
    """The next one is tried; where there is none, the proxy cannot be reached."""
    await bench.start()
    connect = stream_opening.connected
    found = await stream_opening.look_up(LOOPBACK, bench.tcp._way_out.proxy.port)
    dropping = (*found[0][:4], ("192.0.2.1", 1))

    async def connected(host, port):
        if host == LOOPBACK:
            return await connect(host, port)
        return await asyncio.Future()

    async def look_up(_host, _port):
        return [dropping, *found]

    monkeypatch.setattr(stream_opening, "ADDRESS_PATIENCE", 0.05)
    monkeypatch.setattr(stream_opening, "connected", connected)
    monkeypatch.setattr(stream_opening, "look_up", look_up)
    path = ProxiedEndpoint(LOOPBACK, bench.port)
    bench.tcp.send(b"hello", path)
    await until(lambda: bench.heard)
    assert bench.tcp.trouble == ""
    found.clear()
    bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, 443))
    await until(lambda: bench.tcp.trouble)
    assert "cannot be reached" in bench.tcp.trouble


def test_a_silent_proxy_is_known_before_its_connection_is_given_up():
    """Otherwise nobody would be told."""
    assert stream_opening.ADDRESS_PATIENCE < stream_opening.TUNNEL_PATIENCE
    assert stream_opening.TUNNEL_PATIENCE < SILENCE_PATIENCE
    assert stream_opening.TUNNEL_PATIENCE < SERVER_PATIENCE


async def test_what_waits_in_tls_is_bounded(bench):
    """A reader that stops costs datagrams, not memory; nor does a picture grow old."""
    bench.reads = False
    await bench.start()
    path = TlsEndpoint(LOOPBACK, bench.port)
    bench.tcp.send(b"hello", path)
    await until(lambda: bench.writers)
    (connection,) = bench.tcp._connections.values()
    await until(lambda: connection.transport is not None)
    bench.writers[0].transport.pause_reading()
    for _ in range(20_000):
        bench.tcp.send(DATAGRAM, path)
        if bench.tcp.dropped > 10:
            break
        await asyncio.sleep(0)
    assert bench.tcp.dropped > 10
    assert connection._queued(connection.transport) <= ROOM + 2 * len(DATAGRAM)


async def test_a_server_without_tls_is_given_up(bench):
    """And what is closed in mid handshake leaves nothing behind."""

    async def serve(reader, writer):
        await reader.read(5)
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    await bench.start()
    path = TlsEndpoint(LOOPBACK, server.sockets[0].getsockname()[1])
    bench.tcp.send(b"hello", path)
    await until(lambda: not len(bench.tcp))
    assert bench.closed == []
    bench.tcp.send(b"hello", ProxiedEndpoint(LOOPBACK, bench.port))
    bench.tcp.send(b"hello", TlsEndpoint(LOOPBACK, bench.port))
    await asyncio.sleep(0.002)
    server.close()
