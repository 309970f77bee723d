"""When to acknowledge what has come in (RFC 9000 section 13.2)."""

from p2p_remote.transport.ack_ranges import AckRanges
from p2p_remote.wire.frames import MAX_ACK_DELAY_US, TIME_MASK, Ack, encode_frame

MAX_ACK_DELAY = 0.004  # s, how late an acknowledgement may leave
_PACKETS_PER_ACK = 2  # at least
_MAX_PACKETS_PER_ACK = 8
_ACK_INTERVAL = 0.0025  # s between acknowledgements where the bounds above allow it
_RATE_WINDOW = 0.05  # s over which the rate of packets is counted
_LONE_AFTER = 0.05  # s without a packet after which one stands alone, if it is short


class Acknowledger:
    """Remembers received packets and says when an acknowledgement is due."""

    def __init__(self) -> None:
        self.ranges = AckRanges()
        self._largest_at = 0.0
        self._heard_at = 0.0
        self._waiting = 0  # packets that ask for an acknowledgement and have none yet
        self._deadline: float | None = None
        self._is_due = False
        self._window_start = 0.0
        self._window_count = 0
        self._per_ack = _PACKETS_PER_ACK

    def on_packet(
        self, number: int, now: float, *, eliciting: bool, is_short: bool = False
    ) -> None:
        """Note a packet.

        Args:
            number: of the packet.
            now: s.
            eliciting: it asks to be acknowledged.
            is_short: it would not begin a burst, and nothing of ours answers it.

        """
        is_lone = is_short and now - self._heard_at >= _LONE_AFTER
        self._heard_at = now
        expected = self.ranges.largest + 1
        self.ranges.add(number)
        if number >= expected:
            self._largest_at = now
        self._count(now)
        if not eliciting:
            return
        self._waiting += 1
        if number != expected or is_lone or self._waiting >= self._per_ack:
            self._is_due = True
        elif self._deadline is None:
            self._deadline = now + MAX_ACK_DELAY

    def _count(self, now: float) -> None:
        self._window_count += 1
        elapsed = now - self._window_start
        if elapsed >= _RATE_WINDOW:
            count = int(self._window_count * _ACK_INTERVAL / elapsed)
            self._per_ack = min(max(count, _PACKETS_PER_ACK), _MAX_PACKETS_PER_ACK)
            self._window_start = now
            self._window_count = 0

    @property
    def has_news(self) -> bool:
        """Whether an acknowledgement would tell the other side something it wants."""
        return self._waiting > 0

    def is_due(self, now: float) -> bool:
        """Whether an acknowledgement must leave now, with data or without."""
        return self._is_due or (self._deadline is not None and now >= self._deadline)

    def next_timer(self) -> float | None:
        """When the next acknowledgement is due (s)."""
        return self._deadline

    def take(self, now: float) -> bytes:
        """Frame that acknowledges everything so far."""
        self._waiting = 0
        self._deadline = None
        self._is_due = False
        delay_us = min(int((now - self._largest_at) * 1e6), MAX_ACK_DELAY_US)
        return encode_frame(
            Ack(
                self.ranges.largest,
                max(delay_us, 0),
                int(self._largest_at * 1e6) & TIME_MASK,
                self.ranges.runs(),
            )
        )
