"""Where a datagram goes: an IP endpoint, by UDP or TCP, or a channel of a relay.

Machines treat all as opaque hashable path values; only the node wraps and unwraps
relay headers, and only a driver knows what a connection is.
"""

import hashlib
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
class TlsEndpoint(TcpEndpoint):
    """The same in TLS, for networks that let only that through.

    TLS is a coat here: it proves nothing. The connection has a local port of its own.
    """

    def __str__(self) -> str:
        """`tls 1.2.3.4:5`."""
        return f"tls {Endpoint(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class ProxiedEndpoint(TlsEndpoint):
    """The same in TLS through the HTTP proxy that the driver knows."""

    def __str__(self) -> str:
        """`proxied 1.2.3.4:5`."""
        return f"proxied {Endpoint(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class RelayPath:
    """A blind relay channel at a rendezvous server."""

    server: Endpoint
    channel: int

    def __str__(self) -> str:
        """Text for logs."""
        return f"relay {self.server}#{self.channel:08x}"


Path = Endpoint | RelayPath

_DISCARD = ipaddress.IPv6Network("100::/64")  # RFC 6666: leads nowhere
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


def unresolved(name: str, port: int) -> Endpoint:
    """Endpoint that stands for a server whose name only a proxy can look up.

    Its address leads nowhere and is made from the name, so that a registration signed
    for it is bound to the name as others are to an address.
    """
    digest = hashlib.blake2b(
        name.lower().rstrip(".").encode(), digest_size=8, person=b"p2pr1/name"
    )
    host = _DISCARD[int.from_bytes(digest.digest(), "big")]
    return Endpoint(str(host), port)


def is_unresolved(endpoint: Endpoint) -> bool:
    """Whether `unresolved` has made its address."""
    return ":" in endpoint.host and ipaddress.ip_address(endpoint.host) in _DISCARD
