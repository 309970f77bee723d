"""Sockets beside the main ones: opened when first used, closed when released.

See `traversal.paths` for why there are any.
"""

import asyncio
import socket
from collections.abc import Callable

from p2p_remote.net.udp_socket import UdpSocket
from p2p_remote.traversal.paths import SocketName, SocketsReleased
from p2p_remote.wire.address import Endpoint

MAX_SOCKETS = 600  # a search uses 256, a measurement 9; processes may have 1024
_BUFFER_BYTES = 64 * 1024  # until one of them becomes the path

OnDatagram = Callable[[bytes, Endpoint, SocketName], None]


class AuxiliarySockets:
    """Sockets by their names, on any free port."""

    def __init__(
        self, on_datagram: OnDatagram, on_batch_end: Callable[[], None]
    ) -> None:
        """`on_datagram` is called for each datagram, then `on_batch_end`."""
        self._on_datagram = on_datagram
        self._on_batch_end = on_batch_end
        self._sockets: dict[SocketName, UdpSocket] = {}
        self._attaching: set[asyncio.Task[None]] = set()
        self.refused = 0  # datagrams that there was no socket for

    def __len__(self) -> int:
        """How many are open."""
        return len(self._sockets)

    def send(self, name: SocketName, data: bytes, endpoint: Endpoint) -> None:
        """Send from the socket of this name. Without a socket it is lost, as by UDP."""
        found = self._sockets.get(name) or self._open(name, ":" in endpoint.host)
        if found is None:
            self.refused += 1
        else:
            found.send(data, endpoint)

    def _open(self, name: SocketName, is_ipv6: bool) -> UdpSocket | None:  # noqa: FBT001
        if len(self._sockets) >= MAX_SOCKETS:
            return None
        family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
        try:
            bound = socket.socket(family, socket.SOCK_DGRAM)
            bound.bind(("::" if is_ipv6 else "0.0.0.0", 0))  # noqa: S104
        except OSError:
            return None
        opened = UdpSocket(bound, buffer_bytes=_BUFFER_BYTES)
        self._sockets[name] = opened

        attaching = asyncio.ensure_future(self._attach(name, opened))
        self._attaching.add(attaching)
        attaching.add_done_callback(self._attaching.discard)
        return opened

    async def _attach(self, name: SocketName, opened: UdpSocket) -> None:
        """Begin to receive, unless it has been closed meanwhile."""

        def on_datagram(data: bytes, source: Endpoint) -> None:
            self._on_datagram(data, source, name)

        if self._sockets.get(name) is opened:
            await opened.attach(on_datagram, self._on_batch_end)

    def release(self, released: SocketsReleased) -> None:
        """Close what is no longer needed."""
        for group, number in list(self._sockets):
            if group == released.group and number not in released.keep:
                self._sockets.pop((group, number)).close()

    def close(self) -> None:
        """Close all."""
        for task in self._attaching:
            task.cancel()
        for each in self._sockets.values():
            each.close()
        self._sockets.clear()
