"""What the ends of a transport benchmark do, and what a rival must be able to do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

CUSTOMER, TECHNICIAN = "10.77.0.1", "10.77.0.2"
ASK, ANSWER, FILL = range(3)  # kinds of messages
ONE_STREAM = "ours-one-stream"
WARM_UP = 1.0  # s
TILE = (250, 700)  # bytes
QUESTION = 24  # bytes


@dataclass(frozen=True)
class Workload:
    """How often is asked (s, least and most), what fills the line (bytes)."""

    gap: tuple[float, float]
    fill: int
    answer: tuple[int, int]


WORKLOADS = {
    "bulk": Workload((0.05, 0.05), 16_000, (8, 8)),
    "busy": Workload((0.03, 0.07), 4_000, TILE),
    "typing": Workload((0.04, 0.08), 0, TILE),
}


class Wire(Protocol):
    """What a rival must be able to do."""

    on_message: Callable[[int, bytes], None]
    on_room: Callable[[], None]

    async def start(self) -> None:
        """Listen (customer) or connect (technician); return when it is there."""

    def has_room(self) -> bool:
        """Whether more of the filling may be handed over."""

    def send(self, kind: int, data: bytes) -> None:
        """Send a message."""

    async def close(self) -> None:
        """End."""
