"""What a line carries is read from how far apart packets arrive."""

import math

import pytest

from p2p_remote.transport.line_rate import LineRate
from p2p_remote.wire.frames import TIME_MASK

SIZE = 1000  # bytes of a packet
WRAP = (TIME_MASK + 1) / 1e6


def burst(
    estimate: LineRate,
    begin: float,
    gap: float,
    carried: float,
    count: int = 9,
    *,
    is_busy: bool = False,
    jitter: float = 0.0,
) -> None:
    """Packets that leave `gap` apart on an empty line; each has its own answer."""
    free = 0.0
    for number in range(count):
        sent = begin + number * gap
        free = max(free, sent) + SIZE / carried
        one_way = (free + 0.02 - sent + WRAP - 0.03) % WRAP  # the clocks differ
        last = number == count - 1
        estimate.update(
            sent, one_way, (SIZE, 1), last=last, is_busy=is_busy, jitter=jitter
        )


def later(estimate: LineRate) -> None:
    """Packets long after: nothing of what was before them is missing."""
    burst(estimate, 1e6, 0.0, 1e6, count=5)


def test_a_burst_comes_apart_as_the_line_lets_it() -> None:
    """However fast it left, and whatever the two clocks say."""
    estimate = LineRate()
    assert estimate.rate == math.inf
    burst(estimate, 1.0, 0.0005, 250_000)
    later(estimate)
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
    later(estimate)
    assert estimate.rate == math.inf


def test_a_burst_that_stays_together_only_says_that_the_line_carries_more() -> None:
    """What leaves slowly arrives slowly on any line."""
    estimate = LineRate()
    burst(estimate, 1.0, 0.0, 250_000)
    burst(estimate, 2.0, SIZE / 100_000, 250_000)
    later(estimate)
    assert estimate.rate == pytest.approx(250_000, rel=0.01)
    burst(estimate, 3.0, SIZE / 400_000, 1_000_000, count=19)
    later(estimate)
    assert estimate.rate == pytest.approx(400_000, rel=0.01)


def test_a_line_that_gets_slower_is_believed_when_most_bursts_say_so() -> None:
    """One burst that others got in the way of does not count."""
    estimate = LineRate()
    for number in range(4):
        burst(estimate, number, 0.0, 500_000, count=13)
    burst(estimate, 5.0, 0.0, 100_000, count=5)
    later(estimate)
    assert estimate.rate == pytest.approx(500_000, rel=0.01)
    for number in range(6, 12):
        burst(estimate, number, 0.0, 100_000)
    later(estimate)
    assert estimate.rate == pytest.approx(100_000, rel=0.01)


def test_while_the_line_never_runs_dry_every_packet_tells_what_it_carries() -> None:
    """Also those that leave no faster than that; it may be less than before."""
    estimate = LineRate()
    burst(estimate, 1.0, 0.0, 250_000)
    for number in range(8):
        burst(estimate, 2.0 + number, SIZE / 200_000, 200_000, is_busy=True)
    later(estimate)
    assert estimate.rate == pytest.approx(200_000, rel=0.01)


def test_packets_that_come_together_do_not_make_a_line_faster() -> None:
    """They had been held up; it carries what left meanwhile, and perhaps no more."""
    estimate = LineRate()
    burst(estimate, 1.0, 0.0, 250_000)
    for number in range(20):
        late = 0.03 if number < 10 else 0.0  # of a packet that leaves every 5 ms
        sent, one_way = 2.0 + 0.005 * number, 0.02 + late
        estimate.update(sent, one_way, (SIZE, 1), last=False, is_busy=False, jitter=0.0)
    assert estimate.rate == pytest.approx(250_000, rel=0.01)


def test_a_burst_with_losses_is_left_out() -> None:
    """What is missing from it would make the line look slower."""
    estimate = LineRate()
    estimate.update(1.0, 0.02, (SIZE, 1), last=False, is_busy=False, jitter=0.0)
    estimate.interrupt()
    estimate.update(1.001, 0.06, (4 * SIZE, 4), last=True, is_busy=False, jitter=0.0)
    later(estimate)
    assert estimate.rate == math.inf


def test_a_burst_whose_last_packets_turn_out_to_be_lost_is_left_out() -> None:
    """That is known only some packets later."""
    estimate = LineRate()
    burst(estimate, 1.0, 0.0, 250_000)
    later(estimate)
    assert estimate.rate == pytest.approx(250_000, rel=0.01)
    burst(estimate, 2.0, 0.0, 100_000, count=6)
    estimate.interrupt()
    later(estimate)
    assert estimate.rate == pytest.approx(250_000, rel=0.01)


def test_packets_that_come_late_by_chance_do_not_make_a_line_slower() -> None:
    """A burst that came apart a little, or is short beside jitter, tells nothing."""
    estimate = LineRate()
    burst(estimate, 1.0, 0.0, 250_000)
    for number in range(20):
        sent = 2.0 + number
        burst(estimate, sent, SIZE / 240_000, 200_000)
        burst(estimate, sent + 0.5, 0.0, 150_000, is_busy=True, jitter=0.02)
    later(estimate)
    assert estimate.rate == pytest.approx(250_000, rel=0.01)
