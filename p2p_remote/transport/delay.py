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
_MAX_LATE = 0.012  # s of own timer lateness that is reckoned with
_LATE_WINDOW = 3  # times that lateness, but a round trip at most: that window at least
_MIN_TOLERANCE = 0.001  # s of queue that is never acted upon
_SLOW_MIN_TOLERANCE = 0.002  # s, where the line takes that long for one packet
_LATE_TOLERANCE = 0.5  # of our lateness: a line that waits for us must not run dry
_MAX_LATE_TOLERANCE = 0.005  # s
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
        self.tolerance = _SLOW_MIN_TOLERANCE  # s of it that may be jitter
        self.jitter = 0.0  # s between least and most in a window, smoothed
        self.base = WindowedMinimum()
        self.packet_time = 0.0  # s that the line takes for one packet
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
        late = min(lateness, _MAX_LATE)
        width = max(rtt / 2, _MIN_WINDOW, min(rtt, _LATE_WINDOW * late))
        recent = self._recent
        while recent and recent[-1][1] >= delay:
            recent.pop()
        recent.append((now, delay))
        while recent[0][0] < now - width:
            recent.popleft()
        standing = recent[0][1]
        if self._spread(delay, standing, width, now):
            least = min(_LATE_TOLERANCE * late, _MAX_LATE_TOLERANCE)
            one = min(max(self.packet_time, _MIN_TOLERANCE), _SLOW_MIN_TOLERANCE)
            self.tolerance = max(self._usual_spread(), one, least)
        self.queue = standing - self.base.value

    def _spread(self, delay: float, standing: float, width: float, now: float) -> bool:
        """Follow the jitter, window by window; whether one has ended."""
        if now < self._window_end:
            self._low = min(self._low, delay)
            self._high = max(self._high, delay)
            return False
        has_ended = self._window_end > 0
        if has_ended:
            self.jitter += (self._high - self._low - self.jitter) / 8
            self._standings.append(standing)
        self._low = self._high = delay
        self._window_end = now + width
        return has_ended

    def _usual_spread(self) -> float:
        """Queue that is jitter (s): what usually stands, but not all of the spread.

        That of one packet is our own: on a slow line it waits for the one before.
        """
        jitter = max(0.0, self.jitter - self.packet_time)
        usual = median(self._standings) - self.base.value
        return min(max(0.4 * jitter, usual), 0.9 * jitter, _MAX_TOLERANCE)
