"""The server's TCP side: connections on which datagrams travel in frames.

For networks that let no UDP through. To the protocol a connection is an address like
any other; what it says is the same. Whoever reads slowly loses relayed datagrams, as on
any thin line, and then the connection: nothing is queued beyond a bound.

A connection that begins with a ClientHello is taken in TLS, on the same port
(`rendezvous.tls`), which costs some 20 KB a connection; streams of asyncio keep 256 KB.
"""

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import replace

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.first_byte import RELAYED
from p2p_remote.wire.framing import TLS_HEAD, Deframer, begins_tls, framed
from p2p_remote.wire.rendezvous import KeepaliveAck, Registered
from rendezvous.addresses import TCP, Address
from rendezvous.sockets import address_of
from rendezvous.tcp_admission import Admission, Refusal, TcpFigures, TcpLimits
from rendezvous.tls import MOST_AT_ONCE, Cover

_log = logging.getLogger(__name__)

_ACCEPTS = 64  # connections taken in one go
_READ = 16 * 1024  # bytes
RELAY_ROOM = 64 * 1024  # bytes waiting; beyond it relayed datagrams are dropped
ROOM = 128 * 1024  # bytes waiting; beyond it the connection ends, ...
FIRST_ROOM = 8 * 1024  # ... and beyond this one that has proved nothing
STUCK_AFTER = 10.0  # s without any progress of what waits
_PAUSE = 1.0  # s without new connections when the system has no more files
_SPARE_FILES = 128  # for everything else
_USUAL_FILES = 1024  # where the system does not tell
_PROOFS = (Registered.TYPE, KeepaliveAck.TYPE)  # sent only to who has proved itself
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: end at once, keep nothing in the kernel
_NOTSENT_LOWAT = 32 * 1024  # bytes that the kernel takes ahead of the line
_NOT_YET = (BlockingIOError, InterruptedError)
_USER_TIMEOUT = 30_000  # ms until unacknowledged data end a connection

OnDatagrams = Callable[[list[bytes], Address], None]


class _Connection:
    """One client's connection."""

    __slots__ = (
        "address",
        "cover",
        "deframer",
        "is_new",
        "outgoing",
        "progress_at",
        "socket",
    )

    def __init__(self, accepted: socket.socket, address: Address) -> None:
        self.socket = accepted
        self.address = address
        self.is_new = True
        self.cover: Cover | None = None  # if it is in TLS
        self.deframer = Deframer()
        self.outgoing = bytearray()
        self.progress_at = 0.0


