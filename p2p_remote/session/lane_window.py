"""How much of a file may be under way on a lane: the line full, its queue short.

TCP fills the queue of a line, and the session's packets wait in it behind the file: as
long as the queue is, 0.1 s and more where a switch or a modem is the bottleneck. So the
sender asks TCP for its round trip, and lets only so much wait to be acknowledged that
the queue stays at `TARGET`. Beside somebody who fills the queue anyway that would only
give the line away: then TCP is left to itself for a while.
"""

from collections import deque
from dataclasses import dataclass

TARGET = 0.005  # s that the queue may hold
AIM = 0.75  # of that, after it held more
INTERVAL = 0.01  # s between looks
LEAST = 16 * 1024  # bytes
FIRST = 64 * 1024  # bytes
UNLIMITED = 1 << 40
RATE_SECONDS = 0.3  # s in which the highest rate counts
GROWTH = 1.15  # of the window at a look that finds the queue short
FIRST_GROWTH = 1.5  # the same before the first queue
FOREIGN_SECONDS = 1.5  # s of a long queue and half the rate: it is not our queue
BEST_SECONDS = 10.0  # s in which a rate of before is forgotten
FREE_SECONDS = 10.0  # s for which TCP is left to itself then


@dataclass(frozen=True, slots=True)
class Look:
    """What TCP tells. `rtt`, `least_rtt`: s; `acknowledged`: bytes, of all time."""

    rtt: float
    least_rtt: float
    acknowledged: int


class LaneWindow:
    """Window of one connection; `look` at it every `INTERVAL`."""

    def __init__(self, now: float, acknowledged: int) -> None:
        """Begin with little, and grow fast until there is a queue."""
        self.size = FIRST
        self._growth = FIRST_GROWTH
        self._looked_at = now
        self._acknowledged = acknowledged
        self._rates: deque[tuple[float, float]] = deque()
        self._best = 0.0  # rate of late
        self._short_at = now  # when the queue was last short
        self._free_until = now

    @property
    def rate(self) -> float:
        """Bytes/s that the line carries, 0 while that is not known."""
        return max((rate for _, rate in self._rates), default=0.0)

    def is_due(self, now: float) -> bool:
        """Whether it is time to look."""
        return now - self._looked_at >= INTERVAL

    def look(self, look: Look, now: float) -> None:
        """Adapt `size` to what TCP tells now."""
        elapsed = now - self._looked_at
        if elapsed <= 0:
            return
        self._rates.append((now, (look.acknowledged - self._acknowledged) / elapsed))
        while self._rates[0][0] < now - RATE_SECONDS:
            self._rates.popleft()
        self._looked_at, self._acknowledged = now, look.acknowledged
        self._best = max(self.rate, self._best * (1 - elapsed / BEST_SECONDS))
        queue = look.rtt - look.least_rtt
        if now < self._free_until:
            self._short_at = now
        elif queue <= TARGET:
            self._short_at = now
            self.size = min(UNLIMITED, int(self.size * self._growth))
        elif now - self._short_at >= FOREIGN_SECONDS and self.rate < self._best / 2:
            self._free_until = now + FREE_SECONDS
            self.size = UNLIMITED
        else:
            self._growth = GROWTH
            self.size = max(LEAST, int(self.rate * (look.least_rtt + AIM * TARGET)))
