"""What an `Agent` reports, and the endpoint it may ask a driver to fall short of."""

from dataclasses import dataclass

from p2p_remote.traversal.pair import PathKind
from p2p_remote.wire.address import Endpoint, Path

PRIMING_TTL = 4  # hops: past a home router and a carrier's NAT, short of the peer's


@dataclass(frozen=True, slots=True)
class PrimingEndpoint(Endpoint):
    """An endpoint that the datagram must not reach.

    The datagram opens a mapping in our own NAT and dies on the way: the driver sends it
    with this TTL (IPv6: hop limit). It compares equal to no plain `Endpoint`.
    """

    ttl: int = PRIMING_TTL


@dataclass(frozen=True, slots=True)
class PathSelected:
    """Send over `path` from now on. `rtt` in s; None if it was never measured."""

    path: Path
    kind: PathKind
    rtt: float | None
    why: str


@dataclass(frozen=True, slots=True)
class PathLost:
    """The selected path fell silent. `PathSelected` follows if there is another one."""

    path: Path


AgentEvent = PathSelected | PathLost
