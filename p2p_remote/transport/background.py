"""Screen and bulk, while somebody works on a thin line: no faster than it carries them.

What is more urgent overtakes them here; in the line's own queue it could not.
"""

import math

from p2p_remote.transport.line_rate import LineRate
from p2p_remote.transport.pacing import Pacer
from p2p_remote.transport.recovery import AckResult
from p2p_remote.wire.constants import MAX_DATAGRAM

_THIN_LINE = 2_500_000  # bytes/s; on a faster one a packet takes half a ms at most
_PACKET_TIME = 0.003  # s of a thin line that a packet may take
_LEAST_PACKET = 500  # bytes, whatever time they take
_OWN = 1.25  # packets that stand in the line's queue, as each one counts itself
_QUEUE = 0.001  # s that may stand there beside that
_STANDING = 0.5  # of the jitter, which may pass for a queue
_DRAIN_TIME = 0.1  # s in which what stands beyond that is to go
_BOUNDS = 0.9, 1.05  # of what the line carries


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

    def on_ack(self, result: AckResult, queue: float, jitter: float) -> None:
        """Take an acknowledgement; `queue` and `jitter`: of the line (s)."""
        if result.one_way is None:
            return
        acked = (result.acked_bytes, len(result.acked))
        self.line.update(
            result.sent_at,
            result.one_way,
            acked,
            last=result.limited,
            is_busy=self.is_busy(queue - _STANDING * jitter),
            jitter=jitter,
        )

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
        excess = queue - _OWN * self._usual(line) / line - _QUEUE
        low, high = _BOUNDS
        self.rate = line * min(max(1 - excess / _DRAIN_TIME, low), high)
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

    def is_busy(self, queue: float) -> bool:
        """Whether the line does not run dry, with so much in its queue (s)."""
        line = self.line.rate
        return line < math.inf and queue * line > _OWN * self._usual(line)

    @staticmethod
    def _packet(line: float) -> float:
        return max(line * _PACKET_TIME, _LEAST_PACKET)

    def _usual(self, line: float) -> float:
        """Bytes of a packet of the screen and bulk."""
        return min(self._packet(line), MAX_DATAGRAM)

    def spend(self, size: int) -> None:
        """Take the bytes of any packet that leaves."""
        if self._pacer is not None:
            self._pacer.spend(size)

    def next_open(self) -> float:
        """When the next packet may leave (s)."""
        return -math.inf if self._pacer is None else self._pacer.next_open(self.rate)
