"""Rate limits and token buckets."""

import pytest

from rendezvous.rate_limit import Rate, RateLimit, TokenBucket

SECRET = bytes(32)


def test_a_burst_then_a_rate():
    """Five at once, the sixth not; after the interval one more."""
    limit = RateLimit(Rate(per_second=0.5, burst=5), SECRET)
    assert [limit.allow(b"a", 100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert not limit.allow(b"a", 101.9)
    assert limit.allow(b"a", 102.0)
    assert not limit.allow(b"a", 102.0)


def test_keys_are_counted_apart():
    """What one has used up another still has."""
    limit = RateLimit(Rate(1.0, 1), SECRET)
    assert limit.allow(b"a", 0.0)
    assert not limit.allow(b"a", 0.0)
    assert limit.allow(b"b", 0.0)


def test_the_wait_is_exact():
    """A key that is refused is allowed after `wait` seconds, and not before."""
    limit = RateLimit(Rate(0.25, 2), SECRET)
    assert limit.wait(b"a", 10.0) == 0
    limit.allow(b"a", 10.0)
    limit.allow(b"a", 11.0)
    wait = limit.wait(b"a", 12.0)
    assert wait == pytest.approx(2.0)
    assert not limit.allow(b"a", 12.0 + wait - 0.01)
    assert limit.allow(b"a", 12.0 + wait)


def test_refusals_are_not_counted():
    """Trying again and again does not lengthen the wait."""
    limit = RateLimit(Rate(1.0, 1), SECRET)
    limit.allow(b"a", 0.0)
    for _ in range(100):
        limit.allow(b"a", 0.5)
    assert limit.allow(b"a", 1.0)


def test_memory_does_not_grow_with_keys():
    """A hundred thousand senders take no more place than one."""
    limit = RateLimit(Rate(1.0, 1), SECRET, slots=1024)
    before = len(limit._full_at)
    allowed = sum(limit.allow(n.to_bytes(4, "big"), 0.0) for n in range(20_000))
    assert len(limit._full_at) == before
    assert allowed <= 1024


def test_a_token_bucket_refills_up_to_its_burst():
    """Units come back at the rate and never beyond the burst."""
    bucket = TokenBucket(rate=10.0, burst=100.0, now=0.0)
    bucket.take(100)
    assert bucket.available(0.0) == 0
    assert bucket.available(2.5) == pytest.approx(25)
    assert bucket.available(1000.0) == 100
