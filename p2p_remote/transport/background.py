"""Screen and bulk, while somebody works on a thin line: no faster than it carries them.

What is more urgent overtakes them here; in the line's own queue it could not.
"""

import math

from p2p_remote.transport.line_rate import LineRate
from p2p_remote.transport.pacing import Pacer

_THIN_LINE = 1_250_000  # bytes/s; on a faster one a packet takes 1 ms at most
_PACKET_TIME = 0.003  # s of a thin line that a packet may take
_LEAST_PACKET = 500  # bytes, whatever time they take
_FULLER = 1.05  # of what the line carries, while it has no queue
_EMPTIER = 0.9  # while it has
_SHORT_QUEUE = 1.25  # packets, as each one counts itself


class Background:
    """The pace of screen and bulk; without limit while nobody works."""

    def __init__(self, now: float) -> None:
        """Nothing is known of the line."""
        self.work_until = now  # s
        self.reset()

    def reset(self) -> None:
        """Start over on another line."""
        self.line = LineRate()
        self.rate = math.inf  # bytes/s
        self._pacer: Pacer | None = None

    def fill(self, queue: float, lateness: float, now: float) -> None:
        """Add what may leave since the last time.

        Args:
            queue: of the line (s).
            lateness: of our own timers (s).
            now: s.

        """
        line = self.line.rate
        if now >= self.work_until or line > _THIN_LINE:
            self._pacer, self.rate = None, math.inf
            return
        if self._pacer is None:
            self._pacer = Pacer(now, burst=1)
        is_short = queue * line <= _SHORT_QUEUE * self._packet(line)
        self.rate = line * (_FULLER if is_short else _EMPTIER)
        self._pacer.fill(self.rate, lateness, now)

    @property
    def is_restrained(self) -> bool:
        """Whether there is a limit now."""
        return self._pacer is not None

    @property
    def is_open(self) -> bool:
        """Whether a packet may leave."""
        return self._pacer is None or self._pacer.is_open

    @property
    def packet(self) -> float:
        """Bytes that it may hold at most."""
        return math.inf if self._pacer is None else self._packet(self.line.rate)

    @staticmethod
    def _packet(line: float) -> float:
        return max(line * _PACKET_TIME, _LEAST_PACKET)

    def spend(self, size: int) -> None:
        """Take the bytes of any packet that leaves."""
        if self._pacer is not None:
            self._pacer.spend(size)

    def next_open(self) -> float:
        """When the next packet may leave (s)."""
        return -math.inf if self._pacer is None else self._pacer.next_open(self.rate)
