"""TCP with cubic (RFC 9438) as a neighbour on a simulated line."""

import random
from collections.abc import Callable

from tests.support.clock import Clock
from tests.support.line import HEADERS, Line

_PACKET = 1500  # bytes of IP
_SCALE = 0.4  # C of RFC 9438
_DECREASE = 0.7
_RENO = 0.53  # packets per round that Reno would gain with that decrease


class CubicFlow:
    """A sender that always has more; losses are noticed after a round trip."""

    def __init__(self, clock: Clock, line: Line, back: float, seed: int = 1) -> None:
        """`back` is the delay of acknowledgements in seconds."""
        self.delivered = 0  # bytes
        self.is_running = True
        self._clock, self._line, self._back = clock, line, back
        self._rng = random.Random(seed)
        self._window, self._threshold = 10.0, float("inf")  # packets
        self._in_flight = self._next = self._recovered_at = 0
        self._rtt = 0.1
        self._before = self._reno = self._target = self._inflection = 0.0
        self._epoch: float | None = None
        self._send()

    def _send(self) -> None:
        now = self._clock.now
        while self.is_running and self._in_flight < self._window:
            number = self._next
            self._next += 1
            self._in_flight += 1
            arrivals = self._line.arrivals(_PACKET - HEADERS, now, self._rng)
            if arrivals:
                when, act = arrivals[0] + self._back, self._on_ack(now)
            else:
                when, act = now + self._rtt, self._on_loss(number)
            self._clock.call_at(when, act)

    def _on_ack(self, sent_at: float) -> Callable[[], None]:
        def act() -> None:
            self._rtt += (self._clock.now - sent_at - self._rtt) / 8
            self._in_flight -= 1
            self.delivered += _PACKET
            if self._window < self._threshold:
                self._window += 1
            else:
                self._grow()
            self._send()

        return act

    def _grow(self) -> None:
        now = self._clock.now
        if self._epoch is None:
            self._epoch = now
            self._inflection = (max(self._before - self._window, 0) / _SCALE) ** (1 / 3)
            self._target = max(self._before, self._window)
            self._reno = self._window
        since = now - self._epoch + self._rtt - self._inflection
        self._reno += _RENO / self._window
        wanted = max(self._target + _SCALE * since**3, self._reno)
        step = min(wanted, 1.5 * self._window) - self._window
        self._window += max(step, 0.01) / self._window

    def _on_loss(self, number: int) -> Callable[[], None]:
        def act() -> None:
            self._in_flight -= 1
            if number >= self._recovered_at:
                self._recovered_at = self._next
                self._before = self._window
                self._window = self._threshold = max(2.0, self._window * _DECREASE)
                self._epoch = None
            self._send()

        return act
