"""TCP as VNC uses it: one connection, one stream, the kernel's own send buffer.

An answer jumps what the application still holds, but not what the socket has taken.
"""

import asyncio
import socket
import struct
from collections.abc import Callable

_HEAD = struct.Struct("<IB")
_READ = 1 << 18


class Framing:
    """Messages from a stream of bytes: length, kind, data."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes, take: Callable[[int, bytes], None]) -> None:
        """Add bytes and hand over the messages that are whole."""
        buffer = self._buffer
        buffer += data
        position = 0
        while len(buffer) - position >= _HEAD.size:
            length, kind = _HEAD.unpack_from(buffer, position)
            end = position + _HEAD.size + length
            if len(buffer) < end:
                break
            take(kind, bytes(buffer[position + _HEAD.size : end]))
            position = end
        del buffer[:position]


def framed(kind: int, data: bytes) -> bytes:
    """Bytes of one message on a stream."""
    return _HEAD.pack(len(data), kind) + data


class TcpWire:
    """One TCP connection with the congestion control `control`."""

    def __init__(
        self,
        control: str,
        local: tuple[str, int],
        remote: tuple[str, int],
        *,
        is_server: bool,
    ) -> None:
        self.on_message: Callable[[int, bytes], None]
        self.on_room: Callable[[], None]
        self._control = control
        self._local, self._remote = local, remote
        self._is_server = is_server
        self._framing = Framing()
        self._waiting = bytearray()
        self._socket: socket.socket | None = None
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opened.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_CONGESTION, self._control.encode()
        )
        opened.setblocking(False)
        if not self._is_server:
            await self._loop.sock_connect(opened, self._remote)
            self._begin(opened)
            return
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(self._local)
        opened.listen()

        def accept() -> None:
            accepted, _ = opened.accept()
            self._loop.remove_reader(opened)
            opened.close()
            self._begin(accepted)

        self._loop.add_reader(opened, accept)

    def _begin(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connected
        self._loop.add_reader(connected, self._receive)

    def _receive(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._waiting = bytearray(1)  # no room any more
            return
        self._framing.feed(data, self.on_message)

    def has_room(self) -> bool:
        return self._socket is not None and not self._waiting

    def send(self, kind: int, data: bytes) -> None:
        self._waiting += framed(kind, data)
        self._flush()

    def _flush(self) -> None:
        if self._socket is None:
            return
        try:
            sent = self._socket.send(self._waiting)
        except BlockingIOError:
            sent = 0
        except OSError:
            return
        del self._waiting[:sent]
        if self._waiting:
            self._loop.add_writer(self._socket, self._on_writable)
        else:
            self._loop.remove_writer(self._socket)

    def _on_writable(self) -> None:
        self._flush()
        if not self._waiting:
            self.on_room()

    async def close(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket.close()
