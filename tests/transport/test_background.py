"""While somebody works on a thin line, screen and bulk leave what is urgent room."""

import math
from statistics import median

import pytest

from p2p_remote.transport.background import Background
from p2p_remote.wire.constants import CHANNEL_BULK, CHANNEL_HOT, CHANNEL_SCREEN
from tests.support.connections import Pair
from tests.support.network import Line

PICTURE = 9_000  # bytes, twenty times a second
AHEAD = 30  # bytes of a hot patch


def thin() -> Line:
    return Line(rate=2e6, delay=0.02, queue=0.3)


class Video:
    """Pictures from left to right, and a patch in between now and then."""

    def __init__(self, *, works: bool, seconds: float = 8.0) -> None:
        self.pair = Pair(1, thin())
        network, left = self.pair.network, self.pair.left
        begin = network.now
        if works:
            left.connection.expect_work(math.inf)
        for number in range(int(seconds * 20)):
            network.call_at(
                begin + number / 20, lambda: left.send(CHANNEL_SCREEN, bytes(PICTURE))
            )
        asked = [
            begin + 2.0 + 0.137 * number for number in range(int(7 * seconds - 14))
        ]
        for when in asked:
            network.call_at(when, lambda: left.send(CHANNEL_HOT, bytes(AHEAD)))
        network.run_for(seconds + 1.0)
        arrivals = self.pair.right.arrivals
        self.pictures = len(arrivals[CHANNEL_SCREEN])
        patches = zip(asked, arrivals[CHANNEL_HOT], strict=True)
        self.delays = [there - when for when, there in patches]


def test_a_patch_finds_the_line_nearly_empty() -> None:
    """It waits for a packet that has begun, not for the picture before it."""
    working, resting = Video(works=True), Video(works=False)
    assert median(working.delays) < 0.025
    assert max(working.delays) < 0.030
    assert median(resting.delays) > median(working.delays) + 0.005
    assert working.pictures == resting.pictures


def test_bulk_keeps_most_of_the_line() -> None:
    """Nine tenths and more of what it carries, less the heads of small packets."""
    pair = Pair(2, thin())
    pair.left.connection.expect_work(math.inf)
    pair.left.pour(CHANNEL_BULK, 16_000)
    pair.network.run_for(10.0)
    received = sum(map(len, pair.right.messages[CHANNEL_BULK]))
    assert received * 8 / 10 > 0.75 * 2e6


def test_a_line_that_gets_faster_is_followed() -> None:
    """What it carries is tried out all the time."""
    pair = Pair(3, thin())
    pair.left.connection.expect_work(math.inf)
    pair.left.pour(CHANNEL_SCREEN, 4_000)
    pair.network.run_for(4.0)
    pair.up.rate = 8e6
    pair.network.run_for(4.0)
    pair.right.messages.clear()
    pair.network.run_for(2.0)
    received = sum(map(len, pair.right.messages[CHANNEL_SCREEN]))
    assert received * 8 / 2 > 0.7 * 8e6


@pytest.mark.parametrize("loss", [0.0, 0.03])
def test_ends_that_wake_up_late_fill_the_line_all_the_same(loss: float) -> None:
    """Packets that are seen late come apart by chance; the line is no slower for it."""
    line = Line(rate=10e6, delay=0.02, queue=0.1, loss=loss)
    pair = Pair(1, line, Line(rate=10e6, delay=0.02))
    for side in (pair.left, pair.right):
        side.host.late_share = 0.15
    pair.left.connection.expect_work(math.inf)
    pair.left.pour(CHANNEL_SCREEN, 4_000)
    pair.network.run_for(4.0)
    pair.right.messages.clear()
    pair.network.run_for(4.0)
    received = sum(map(len, pair.right.messages[CHANNEL_SCREEN]))
    assert received * 8 / 4 > 0.65 * 10e6


def known(rate: float) -> Background:
    """A pace on a line whose rate is known, while somebody works."""
    background = Background(0.0)
    background.work_until = 10.0
    for delay, size, count, last in (
        (0.0, 1, 1, False),
        (0.1, int(rate / 10), 9, True),
    ):
        line = background.line
        line.update(0.0, delay, (size, count), last=last, is_busy=False, jitter=0.0)
    line.update(1.0, 0.0, (1, 1), last=False, is_busy=False, jitter=0.0)
    line.update(1.0, 0.0, (4, 4), last=True, is_busy=False, jitter=0.0)
    assert background.line.rate == pytest.approx(rate, rel=0.01)
    return background


def test_there_is_no_limit_without_work_or_on_a_fast_line() -> None:
    """Nor on one of which nothing is known."""
    for background, now in (
        (Background(0.0), 1.0),
        (known(250_000), 10.0),
        (known(5_000_000), 1.0),
    ):
        background.fill(0.0, 0.0, now)
        assert not background.is_restrained
        assert background.is_open
        assert background.packet == background.rate == math.inf


def test_the_pace_is_that_of_the_line_and_lower_while_it_has_a_queue() -> None:
    """A packet that has left closes it until the line has carried that."""
    background = known(250_000)
    background.fill(0.0, 0.0, 1.0)
    assert background.is_open
    background.spend(750)
    assert not background.is_open
    assert 0.002 < background.next_open() - 1.0 < 0.0035
    assert 250_000 <= background.rate <= 1.1 * 250_000
    background.fill(0.010, 0.0, 1.001)
    assert 0.8 * 250_000 <= background.rate < 250_000


def test_the_pace_follows_the_queue_gently() -> None:
    """What is known of it is a round trip old: the longer it is, the lower."""
    background = known(1_000_000)
    rates = []
    for queue in (0.002, 0.003, 0.005, 0.008):
        background.fill(queue, 0.0, 1.0)
        rates.append(background.rate / 1_000_000)
    assert rates == sorted(rates, reverse=True)
    assert 1.0 < rates[0] < 1.01
    assert 0.98 < rates[1] < 1.0
    assert 0.9 < rates[3] < 0.96


def test_a_line_with_more_than_one_packet_in_its_queue_is_busy() -> None:
    """One that is unknown is not."""
    background = known(1_000_000)
    assert background.is_busy(0.0016)
    assert not background.is_busy(0.0012)
    assert not Background(0.0).is_busy(1.0)


def test_packets_are_small_where_they_take_long() -> None:
    """But not so small that their heads would fill the line."""
    fast, slow = known(1_000_000), known(20_000)
    fast.fill(0.0, 0.0, 1.0)
    slow.fill(0.0, 0.0, 1.0)
    assert fast.packet > 1472
    assert slow.packet == 500
