"""Times to come, for a machine that is told the time."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")
Action = Callable[[float], None]


class Timers:
    """Actions to be run once, at a time of their own."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Action]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, when: float, action: Action) -> None:
        """Call `action(now)` at `when` (s) or soon after."""
        heapq.heappush(self._heap, (when, next(self._order), action))

    def run(self, now: float) -> None:
        """Run what is due."""
        while self._heap and self._heap[0][0] <= now:
            _, _, action = heapq.heappop(self._heap)
            action(now)

    def next_due(self) -> float | None:
        """When the next action is due."""
        return self._heap[0][0] if self._heap else None


class ExpiryWheel(Generic[T]):
    """Things to be looked at in a second to come: 8 bytes each, no sorting.

    A thing whose deadline has moved meanwhile is simply added again when it comes up,
    so that renewing a lease costs nothing here.
    """

    def __init__(self) -> None:
        self._slots: dict[int, list[T]] = {}

    def add(self, thing: T, deadline: float) -> None:
        """Have `thing` come up within the second after `deadline`."""
        self._slots.setdefault(int(deadline) + 1, []).append(thing)

    def due(self, now: float) -> list[T]:
        """Take out the things whose second has come."""
        seconds = [second for second in self._slots if second <= now]
        return [thing for second in seconds for thing in self._slots.pop(second)]

    def next_due(self) -> float | None:
        """When the next things come up."""
        return float(min(self._slots)) if self._slots else None
