"""Congestion control: how much may be under way, and how fast it leaves.

`Controller` is the interface; `DelayController` keeps the line full and its queue
short. Its rule is that of Copa (Arun and Balakrishnan, NSDI 2018): the target rate is
one packet per `DELTA` queueing delays, and the window moves towards it by a step that
grows while the direction stays. What differs: the delay is one-way, jitter is
tolerated, the window grows only if it was the limit, and a queue that does not drain
when we do is taken for that of a loss-based flow, beside which the window follows
losses for a while.
"""

from dataclasses import dataclass
from typing import Protocol

from p2p_remote.transport.delay import (
    BASE_WINDOW,
    FOREIGN_BASE_WINDOW,
    DelayFilter,
    WindowedMinimum,
)

DELTA = 0.5  # packets in the queue are about 1/DELTA
_INITIAL_PACKETS = 16
_FLOOR_PACKETS = 4
_IDLE_PACKETS = 16  # window after a pause
_KEEP_PACKETS = 10  # an application-limited window does not decay below this
_MAX_WINDOW = 8 * 1024 * 1024  # bytes
_MAX_VELOCITY = 32.0
_ROUNDS_BEFORE_SPEED = 3  # in one direction
_START_EXIT_ACKS = 8  # acknowledgements in a row with a queue end the start
_START_GAIN = 1.1
_IDLE = 1.0  # s without sending
_LOOK_EVERY = 10.0  # s between two looks at the base of the delay
_NATURAL_PACKETS = 2 / DELTA  # queue that the rule itself may build
_LEAST_STANDING = 0.005  # s of queue above the tolerance that is worth a cut
_CUTS_BEFORE_FOREIGN = 2
_FOREIGN_ROUNDS = 12  # between two looks whether it is still there, at least
_FOREIGN_SPAN = 4.0  # s between them, at least
_FOREIGN_LOOK = 2  # rounds: one until our part of the queue has left, one to look
_FOREIGN_PART = 0.25  # of the window meanwhile
_FOREIGN_DECREASE = 0.7
_FOREIGN_INCREASE = 1.5  # packets per round, at least
_FOREIGN_RATE = 20.0  # packets per second, at least: others grow by time, not by rounds
_LOSS_MARGIN = 0.10  # share of a round above the usual share
_LOSS_PACKETS = 8
_LOSS_DECREASE = 0.8
_PACING_GAIN = 2.0
_RATE_ROUNDS = 10  # rounds over which the best delivery rate is remembered


@dataclass(frozen=True, slots=True)
class AckSample:
    """What an acknowledgement tells the controller. Bytes, seconds, bytes/s."""

    acked_bytes: int
    acked_packets: int
    in_flight: int  # before this acknowledgement
    largest_acked: int
    largest_sent: int
    rtt: float | None
    smoothed_rtt: float
    one_way: float | None
    rate: float | None
    limited: bool
    lateness: float


class Controller(Protocol):
    """What the connection asks of a congestion control."""

    window: float
    """Bytes that may be under way."""

    @property
    def pacing_rate(self) -> float:
        """Bytes per second at which packets may leave."""

    @property
    def rate(self) -> float:
        """Bytes per second that the line is thought to carry."""

    @property
    def queue(self) -> float:
        """Seconds that packets stand in the line's queue."""

    @property
    def jitter(self) -> float:
        """Seconds by which arrivals vary, beside the time of a packet on the line."""

    def on_packet_sent(self, size: int, in_flight: int, now: float) -> None:
        """Note a packet that leaves; `in_flight` is before it."""

    def on_ack(self, sample: AckSample, now: float) -> None:
        """Take an acknowledgement."""

    def on_loss(self, lost_bytes: int, lost_packets: int, now: float) -> None:
        """Take losses."""


