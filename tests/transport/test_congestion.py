"""The line is full, its queue is short, and urgent things do not wait."""

import random
from dataclasses import replace

import pytest

from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_HOT,
    CHANNEL_INPUT,
    CHANNEL_SCREEN,
)
from tests.support.connections import Pair
from tests.support.network import Line

WARM_UP = 1.5  # s
SEED = 1


class Measured:
    """Bulk from left to right, an echo of input every 50 ms meanwhile."""

    def __init__(self, pair: Pair, seconds: float, channel: int = CHANNEL_BULK):
        self.pair = pair
        self.echoes: list[float] = []
        self.bytes = 0
        self._sent: dict[bytes, float] = {}
        network = pair.network
        begin = network.now + WARM_UP

        def on_right(heard: int, data: bytes) -> None:
            if heard != channel:
                pair.right.send(CHANNEL_INPUT, data)
            elif network.now > begin:
                self.bytes += len(data)

        pair.right.on_message = on_right
        pair.left.on_message = lambda _, data: self.echoes.append(
            network.now - self._sent[data]
        )
        pair.left.pour(channel, 16_000)
        for index in range(int((seconds + WARM_UP) / 0.05)):
            network.call_at(network.now + 0.0501 * index, lambda i=index: self._ask(i))
        network.run_for(seconds + WARM_UP)
        self.goodput = self.bytes * 8 / seconds  # bit/s
        self.echoes.sort()

    def _ask(self, index: int) -> None:
        data = index.to_bytes(8, "big")
        self._sent[data] = self.pair.network.now
        self.pair.left.send(CHANNEL_INPUT, data)

    def echo(self, share: float) -> float:
        return self.echoes[int(share * (len(self.echoes) - 1))]


LINES = {
    # name: (line, other hosts' late wake-ups, least goodput, echo p50, echo p95)
    "10M 40 ms clean": (Line(rate=10e6, delay=0.02), 0.0, 0.88, 0.055, 0.065),
    "10M 40 ms 1 %": (Line(rate=10e6, delay=0.02, loss=0.01), 0.0, 0.85, 0.06, 0.08),
    "10M 50 ms 2 %": (Line(rate=10e6, delay=0.025, loss=0.02), 0.0, 0.8, 0.07, 0.09),
    "10M 100 ms 5 %": (Line(rate=10e6, delay=0.05, loss=0.05), 0.0, 0.7, 0.13, 0.2),
    "DSL 2M 300 ms queue": (
        Line(rate=2e6, delay=0.02, queue=0.3),
        0.0,
        0.88,
        0.08,
        0.1,
    ),
    "4M jitter bursts": (
        Line(rate=4e6, delay=0.03, jitter=0.01, loss=0.03, burst=4, queue=0.2),
        0.0,
        0.7,
        0.11,
        0.15,
    ),
    "10M late wake-ups": (Line(rate=10e6, delay=0.02), 0.15, 0.7, 0.08, 0.12),
}


MORE = {"10M 40 ms 1 %", "10M 50 ms 2 %", "10M late wake-ups"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] * (name in MORE)) for name in LINES],
)
def test_goodput_and_echo(name):
    """Bulk fills most of the line while an echo stays near the round trip."""
    line, late_share, least, p50, p95 = LINES[name]
    pair = Pair(SEED, replace(line))
    pair.left.host.late_share = pair.right.host.late_share = late_share
    measured = Measured(pair, 2)
    figures = f"{name}, seed {SEED}: {measured.goodput / 1e6:.2f} Mbit/s"
    assert measured.goodput >= least * line.rate, figures
    assert measured.echo(0.5) <= p50, f"{figures}, {measured.echo(0.5)}"
    assert measured.echo(0.95) <= p95, f"{figures}, {measured.echo(0.95)}"


def test_a_busy_way_back_does_not_slow_the_way_there():
    """One-way delay: a full upload leaves the download most of its line."""
    pair = Pair(6, Line(rate=10e6, delay=0.02), Line(rate=1e6, delay=0.02, queue=0.2))
    got = {"left": 0, "right": 0}
    for side in (pair.left, pair.right):

        def take(_: int, data: bytes, name: str = side.name) -> None:
            got[name] += len(data)

        side.on_message = take
        side.pour(CHANNEL_BULK, 16_000)
    pair.network.run_for(4)
    assert got["right"] * 8 / 4 > 0.5 * 10e6
    assert got["left"] * 8 / 4 > 0.65 * 1e6


