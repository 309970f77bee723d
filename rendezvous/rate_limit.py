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
SITE_FACTOR = 16  # what a site may do, of what one of its networks may
_IPV6_NETWORK_LENGTH = 8  # bytes: a /64, what one subscriber commonly has
_IPV6_SITE_LENGTH = 6  # bytes: a /48, the most that one gets, often for nothing


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits. A prefix is an IPv4 address or an IPv6 /64; see `PrefixLimit`."""

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

    move: Rate = Rate(50.0, 500)
    """REBIND to another address per prefix: each may be told to 16 other clients. The
    burst is for an office whose router has been given another address."""

    rejoin: Rate = Rate(20.0, 200)
    """REJOIN per prefix; what waits for 15 s of it is a part of the table only."""


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
        allowed = self.has_room(key, now)
        if allowed:
            self.take(key, now)
        return allowed

    def has_room(self, key: bytes, now: float) -> bool:
        """Whether one more is allowed now; if so `take` counts it."""
        if self.wait(key, now) > 1e-9:
            self.refused += 1
            return False
        return True

    def take(self, key: bytes, now: float) -> None:
        """Count one."""
        slot = self._slot(key)
        self._full_at[slot] = max(self._full_at[slot], now) + self._interval

    def wait(self, key: bytes, now: float) -> float:
        """Seconds until one more is allowed, 0 if it is now."""
        full_at = max(self._full_at[self._slot(key)], now) + self._interval
        return max(0.0, full_at - now - self._tolerance)

    def _slot(self, key: bytes) -> int:
        digest = blake2b(key, length=8, key=self._secret)
        return int.from_bytes(digest, "little") % self._slots


class PrefixLimit(RateLimit):
    """A limit for prefixes, which has one for sites of IPv6 beside it.

    Who has a /48 has 65,536 prefixes, and would use up with them what there is for all.
    """

    def __init__(self, rate: Rate, secret: bytes) -> None:
        """As `RateLimit`."""
        super().__init__(rate, secret)
        of_site = Rate(SITE_FACTOR * rate.per_second, SITE_FACTOR * rate.burst)
        self._sites = RateLimit(of_site, secret)

    def take(self, key: bytes, now: float) -> None:
        """Count one."""
        super().take(key, now)
        site = site_of(key)
        if site is not None:
            self._sites.take(site, now)

    def wait(self, key: bytes, now: float) -> float:
        """Seconds until one more is allowed, 0 if it is now."""
        wait, site = super().wait(key, now), site_of(key)
        return wait if site is None else max(wait, self._sites.wait(site, now))


def site_of(prefix: bytes) -> bytes | None:
    """The /48 that an IPv6 prefix is of; None for an IPv4 address."""
    is_ipv6 = len(prefix) == _IPV6_NETWORK_LENGTH
    return prefix[:_IPV6_SITE_LENGTH] if is_ipv6 else None


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
