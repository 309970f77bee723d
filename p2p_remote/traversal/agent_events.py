"""What an `Agent` reports."""

from dataclasses import dataclass

from p2p_remote.traversal.pair import PathKind
from p2p_remote.traversal.paths import SocketName, SocketsReleased
from p2p_remote.wire.address import Path


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


@dataclass(frozen=True, slots=True)
class MappingWanted:
    """Measure how our router maps and tell `Search.own_mapping`: attempt `attempt`.

    `socket` is the auxiliary socket whose port is wanted if all are shown the same.
    """

    attempt: int
    socket: SocketName


@dataclass(frozen=True, slots=True)
class TcpWanted:
    """Find out how the server sees our TCP port: the peer may be reached by TCP only.

    The answer is a local candidate of the kind TCP.
    """


AgentEvent = PathSelected | PathLost | MappingWanted | TcpWanted | SocketsReleased
