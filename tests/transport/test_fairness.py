"""Beside flows that fill every queue, and after they have gone."""

import pytest

from p2p_remote.wire.constants import CHANNEL_BULK
from tests.support.connections import Pair
from tests.support.cubic import CubicFlow
from tests.support.network import Line

LINES = {  # rate in bit/s, queue in s
    "10M 100 ms queue": (10e6, 0.1),
    "2M 300 ms queue": (2e6, 0.3),
    "4M 150 ms queue": (4e6, 0.15),
}


def share_beside_cubic(name: str, seconds: float, seed: int) -> tuple[float, Pair]:
    """Our share of what a line carries beside one cubic flow, which then ends."""
    rate, queue = LINES[name]
    line = Line(rate=rate, delay=0.02, queue=queue)
    pair = Pair(seed, line)
    network = pair.network
    ours = 0

    def take(_: int, data: bytes) -> None:
        nonlocal ours
        ours += len(data)

    pair.right.on_message = take
    pair.left.pour(CHANNEL_BULK, 8000)
    network.run_for(1 + 0.0731 * seed)  # what comes of it hangs on the moment
    flow = CubicFlow(network.clock, line, line.delay, seed)
    network.run_for(3)
    ours = flow.delivered = 0
    network.run_for(seconds)
    flow.is_running = False
    return ours / (ours + flow.delivered), pair


def queue_falls_after(pair: Pair, limit: float) -> float:
    """Seconds until the line's queue stays below 50 ms."""
    waited = fallen = 0.0
    while waited < limit:
        pair.up.worst_wait = 0.0
        pair.network.run_for(0.5)
        waited += 0.5
        if pair.up.worst_wait >= 0.05:
            fallen = waited
    return fallen


def test_a_cubic_flow_does_not_starve_us():
    """A quarter of the line at least, and the queue is short soon after it ends."""
    share, pair = share_beside_cubic("2M 300 ms queue", 8, seed=1)
    assert 0.25 < share < 0.7
    assert queue_falls_after(pair, 6) < 5


@pytest.mark.long
@pytest.mark.parametrize("name", LINES)
def test_shares_hold_for_long(name):
    """A quarter of the line on average, whenever the other begins; never starved."""
    shares = []
    for seed in range(6):
        share, pair = share_beside_cubic(name, 25, seed)
        shares.append(share)
        assert queue_falls_after(pair, 15) < 8
    assert sum(shares) / len(shares) >= 0.25, shares
    assert 0.12 < min(shares) <= max(shares) < 0.8, shares
