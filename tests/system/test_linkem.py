"""The link emulator itself: what is asked for is what a datagram meets."""

import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.line import Line
from tests.support.linkem import Link

pytestmark = pytest.mark.netns

# Sends numbered datagrams of 1172 bytes to the other end and prints when each arrived,
# as seconds after it was sent (both ends of the pair live on one clock).
RECEIVER = """
import socket, struct, sys, time, json
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
receiver.bind(("", 5000))
receiver.settimeout(0.6)
print("ready", flush=True)
found = []
try:
    while True:
        data = receiver.recv(2000)
        number, sent = struct.unpack_from("<Qd", data)
        now = time.monotonic()
        found.append((number, now - sent, now))
except TimeoutError:
    print(json.dumps(found))
"""
SENDER = """
import socket, struct, sys, time
address, count, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
start = time.monotonic()
for number in range(count):
    due = start + number * 1200 * 8 / rate
    time.sleep(max(0.0, due - time.monotonic()))
    now = struct.pack("<Qd", number, time.monotonic())
    sender.sendto(now + bytes(1172 - len(now)), (address, 5000))
"""


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with Link(Line(delay=0.02)) as made:
        yield made


def arrivals(link: Link, count: int, rate: float) -> list[Any]:
    """(number, seconds under way, time of arrival) of what came of `count`."""
    receiver = link.popen("b", sys.executable, "-c", RECEIVER)
    assert receiver.stdout is not None
    receiver.stdout.readline()
    link.statistics()
    link.run(
        "a", sys.executable, "-c", SENDER, link.address("b"), str(count), str(rate)
    )
    found: list[Any] = json.loads(receiver.stdout.readline())
    return found


def reset(link: Link, **parameters: float) -> None:
    clear = {"rate": 0, "delay": 0.02, "jitter": 0, "loss": 0, "burst": 1}
    clear |= {"duplicate": 0, "reorder": 0, "queue": 0.1, "mtu": 0, "down": False}
    link.set("both", **(clear | parameters))


def test_delay_is_kept(link):
    """A datagram takes the propagation time and hardly more."""
    reset(link)
    found = arrivals(link, 200, 2e6)
    times = sorted(taken for _, taken, _ in found)
    assert [number for number, _, _ in found] == list(range(200))
    assert times[0] >= 0.0199
    assert times[100] < 0.022


def test_rate_and_queue_are_kept(link):
    """A flood leaves at the rate and waits as long as the queue is; more is dropped."""
    reset(link, rate=8e6, queue=0.1)
    found = arrivals(link, 600, 16e6)
    steady = [now for _, _, now in found if now > found[0][2] + 0.1]
    rate = (len(steady) - 1) * 1200 * 8 / (steady[-1] - steady[0])
    assert rate == pytest.approx(8e6, rel=0.04)
    assert max(taken for _, taken, _ in found) == pytest.approx(0.12, abs=0.02)
    assert link.statistics()["up"]["dropped"] == 600 - len(found)


def test_fifty_megabits_pass(link):
    """The emulator itself is fast enough for the lines of the benchmarks."""
    reset(link, rate=60e6, queue=0.1)
    found = arrivals(link, 5000, 50e6)
    assert len(found) == 5000
    assert sorted(taken for _, taken, _ in found)[2500] < 0.025


def test_faults_come_as_often_as_asked(link):
    """Losses, copies and stragglers have their shares; `down` lets nothing pass."""
    reset(link, loss=0.1, duplicate=0.1, reorder=0.1, reorder_gap=0.02)
    numbers = [number for number, _, _ in arrivals(link, 2000, 20e6)]
    assert len(set(numbers)) == pytest.approx(1800, rel=0.05)
    assert len(numbers) - len(set(numbers)) == pytest.approx(180, rel=0.35)
    assert numbers != sorted(numbers)
    reset(link, loss=0.1, burst=5.0)
    numbers = [number for number, _, _ in arrivals(link, 2000, 20e6)]
    gaps = [after - before for before, after in itertools.pairwise(numbers)]
    lost = [gap - 1 for gap in gaps if gap > 1]
    assert sum(lost) / len(lost) > 2.5
    reset(link, down=True)
    assert arrivals(link, 10, 1e6) == []


def test_large_packets_vanish_and_wrong_orders_are_refused(link):
    """A black hole for packets above the MTU; a parameter that is none is an error."""
    reset(link, mtu=1199)
    assert arrivals(link, 10, 1e6) == []
    reset(link, mtu=1200)
    assert len(arrivals(link, 10, 1e6)) == 10
    with pytest.raises(ValueError, match="speed"):
        link.set("up", speed=1)
