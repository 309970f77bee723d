"""The sending half of a connection: which packets leave, and when."""

import math

from p2p_remote.crypto.sealing import Sealing
from p2p_remote.transport.acknowledger import Acknowledger
from p2p_remote.transport.background import Background
from p2p_remote.transport.channels import CHANNELS, REPEATED
from p2p_remote.transport.config import Config
from p2p_remote.transport.congestion import AckSample, Controller, DelayController
from p2p_remote.transport.inbox import Inbox
from p2p_remote.transport.outbox import Outbox
from p2p_remote.transport.pacing import Bucket, Lateness, Pacer
from p2p_remote.transport.packet_builder import PacketBuilder
from p2p_remote.transport.path_mtu import PathMtu
from p2p_remote.transport.recovery import Recovery, SentPacket
from p2p_remote.transport.send_stream import Chunk
from p2p_remote.transport.statistics import ChannelStatistics
from p2p_remote.wire.address import Path, TcpEndpoint
from p2p_remote.wire.constants import CHANNEL_BULK, CHANNEL_SCREEN
from p2p_remote.wire.frames import Ack, Padding, Ping, encode_frame
from p2p_remote.wire.packet import OVERHEAD

AT_ONCE = 0.0  # s, a time that is always past
MAX_BATCH = 8  # packets of one call, so that the time they carry is true

_URGENT_PACKETS = 8  # packets of input and control beside window and pacer
_URGENT_RATE = 200.0  # such packets per second in the long run
_REPEAT_LOSS = 0.002  # share of losses above which packets are repeated
_MIN_REPEAT_GAP = 0.006  # s
_MAX_REPEAT_GAP = 0.025  # s
_REPEAT_SHARE = 0.2  # of the rate at most for repeats of a line that fell idle
_REPEAT_BURST = 8 * 1200  # bytes of such repeats at once
_HOT_TIME = 0.010  # s of the line's rate that hot patches may use beyond the window
_QUEUE_TIME = 0.050  # s of the line's rate that may wait in the queue of the screen
_START_ROOM = 64 * 1024  # bytes for the screen while nothing is known of the line
_LEAST_ROOM = 4 * 1024  # bytes for an empty line, however slow
_USEFUL_ROOM = 512  # bytes; less is told as none
_BULK_TIME = 0.25  # s of the line's rate that may wait in the queue of bulk
_PROBE_OVERHEAD = OVERHEAD + 8  # bytes of a probe of the MTU beside its padding
_MIN_BULK = 128 * 1024  # bytes
_MAX_BULK = 4 * 1024 * 1024


