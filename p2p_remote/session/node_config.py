"""What a node is told at its start."""

from collections.abc import Callable
from dataclasses import dataclass, field

from p2p_remote.traversal.candidate import Candidate
from p2p_remote.wire.address import Endpoint


def _nobody(_public: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What a node is told at its start.

    `listed`: can be called under its ID. `other_servers`: of the same fleet, asked when
    `server` is silent. `proxied`: there is a proxy that can be asked for a way to them.
    `candidates`: own addresses with the port of the socket.
    `wanted`: what own calls are for, a bit for each of `wire.control.PERMISSIONS`.
    `password`: stretched session password that callers have to know, or nothing.
    `known` tells whether a caller's key was verified in an earlier session.
    """

    name: str = ""
    listed: bool = False
    server: Endpoint | None = None
    other_servers: tuple[Endpoint, ...] = ()
    proxied: bool = False
    candidates: tuple[Candidate, ...] = ()
    wanted: int = 0
    password: bytes = field(default=b"", repr=False)
    known: Callable[[bytes], bool] = _nobody

    @property
    def servers(self) -> tuple[Endpoint, ...]:
        """All addresses of the server, the first to be asked first."""
        return () if self.server is None else (self.server, *self.other_servers)
