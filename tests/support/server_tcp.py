"""The server's TCP connections at a port of the loopback, without the rest of it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterable

from p2p_remote.wire.framing import framed
from rendezvous.addresses import Address
from rendezvous.sockets import ListenAddress, bind_both
from rendezvous.tcp_admission import TcpLimits
from rendezvous.tcp_connections import TcpConnections
from tests.support.waiting import until

LISTENER = 3  # number of the only one


class TcpBench:
    """Connections at a port; `got` collects what has arrived."""

    def __init__(self, limits: TcpLimits, context: ssl.SSLContext | None) -> None:
        """Listen there."""
        self.got: list[tuple[bytes, Address]] = []
        self.tcp = TcpConnections(limits, bytes(32), self._take, context)
        udp, listener = bind_both(ListenAddress(socket.AF_INET, "127.0.0.1", 0))
        udp.close()
        assert listener is not None
        self.port: int = listener.getsockname()[1]
        self.tcp.add(listener, LISTENER)

    def _take(self, datagrams: Iterable[bytes], address: Address) -> None:
        self.got += [(data, address) for data in datagrams]

    async def connect(
        self, context: ssl.SSLContext | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client's streams, in TLS if there is a context."""
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=context)

    async def introduce(
        self, writer: asyncio.StreamWriter, data: bytes = b"hello"
    ) -> Address:
        """Say something; the address that the server knows the client by."""
        before = len(self.got)
        writer.write(framed(data))
        await until(lambda: len(self.got) > before)
        return self.got[-1][1]


@contextlib.asynccontextmanager
async def serving(
    limits: TcpLimits | None = None, context: ssl.SSLContext | None = None
) -> AsyncIterator[TcpBench]:
    """Started connections, in TLS too if there is a context."""
    bench = TcpBench(limits or TcpLimits(), context)
    bench.tcp.start()
    try:
        yield bench
    finally:
        bench.tcp.close()
