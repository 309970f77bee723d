"""Lets bytes into a TCP connection as `session.lane_window` allows.

Linux tells round trips and what is acknowledged; elsewhere TCP is left to itself.
"""

import select
import socket
import struct
import sys

from p2p_remote.net.clock import seconds
from p2p_remote.session.lane_window import LaneWindow, Look

STALL_SECONDS = 5.0  # s without progress after which the connection is given up
PIECE = 4 * 1024  # bytes; less is not let in alone
MIN_WAIT, MAX_WAIT = 0.0005, 0.02  # s between looks at a window that is full
# Fields of `struct tcp_info` (linux/tcp.h): a number, two in microseconds, bytes.
_INFO_BYTES = 152
_STATE, _RTT, _ACKNOWLEDGED, _LEAST_RTT = (
    struct.Struct("<B"),
    struct.Struct("<68xI"),
    struct.Struct("<120xQ"),
    struct.Struct("<148xI"),
)
_ESTABLISHED, _CLOSE_WAIT = 1, 8


class LaneGate:
    """The sender's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        """Take a connection that blocks."""
        self._connection = connection
        self._tells = sys.platform == "linux" and self._tells_enough()
        self._moved_at = seconds()
        self._acknowledged = self._ask().acknowledged if self._tells else 0
        self._sent = self._acknowledged
        self._window = LaneWindow(self._moved_at, self._acknowledged)

    def send(self, data: bytes) -> None:
        """Send all of it, as it may go.

        Raises:
            OSError: the connection broke, or nothing has moved for 5 s.

        """
        rest = memoryview(data)
        while rest:
            if not self._tells:
                self._connection.sendall(rest)
                return
            room = self._room()
            if room < min(len(rest), self._piece):
                self._wait(min(len(rest), self._piece) - room)
                continue
            part = rest[:room]
            self._connection.sendall(part)
            self._sent += len(part)
            rest = rest[len(part) :]

    @property
    def _piece(self) -> int:
        return max(PIECE, self._window.size // 4)

    def _room(self) -> int:
        """Bytes that may be sent now."""
        now = seconds()
        look = self._ask()
        if look.acknowledged > self._acknowledged or look.acknowledged >= self._sent:
            self._acknowledged, self._moved_at = look.acknowledged, now
        elif now - self._moved_at >= STALL_SECONDS:
            raise TimeoutError("nothing moves on this connection")
        if self._window.is_due(now):
            self._window.look(look, now)
        return self._window.size - (self._sent - look.acknowledged)

    def _wait(self, needed: int) -> None:
        """Wait until about so many bytes more are acknowledged."""
        rate = max(self._window.rate, 1.0)
        select.select([], [], [], min(max(needed / rate, MIN_WAIT), MAX_WAIT))

    def _tells_enough(self) -> bool:
        """Whether the kernel has all the fields: they are told since Linux 4.9."""
        return len(self._info()) == _INFO_BYTES

    def _info(self) -> bytes:
        return self._connection.getsockopt(socket.SOL_TCP, socket.TCP_INFO, _INFO_BYTES)

    def _ask(self) -> Look:
        info = self._info()
        if _STATE.unpack_from(info)[0] not in (_ESTABLISHED, _CLOSE_WAIT):
            raise ConnectionError("the connection is over")
        return Look(
            _RTT.unpack_from(info)[0] / 1e6,
            _LEAST_RTT.unpack_from(info)[0] / 1e6,
            _ACKNOWLEDGED.unpack_from(info)[0],
        )
