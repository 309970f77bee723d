"""How fast a lane may send, so that the session beside it keeps its latency.

TCP fills the queue of the line, and the session's packets would wait in it. So the rate
follows the queue that the kernel measures on this very connection (round trip above its
minimum): up while there is none, down when it grows. Where the system tells nothing of
it (anything but Linux), a small send buffer bounds what may wait.
"""

import contextlib
import socket
import struct
import sys

INTERVAL = 0.02  # s between looks
QUEUE_TARGET = 0.005  # s of queue above which the rate goes down
START_RATE = 16e6  # bytes/s
LEAST_RATE = 0.5e6
GROWTH = 1.25  # for each look that finds the queue empty
BACK_OFF = 0.85  # of what has really been delivered
LEAST_SHARE = 1 / 8  # of the best rate: others that fill the queue do not starve us
SMALL_BUFFER = 256 * 1024  # bytes

_SO_MAX_PACING_RATE = 47  # asm-generic/socket.h
_HIGHEST = 2**31 - 1  # bytes/s, what the option takes
# linux/tcp.h, struct tcp_info: rtt (us) at 68, min_rtt (us) at 148, delivery_rate
# (bytes/s) at 160.
_INFO_BYTES = 168
_RTT = struct.Struct("=I")
_RATE = struct.Struct("=Q")


class LaneRate:
    """The rate as a function of what was measured, without a clock."""

    def __init__(self) -> None:
        """Begin low; it doubles in some tens of milliseconds."""
        self.rate = START_RATE
        self._best = 0.0

    def update(self, queue: float, delivered: float) -> float:
        """Rate (bytes/s) after another look.

        Args:
            queue: s that a packet waits on the line now.
            delivered: bytes/s that have arrived lately.

        """
        self._best = max(self._best, delivered)
        if queue > QUEUE_TARGET:
            least = max(LEAST_RATE, LEAST_SHARE * self._best)
            self.rate = max(least, BACK_OFF * min(delivered, self.rate))
        elif queue < QUEUE_TARGET / 2:
            # No further above the truth than the line can show within a look.
            self.rate = min(max(self.rate, delivered) * GROWTH, _HIGHEST)
        return self.rate


class LanePacing:
    """Keeps one socket at its rate."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected socket."""
        self._socket = connection
        self._rate = LaneRate()
        self._next = 0.0
        self._works = sys.platform == "linux"
        if self._works:
            self._set(self._rate.rate)
        else:
            with contextlib.suppress(OSError):
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_SNDBUF, 1<<22
                )

    def step(self, now: float) -> None:
        """Look at the queue if it is time to."""
        if not self._works or now < self._next:
            return
        self._next = now + INTERVAL
        try:
            info = self._socket.getsockopt(
                socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES
            )
        except OSError:
            return
        if len(info) < _INFO_BYTES:
            self._works = False
            return
        rtt = _RTT.unpack_from(info, 68)[0]
        least = _RTT.unpack_from(info, 148)[0]
        delivered = _RATE.unpack_from(info, 160)[0]
        self._set(self._rate.update((rtt - least) / 1e6, float(delivered)))

    def _set(self, rate: float) -> None:
        with contextlib.suppress(OSError):
            self._socket.setsockopt(
                socket.SOL_SOCKET, _SO_MAX_PACING_RATE, int(min(rate, _HIGHEST))
            )
