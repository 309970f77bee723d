"""Acknowledgements leave evenly, whatever the rate of packets."""

import pytest

from p2p_remote.transport.acknowledger import MAX_ACK_DELAY, Acknowledger
from p2p_remote.transport.config import Config
from p2p_remote.wire.constants import CHANNEL_CONTROL, CHANNEL_INPUT, CHANNEL_SCREEN
from tests.support.connections import Pair
from tests.support.network import Line


def gaps(rate: float) -> set[int]:
    """Packets from one acknowledgement to the next at `rate` packets/s."""
    acknowledger, now, last, found = Acknowledger(), 1.0, 0, set()
    for number in range(int(rate / 2)):
        now += 1 / rate
        acknowledger.on_packet(number, now, eliciting=True)
        if acknowledger.is_due(now):
            acknowledger.take(now)
            if number > rate / 4:
                found.add(number - last)
            last = number
    return found


@pytest.mark.parametrize(
    ("rate", "packets"), [(300, 2), (900, 2), (2000, 5), (3000, 7), (9000, 8)]
)
def test_packets_of_two_and_a_half_milliseconds(rate, packets):
    """Two packets at least and eight at most, so that the other side sends evenly."""
    found = gaps(rate)
    assert found <= {packets - 1, packets, packets + 1}
    assert 2 <= min(found) <= max(found) <= 8


def test_a_missing_packet_is_told_at_once():
    """So is one that comes out of order."""
    acknowledger = Acknowledger()
    acknowledger.on_packet(0, 1.0, eliciting=True)
    assert not acknowledger.is_due(1.0)
    acknowledger.on_packet(2, 1.0, eliciting=True)
    assert acknowledger.is_due(1.0)


def test_the_last_packet_does_not_wait_for_another():
    """Its acknowledgement leaves after a few milliseconds."""
    acknowledger = Acknowledger()
    acknowledger.on_packet(0, 1.0, eliciting=True)
    assert acknowledger.next_timer() == 1.0 + MAX_ACK_DELAY
    assert acknowledger.is_due(1.0 + MAX_ACK_DELAY)


def test_a_lone_short_packet_is_acknowledged_at_once():
    """No timer is needed for it, unless others came just before or it asks for more."""
    acknowledger = Acknowledger()
    acknowledger.on_packet(0, 1.0, eliciting=True, is_short=True)
    assert acknowledger.is_due(1.0)
    assert acknowledger.next_timer() is None
    acknowledger.take(1.0)
    acknowledger.on_packet(1, 1.02, eliciting=True, is_short=True)
    assert not acknowledger.is_due(1.02)
    acknowledger.take(1.024)
    acknowledger.on_packet(2, 1.1, eliciting=False, is_short=True)
    assert not acknowledger.is_due(1.2)
    acknowledger.on_packet(3, 2.0, eliciting=True)
    assert not acknowledger.is_due(2.0)


@pytest.mark.parametrize(
    ("channel", "size", "at_once"),
    [
        (CHANNEL_SCREEN, 20, True),
        (CHANNEL_CONTROL, 20, True),
        (CHANNEL_SCREEN, 900, False),
        (CHANNEL_INPUT, 20, False),
    ],
)
def test_a_lone_update_is_acknowledged_at_once(channel, size, at_once):
    """A key is not: its answer follows, and acknowledges it too."""
    pair = Pair(1, Line(delay=0.02), config=Config(repeats=False))
    pair.left.send(CHANNEL_CONTROL, b"hello")
    pair.network.run_for(0.5)
    right = pair.right.connection
    before = right.statistics().packets_sent
    pair.left.send(channel, bytes(size))
    pair.network.run_for(0.021)
    assert (right.statistics().packets_sent > before) == at_once
    pair.network.run_for(0.005)
    assert right.statistics().packets_sent == before + 1
