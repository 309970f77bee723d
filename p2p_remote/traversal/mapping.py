"""How the router in front of us gives out public ports, in the words of RFC 4787."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

FIRST_PORT, LAST_PORT = 1024, 65_535
MAX_STEP = 16  # ports between two new mappings that still count as a sequence
_SPAN = LAST_PORT + 1
_WIDE = 24_576  # ports; samples that lie further apart tell no range


class Dependence(IntEnum):
    """What of the remote end the public port depends on; the number on the wire."""

    UNKNOWN = 0
    INDEPENDENT = 1
    ADDRESS = 2
    ADDRESS_AND_PORT = 3
    BLOCKED = 4  # no UDP gets through, or only to a port that no peer has
    PROXIED = 5  # and the server is reached through a proxy


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a router maps, as far as it was seen.

    `last_port` is the newest port seen; the next new mapping is expected `min_step` to
    `max_step` ports above it (both 0: not predictable). `low` to `high` is where new
    ports lie. If the port does not depend on the remote end, `last_port` is the one
    that a fresh socket of the session got, or 0, and the others are 0.
    """

    dependence: Dependence = Dependence.UNKNOWN
    last_port: int = 0
    min_step: int = 0
    max_step: int = 0
    low: int = 0
    high: int = 0

    def numbers(self) -> tuple[int, int, int, int, int, int]:
        """Fields as `wire.control.NatMapping` has them after its attempt."""
        return (
            int(self.dependence),
            self.last_port,
            self.min_step,
            self.max_step,
            self.low,
            self.high,
        )

    @property
    def is_dependent(self) -> bool:
        """Whether the peer finds us at another port than the server."""
        return self.dependence in (Dependence.ADDRESS, Dependence.ADDRESS_AND_PORT)

    @property
    def is_blocked(self) -> bool:
        """Whether there is no UDP to other peers."""
        return self.dependence in (Dependence.BLOCKED, Dependence.PROXIED)

    @property
    def is_proxied(self) -> bool:
        """Whether a proxy is the only way out."""
        return self.dependence is Dependence.PROXIED

    @property
    def is_stepped(self) -> bool:
        """Whether the next ports can be predicted."""
        return self.max_step > 0

    @property
    def width(self) -> int:
        """Number of ports in the range."""
        return self.high - self.low + 1

    @property
    def is_wide(self) -> bool:
        """Whether new ports may be anywhere."""
        return self.is_dependent and not self.is_stepped and self.width > _WIDE


def mapping_from_samples(dependence: Dependence, ports: Sequence[int]) -> Mapping:
    """Mapping of a router whose new flows got these public ports, in this order."""
    if dependence < Dependence.ADDRESS or not ports:
        return Mapping(dependence)
    steps = [(after - before) % _SPAN for before, after in pairwise(ports)]
    low, high = _range(ports)
    if len(steps) > 1 and all(0 < step <= MAX_STEP for step in steps):
        return Mapping(dependence, ports[-1], min(steps), max(steps), low, high)
    return Mapping(dependence, ports[-1], 0, 0, low, high)


def _range(ports: Sequence[int]) -> tuple[int, int]:
    """Where further ports are likely: the samples with one mean gap on either side."""
    low, high = min(ports), max(ports)
    if high - low > _WIDE or len(ports) < 3:
        return FIRST_PORT, LAST_PORT
    gap = (high - low) // (len(ports) - 1) + 1
    return max(low - gap, FIRST_PORT), min(high + gap, LAST_PORT)


def mapping_from_wire(fields: Sequence[int]) -> Mapping:
    """Peer's mapping from the numbers of `wire.control.NatMapping`, made consistent."""
    dependence, last_port, min_step, max_step, low, high = fields
    low, high = max(low, FIRST_PORT), max(high, FIRST_PORT)
    if low > high:
        low, high = FIRST_PORT, LAST_PORT
    max_step = min(max_step, MAX_STEP)
    return Mapping(
        Dependence(dependence), last_port, min(min_step, max_step), max_step, low, high
    )
