"""What the line carries, by how far apart packets of one burst arrive.

Packets that leave faster than the line carries them arrive as fast as it does: the
dispersion of packet trains (Dovrolis, Ramanathan and Moore, INFOCOM 2001). A burst
that does not come apart only says that the line carries no less.
"""

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

from p2p_remote.wire.frames import TIME_MASK

_PACKETS = 4  # of a train, at least
_SPAN = 0.020  # s from its first arrival to its last, at least
_SPREAD = 1.05  # it came apart: longer by this at its arrival than when it left,
_SLOWER = 1.5  # or by this where the rate is known, and a queue would tell of less
_JITTERS = 4  # times the jitter that a train is long, at least
_TRAINS = 8  # whose median counts
_WRAP = (TIME_MASK + 1) / 1e6


@dataclass(frozen=True, slots=True)
class _Train:
    """Bytes that took `span` s to arrive and `left` s to leave."""

    size: int
    span: float
    left: float
    by_line: bool  # that long because of the line, and not of when it left


class LineRate:
    """Bytes per second; infinity while nothing is known."""

    def __init__(self) -> None:
        self.rate = math.inf
        self._rates: deque[float] = deque(maxlen=_TRAINS)
        self._begin: tuple[float, float] | None = None  # when it left, one-way time
        self._bytes = self._packets = 0
        self._is_busy = True
        self._last: _Train | None = None  # some of it may turn out to be lost

    def update(
        self,
        sent_at: float,
        one_way: float,
        acked: tuple[int, int],
        *,
        last: bool,
        is_busy: bool,
        jitter: float,
    ) -> None:
        """Take an acknowledgement of a newest packet.

        Args:
            sent_at: when that left (s).
            one_way: its way there, between two unrelated clocks (s, modulo the wrap).
            acked: bytes and packets that are acknowledged with it.
            last: it ended a burst.
            is_busy: packets have waited for the line all the time of late.
            jitter: how far apart arrivals are by chance (s).

        """
        self._is_busy = self._is_busy and is_busy
        if self._begin is not None:
            self._bytes += acked[0]
            self._packets += acked[1]
            if self._packets >= _PACKETS:
                self._note_last()
            left = sent_at - self._begin[0]
            later = one_way - self._begin[1]
            span = left + (later + _WRAP / 2) % _WRAP - _WRAP / 2
            if self._packets < _PACKETS or span < max(_SPAN, _JITTERS * jitter):
                if last:
                    self._begin = None
                return
            spread = _SPREAD if math.isinf(self.rate) else _SLOWER
            by_line = self._is_busy or span > spread * left + jitter
            self._last = _Train(self._bytes, span, left, by_line)
        self._begin = None if last else (sent_at, one_way)
        self._bytes = self._packets = 0
        self._is_busy = is_busy

    def interrupt(self) -> None:
        """Some of the burst was lost, perhaps of the end of the one before."""
        self._begin = self._last = None

    def _note_last(self) -> None:
        """Take the train before, of which nothing is missing."""
        train, self._last = self._last, None
        if train is None:
            return
        if train.by_line:
            self._rates.append(train.size / train.span)
            self.rate = median(self._rates)
            return
        rate = train.size / max(train.span, train.left)
        if rate > self.rate:
            self._rates.clear()
            self._rates.append(rate)
            self.rate = rate