def test_two_connections_share_a_line():
    """Of two transfers on one line neither is starved."""
    line = Line(rate=8e6, delay=0.02, queue=0.1)
    pair = Pair(7, line)
    other = Pair(8, line)
    other.network.clock = pair.network.clock
    got = [0, 0]
    for index, each in enumerate((pair, other)):

        def take(_: int, data: bytes, index: int = index) -> None:
            got[index] += len(data)

        each.right.on_message = take
        each.left.pour(CHANNEL_BULK, 16_000)
        each.left.socket.drain()
    pair.network.run_for(3)
    assert sum(got) * 8 / 3 > 0.8 * 8e6
    assert min(got) > 0.25 * sum(got)


def test_a_burst_is_paced():
    """A large update after a pause does not stand in the line's queue as a whole."""
    pair = Pair(14, Line(rate=20e6, delay=0.02))
    pair.left.pour(CHANNEL_BULK, 16_000)
    pair.network.run_for(2)
    pair.left.on_room = None
    pair.network.run_for(0.5)
    pair.up.worst_wait = 0.0
    pair.left.send(CHANNEL_SCREEN, bytes(60_000))
    pair.network.run_for(0.5)
    assert CHANNEL_SCREEN in pair.right.messages
    assert pair.up.worst_wait < 0.7 * 60_000 * 8 / 20e6


@pytest.mark.long
def test_a_foreign_queue_does_not_starve_us():
    """Beside a flow that keeps 80 ms of queue we get a share, and let go after it."""
    line = Line(rate=4e6, delay=0.02, queue=0.15)
    pair = Pair(15, line)
    network = pair.network
    foreign_until = network.now + 8
    rng = random.Random(15)

    def push() -> None:
        while line.waiting(network.now) < 0.08:
            line.arrivals(1172, network.now, rng)
        if network.now < foreign_until:
            network.clock.call_at(network.now + 0.002, push)

    got: list[int] = []
    pair.right.on_message = lambda _, data: got.append(len(data))
    pair.left.pour(CHANNEL_BULK, 16_000)
    network.run_for(1)
    push()
    network.run_for(3)
    got.clear()
    network.run(foreign_until)
    assert sum(got) * 8 / 4 > 0.25 * 4e6
    network.run_for(10)
    line.worst_wait = 0.0
    network.run_for(1)
    assert line.worst_wait < 0.05


def test_screen_and_bulk_share_by_turns():
    """Screen gets most of a full line, and bulk is not starved."""
    pair = Pair(9, Line(rate=4e6, delay=0.02))
    got = {CHANNEL_SCREEN: 0, CHANNEL_BULK: 0}

    def take(channel: int, data: bytes) -> None:
        got[channel] += len(data)

    pair.right.on_message = take
    for _ in range(60):
        pair.left.send(CHANNEL_SCREEN, bytes(20_000))
        pair.left.send(CHANNEL_BULK, bytes(20_000))
    pair.network.run_for(2)
    assert 5 < got[CHANNEL_SCREEN] / got[CHANNEL_BULK] < 9