class TcpConnections:
    """Listening sockets and what was accepted on them."""

    def __init__(
        self,
        limits: TcpLimits,
        secret: bytes,
        on_datagrams: OnDatagrams,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`on_datagrams` is given what has arrived on a connection; `tls` takes TLS."""
        self.figures = TcpFigures()
        self._admission = Admission(_affordable(limits), secret)
        self._on_datagrams = on_datagrams
        self._tls = tls
        self._listeners: list[tuple[socket.socket, int]] = []
        self._connections: dict[Address, _Connection] = {}
        self._waiting: set[Address] = set()  # connections with something to send
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, listener: socket.socket, number: int) -> None:
        """Accept from this listening socket; `number` is that of its UDP socket."""
        self._listeners.append((listener, number))

    def start(self) -> None:
        """Begin on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._resume()

    def close(self) -> None:
        """End everything."""
        loop, self._loop = self._loop, None
        for listener, _ in self._listeners:
            if loop is not None:
                loop.remove_reader(listener)
            listener.close()
        for connection in list(self._connections.values()):
            self._drop(connection, loop)

    def sweep(self, now: float) -> None:
        """End what is idle, unproven or stuck; to be called about once a second."""
        for address, why in self._admission.overdue(now):
            self._end(self._connections[address], why)
        for address in list(self._waiting):
            connection = self._connections[address]
            if connection.progress_at + STUCK_AFTER <= now:
                self._end(connection, Refusal.SLOW)

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram if the connection is still there and has room."""
        connection = self._connections.get(address)
        if connection is None or self._loop is None:
            return
        if data[0] in _PROOFS:
            self._admission.prove(address, time.monotonic())
        if data[0] == RELAYED and len(connection.outgoing) > RELAY_ROOM:
            self.figures.unsent += 1
            return
        line, cover = framed(data), connection.cover
        if cover is not None:
            if cover.is_shaking:
                return  # somebody else had this address before
            try:
                line = cover.put(line)
            except OSError:
                self._end(connection)
                return
        self._write(connection, line)

    def _write(self, connection: _Connection, line: bytes) -> None:
        """Send bytes of the line; what the system does not take yet is kept."""
        if connection.outgoing:
            is_proven = self._admission.is_proven(connection.address)
            if len(connection.outgoing) > (ROOM if is_proven else FIRST_ROOM):
                self._end(connection, Refusal.SLOW)
            else:
                connection.outgoing += line
            return
        try:
            sent = connection.socket.send(line)
        except _NOT_YET:
            sent = 0
        except OSError:
            self._end(connection)
            return
        if sent < len(line) and self._loop is not None:
            connection.outgoing += line[sent:]
            connection.progress_at = time.monotonic()
            self._waiting.add(connection.address)
            self._loop.add_writer(connection.socket, self._on_writable, connection)

    def _on_writable(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.outgoing)
        except _NOT_YET:
            return
        except OSError:
            self._end(connection)
            return
        del connection.outgoing[:sent]
        connection.progress_at = time.monotonic()
        if not connection.outgoing and self._loop is not None:
            self._waiting.discard(connection.address)
            self._loop.remove_writer(connection.socket)

    def _on_readable(self, connection: _Connection) -> None:
        if connection.is_new and not self._begin(connection):
            return
        size = _READ if connection.cover is None else MOST_AT_ONCE
        try:
            data = connection.socket.recv(size)
        except _NOT_YET:
            return
        except OSError:
            data = b""
        if data:
            self._take(connection, data)
        else:
            self._end(connection)

    def _begin(self, connection: _Connection) -> bool:
        """See from its first bytes what it speaks; False if it has ended."""
        try:
            head = connection.socket.recv(TLS_HEAD, socket.MSG_PEEK)
        except _NOT_YET:
            return False
        except OSError:
            head = b""
        connection.is_new = False
        _wake_after(connection.socket, 1)
        if self._tls is not None and head and begins_tls(head):
            if not self._admission.may_shake(connection.address, time.monotonic()):
                self._end(connection, Refusal.RATE)
                return False
            connection.cover = Cover(self._tls)
        return True

    def _take(self, connection: _Connection, data: bytes) -> None:
        """Take bytes that have come on the line."""
        cover = connection.cover
        was_shaking = cover is not None and cover.is_shaking
        try:
            said = data if cover is None else cover.feed(data)
            datagrams = connection.deframer.feed(said)
        except MalformedMessageError:
            self._end(connection, Refusal.MALFORMED)
            return
        except OSError:
            self._end(connection, Refusal.HANDSHAKE if was_shaking else None)
            return
        if cover is not None:
            self.figures.tls += was_shaking and not cover.is_shaking
            if line := cover.take():
                self._write(connection, line)
        if datagrams:
            self._admission.heard(connection.address, time.monotonic())
            self._on_datagrams(datagrams, connection.address)

    # Accepting.

    def _resume(self) -> None:
        if self._loop is None:
            return
        for listener, number in self._listeners:
            self._loop.add_reader(listener, self._on_acceptable, listener, number)

    def _pause(self) -> None:
        """The system has no more files: do not ask again at once."""
        if self._loop is None:
            return
        for listener, _ in self._listeners:
            self._loop.remove_reader(listener)
        self._loop.call_later(_PAUSE, self._resume)

    def _on_acceptable(self, listener: socket.socket, number: int) -> None:
        now = time.monotonic()
        for _ in range(_ACCEPTS):
            try:
                accepted, source = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
                    self._pause()
                    return
                continue  # it has gone before it was taken
            is_ipv4 = listener.family == socket.AF_INET
            address = address_of(source, TCP | number, is_ipv4=is_ipv4)
            if address is None:
                _abort(accepted)
                continue
            self._accept(accepted, address, now)

    def _accept(self, accepted: socket.socket, address: Address, now: float) -> None:
        why = self._admission.refusal(address, now)
        if why is not None:
            self.figures.refused[why] += 1
            _abort(accepted)
            return
        for oldest in self._admission.surplus():
            self._end(self._connections[oldest], Refusal.UNPROVEN)
        _prepare(accepted)
        self._admission.enter(address, now)
        connection = self._connections[address] = _Connection(accepted, address)
        self.figures.accepted += 1
        self.figures.open = len(self._connections)
        if self._loop is not None:
            self._loop.add_reader(accepted, self._on_readable, connection)

    # Ending.

    def _end(self, connection: _Connection, why: Refusal | None = None) -> None:
        """Close one; `why` if it is our wish."""
        if why is not None:
            self.figures.refused[why] += 1
        self._drop(connection, self._loop)

    def _drop(
        self, connection: _Connection, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        if self._connections.pop(connection.address, None) is None:
            return
        self._waiting.discard(connection.address)
        self._admission.leave(connection.address)
        self.figures.open = len(self._connections)
        if loop is not None and connection.socket.fileno() >= 0:
            loop.remove_reader(connection.socket)
            loop.remove_writer(connection.socket)
        _abort(connection.socket)


def _affordable(limits: TcpLimits) -> TcpLimits:
    """Limits that the number of files allows, after asking for as many as needed."""
    files = _allow_files(limits.connections + _SPARE_FILES)
    count = min(limits.connections, max(16, files - _SPARE_FILES))
    if count < limits.connections:
        _log.debug("%d TCP connections at most: open files are limited", count)
    unproven = min(limits.unproven, count)
    return replace(limits, connections=count, unproven=unproven)


def _allow_files(wanted: int) -> int:
    """Raise the number of files that may be open to `wanted`, and return it."""
    soft = _USUAL_FILES
    with contextlib.suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY:
            return wanted
        if soft < wanted:
            best = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
            soft = best
    return soft


def _prepare(accepted: socket.socket) -> None:
    """Small messages leave at once, and little waits in the kernel."""
    accepted.setblocking(False)
    _wake_after(accepted, TLS_HEAD)
    options = (
        ("TCP_NODELAY", 1),
        ("TCP_NOTSENT_LOWAT", _NOTSENT_LOWAT),
        ("TCP_USER_TIMEOUT", _USER_TIMEOUT),
    )
    for name, value in options:
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                accepted.setsockopt(socket.IPPROTO_TCP, option, value)


def _wake_after(accepted: socket.socket, count: int) -> None:
    """Be told of data only when there are `count` bytes, or the end."""
    with contextlib.suppress(OSError):
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)


def _abort(connected: socket.socket) -> None:
    """Close without a trace: a flood must not fill the kernel with goodbyes."""
    with contextlib.suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    connected.close()
