"""What is under way: loss detection, probe timeout, delivery rate (RFC 9002).

A packet is lost when one sent `packet_threshold` packets later has been acknowledged,
or one sent later has and `time_factor` round trips have passed. An acknowledgement for
a packet that was called lost raises both thresholds (RFC 8985 does the same).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from p2p_remote.errors import ProtocolError
from p2p_remote.transport.ack_ranges import intervals
from p2p_remote.transport.rtt import RttEstimator
from p2p_remote.transport.send_stream import Chunk
from p2p_remote.wire.frames import TIME_MASK, Ack, Frame

_PACKET_THRESHOLD = 3
_MAX_PACKET_THRESHOLD = 64
_TIME_FACTOR = 9 / 8
_MAX_TIME_FACTOR = 11 / 8
_GRANULARITY = 0.001  # s
_MAX_PROBE_INTERVAL = 1.0  # s, so that a line that comes back is noticed soon
_MAX_REMEMBERED_LOSSES = 512  # packets called lost whose acknowledgement may yet come
_REMEMBER_LOSSES = 1.0  # s
_INITIAL_LOSS_SHARE = 0.01
_LOSS_GAIN = 0.005  # weight of one packet in the share of losses


class SentPacket:
    """A packet under way and what it carries."""

    __slots__ = (
        "chunks",
        "delivered",
        "delivered_at",
        "first_sent_at",
        "frames",
        "limited",
        "mtu_probe",
        "number",
        "sent_at",
        "size",
    )

    def __init__(
        self, number: int, sent_at: float, size: int, chunks: list[Chunk]
    ) -> None:
        self.number = number
        self.sent_at = sent_at
        self.size = size
        self.chunks = chunks
        self.frames: tuple[Frame, ...] = ()  # to be sent again in another form if lost
        self.delivered = 0  # bytes acknowledged when this one left
        self.delivered_at = 0.0
        self.first_sent_at = 0.0
        self.mtu_probe = False  # padding of a size that may not pass
        self.limited = False  # the application had no more to send


@dataclass(frozen=True, slots=True)
class _Loss:
    """A packet called lost at `when`, `distance` numbers below the newest known."""

    packet: SentPacket
    distance: int
    when: float


@dataclass(slots=True)
class AckResult:
    """What an acknowledgement brought. Bytes are whole datagrams, times seconds."""

    acked: list[SentPacket] = field(default_factory=list)
    lost: list[SentPacket] = field(default_factory=list)
    acked_bytes: int = 0
    rtt: float | None = None  # of the newest packet, if it is newly acknowledged
    one_way: float | None = None  # its way there, between two unrelated clocks
    sent_at: float = 0.0  # when it left
    rate: float | None = None  # bytes/s delivered lately
    limited: bool = False  # that rate was limited by the application


class Recovery:
    """Packets under way on the current path."""

    def __init__(self, initial_rtt: float) -> None:
        self.rtt = RttEstimator(initial_rtt)
        self.sent: dict[int, SentPacket] = {}  # ascending, those that ask for an ack
        self.bytes_in_flight = 0
        self.probe_count = 0  # probe timeouts in a row
        self.packet_threshold = _PACKET_THRESHOLD
        self.time_factor = _TIME_FACTOR
        self.largest_sent = -1
        self._largest_acked = -1
        self._last_sent_at = 0.0
        self.stalled_since = 0.0  # nothing under way has been acknowledged
        self._asked_at = 0.0  # the same, or when the last probe was due
        self._loss_at: float | None = None
        self.loss_share = _INITIAL_LOSS_SHARE
        self._called_lost: dict[int, _Loss] = {}
        self._delivered = 0
        self._delivered_at = 0.0
        self._first_sent_at = 0.0

    def note_number(self, number: int) -> None:
        """Note a packet that asks for no acknowledgement."""
        self.largest_sent = number

    def on_sent(self, packet: SentPacket, *, limited: bool) -> None:
        """Note a packet that asks for an acknowledgement."""
        now = packet.sent_at
        if not self.sent:
            self._first_sent_at = now
            self._delivered_at = now
            self.stalled_since = self._asked_at = now
        packet.delivered = self._delivered
        packet.delivered_at = self._delivered_at
        packet.first_sent_at = self._first_sent_at
        packet.limited = limited
        self.largest_sent = packet.number
        self._last_sent_at = now
        self.sent[packet.number] = packet
        self.bytes_in_flight += packet.size

    def on_ack(self, ack: Ack, now: float) -> AckResult:
        """Take an acknowledgement.

        Raises:
            ProtocolError: it names a packet that was never sent.

        """
        if ack.largest > self.largest_sent:
            raise ProtocolError("acknowledgement of a packet that was never sent")
        result = AckResult()
        ranges = intervals(ack.largest, ack.runs)
        if self._called_lost:
            self._forgive(ranges, now)
        self._collect(ranges, ack.largest, result)
        self._largest_acked = max(self._largest_acked, ack.largest)
        if result.acked:
            self.probe_count = 0
            self.stalled_since = self._asked_at = now
            self.loss_share *= (1 - _LOSS_GAIN) ** len(result.acked)
            self._measure(ack, result, now)
        self._detect_losses(result, now)
        return result

    def _collect(
        self, ranges: list[tuple[int, int]], largest: int, result: AckResult
    ) -> None:
        index = 0
        first, last = ranges[0]
        for number, packet in self.sent.items():
            if number > largest:
                break
            while number > last:
                index += 1
                first, last = ranges[index]
            if number >= first:
                result.acked.append(packet)
                result.acked_bytes += packet.size
        for packet in result.acked:
            del self.sent[packet.number]
        self.bytes_in_flight -= result.acked_bytes

    def _measure(self, ack: Ack, result: AckResult, now: float) -> None:
        newest = result.acked[-1]
        self._delivered += result.acked_bytes
        self._delivered_at = now
        self._first_sent_at = newest.sent_at
        interval = max(now - newest.delivered_at, newest.sent_at - newest.first_sent_at)
        if interval > 0 and newest.delivered_at:
            result.rate = (self._delivered - newest.delivered) / interval
            result.limited = newest.limited
        if newest.number == ack.largest:
            result.rtt = now - newest.sent_at
            result.sent_at = newest.sent_at
            sent_us = int(newest.sent_at * 1e6)
            result.one_way = ((ack.received_us - sent_us) & TIME_MASK) / 1e6
            self.rtt.update(result.rtt, ack.delay_us / 1e6)

    def _forgive(self, ranges: list[tuple[int, int]], now: float) -> None:
        """Notice acknowledgements of packets that were called lost too early."""
        losses = self._called_lost
        while losses:
            oldest = next(iter(losses))
            if now - losses[oldest].when <= _REMEMBER_LOSSES:
                break
            del losses[oldest]
        numbers = list(losses)  # ascending, as all that is called lost
        late: list[int] = []
        for first, last in ranges:
            late += numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]
        for number in late:
            loss = losses.pop(number)
            for chunk in loss.packet.chunks:
                chunk.delivered = True
            if loss.distance:
                self.packet_threshold = min(
                    max(self.packet_threshold, loss.distance + 1),
                    _MAX_PACKET_THRESHOLD,
                )
                self.time_factor = min(self.time_factor + 1 / 8, _MAX_TIME_FACTOR)

    def _detect_losses(self, result: AckResult, now: float) -> None:
        rtt = self.rtt
        delay = max(self.time_factor * max(rtt.smoothed, rtt.latest), _GRANULARITY)
        self._loss_at = None
        largest = self._largest_acked
        for number, packet in self.sent.items():
            if number >= largest:
                break
            if (
                largest - number >= self.packet_threshold
                or packet.sent_at + delay <= now
            ):
                result.lost.append(packet)
            elif self._loss_at is None:
                self._loss_at = packet.sent_at + delay
        for packet in result.lost:
            del self.sent[packet.number]
            self.bytes_in_flight -= packet.size
            self._remember(_Loss(packet, largest - packet.number, now))
            if not packet.mtu_probe:
                self.loss_share += (1 - self.loss_share) * _LOSS_GAIN

    def _remember(self, loss: _Loss) -> None:
        for chunk in loss.packet.chunks:
            chunk.copies -= 1
        self._called_lost[loss.packet.number] = loss
        if len(self._called_lost) > _MAX_REMEMBERED_LOSSES:
            del self._called_lost[next(iter(self._called_lost))]

    def next_timer(self) -> float | None:
        """When a loss or a probe timeout falls due (s)."""
        if self._loss_at is not None:
            return self._loss_at
        if not self.sent:
            return None
        backoff = self._backoff()
        return min(self._last_sent_at + backoff, self._asked_at + 2 * backoff)

    def _backoff(self) -> float:
        """Seconds until the next probe; packets that go on leaving double them once."""
        timeout = self.rtt.probe_timeout
        backoff = timeout * float(1 << min(self.probe_count, 16))
        return min(backoff, max(timeout, _MAX_PROBE_INTERVAL))

    def on_timer(self, now: float) -> tuple[list[SentPacket], bool]:
        """Packets lost by time, and whether a probe must be sent."""
        if self._loss_at is not None:
            if now < self._loss_at:
                return [], False
            result = AckResult()
            self._detect_losses(result, now)
            return result.lost, False
        due = self.next_timer()
        if due is None or now < due:
            return [], False
        is_stalled = now >= self._asked_at + 2 * self._backoff()
        self.probe_count += 2 if is_stalled and not self.probe_count else 1
        # The next probe waits for its own time.
        self._last_sent_at = self._asked_at = now
        return [], True

    def oldest_wanted(self) -> list[Chunk]:
        """Chunks of the oldest packet under way that still carries something wanted."""
        for packet in self.sent.values():
            wanted = [chunk for chunk in packet.chunks if not chunk.delivered]
            if wanted:
                return wanted
        return []

    def forget(self, now: float) -> list[SentPacket]:
        """Take everything out of flight, as when the path is replaced."""
        packets = list(self.sent.values())
        self.sent.clear()
        for packet in packets:
            self._remember(_Loss(packet, 0, now))
        self.bytes_in_flight = 0
        self.probe_count = 0
        self._loss_at = None
        return packets
