"""Rate limits in memory that never grows.

The generic cell rate algorithm (ITU-T I.371): one number per sender says when its
allowance would be full again. The numbers stand in a table of fixed size, found by a
keyed hash; two senders that share a place share an allowance, and nobody without the
key can tell who does.
"""

from array import array
from dataclasses import dataclass

from p2p_remote.crypto.primitives import blake2b

SLOTS = 1 << 16


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits. A prefix is an IPv4 address or an IPv6 /64."""

    hello: Rate = Rate(20.0, 100)
    """HELLO per prefix; the burst lets an office behind one address come online."""

    register: Rate = Rate(5.0, 100)
    """Signatures checked per prefix."""

    new_key: Rate = Rate(10 / 3600, 100)
    """Keys never seen before per prefix; the burst is for an office."""

    derivation: Rate = Rate(6 / 3600, 3)
    """Disputes over an ID per prefix: each costs 0.1 s and 64 MiB."""

    call: Rate = Rate(10 / 60, 5)
    """CALL per key and per prefix."""

    refusal: Rate = Rate(10.0, 40)
    """UNAVAILABLE per prefix; beyond it CALL gets no answer at all."""

    hint: Rate = Rate(20.0, 200)
    """Hints that a registration or a relay channel is unknown, per prefix; the burst
    is for an office after a restart. Beyond it there is silence."""

    ring: Rate = Rate(30 / 60, 10)
    """RING per called key."""


class RateLimit:
    """One limit, counted separately for every key."""

    def __init__(self, rate: Rate, secret: bytes, slots: int = SLOTS) -> None:
        """`secret` is at most 64 bytes and places keys in the table.

        `refused` counts what was not allowed.
        """
        self._interval = 1.0 / rate.per_second
        self._tolerance = rate.burst * self._interval
        self._full_at = array("d", bytes(8 * slots))
        self._slots = slots
        self._secret = secret
        self.refused = 0

    def allow(self, key: bytes, now: float) -> bool:
        """Whether one more is allowed now; if so it is counted."""
        slot = self._slot(key)
        full_at = max(self._full_at[slot], now) + self._interval
        if full_at - now > self._tolerance + 1e-9:
            self.refused += 1
            return False
        self._full_at[slot] = full_at
        return True

    def wait(self, key: bytes, now: float) -> float:
        """Seconds until one more is allowed, 0 if it is now."""
        full_at = max(self._full_at[self._slot(key)], now) + self._interval
        return max(0.0, full_at - now - self._tolerance)

    def _slot(self, key: bytes) -> int:
        digest = blake2b(key, length=8, key=self._secret)
        return int.from_bytes(digest, "little") % self._slots


class TokenBucket:
    """Allowance of `burst` units that refills at `rate` units a second."""

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._updated = now

    def available(self, now: float) -> float:
        """Units that may be taken now."""
        self._tokens = min(
            self._burst, self._tokens + (now - self._updated) * self._rate
        )
        self._updated = now
        return self._tokens

    def take(self, units: float) -> None:
        """Take what `available` has shown to be there."""
        self._tokens -= units
