"""Pacing: packets leave evenly, with credit for late wake-ups."""

_MIN_CREDIT = 0.002  # s of sending saved up at most by an exact timer
_MAX_CREDIT = 0.015  # s, by one that is often late
_MIN_BURST = 2 * 1200  # bytes
_ONE = 1 - 1e-6  # token; `next_open` may be a rounding error early
_DECAY = 1 / 64  # how fast old lateness is forgotten per wake-up


class Lateness:
    """How late this machine's timers fire (s); a late one counts at once."""

    def __init__(self) -> None:
        self.estimate = 0.0

    def note(self, late: float) -> None:
        """Take the lateness of a wake-up."""
        late = min(late, _MAX_CREDIT)
        if late > self.estimate:
            self.estimate = late
        else:
            self.estimate += (late - self.estimate) * _DECAY


class Pacer:
    """A bucket of bytes that fills at the pacing rate."""

    def __init__(self, now: float, burst: int = _MIN_BURST) -> None:
        """`burst`: bytes that may be saved up however slow the rate is."""
        self._burst = burst
        self._credit = float(burst)
        self._filled_at = now

    def fill(self, rate: float, lateness: float, now: float) -> None:
        """Add what `rate` (bytes/s) allows since the last time."""
        seconds = min(max(_MIN_CREDIT, 1.25 * lateness), _MAX_CREDIT)
        most = max(rate * seconds, self._burst)
        credit = self._credit + (now - self._filled_at) * rate
        self._credit = min(credit, most)
        self._filled_at = now

    @property
    def is_open(self) -> bool:
        """Whether a packet may leave."""
        return self._credit > 0

    def spend(self, size: int) -> None:
        """Take the bytes of a packet that leaves."""
        self._credit -= size

    def next_open(self, rate: float) -> float:
        """When the next packet may leave (s)."""
        return self._filled_at + max(0.0, 1 - self._credit) / rate


class Bucket:
    """Tokens that come at `rate` per second up to `most`; it may be overdrawn once."""

    def __init__(self, most: float, rate: float, now: float) -> None:
        self.rate = rate
        self._most = most
        self._tokens = most
        self._at = now

    def take(self, cost: float, now: float) -> bool:
        """Take `cost` tokens if there is at least one; else False."""
        gained = (now - self._at) * self.rate
        self._tokens = min(self._most, self._tokens + gained)
        self._at = now
        if self._tokens < _ONE:
            return False
        self._tokens -= cost
        return True

    def next_open(self) -> float:
        """When there is a token again (s); for a rate above 0."""
        return self._at + max(0.0, 1 - self._tokens) / self.rate
