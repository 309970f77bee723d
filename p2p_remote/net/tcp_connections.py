"""TCP connections of a node: to the server where UDP is blocked, and to peers.

A connection is opened when the first datagram leaves for it, always from the same local
port: the server then sees the port that a peer can reach us at, and when both ends
connect at the same time they meet (RFC 9293 section 3.5, simultaneous open). Nobody
listens. To the machines a connection is one more lossy path: what finds no room, or no
connection, is dropped.

Covered connections, to the server only, have ports of their own (`net.stream_opening`).
"""

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections.abc import Callable

from p2p_remote.errors import MalformedMessageError, NetworkError
from p2p_remote.net.stream_opening import (
    OPEN_PATIENCE,
    ProxyRefusedError,
    WayOut,
    connected,
    cover,
    set_up,
    tunnel,
)
from p2p_remote.wire.address import ProxiedEndpoint, TcpEndpoint, TlsEndpoint
from p2p_remote.wire.framing import Deframer, framed

MAX_CONNECTIONS = 32
CONNECT_PATIENCE = 4.0  # s, for a SYN that is repeated
ROOM = 64 * 1024  # bytes that wait to be sent, connected or not; more is dropped
SILENCE_PATIENCE = 5.0  # s of sending without anything coming back
IDLE_PATIENCE = 120.0  # s without any datagram
RETRY_SPACING = (0.1, 2.0)  # s from one attempt to the next one, doubled each time
REFUSED_SPACING = 30.0  # s until a proxy that said no is asked again
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: no TIME_WAIT that bars the port
_SWEEP = 10.0  # s between looks for idle ones

OnDatagram = Callable[[bytes, TcpEndpoint], None]


class _Connection(asyncio.Protocol):
    """One connection, being opened or open."""

    def __init__(self, owner: "TcpConnections", path: TcpEndpoint) -> None:
        self.path = path
        self.used_at = time.monotonic()
        self.transport: asyncio.Transport | None = None
        self.line: asyncio.Transport | None = None  # under TLS
        self.opening: asyncio.Task[None] | None = None
        self.waiting = bytearray()
        self._unanswered_since: float | None = None
        self._owner = owner
        self._deframer = Deframer()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
            transport.write(bytes(self.waiting))
            self.waiting.clear()

    def data_received(self, data: bytes) -> None:
        self.used_at = time.monotonic()
        self._unanswered_since = None
        try:
            datagrams = self._deframer.feed(data)
        except MalformedMessageError:
            self._owner.drop(self)
            return
        self._owner.received(datagrams, self.path)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.lost(self)

    def send(self, data: bytes) -> bool:
        """Send or keep for later; False if there is no room."""
        now = time.monotonic()
        if self._unanswered_since is None or not self._is_busy(now):
            self._unanswered_since = now
        self.used_at = now
        if self.transport is None:
            if len(self.waiting) + len(data) > ROOM:
                return False
            self.waiting += framed(data)
        elif self._queued(self.transport) > ROOM:
            return False
        else:
            self.transport.write(framed(data))
        return True

    def _queued(self, transport: asyncio.Transport) -> int:
        """Bytes that wait for the kernel to take them."""
        below = 0 if self.line is None else self.line.get_write_buffer_size()
        return transport.get_write_buffer_size() + below

    @property
    def is_dead(self) -> bool:
        """Whether nothing comes back: the network is another one, or blocks this."""
        now, since = time.monotonic(), self._unanswered_since
        silent = since is not None and since + SILENCE_PATIENCE <= now
        return silent and self._is_busy(now)

    def _is_busy(self, now: float) -> bool:
        """Whether it was used just now; not every datagram has an answer."""
        return now - self.used_at <= SILENCE_PATIENCE

    def close(self) -> None:
        if self.opening is not None:
            self.opening.cancel()
        if self.transport is not None:
            self.transport.abort()


