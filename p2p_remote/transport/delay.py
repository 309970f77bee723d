"""One-way delay: its base, the standing queue above it, and what is mere jitter.

The delay is taken between the two clocks of the ends; only differences count, so their
offset does not matter. The other direction's queue does not enter (RFC 6817 section 2
does the same).
"""

from collections import deque
from statistics import median

from p2p_remote.wire.frames import TIME_MASK

BASE_WINDOW = 10.0  # s over which the least delay is the base
FOREIGN_BASE_WINDOW = 60.0  # s, while others keep the queue from emptying
_BASE_SLOT = 1.0  # s
_MIN_WINDOW = 0.003  # s over which the standing delay is a minimum, at least
_MAX_LATE_WINDOW = 0.012  # s of own timer lateness that widens that window
_MIN_TOLERANCE = 0.002  # s of queue that is never acted upon
_MAX_TOLERANCE = 0.020  # s
_WRAP = (TIME_MASK + 1) / 1e6
_MEDIAN_OF = 31  # standing delays, one a window


class WindowedMinimum:
    """Minimum over the last `span` seconds (at most a minute), in slots of a second."""

    def __init__(self) -> None:
        self.span = BASE_WINDOW
        self.value = 0.0
        self._slots: deque[tuple[float, float]] = deque()

    def update(self, value: float, now: float) -> None:
        """Take a value."""
        slots = self._slots
        if not slots or now - slots[-1][0] >= _BASE_SLOT:
            slots.append((now, value))
        elif value < slots[-1][1]:
            slots[-1] = (slots[-1][0], value)
        else:
            return
        while now - slots[0][0] > self.span + _BASE_SLOT:
            slots.popleft()
        self.value = min(low for _, low in slots)


class DelayFilter:
    """Queueing delay of the way there, from samples of one-way delay."""

    def __init__(self) -> None:
        self.queue = 0.0  # s the standing delay is above the base
        self.tolerance = _MIN_TOLERANCE  # s of it that may be jitter
        self.jitter = 0.0  # s between least and most in a window, smoothed
        self.base = WindowedMinimum()
        self._origin: float | None = None
        self._recent: deque[tuple[float, float]] = deque()  # ascending minima
        self._window_end = 0.0
        self._low = self._high = 0.0
        self._standings: deque[float] = deque(maxlen=_MEDIAN_OF)

    def update(self, one_way: float, rtt: float, lateness: float, now: float) -> None:
        """Take a sample (s, modulo the wrap of the wire's clock)."""
        if self._origin is None:
            self._origin = one_way
        delay = (one_way - self._origin + _WRAP / 2) % _WRAP - _WRAP / 2
        self.base.update(delay, now)
        width = max(rtt / 2, _MIN_WINDOW, min(lateness, _MAX_LATE_WINDOW))
        recent = self._recent
        while recent and recent[-1][1] >= delay:
            recent.pop()
        recent.append((now, delay))
        while recent[0][0] < now - width:
            recent.popleft()
        standing = recent[0][1]
        self._spread(delay, standing, width, now)
        self.queue = standing - self.base.value

    def _spread(self, delay: float, standing: float, width: float, now: float) -> None:
        """Follow the jitter, window by window."""
        if now < self._window_end:
            self._low = min(self._low, delay)
            self._high = max(self._high, delay)
            return
        if self._window_end:
            self.jitter += (self._high - self._low - self.jitter) / 8
            self._standings.append(standing)
            usual = median(self._standings) - self.base.value
            most = min(0.9 * self.jitter, _MAX_TOLERANCE)
            tolerance = min(max(0.4 * self.jitter, usual), most)
            self.tolerance = max(tolerance, _MIN_TOLERANCE)
        self._low = self._high = delay
        self._window_end = now + width
