"""The window of a lane on a line that is only computed: full line, short queue."""

import pytest

from p2p_remote.session.lane_window import (
    FIRST,
    FOREIGN_SECONDS,
    FREE_SECONDS,
    LEAST,
    TARGET,
    UNLIMITED,
    LaneWindow,
    Look,
)

STEP = 0.001  # s


class Line:
    """A bottleneck; TCP puts up to `window` bytes on it and learns its round trip."""

    def __init__(self, rate: float, delay: float, longest: float) -> None:
        self.rate, self.delay, self.longest = rate, delay, longest
        self.now = 50.0
        self.window = LaneWindow(self.now, 0)
        self.foreign = 0.0  # s of the queue that somebody else holds
        self.jitter = 0.0  # s that a round trip takes longer without any queue
        self.most = rate * (delay + longest)  # bytes that TCP puts on the line
        self.carried = 0.0  # bytes
        self.queue = 0.0  # s, all of it
        self.rtt = delay  # smoothed
        self._congestion = 14_000.0

    def run(self, seconds: float) -> tuple[float, float]:
        """Go on; returns the rate (bytes/s) and the mean queue (s)."""
        begun, queues = self.carried, []
        for _ in range(round(seconds / STEP)):
            self._step()
            queues.append(self.queue)
        return (self.carried - begun) / seconds, sum(queues) / len(queues)

    def _step(self) -> None:
        under_way = min(self._congestion, self.window.size)
        own = max(0.0, under_way / self.rate - self.delay) if not self.foreign else 0.0
        self.queue = min(own + self.foreign, self.longest)
        now = self.delay + self.queue + self.jitter
        self.rtt += (now - self.rtt) / 8
        rate = min(self.rate, under_way / now)
        self.carried += rate * STEP
        # Slow start until the queue is full, which is what cubic keeps it at.
        self._congestion = min(self.most, self._congestion * 1.1)
        self.now += STEP
        if self.window.is_due(self.now):
            look = Look(self.rtt, self.delay, int(self.carried))
            self.window.look(look, self.now)


@pytest.mark.parametrize("rate", [2.5e6, 12.5e6, 125e6])
@pytest.mark.parametrize("delay", [0.0003, 0.004, 0.04])
def test_the_line_is_full_and_the_queue_short(rate: float, delay: float) -> None:
    line = Line(rate, delay, 0.1)
    line.run(2.0)
    carried, queue = line.run(3.0)
    assert carried >= 0.95 * rate
    least = max(TARGET, LEAST / rate - delay)
    assert queue <= 2 * least


def test_a_faster_line_is_filled_and_a_slower_one_not_flooded() -> None:
    """As when a Wi-Fi changes its rate."""
    line = Line(5e6, 0.003, 0.2)
    line.run(2.0)
    line.rate = 25e6
    line.run(1.0)
    assert line.run(1.0)[0] >= 0.9 * 25e6
    line.rate = 5e6
    line.run(2.0)
    assert line.run(1.0)[1] <= 2 * TARGET


def test_a_queue_that_another_one_fills_is_shared() -> None:
    """Nothing is won by waiting: TCP gets its way, and later it is tried again."""
    line = Line(12.5e6, 0.001, 0.1)
    line.run(2.0)
    line.foreign = 0.08
    line.run(FOREIGN_SECONDS + 0.5)
    assert line.window.size == UNLIMITED
    line.foreign = 0.0
    line.run(FREE_SECONDS + 1.0)
    assert line.run(1.0)[1] <= 2 * TARGET


def test_a_line_that_is_never_full_is_not_limited() -> None:
    line = Line(1e9, 0.0002, 0.05)
    line.most = 1e6  # TCP is held up elsewhere
    line.run(1.0)
    assert line.run(0.5)[0] >= 0.95 * 1e9
    assert line.window.size == UNLIMITED


@pytest.mark.parametrize("delay", [0.0003, 0.02])
def test_the_beginning_makes_no_long_queue(delay: float) -> None:
    line = Line(12.5e6, delay, 0.1)
    longest = 0.0
    for _ in range(500):
        line.run(STEP)
        longest = max(longest, line.queue)
    assert longest <= 4 * TARGET
    assert line.run(0.5)[0] >= 0.9 * 12.5e6


def test_round_trips_that_vary_by_themselves_cost_little() -> None:
    """Some Wi-Fi: nothing of ours waits there, yet it takes longer than the least."""
    line = Line(12.5e6, 0.002, 0.1)
    line.run(1.0)
    line.jitter = 0.012
    line.run(2.0)
    assert line.run(8.0)[0] >= 0.8 * 12.5e6


def test_a_look_without_time_between_changes_nothing() -> None:
    window = LaneWindow(5.0, 100)
    window.look(Look(0.1, 0.001, 1_000_000), 5.0)
    assert (window.size, window.rate) == (FIRST, 0.0)