class TcpConnections:
    """All connections of a driver."""

    def __init__(
        self,
        on_datagram: OnDatagram,
        on_batch_end: Callable[[], None],
        on_closed: Callable[[TcpEndpoint], None],
        way_out: WayOut | None = None,
    ) -> None:
        """`on_closed` is told when a connection that was open has ended."""
        self.trouble = ""
        """Why the proxy was of no use, in words; empty if it is, or was not asked."""
        self._way_out = way_out or WayOut()
        self._is_shut_out = False
        self._on_datagram = on_datagram
        self._on_batch_end = on_batch_end
        self._on_closed = on_closed
        self._connections: dict[TcpEndpoint, _Connection] = {}
        self._ports: dict[socket.AddressFamily, int] = {}
        self._attempts: dict[TcpEndpoint, tuple[float, float]] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self.dropped = 0  # datagrams

    def __len__(self) -> int:
        """How many there are."""
        return len(self._connections)

    def send(self, data: bytes, path: TcpEndpoint) -> None:
        """Send a datagram, connecting first if need be. It may be lost, as by UDP."""
        connection = self._connections.get(path)
        if connection is not None and connection.is_dead:
            # The kernel would go on trying for a quarter of an hour.
            connection.close()
            self.dropped += 1
            return
        connection = connection or self._open(path)
        if connection is None or not connection.send(data):
            self.dropped += 1

    def forget_proxy(self) -> None:
        """The server answers by another way: what the proxy says matters no more."""
        self.trouble = ""
        for each in tuple(self._connections.values()):
            if isinstance(each.path, ProxiedEndpoint) and each.transport is None:
                self._forget(each)
                each.close()

    def close(self) -> None:
        """Close all."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        connections, self._connections = self._connections, {}
        for each in connections.values():
            each.close()

    # Opening.

    def _open(self, path: TcpEndpoint) -> _Connection | None:
        if self._is_shut_out and isinstance(path, ProxiedEndpoint):
            return None
        now = time.monotonic()
        allowed_at, spacing = self._attempts.get(path, (0.0, RETRY_SPACING[0]))
        if now < allowed_at or len(self._connections) >= MAX_CONNECTIONS:
            return None
        if len(self._attempts) > MAX_CONNECTIONS:
            del self._attempts[next(iter(self._attempts))]
        self._attempts[path] = (now + spacing, min(2 * spacing, RETRY_SPACING[1]))
        connection = self._connections[path] = _Connection(self, path)
        connection.opening = asyncio.ensure_future(self._connect(connection))
        if self._sweeping is None:
            self._sweep()
        return connection

    async def _connect(self, connection: _Connection) -> None:
        path = connection.path
        is_open = False
        try:
            if isinstance(path, TlsEndpoint):
                await self._open_covered(connection, path)
            else:
                await self._open_plain(connection, self._bound(path))
            is_open = True
        except NetworkError as error:
            self._on_no_tunnel(path, error)
        except (OSError, ValueError):  # TimeoutError is an OSError
            pass
        finally:
            if not is_open:
                self._forget(connection)

    async def _open_plain(self, connection: _Connection, opened: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        path = connection.path
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await loop.sock_connect(opened, (path.host, path.port))
            await loop.create_connection(lambda: connection, sock=opened)
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE):
                # The port cannot reach there (yet) once more: use another one.
                self._ports.pop(opened.family, None)
            opened.close()
            raise
        except asyncio.CancelledError:
            opened.close()
            raise

    async def _open_covered(self, connection: _Connection, path: TlsEndpoint) -> None:
        loop = asyncio.get_running_loop()
        name = self._way_out.name_of(path)
        async with asyncio.timeout(OPEN_PATIENCE):
            if isinstance(path, ProxiedEndpoint):
                opened = await tunnel(self._way_out, path)
            else:
                opened = await connected(path.host, path.port)
            line, _ = await loop.create_connection(asyncio.Protocol, sock=opened)
            try:
                covered = await cover(line, connection, name)
            except BaseException:
                line.abort()
                raise
        connection.line = line
        connection.connection_made(covered)

    def _on_no_tunnel(self, path: TcpEndpoint, error: NetworkError) -> None:
        """Do not ask at once again; after a wrong password, not at all."""
        self.trouble = str(error)
        if isinstance(error, ProxyRefusedError):
            self._is_shut_out = self._is_shut_out or error.for_good
            now = time.monotonic()
            self._attempts[path] = (now + REFUSED_SPACING, RETRY_SPACING[1])

    def _bound(self, path: TcpEndpoint) -> socket.socket:
        """Socket on the port that all connections share.

        Raises:
            OSError: no socket.

        """
        family = socket.AF_INET6 if ":" in path.host else socket.AF_INET
        any_address = "::" if family == socket.AF_INET6 else ""
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            _share_port(opened)
            set_up(opened)
            opened.bind((any_address, self._ports.get(family, 0)))
        except OSError:
            self._ports.pop(family, None)
            opened.close()
            raise
        self._ports[family] = opened.getsockname()[1]
        return opened

    # What happens to connections.

    def received(self, datagrams: list[bytes], path: TcpEndpoint) -> None:
        """Hand over what has arrived."""
        self._attempts.pop(path, None)
        if isinstance(path, ProxiedEndpoint):
            self.trouble = ""
        for each in datagrams:
            self._on_datagram(each, path)
        self._on_batch_end()

    def drop(self, connection: _Connection) -> None:
        """End a connection that speaks something else; `lost` follows."""
        connection.close()

    def lost(self, connection: _Connection) -> None:
        """Forget an open connection that has ended."""
        if self._forget(connection):
            self._on_closed(connection.path)
            self._on_batch_end()

    def _forget(self, connection: _Connection) -> bool:
        if self._connections.get(connection.path) is not connection:
            return False
        del self._connections[connection.path]
        return True

    def _sweep(self) -> None:
        """Close what nobody uses, again and again."""
        now = time.monotonic()
        for each in list(self._connections.values()):
            if each.used_at + IDLE_PATIENCE <= now:
                self._forget(each)
                each.close()
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(_SWEEP, self._sweep)


def _share_port(opened: socket.socket) -> None:
    """Let several connections have the same local port."""
    for name in ("SO_REUSEADDR", "SO_REUSEPORT"):
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, option, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
