"""One direction of a simulated wire."""

import random
from dataclasses import dataclass

HEADERS = 28  # bytes of IPv4 and UDP headers that every datagram costs on a line


@dataclass(slots=True)
class Line:
    """One direction of a wire. Change any parameter while traffic flows."""

    rate: float = 0.0  # bit/s, 0 = unlimited
    delay: float = 0.0  # s, propagation
    jitter: float = 0.0  # s, uniform +-, order kept
    loss: float = 0.0  # long-run share of datagrams lost
    burst: float = 1.0  # mean length of a loss burst in datagrams (Gilbert); 1 = single
    duplicate: float = 0.0  # share delivered twice
    reorder: float = 0.0  # share held back for `reorder_gap`, to be overtaken
    reorder_gap: float = 0.01  # s
    queue: float = 0.1  # s of waiting at `rate` before drop-tail
    mtu: int = 0  # bytes of IP packet above which all vanishes, 0 = no limit
    down: bool = False  # everything vanishes

    sent: int = 0  # datagrams offered
    bytes_sent: int = 0  # with headers, those that got into the queue
    lost: int = 0  # by `loss`, `mtu` and `down`
    dropped: int = 0  # by a full queue
    worst_wait: float = 0.0  # s, the longest wait in the queue

    _free_at: float = 0.0
    _last_arrival: float = 0.0
    _in_burst: bool = False

    def waiting(self, now: float) -> float:
        """Seconds a datagram offered now would wait in the queue."""
        return max(0.0, self._free_at - now)

    def arrivals(self, size: int, now: float, rng: random.Random) -> list[float]:
        """When a datagram of `size` bytes of payload arrives; empty if never."""
        size += HEADERS
        self.sent += 1
        if self.down or (self.mtu and size > self.mtu):
            self.lost += 1
            return []
        left = now
        if self.rate:
            waiting = self.waiting(now)
            if waiting > self.queue:
                self.dropped += 1
                return []
            self.worst_wait = max(self.worst_wait, waiting)
            left = self._free_at = now + waiting + size * 8 / self.rate
        self.bytes_sent += size
        if self._is_lost(rng):
            self.lost += 1
            return []
        arrival = left + self.delay + self.jitter * rng.uniform(-1, 1)
        if self.reorder and rng.random() < self.reorder:
            arrivals = [arrival + self.reorder_gap]
        else:
            self._last_arrival = max(arrival, self._last_arrival)
            arrivals = [self._last_arrival]
        if self.duplicate and rng.random() < self.duplicate:
            arrivals.append(arrivals[0] + 0.0005)
        return arrivals

    def _is_lost(self, rng: random.Random) -> bool:
        if not self.loss:
            return False
        if self.burst <= 1:
            return rng.random() < self.loss
        if self._in_burst:
            self._in_burst = rng.random() >= 1 / self.burst
        else:
            enter = self.loss / (self.burst * (1 - self.loss))
            self._in_burst = rng.random() < enter
        return self._in_burst
