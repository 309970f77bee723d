"""A path that breaks is noticed soon, one that works is left in peace."""

import random

import pytest

from p2p_remote.transport.events import AnswerOverdue, RoomAvailable
from p2p_remote.wire.constants import CHANNEL_INPUT, CHANNEL_SCREEN
from tests.support.connections import Pair, Side
from tests.support.network import Line


def overdue(side: Side) -> int:
    """How often this end has missed an answer."""
    return sum(isinstance(each, AnswerOverdue) for each in side.events)


def type_on(pair: Pair, seed: int, *, pauses: bool = False) -> None:
    """Let the left end type, with pauses or without."""
    rng = random.Random(seed)
    pair.right.send(CHANNEL_INPUT, b"both ends have measured the round trip")

    def type_one() -> None:
        pair.left.send(CHANNEL_INPUT, b"a character")
        wait = rng.uniform(0.08, 0.26)
        if pauses and rng.random() < 0.1:
            wait += rng.uniform(0.5, 6.0)
        pair.network.call_at(pair.network.now + wait, type_one)

    type_one()


def cut(pair: Pair) -> float:
    """Let nothing through any more."""
    pair.up.down = pair.down.down = True
    return pair.network.now


def seconds_to_overdue(pair: Pair, side: Side) -> float:
    """Seconds until this end misses an answer."""
    began = pair.network.now
    pair.network.run_for(5, lambda: not overdue(side))
    return pair.network.now - began


@pytest.mark.parametrize("seed", range(5))
def test_both_ends_miss_a_flow_of_typing(seed):
    """Who types misses the answers, who listens misses the typing."""
    for name in ("left", "right"):
        pair = Pair(seed, Line(rate=10e6, delay=0.03))
        type_on(pair, seed)
        pair.network.run_for(4 + seed / 10)
        cut(pair)
        assert 0.2 <= seconds_to_overdue(pair, getattr(pair, name)) <= 0.6


def test_no_picture_is_made_while_an_answer_stays_out():
    """It would be old when the line is back, and all that came after it with it."""
    pair = Pair(1, Line(rate=1e9, delay=0.03))
    type_on(pair, 1)
    pair.network.run_for(4)
    sender = pair.left.connection
    assert sender.room(CHANNEL_SCREEN, pair.network.now) > 0
    cut(pair)
    seconds_to_overdue(pair, pair.left)
    assert sender.room(CHANNEL_SCREEN, pair.network.now) == 0
    assert sender.room(CHANNEL_INPUT, pair.network.now) > 0
    pair.left.events.clear()
    pair.up.down = pair.down.down = False
    pair.network.run_for(5)
    assert RoomAvailable(CHANNEL_SCREEN) in pair.left.events
    assert sender.room(CHANNEL_SCREEN, pair.network.now) > 0


def test_a_long_round_trip_is_waited_for():
    """By satellite two probe timeouts are more than 0.2 s."""
    pair = Pair(1, Line(rate=10e6, delay=0.3))
    type_on(pair, 1)
    pair.network.run_for(10)
    cut(pair)
    assert 1.2 <= seconds_to_overdue(pair, pair.left) <= 2.5


def test_it_is_told_once_in_a_silence():
    """The next one begins when something was heard."""
    pair = Pair(1, Line(rate=10e6, delay=0.03))
    type_on(pair, 1)
    for times in (1, 2):
        pair.network.run_for(4)
        pair.up.down = pair.down.down = True
        pair.network.run_for(10)
        assert overdue(pair.left) == overdue(pair.right) == times
        pair.up.down = pair.down.down = False


@pytest.mark.parametrize(
    "line",
    [
        {"rate": 1e6, "delay": 0.02, "loss": 0.05},
        {"rate": 2e6, "delay": 0.3, "loss": 0.01, "jitter": 0.02},
        {"rate": 4e6, "delay": 0.06, "jitter": 0.04, "loss": 0.01},
        {"rate": 3e5, "delay": 0.05, "queue": 0.5},
    ],
)
@pytest.mark.parametrize("pauses", [False, True])
def test_a_line_that_works_is_not_suspected(line, pauses):
    """Neither loss nor jitter nor a slow line nor a pause passes for a break."""
    pair = Pair(3, Line(**line), Line(**line))
    type_on(pair, 3, pauses=pauses)
    if not pauses and line["rate"] <= 1e6:
        pair.right.pour(CHANNEL_SCREEN, 3000)
    pair.network.run_for(20)
    assert overdue(pair.left) == overdue(pair.right) == 0


def test_a_quiet_peer_is_not_suspected():
    """When typing stops one small packet asks; then there are keepalives only."""
    pair = Pair(1, Line(rate=10e6, delay=0.03))
    for _ in range(20):
        pair.left.send(CHANNEL_INPUT, b"a character")
        pair.network.run_for(0.1)
    pair.network.run_for(0.7)
    before = pair.right.connection.statistics().packets_sent
    pair.network.run_for(12)
    assert pair.right.connection.statistics().packets_sent - before <= 10
    assert overdue(pair.left) == overdue(pair.right) == 0
