"""Candidates: the addresses at which an end may be reached (RFC 8445 section 5).

An end tells its candidates only after approval, inside the session. A peer's
candidates are claims: `Scope` and `is_sendable` decide which of them may be checked.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.address import (
    Endpoint,
    TcpEndpoint,
    pack_endpoint,
    unpack_endpoint,
)
from p2p_remote.wire.connectivity import MAX_CANDIDATES

_IPv4Network = ipaddress.IPv4Network
_IPv6Network = ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CandidateRow = tuple[int, int, bytes]
"""Kind, priority, 18-byte endpoint, as in `wire.control.Candidates`."""


class CandidateKind(IntEnum):
    """Where an address was learnt; the number is the one on the wire."""

    HOST = 0
    SERVER_REFLEXIVE = 1
    PEER_REFLEXIVE = 2
    MAPPED = 3
    TCP = 4  # for simultaneous open (RFC 6544 section 4.1); has a `TcpEndpoint`


class Scope(Enum):
    """How far an address reaches."""

    LOOPBACK = "loopback"
    LINK = "link"
    PRIVATE = "private"
    PUBLIC = "public"


# RFC 8445 section 5.1.2.2: host 126, peer-reflexive 110, server-reflexive 100. A port
# mapped by the router takes packets from anywhere, so it is tried before the latter.
_TYPE_PREFERENCE = {
    CandidateKind.HOST: 126,
    CandidateKind.PEER_REFLEXIVE: 110,
    CandidateKind.MAPPED: 105,
    CandidateKind.SERVER_REFLEXIVE: 100,
    CandidateKind.TCP: 90,
}
_IPV6_PREFERENCE = 65_535  # local preference: IPv6 first (RFC 8421 section 4)
_IPV4_PREFERENCE = 32_767

# Written out: `ipaddress.is_private` also holds for documentation ranges, which stand
# for the public internet in examples and laboratories.
_PRIVATE = (
    _IPv4Network("10.0.0.0/8"),
    _IPv4Network("172.16.0.0/12"),
    _IPv4Network("192.168.0.0/16"),
    _IPv4Network("100.64.0.0/10"),  # shared address space of carriers, RFC 6598
    _IPv6Network("fc00::/7"),
)
_UNICAST_IPV6 = (_IPv6Network("2000::/3"), _IPv6Network("fc00::/7"))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One address of an end.

    `prefix_length`: bits of the subnet of a local interface; None for all others.
    """

    kind: CandidateKind
    endpoint: Endpoint
    priority: int
    prefix_length: int | None = None

    def row(self) -> CandidateRow:
        """Form for `wire.control.Candidates`."""
        return int(self.kind), self.priority, pack_endpoint(self.endpoint)


def candidate(
    kind: CandidateKind,
    endpoint: Endpoint,
    *,
    rank: int = 0,
    prefix_length: int | None = None,
) -> Candidate:
    """Candidate with its priority; `rank` orders candidates of one kind, 0 is best."""
    return Candidate(kind, endpoint, priority(kind, endpoint, rank), prefix_length)


def priority(kind: CandidateKind, endpoint: Endpoint, rank: int = 0) -> int:
    """Priority by RFC 8445 section 5.1.2.1, component 1."""
    local = _IPV6_PREFERENCE if is_ipv6(endpoint) else _IPV4_PREFERENCE
    return (_TYPE_PREFERENCE[kind] << 24) + ((local - min(rank, 255)) << 8) + 255


def candidates_from_rows(rows: Iterable[CandidateRow]) -> list[Candidate]:
    """Read a peer's candidates; rows that no check may go to are left out.

    At most `MAX_CANDIDATES` are returned. Never raises on a peer's values.
    """
    candidates: list[Candidate] = []
    for kind, value, packed in rows:
        try:
            found = Candidate(CandidateKind(kind), _endpoint(kind, packed), value)
        except (ValueError, MalformedMessageError):
            continue
        if is_sendable(found.endpoint):
            candidates.append(found)
    return candidates[:MAX_CANDIDATES]


def _endpoint(kind: int, packed: bytes) -> Endpoint:
    endpoint = unpack_endpoint(packed)
    if kind == CandidateKind.TCP:
        return TcpEndpoint(endpoint.host, endpoint.port)
    return endpoint


def is_ipv6(endpoint: Endpoint) -> bool:
    """Whether the address is an IPv6 one."""
    return ":" in endpoint.host


@lru_cache(maxsize=1024)
def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_sendable(endpoint: Endpoint) -> bool:
    """Whether a datagram may go there at all.

    Not to port 0, not to multicast, broadcast, unspecified or reserved addresses, not
    to IPv4 in IPv6 clothes, and to a link-local IPv6 address only with its zone. The
    broadcast address of a subnet is the kernel's to refuse, and it does.
    """
    address = _address(endpoint.host)
    if address is None or not 0 < endpoint.port <= 0xFFFF:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        first = int(address) >> 24
        return 0 < first < 224  # 0/8 this network, 224/4 multicast, 240/4 reserved
    if address.is_link_local:
        return address.scope_id is not None
    return address.is_loopback or any(address in net for net in _UNICAST_IPV6)


def scope_of(endpoint: Endpoint) -> Scope:
    """How far the address reaches."""
    address = _address(endpoint.host)
    if address is None:
        return Scope.PUBLIC
    if address.is_loopback:
        return Scope.LOOPBACK
    if address.is_link_local:
        return Scope.LINK
    if any(address.version == net.version and address in net for net in _PRIVATE):
        return Scope.PRIVATE
    return Scope.PUBLIC


def is_on_link(endpoint: Endpoint, local: Iterable[Candidate]) -> bool:
    """Whether the address lies in the subnet of one of the `local` host candidates.

    A public IPv4 address never counts: neighbours in a data centre's subnet do not
    share a LAN. Loopback counts by itself.
    """
    scope = scope_of(endpoint)
    address = _address(endpoint.host)
    if address is None or (scope is Scope.PUBLIC and address.version == 4):
        return False
    if scope is Scope.LOOPBACK:
        return True
    return any(
        each.prefix_length is not None
        and in_subnet(endpoint.host, each.endpoint.host, each.prefix_length)
        for each in local
    )


def in_subnet(host: str, local_host: str, prefix_length: int) -> bool:
    """Whether `host` lies in the subnet of `local_host`."""
    address, own = _address(host), _address(local_host)
    if address is None or own is None or address.version != own.version:
        return False
    shift = own.max_prefixlen - prefix_length
    return int(address) >> shift == int(own) >> shift
