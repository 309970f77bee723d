"""What a line carries is read from how far apart packets arrive."""

import math

import pytest

from p2p_remote.transport.line_rate import LineRate
from p2p_remote.wire.frames import TIME_MASK

SIZE = 1000  # bytes of a packet
WRAP = (TIME_MASK + 1) / 1e6


def burst(
    estimate: LineRate, begin: float, gap: float, carried: float, count: int = 9
) -> None:
    """Packets that leave `gap` apart on an empty line; each has its own answer."""
    free = 0.0
    for number in range(count):
        sent = begin + number * gap
        free = max(free, sent) + SIZE / carried
        one_way = (free + 0.02 - sent + WRAP - 0.03) % WRAP  # the clocks differ
        estimate.update(sent, one_way, (SIZE, 1), last=number == count - 1)


def test_a_burst_comes_apart_as_the_line_lets_it() -> None:
    """However fast it left, and whatever the two clocks say."""
    estimate = LineRate()
    assert estimate.rate == math.inf
    burst(estimate, 1.0, 0.0005, 250_000)
    assert estimate.rate == pytest.approx(250_000, rel=0.01)


def test_single_packets_tell_nothing() -> None:
    """Between two bursts the line was empty, for as long as nobody knows."""
    estimate = LineRate()
    for number in range(20):
        burst(estimate, number * 0.1, 0.0, 250_000, count=2)
    assert estimate.rate == math.inf


def test_a_short_time_tells_nothing() -> None:
    """Clocks and wake-ups are not exact enough for it."""
    estimate = LineRate()
    burst(estimate, 1.0, 0.0, 12_500_000)
    assert estimate.rate == math.inf


def test_a_burst_that_stays_together_only_says_that_the_line_carries_more() -> None:
    """What leaves slowly arrives slowly on any line."""
    estimate = LineRate()
    burst(estimate, 1.0, 0.0, 250_000)
    burst(estimate, 2.0, SIZE / 100_000, 250_000)
    assert estimate.rate == pytest.approx(250_000, rel=0.01)
    burst(estimate, 3.0, SIZE / 400_000, 1_000_000, count=19)
    assert estimate.rate == pytest.approx(400_000, rel=0.01)


def test_a_line_that_gets_slower_is_believed_when_most_bursts_say_so() -> None:
    """One burst that others got in the way of does not count."""
    estimate = LineRate()
    for number in range(4):
        burst(estimate, number, 0.0, 500_000, count=13)
    burst(estimate, 5.0, 0.0, 100_000, count=5)
    assert estimate.rate == pytest.approx(500_000, rel=0.01)
    for number in range(6, 12):
        burst(estimate, number, 0.0, 100_000)
    assert estimate.rate == pytest.approx(100_000, rel=0.01)


def test_a_burst_with_losses_is_left_out() -> None:
    """What is missing from it would make the line look slower."""
    estimate = LineRate()
    estimate.update(1.0, 0.02, (SIZE, 1), last=False)
    estimate.interrupt()
    estimate.update(1.001, 0.06, (4 * SIZE, 4), last=True)
    assert estimate.rate == math.inf
