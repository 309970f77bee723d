"""Endpoints that say from which socket, or how far, a datagram goes.

A node has one UDP socket for everything. To pass a router that gives every destination
another port, a session may use more of them for a moment: a datagram whose path names
one leaves from there, and what arrives there carries the same name. A driver opens such
a socket when the first datagram leaves from it and closes it when it is released.
"""

from dataclasses import dataclass

from p2p_remote.wire.address import Endpoint

PRIMING_TTL = 4  # hops: past a home router and a carrier's NAT, short of the peer's

SocketName = tuple[int, int]
"""Group (a session's local index; 0 for the node itself) and number in the group."""

MAIN_SOCKET: SocketName = (0, 0)


@dataclass(frozen=True, slots=True)
class AuxiliaryEndpoint(Endpoint):
    """An endpoint as it is reached from an auxiliary socket.

    It compares equal to no plain `Endpoint`: the same remote address is another path
    from another socket.
    """

    socket: SocketName = MAIN_SOCKET


@dataclass(frozen=True, slots=True)
class PrimingEndpoint(Endpoint):
    """An endpoint that the datagram must not reach.

    The datagram opens a mapping in our own NAT and dies on the way: the driver sends it
    with this TTL (IPv6: hop limit). It compares equal to no plain `Endpoint`.
    """

    ttl: int = PRIMING_TTL
    socket: SocketName = MAIN_SOCKET


@dataclass(frozen=True, slots=True)
class SocketsReleased:
    """A driver closes the auxiliary sockets of `group`, but those in `keep`."""

    group: int
    keep: frozenset[int] = frozenset()


def socket_of(path: object) -> SocketName:
    """Socket that a datagram for this path leaves from."""
    if isinstance(path, AuxiliaryEndpoint | PrimingEndpoint):
        return path.socket
    return MAIN_SOCKET


def from_socket(endpoint: Endpoint, socket: SocketName) -> Endpoint:
    """Endpoint as it is reached from `socket`."""
    if socket == MAIN_SOCKET:
        return Endpoint(endpoint.host, endpoint.port)
    return AuxiliaryEndpoint(endpoint.host, endpoint.port, socket)


def primed(path: Endpoint) -> PrimingEndpoint:
    """Send there so that the datagram dies on the way."""
    return PrimingEndpoint(path.host, path.port, socket=socket_of(path))