class DelayController:
    """Window by one-way queueing delay. `mss` is the datagram size in bytes."""

    def __init__(self, mss: int, initial_rtt: float) -> None:
        self.window = float(_INITIAL_PACKETS * mss)
        self.delay = DelayFilter()
        self.is_starting = True
        self.is_foreign = False  # beside a loss-based flow
        self._foreign_rounds = 0  # since the last look
        self._foreign_since = 0.0  # when that was
        self._kept_window = 0.0  # bytes, while looking
        self._mss = mss
        self._rtt = initial_rtt  # smoothed
        self._lateness = 0.0  # s, of our own timers
        self._minimum = WindowedMinimum()  # of the round trip
        self._start_limit = float(_MAX_WINDOW)  # window at which a restart ends
        self._queue_acks = 0
        self._velocity = 1.0
        self._direction = 0
        self._direction_rounds = 0
        self._round_end = -1
        self._round = 0
        self._round_queue = float("inf")  # least queue of this round
        self._round_acked = self._round_lost = 0  # packets
        self._usual_loss = 0.01
        self._cuts = 0
        self._has_cut = False  # this round
        self._look_at = 0.0
        self._rates: list[tuple[int, float]] = []  # (round, best), descending
        self._last_sent_at: float | None = None

    @property
    def pacing_rate(self) -> float:
        return _PACING_GAIN * self.window / max(self._rtt, 0.001)

    @property
    def rate(self) -> float:
        return self.window / max(self._rtt, 0.001)

    @property
    def queue(self) -> float:
        return self.delay.queue

    @property
    def jitter(self) -> float:
        return max(0.0, self.delay.jitter - self.delay.packet_time)

    def on_packet_sent(self, size: int, in_flight: int, now: float) -> None:
        last = self._last_sent_at
        if last is not None and now - last > _IDLE:
            self._restart(_IDLE_PACKETS * self._mss)
        self._last_sent_at = now

    def on_ack(self, sample: AckSample, now: float) -> None:
        self._rtt = sample.smoothed_rtt
        self._lateness = sample.lateness
        if sample.rtt is not None:
            self._minimum.update(sample.rtt, now)
        if sample.one_way is not None:
            self.delay.update(sample.one_way, self._rtt, sample.lateness, now)
        if sample.rate is not None:
            self._note_rate(sample.rate, limited=sample.limited)
            self.delay.packet_time = self._mss / max(self._best_rate, 1.0)
        self._round_acked += sample.acked_packets
        self._round_queue = min(self._round_queue, self.delay.queue)
        is_limit = sample.in_flight + 1.5 * self._mss >= 0.8 * self.window
        if self.is_starting:
            self._start(sample, is_limit=is_limit)
        elif self.is_foreign:
            if is_limit and not self._kept_window:
                packets = max(_FOREIGN_INCREASE, _FOREIGN_RATE * self._rtt)
                step = packets * self._mss * sample.acked_bytes / self.window
                self._set(self.window + step)
        else:
            self._steer(sample, is_limit=is_limit)
        if sample.largest_acked >= self._round_end:
            self._end_round(sample.largest_sent, now)

    def on_loss(self, lost_bytes: int, lost_packets: int, now: float) -> None:
        self._round_lost += lost_packets
        if self.is_foreign and not self._has_cut:
            self._has_cut = True
            if self._kept_window:
                self._kept_window *= _FOREIGN_DECREASE
            else:
                self._set(self.window * _FOREIGN_DECREASE)

    def _restart(self, window: float) -> None:
        """Go down to `window` bytes, and double up to where it was."""
        if self.window > window:
            self._start_limit = self.window
            self._set(window)
            self.is_starting = True
            self._queue_acks = 0

    def _set(self, window: float) -> None:
        self.window = min(max(window, _FLOOR_PACKETS * self._mss), _MAX_WINDOW)

    def _note_rate(self, rate: float, *, limited: bool) -> None:
        rates = self._rates
        while rates and rates[0][0] < self._round - _RATE_ROUNDS:
            del rates[0]
        if limited and rates and rate < rates[0][1]:
            return
        while rates and rates[-1][1] <= rate:
            rates.pop()
        rates.append((self._round, rate))

    @property
    def _best_rate(self) -> float:
        return self._rates[0][1] if self._rates else 0.0

    def _start(self, sample: AckSample, *, is_limit: bool) -> None:
        """Double per round trip until a queue stands."""
        if self.delay.queue > self.delay.tolerance:
            self._queue_acks += 1
        else:
            self._queue_acks = 0
        if self._queue_acks >= _START_EXIT_ACKS:
            fair = self._best_rate * (self._minimum.value + self.delay.tolerance)
            self._leave_start(min(self.window, _START_GAIN * fair))
        elif is_limit and sample.in_flight <= self.window + 2 * self._mss:
            self._set(self.window + sample.acked_bytes)
            if self.window >= self._start_limit:
                self._leave_start(self._start_limit)

    def _leave_start(self, window: float) -> None:
        self.is_starting = False
        self._start_limit = float(_MAX_WINDOW)
        self._set(window)

    def _steer(self, sample: AckSample, *, is_limit: bool) -> None:
        """Move the window towards the target rate."""
        excess = self.delay.queue - self.delay.tolerance
        standing_rtt = self._minimum.value + self.delay.queue
        grows = excess <= 0 or self.window * DELTA * excess <= (
            self._mss * standing_rtt
        )
        direction = 1 if grows else -1
        if direction != self._direction:
            self._direction = direction
            self._direction_rounds = 0
            self._velocity = 1.0
        step = self._velocity * self._mss / DELTA * sample.acked_bytes / self.window
        if grows:
            if is_limit:
                self._set(self.window + step)
        elif is_limit or self.window > _KEEP_PACKETS * self._mss:
            self._set(self.window - step)

    def _end_round(self, largest_sent: int, now: float) -> None:
        self._round += 1
        self._round_end = largest_sent + 1
        self._guard_losses()
        self._direction_rounds += 1
        if self._direction_rounds > _ROUNDS_BEFORE_SPEED:
            self._velocity = min(self._velocity * 2, _MAX_VELOCITY)
        if self.is_foreign:
            self._look_at_foreign(now)
        elif not self.is_starting:
            self._drain(now)
            self._look(now)
        self._has_cut = False
        self._round_queue = float("inf")
        self._round_acked = self._round_lost = 0

    def _natural_queue(self) -> float:
        natural = _NATURAL_PACKETS * self._mss / max(self._best_rate, 1.0)
        return self.delay.tolerance + max(natural, _LEAST_STANDING, self._lateness)

    def _drain(self, now: float) -> None:
        """Cut the window once to what fits without the queue that stands."""
        queue = self._round_queue
        if queue <= self._natural_queue() or queue == float("inf"):
            self._cuts = 0
            return
        if self._has_cut:
            return
        self._cuts += 1
        if self._cuts > _CUTS_BEFORE_FOREIGN:
            self._cuts = 0
            self._be_foreign(now, is_foreign=True)
            return
        minimum = self._minimum.value
        self._set(self.window * (minimum + self.delay.tolerance) / (minimum + queue))

    def _look(self, now: float) -> None:
        """Halve the window for a round trip now and then.

        A queue of ours that has stood for longer than the base is remembered would
        pass for the base; this shows it.
        """
        if now >= self._look_at:
            if self._look_at:
                self._restart(self.window / 2)
            self._look_at = now + _LOOK_EVERY

    def _be_foreign(self, now: float, *, is_foreign: bool) -> None:
        """Begin or end the mode; in it the base is remembered for longer."""
        self.is_foreign = is_foreign
        self._foreign_rounds = 0
        self._foreign_since = now
        self._kept_window = 0.0
        span = FOREIGN_BASE_WINDOW if is_foreign else BASE_WINDOW
        self.delay.base.span = self._minimum.span = span

    def _look_at_foreign(self, now: float) -> None:
        """End the mode when the queue is empty; empty our part now and then to see."""
        self._foreign_rounds += 1
        if self._round_queue <= self.delay.tolerance:
            self._be_foreign(now, is_foreign=False)
        elif self._kept_window:
            if self._foreign_rounds >= _FOREIGN_LOOK:
                is_foreign = self._round_queue > self._natural_queue()
                if is_foreign:
                    self._set(self._kept_window)
                self._be_foreign(now, is_foreign=is_foreign)
        elif (
            self._foreign_rounds >= _FOREIGN_ROUNDS
            and now - self._foreign_since >= _FOREIGN_SPAN
        ):
            self._kept_window = self.window
            self._foreign_rounds = 0
            self._set(self.window * _FOREIGN_PART)

    def _guard_losses(self) -> None:
        total = self._round_acked + self._round_lost
        if not total:
            return
        share = self._round_lost / total
        if self._round_lost > _LOSS_PACKETS and share > self._usual_loss + _LOSS_MARGIN:
            self._set(self.window * _LOSS_DECREASE)
            if self.is_starting:
                self._leave_start(self.window)
        self._usual_loss += (share - self._usual_loss) * min(1.0, total / 1000)
