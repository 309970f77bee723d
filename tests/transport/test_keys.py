"""Keys of a connection: renewed in flight, whatever the line does."""

import pytest

from p2p_remote.crypto.rekey import REKEY_AFTER_INITIATOR
from p2p_remote.transport.config import Config
from p2p_remote.transport.events import ConnectionLost
from p2p_remote.wire.constants import CHANNEL_BULK, CHANNEL_TERMINAL
from tests.support.connections import Pair
from tests.support.network import Line
from tests.transport.test_connection import kinds, quiet_pair


def test_keys_are_renewed_in_flight():
    """Over a lossy line and ten minutes of transfer the epochs follow each other."""
    pair = Pair(5, Line(rate=2e5, delay=0.02, loss=0.1))
    got: list[int] = []
    pair.right.on_message = lambda _, data: got.append(len(data))
    pair.left.pour(CHANNEL_TERMINAL, 0, iter([]))
    for step in range(int(2.5 * REKEY_AFTER_INITIATOR)):
        when = pair.network.now + step
        pair.network.call_at(when, lambda: pair.left.send(CHANNEL_TERMINAL, b"x" * 9))
    pair.network.run_for(2.5 * REKEY_AFTER_INITIATOR + 5)
    assert pair.left.connection._sealing.epoch == 2
    assert pair.right.connection._sealing.epoch == 2
    assert len(got) == int(2.5 * REKEY_AFTER_INITIATOR)


@pytest.mark.parametrize("seed", range(3))
def test_keys_are_renewed_under_load_and_loss(seed):
    """Many epochs in seconds on a bad line, and every byte arrives once."""
    line = {"rate": 2e6, "delay": 0.03, "loss": 0.1, "reorder": 0.2, "jitter": 0.01}
    pair = Pair(seed, Line(**line), Line(**line))
    for side in (pair.left, pair.right):
        side.connection._sealing._rekey_after = 0.5
    contents = [bytes([index]) * 5000 for index in range(100)]
    for side in (pair.left, pair.right):
        for content in contents:
            side.send(CHANNEL_BULK, content)
    pair.network.run_for(7)
    for side in (pair.left, pair.right):
        assert side.messages[CHANNEL_BULK] == contents
        assert side.connection._sealing.epoch >= 5
        assert ConnectionLost not in kinds(side.events)


def test_both_may_offer_new_keys_at_once():
    """Offers that cross end in one epoch on both sides."""
    pair = quiet_pair()
    pair.network.run_for(REKEY_AFTER_INITIATOR - 1)
    pair.up.down = pair.down.down = True
    pair.network.run_for(12)
    pair.up.down = pair.down.down = False
    pair.network.run_for(5)
    for side in (pair.left, pair.right):
        assert side.connection._sealing.epoch == 1
        assert ConnectionLost not in kinds(side.events)


def test_without_new_keys_the_connection_ends():
    """Keys that were not renewed are not used for ever."""
    pair = quiet_pair(config=Config(lost_after=1000))
    for side in (pair.left, pair.right):
        side.connection._sealing._silence_left = 0.0
    pair.up.down = pair.down.down = True
    pair.network.run_for(181)
    for side in (pair.left, pair.right):
        lost = side.events[-1]
        assert isinstance(lost, ConnectionLost)
        assert "keys" in lost.reason


def test_keys_that_are_used_up_end_the_connection_in_mid_burst():
    """When the last packet number of an epoch is gone nothing more is sent."""
    pair = quiet_pair()
    connection = pair.left.connection
    connection._sealing._end_number = connection.statistics().packets_sent + 2
    pair.left.send(CHANNEL_BULK, bytes(10_000))
    pair.network.run_for(0.001)
    assert kinds(pair.left.events) == [ConnectionLost]
    assert connection.is_closed