def test_the_screen_stops_before_it_grows_old():
    """By `room`, at most rate x (RTT + 50 ms) of the screen is ever on its way."""
    pair = Pair(10, Line(rate=4e6, delay=0.02, queue=0.5))
    connection, network = pair.left.connection, pair.network
    sent_at: list[float] = []
    ages: list[float] = []

    def fill(_: int = 0) -> None:
        while connection.room(CHANNEL_SCREEN, network.now) > 0:
            sent_at.append(network.now)
            pair.left.send(CHANNEL_SCREEN, bytes(4000))

    pair.right.on_message = lambda *_: ages.append(network.now - sent_at[len(ages)])
    pair.left.on_room = fill
    fill()
    network.run_for(6)
    assert len(ages) * 4000 * 8 / 6 > 0.85 * 4e6
    steady = sorted(ages[len(ages) // 3 :])
    assert steady[int(0.95 * len(steady))] < 0.02 + 0.02 + 0.05 + 0.04


@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_what_the_input_changed_overtakes_a_busy_screen(loss):
    """Input to pixel on a full line of 40 ms: half within 52 ms, all but one in 75."""
    pair = Pair(
        SEED,
        Line(rate=10e6, delay=0.02, loss=loss),
        Line(rate=10e6, delay=0.02, loss=loss),
    )
    network, connection = pair.network, pair.left.connection
    asked: dict[bytes, float] = {}
    answers: list[float] = []

    def fill(_: int = 0) -> None:
        while connection.room(CHANNEL_SCREEN, network.now) > 0:
            pair.left.send(CHANNEL_SCREEN, bytes(4000))

    def on_right(channel: int, data: bytes) -> None:
        if channel == CHANNEL_HOT:
            answers.append(network.now - asked[data[:4]])

    def ask(index: int) -> None:
        asked[index.to_bytes(4, "big")] = network.now
        pair.right.send(CHANNEL_INPUT, index.to_bytes(4, "big"))

    pair.left.on_room = fill
    pair.left.on_message = lambda _, d: pair.left.send(CHANNEL_HOT, d + bytes(500))
    pair.right.on_message = on_right
    fill()
    for index in range(40):
        network.call_at(network.now + 1 + index * 0.0503, lambda i=index: ask(i))
    network.run_for(3.5)
    answers.sort()
    assert len(answers) == 40
    assert answers[20] <= 0.052
    assert answers[-2] <= 0.075


def test_a_hot_patch_does_not_wait_for_the_window_and_little_goes_beyond_it():
    """It leaves at once into a line that is full, but 10 ms of it at most."""
    pair = Pair(SEED, Line(rate=10e6, delay=0.02, queue=0.5))
    connection, network = pair.left.connection, pair.network
    pair.left.pour(CHANNEL_SCREEN, 8000)
    network.run_for(2)

    def waiting() -> int:
        return connection.statistics().channels[CHANNEL_HOT].bytes_waiting

    while connection.statistics().bytes_in_flight < connection.statistics().window:
        network.run_for(0.0005)
    pair.left.send(CHANNEL_HOT, bytes(500))
    pair.left.socket.drain()
    assert waiting() == 0
    pair.left.send(CHANNEL_HOT, bytes(60_000))
    pair.left.socket.drain()
    beyond = connection.statistics().bytes_in_flight - connection.statistics().window
    assert waiting() > 60_000 - 10e6 / 8 * 0.010 - 2 * 1500
    assert beyond <= 10e6 / 8 * 0.012 + 1500


def test_room_is_never_negative_and_ends_with_the_connection():
    """A full channel has room 0; so has a closed connection."""
    pair = Pair(12, Line(rate=1e6, delay=0.02))
    connection = pair.left.connection
    assert connection.room(CHANNEL_SCREEN, pair.network.now) > 30_000
    pair.left.send(CHANNEL_SCREEN, bytes(1_000_000))
    assert connection.room(CHANNEL_SCREEN, pair.network.now) == 0
    connection.close(0, "", pair.network.now)
    assert connection.room(CHANNEL_INPUT, pair.network.now) == 0


def test_typing_on_a_lossy_line_is_repeated():
    """At 5 % loss an echo arrives within 1.5 round trips 97 times of a hundred."""
    pair = Pair(13, Line(delay=0.02, loss=0.05), Line(delay=0.02, loss=0.05))
    network = pair.network
    sent: dict[bytes, float] = {}
    echoes: list[float] = []
    pair.right.on_message = pair.right.send
    pair.left.on_message = lambda _, data: echoes.append(network.now - sent[data])

    def ask(index: int) -> None:
        data = index.to_bytes(4, "big")
        sent[data] = network.now
        pair.left.send(CHANNEL_INPUT, data)

    for index in range(300):
        network.call_at(network.now + index * 0.1, lambda i=index: ask(i))
    network.run_for(32)
    echoes.sort()
    assert len(echoes) == 300
    assert echoes[150] < 0.045
    assert echoes[290] < 0.06