class Sender:
    """Builds packets, follows their fate and paces them."""

    def __init__(
        self,
        config: Config,
        sealing: Sealing,
        acknowledger: Acknowledger,
        inbox: Inbox,
        now: float,
    ) -> None:
        self.outbox = Outbox()
        self.recovery = Recovery(config.initial_rtt)
        self.lateness = Lateness()
        self.controller: Controller
        self.bytes_sent = 0
        self.packets_sent = 0
        self.eliciting_sent = 0  # packets that ask for an acknowledgement
        self.packets_lost = 0
        self._config = config
        self._sealing = sealing
        self._acknowledger = acknowledger
        self._inbox = inbox
        self._urgent_bucket = Bucket(_URGENT_PACKETS, _URGENT_RATE, now)
        self._wants_ping = False
        self._wants_probe = False
        self.is_overdue = False  # an answer stays out; what is queued now gets old
        self._tail_at: float | None = None  # when to repeat the end of a burst
        self.background = Background(now)
        self._begin(now)

    def use_path(self, path: Path) -> None:
        """Send on `path` from now; what it carries is found out."""
        config = self._config
        searches = config.discover_mtu
        self.path_mtu = PathMtu(config.max_datagram, path, searches=searches)
        self._may_repeat = config.repeats and not isinstance(path, TcpEndpoint)

    @property
    def _size(self) -> int:
        """Bytes of plaintext in the largest packet."""
        return self.path_mtu.size - OVERHEAD

    def _begin(self, now: float) -> None:
        config = self._config
        self.controller = DelayController(config.max_datagram, config.initial_rtt)
        self._pacer = Pacer(now)
        self.background.reset()
        self._repeat_bucket = Bucket(_REPEAT_BURST, 0.0, now)

    def reset_path(self, now: float) -> None:
        """Start over on a new path; what was under way is sent again there."""
        forgotten = self.recovery.forget(now)
        for packet in forgotten:
            self.outbox.on_lost(packet, self._inbox.credit)
        self.packets_lost += sum(not packet.mtu_probe for packet in forgotten)
        self.path_mtu.on_probe_forgotten()
        self.recovery.rtt.reset(self._config.initial_rtt)
        self._begin(now)
        self._wants_ping = True

    def ping(self) -> None:
        """Ask the peer for an acknowledgement."""
        self._wants_ping = True

    def probe(self) -> None:
        """Send the oldest data once more that is still wanted."""
        self._wants_probe = True

    # What comes back

    def on_ack(self, ack: Ack, now: float) -> None:
        """Take an acknowledgement.

        Raises:
            ProtocolError: it names a packet that was never sent.

        """
        recovery = self.recovery
        in_flight = recovery.bytes_in_flight
        result = recovery.on_ack(ack, now)
        for packet in result.acked:
            self.outbox.on_acked(packet)
            if packet.mtu_probe:
                self.path_mtu.on_probe_acked(packet.size)
            else:
                self.path_mtu.on_acked(packet.size)
        if result.lost:
            self._on_losses(result.lost, now)
        if result.acked:
            sample = AckSample(
                acked_bytes=result.acked_bytes,
                acked_packets=len(result.acked),
                in_flight=in_flight,
                largest_acked=ack.largest,
                largest_sent=recovery.largest_sent,
                rtt=result.rtt,
                smoothed_rtt=recovery.rtt.smoothed,
                one_way=result.one_way,
                rate=result.rate,
                limited=result.limited,
                lateness=self.lateness.estimate,
            )
            self.controller.on_ack(sample, now)
            queue, jitter = self.controller.queue, self.controller.jitter
            self.background.on_ack(result, queue, jitter)

    def on_timer(self, now: float) -> None:
        """Do what is due: losses by time, probes."""
        lost, wants_probe = self.recovery.on_timer(now)
        if wants_probe:
            self._wants_probe = True
            recovery = self.recovery
            stalled_for = now - recovery.stalled_since
            self.path_mtu.on_timeouts(recovery.probe_count, stalled_for)
        if lost:
            self._on_losses(lost, now)

    def _on_losses(self, packets: list[SentPacket], now: float) -> None:
        sizes = []  # without those of probes of the MTU
        rtt = self.recovery.rtt.smoothed
        for packet in packets:
            if packet.mtu_probe:
                self.path_mtu.on_probe_lost(now)
                continue
            sizes.append(packet.size)
            self.path_mtu.on_lost(packet.size, packet.sent_at, rtt)
            self.outbox.on_lost(packet, self._inbox.credit)
        self.packets_lost += len(sizes)
        if sizes:
            self.background.line.interrupt()
            self.controller.on_loss(sum(sizes), len(sizes), now)

    # What goes out

    def packets(self, now: float) -> list[bytes]:
        """Datagrams that leave now, at most `MAX_BATCH` beside an acknowledgement."""
        lateness = self.lateness.estimate
        self._pacer.fill(self.controller.pacing_rate, lateness, now)
        self.background.fill(self.controller.queue, lateness, now)
        datagrams: list[bytes] = []
        if self.recovery.rtt.has_sample and self._is_open():
            self._probe_mtu(datagrams, now)
        while len(datagrams) < MAX_BATCH:
            packet = self._build(now)
            if packet is None:
                break
            datagrams.append(self._seal(packet, now))
        return datagrams

    def _probe_mtu(self, datagrams: list[bytes], now: float) -> None:
        size = self.path_mtu.next_probe(now)
        if size is not None:
            self.path_mtu.on_probe_sent(size)
            packet = PacketBuilder(size)  # room enough; the padding makes the size
            packet.add_frame(Ping())
            packet.add_bytes(encode_frame(Padding(bytes(size - _PROBE_OVERHEAD))))
            datagrams.append(self._seal(packet, now, mtu_probe=True))

    def _build(self, now: float) -> PacketBuilder | None:
        """Next packet, or None if nothing may leave."""
        outbox = self.outbox
        is_open = self._is_open()
        background = self.background
        packet = PacketBuilder(self._size)
        if self._wants_probe:
            self._fill_probe(packet)
        self._fill_repeats(packet, now)
        urgent = outbox.has_urgent() and (is_open or self._urgent_bucket.take(1, now))
        if not (
            packet.parts
            or urgent
            or self._wants_ping
            or self._acknowledger.is_due(now)
            or (is_open and outbox.has_data(background=background.is_open))
            or self._may_hurry()
        ):
            return None
        if self._acknowledger.has_news:
            packet.add_bytes(self._acknowledger.take(now))
        outbox.fill_frames(packet)
        if urgent:
            outbox.fill_urgent(packet)
            outbox.repeats.ride(packet)
        if is_open:
            outbox.fill_foreground(packet)
            # Where a packet takes long, what is urgent does not share one.
            if background.is_open and not (background.is_restrained and packet.chunks):
                packet.limit(background.packet)
                outbox.fill_background(packet)
        elif self._may_hurry():
            outbox.fill_hot(packet)
        self._repeat_later(packet.chunks, now)
        if self._wants_ping:
            self._wants_ping = False
            if not packet.eliciting:
                packet.add_frame(Ping())
        return packet if packet.parts else None

    def _is_open(self) -> bool:
        in_flight = self.recovery.bytes_in_flight
        return in_flight < self.controller.window and self._pacer.is_open

    def _may_hurry(self) -> bool:
        """Whether a hot patch may leave; what follows it waits for longer instead."""
        most = self.controller.window + _HOT_TIME * self.controller.rate
        return self.recovery.bytes_in_flight < most and self.outbox.has_hot()

    def _fill_probe(self, packet: PacketBuilder) -> None:
        """Carry the oldest data that is still wanted (RFC 9002 section 6.2.4)."""
        self._wants_probe = False
        for chunk in self.recovery.oldest_wanted():
            packet.add_chunk(chunk)
        if not packet.parts:
            self._wants_ping = True

    def _fill_repeats(self, packet: PacketBuilder, now: float) -> None:
        self.outbox.repeats.fill(packet, self.recovery.rtt.probe_timeout, now)
        if self._tail_at is not None and now >= self._tail_at:
            self._tail_at = None
            if not self.outbox.has_data():
                self._repeat_tail(packet, now)

    def _repeat_tail(self, packet: PacketBuilder, now: float) -> None:
        """Send once more what a line that fell idle has under way."""
        gap = self._repeat_gap()
        bucket = self._repeat_bucket
        bucket.rate = _REPEAT_SHARE * self.controller.rate
        for sent in self.recovery.sent.values():
            for chunk in sent.chunks:
                if chunk.delivered or chunk.repeated or chunk.channel == CHANNEL_BULK:
                    continue
                if sent.sent_at + gap > now:
                    self._tail_at = sent.sent_at + gap
                    return
                if not packet.add_chunk(chunk):
                    if packet.parts:
                        self._tail_at = now
                    return
                chunk.repeated = True
                if not bucket.take(len(chunk.data), now):
                    return

    def _repeats(self) -> bool:
        return self._may_repeat and self.recovery.loss_share > _REPEAT_LOSS

    def _repeat_gap(self) -> float:
        gap = self.recovery.rtt.smoothed / 8
        return min(max(gap, _MIN_REPEAT_GAP), _MAX_REPEAT_GAP)

    def _repeat_later(self, chunks: list[Chunk], now: float) -> None:
        if not self._repeats():
            return
        gap = self._repeat_gap()
        for chunk in chunks:
            if chunk.channel in REPEATED and not chunk.repeated:
                self.outbox.repeats.put(chunk, gap, now)

    def _seal(
        self, packet: PacketBuilder, now: float, *, mtu_probe: bool = False
    ) -> bytes:
        number, datagram = self._sealing.seal(packet.plaintext(), now)
        size = len(datagram)
        self.bytes_sent += size
        self.packets_sent += 1
        if not packet.eliciting:
            self.recovery.note_number(number)
            return datagram
        self.eliciting_sent += 1
        recovery, controller = self.recovery, self.controller
        controller.on_packet_sent(size, recovery.bytes_in_flight, now)
        sent = SentPacket(number, now, size, packet.chunks)
        sent.mtu_probe = mtu_probe
        if packet.frames:
            sent.frames = tuple(packet.frames)
        is_empty = not self.outbox.has_data()
        limited = is_empty and recovery.bytes_in_flight + size < controller.window
        recovery.on_sent(sent, limited=limited)
        self._pacer.spend(size)
        self.background.spend(size)
        if (
            self._tail_at is None
            and is_empty
            and self._repeats()
            and any(chunk.channel != CHANNEL_BULK for chunk in packet.chunks)
        ):
            self._tail_at = now + self._repeat_gap()
        return datagram

    def seal_alone(self, frame: bytes, now: float) -> bytes:
        """Datagram of one frame that asks for no acknowledgement."""
        packet = PacketBuilder(self._size)
        packet.add_bytes(frame)
        return self._seal(packet, now)

    def next_timer(self) -> float:
        """When something here falls due (s); infinity for never."""
        times = [
            self.recovery.next_timer(),
            self._acknowledger.next_timer(),
            self.outbox.repeats.next_due(),
            self._tail_at,
        ]
        if self._wants_ping or self._wants_probe:
            return AT_ONCE
        if self.outbox.has_data():
            if self.recovery.bytes_in_flight < self.controller.window:
                times.append(self._next_open())
            if self.outbox.has_urgent():
                times.append(self._urgent_bucket.next_open())
        return min((time for time in times if time is not None), default=math.inf)

    def _next_open(self) -> float:
        """When the next packet of what waits may leave (s)."""
        opens = self._pacer.next_open(self.controller.pacing_rate)
        if self.outbox.has_data(background=False):
            return opens
        return max(opens, self.background.next_open())

    # Room

    def room(self, channel: int) -> int:
        """Bytes that may be queued on a channel without growing old there."""
        rate = min(self.controller.rate, self.background.rate)
        rtt = self.recovery.rtt
        if channel == CHANNEL_SCREEN:
            if self.is_overdue:
                return 0
            waiting = self.outbox.waiting(channel)
            under_way = self.recovery.bytes_in_flight + waiting
            allowed = rate * (rtt.smoothed + _QUEUE_TIME)
            if not rtt.has_sample:
                allowed = max(allowed, _START_ROOM)
            room = int(max(allowed, _LEAST_ROOM)) - under_way
            return room if room >= _USEFUL_ROOM else 0
        allowed = CHANNELS[channel].buffer / 2
        if channel == CHANNEL_BULK:
            allowed = min(max(rate * _BULK_TIME, _MIN_BULK), _MAX_BULK)
        return max(0, int(allowed) - self.outbox.streams[channel].waiting)

    def has_room_again(self, channel: int) -> bool:
        """Whether a channel that was full has room enough to be worth a report."""
        least = _MIN_BULK // 2 if channel == CHANNEL_BULK else 1
        return self.room(channel) >= least

    def channel_statistics(self) -> dict[int, ChannelStatistics]:
        """Bytes of every channel."""
        return {
            channel: ChannelStatistics(
                stream.offset, self._inbox.bytes_received[channel], stream.waiting
            )
            for channel, stream in self.outbox.streams.items()
        }
