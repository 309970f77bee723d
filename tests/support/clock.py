"""Virtual time: a clock that moves only when it is told to, with calls due on it."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count


@dataclass(slots=True, eq=False)
class Call:
    """A call due at `when` (s); calls due at the same time run in the order made."""

    when: float
    action: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Let the call pass without effect."""
        self.cancelled = True


class Clock:
    """The time of a simulation in seconds; it starts at 1000 so that 0 is never now."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start
        self._calls: list[tuple[float, int, Call]] = []
        self._order = count()

    def advance(self, seconds: float) -> float:
        """Move `seconds` on, running what falls due, and return the new time."""
        end = self.now + seconds
        while self.run_next(end):
            pass
        self.now = end
        return end

    def call_at(self, when: float, action: Callable[[], None]) -> Call:
        """Run `action()` at `when`, or at once on the next run if that is past."""
        call = Call(max(when, self.now), action)
        heapq.heappush(self._calls, (call.when, next(self._order), call))
        return call

    def next_call(self) -> float | None:
        """When the next call is due; None if there is none."""
        while self._calls and self._calls[0][2].cancelled:
            heapq.heappop(self._calls)
        return self._calls[0][0] if self._calls else None

    def run_next(self, limit: float) -> bool:
        """Move to the next call due at `limit` or before and run it.

        Returns False, with the time unchanged, if there is none.
        """
        when = self.next_call()
        if when is None or when > limit:
            return False
        _, _, call = heapq.heappop(self._calls)
        self.now = call.when
        call.action()
        return True
