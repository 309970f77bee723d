"""The usual asyncio way of a UDP server: a DatagramProtocol that sends back what comes.

    python -m tests.bench.udp_echo

Prints `listening HOST:PORT`, then serves until it is killed. It checks and remembers
nothing, so it is the most that a server of this shape could answer.
"""

import asyncio


class Echo(asyncio.DatagramProtocol):
    """Sends every datagram back."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data, addr)


async def main() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        Echo, local_addr=("127.0.0.1", 0)
    )
    host, port = transport.get_extra_info("sockname")
    print(f"listening {host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
