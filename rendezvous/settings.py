"""What an operator can choose, and the figures of the protocol."""

from dataclasses import dataclass, field

from rendezvous.rate_limit import Limits
from rendezvous.tcp_admission import TcpLimits


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one server."""

    relay: bool = True
    """Whether sessions may use the relay; introductions always can."""

    relay_rate: float = 2_000_000 / 8
    """Bytes per second and channel once the callee has agreed."""

    relay_burst: float = 1_000_000
    """Bytes that a channel may send at once."""

    public_endpoints: frozenset[bytes] = frozenset()
    """Packed endpoints clients know this server by; a registration signed for another
    one is refused. Empty: not checked."""

    limits: Limits = field(default_factory=Limits)
    """Rate limits."""

    tcp: TcpLimits = field(default_factory=TcpLimits)
    """Limits of TCP connections."""
