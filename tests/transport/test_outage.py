"""Ten minutes without a network, and what comes after."""

import pytest

from p2p_remote.transport.config import Config
from p2p_remote.transport.events import (
    AnswerOverdue,
    ConnectionLost,
    PeerHeard,
    PeerSilent,
)
from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_CONTROL,
    CHANNEL_INPUT,
    CHANNEL_SCREEN,
)
from tests.support.connections import Pair
from tests.support.network import Line

LONG = Config(lost_after=600)


def cut(pair: Pair, seconds: float) -> float:
    """Let nothing through for a while; when the line came back."""
    pair.up.down = pair.down.down = True
    pair.network.run_for(seconds)
    pair.up.down = pair.down.down = False
    return pair.network.now


@pytest.mark.parametrize("minutes", [1, 3, 9.5])
def test_a_connection_outlives_an_outage(minutes):
    """What was said in it arrives within 1.5 s of its end; the keys are renewed."""
    pair = Pair(1, Line(rate=5e6, delay=0.02), config=LONG)
    pair.left.send(CHANNEL_INPUT, b"before")
    pair.network.run_for(100)
    network = pair.network
    network.call_at(network.now + 5, lambda: pair.left.send(CHANNEL_INPUT, b"in it"))
    network.call_at(network.now + 9, lambda: pair.right.send(CHANNEL_CONTROL, b"too"))
    back = cut(pair, minutes * 60)
    network.run_for(5)
    assert pair.right.messages[CHANNEL_INPUT] == [b"before", b"in it"]
    assert pair.left.messages[CHANNEL_CONTROL] == [b"too"]
    assert pair.right.arrivals[CHANNEL_INPUT][-1] - back < 1.5
    for side in (pair.left, pair.right):
        told = [type(event) for event in side.events]
        assert told == [AnswerOverdue, PeerSilent, PeerHeard]
    network.run_for(150)
    for side in (pair.left, pair.right):
        assert side.connection._sealing.epoch >= 1
        assert not side.connection.is_closed


def test_an_outage_above_the_limit_ends_the_connection():
    """Nothing is kept open for ever."""
    pair = Pair(2, Line(delay=0.02), config=LONG)
    pair.left.send(CHANNEL_INPUT, b"x")
    pair.network.run_for(1)
    cut(pair, 601)
    for side in (pair.left, pair.right):
        assert isinstance(side.events[-1], ConnectionLost)
        assert side.connection.is_closed


def test_an_outage_costs_few_packets():
    """While nothing comes back one small packet a second asks, not more."""
    pair = Pair(3, Line(rate=5e6, delay=0.02), config=LONG)
    pair.left.pour(CHANNEL_BULK, 20_000)
    pair.network.run_for(1)
    before = pair.left.connection.statistics()
    cut(pair, 300)
    after = pair.left.connection.statistics()
    assert after.packets_sent - before.packets_sent < 700
    assert after.bytes_in_flight < 2 * before.window


def test_the_line_after_an_outage_may_be_another_one():
    """Round trip and rate are found anew; the screen moves within half a second."""
    pair = Pair(4, Line(rate=20e6, delay=0.01), config=LONG)
    got: list[float] = []
    pair.right.on_message = lambda *_: got.append(pair.network.now)
    pair.left.pour(CHANNEL_SCREEN, 4000)
    pair.network.run_for(2)
    pair.up.rate, pair.up.delay, pair.up.queue = 1e6, 0.06, 1.0
    back = cut(pair, 20)
    before = len(got)
    pair.network.run_for(6)
    first = got[before] - back
    assert first < 1.5
    assert (len(got) - before) * 4000 * 8 / 6 > 0.7 * 1e6
    assert pair.left.connection.statistics().min_rtt == pytest.approx(0.08, abs=0.02)
    pair.up.worst_wait = 0.0
    pair.network.run_for(2)
    assert pair.up.worst_wait < 0.1
