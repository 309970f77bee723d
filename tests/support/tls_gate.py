"""A middlebox that lets nothing through but TLS: it looks at how a stream begins.

    python -m tests.support.tls_gate 8443

What the rules of its router redirect to this port (`nft ... redirect to :8443`) goes on
to where it was meant for if it begins with a ClientHello; else it is dropped without a
word, as such boxes do. It says `listening 8443`, then `passed` or `dropped` for each.
"""

import asyncio
import contextlib
import ipaddress
import socket
import sys

from tests.support.connect_proxy import carry, say

_ORIGINAL_DESTINATION = 80  # SO_ORIGINAL_DST, linux/netfilter_ipv4.h
_FIRST = 6  # bytes: a record of a handshake, and in it a ClientHello


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    accepted: socket.socket = writer.get_extra_info("socket")
    packed = accepted.getsockopt(socket.IPPROTO_IP, _ORIGINAL_DESTINATION, 16)
    port = int.from_bytes(packed[2:4], "big")
    host = str(ipaddress.IPv4Address(packed[4:8]))
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readexactly(_FIRST)
        is_hello = head[:2] == b"\x16\x03" and head[5] == 1
        say(f"{'passed' if is_hello else 'dropped'} {host}:{port}")
        if not is_hello:
            await reader.read()  # until the client gives up
            return
        far_reader, far_writer = await asyncio.open_connection(host, port)
        far_writer.write(head)
        both = carry(reader, far_writer), carry(far_reader, writer)
        try:
            await asyncio.gather(*both)
        finally:
            far_writer.close()
    writer.close()


async def _main() -> None:
    port = int(sys.argv[1])
    server = await asyncio.start_server(_serve, "0.0.0.0", port)
    say(f"listening {port}")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
