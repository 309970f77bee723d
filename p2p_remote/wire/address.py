"""Where a datagram goes: an IP endpoint, by UDP or TCP, or a channel of a relay.

Machines treat all as opaque hashable path values; only the node wraps and unwraps
relay headers, and only a driver knows what a connection is.
"""

import ipaddress
from dataclasses import dataclass

from p2p_remote.errors import MalformedMessageError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """IP address (text form, never a name) and UDP port."""

    host: str
    port: int

    def __str__(self) -> str:
        """`1.2.3.4:5` or `[::1]:5`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TcpEndpoint(Endpoint):
    """IP address and TCP port: datagrams travel in a stream (`wire.framing`).

    It compares equal to no plain `Endpoint`. A driver connects when the first datagram
    leaves, always from the same local port, so that a router which maps independently
    of the endpoint shows one port to everybody.
    """

    def __str__(self) -> str:
        """`tcp 1.2.3.4:5`."""
        return f"tcp {Endpoint(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class RelayPath:
    """A blind relay channel at a rendezvous server."""

    server: Endpoint
    channel: int

    def __str__(self) -> str:
        """Text for logs."""
        return f"relay {self.server}#{self.channel:08x}"


Path = Endpoint | RelayPath

_IPV4_LENGTH = 4
_IPV6_LENGTH = 16


def pack_endpoint(endpoint: Endpoint) -> bytes:
    """18 bytes: IPv6 address (IPv4 as ::ffff:a.b.c.d), port little endian."""
    address = ipaddress.ip_address(endpoint.host)
    if isinstance(address, ipaddress.IPv4Address):
        packed = bytes(10) + b"\xff\xff" + address.packed
    else:
        packed = address.packed
    return packed + endpoint.port.to_bytes(2, "little")


def unpack_endpoint(data: bytes) -> Endpoint:
    """Read what `pack_endpoint` wrote.

    Raises:
        MalformedMessageError: wrong length or port 0.

    """
    if len(data) != _IPV6_LENGTH + 2:
        raise MalformedMessageError("an endpoint has 18 bytes")
    port = int.from_bytes(data[16:], "little")
    if port == 0:
        raise MalformedMessageError("port 0")
    address = ipaddress.IPv6Address(data[:16])
    mapped = address.ipv4_mapped
    return Endpoint(str(mapped if mapped is not None else address), port)
