"""What waits to be sent, and in which order it goes into packets.

Input and control first, then newest-wins values, hot, cursor, terminal, and last
screen and bulk, which share by turns. What goes into a packet is chosen when the packet
leaves.
"""

from collections import deque
from collections.abc import Callable, Iterable

from p2p_remote.transport.channels import CHANNELS, SCREEN_TURNS, URGENT
from p2p_remote.transport.packet_builder import PacketBuilder
from p2p_remote.transport.recovery import SentPacket
from p2p_remote.transport.repeats import Repeats
from p2p_remote.transport.send_stream import SendStream
from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_CURSOR,
    CHANNEL_HOT,
    CHANNEL_SCREEN,
    CHANNEL_TERMINAL,
)
from p2p_remote.wire.frames import Credit, Frame, Latest, Rekey

_MAX_CONTROL_FRAMES = 32  # frames of the connection itself that wait


class Outbox:
    """Streams, newest-wins values and frames of the connection that wait."""

    def __init__(self) -> None:
        self.streams = {
            channel: SendStream(channel, limits.window)
            for channel, limits in CHANNELS.items()
        }
        self._all = tuple(self.streams.values())
        self._urgent = [self.streams[channel] for channel in sorted(URGENT)]
        self._hot = self.streams[CHANNEL_HOT]
        self._middle = [
            self.streams[channel]
            for channel in (CHANNEL_HOT, CHANNEL_CURSOR, CHANNEL_TERMINAL)
        ]
        self._foreground = (*self._urgent, *self._middle)
        self._screen = self.streams[CHANNEL_SCREEN]
        self._bulk = self.streams[CHANNEL_BULK]
        self._turn = 0
        self._latest: dict[int, Latest] = {}  # newest value of each kind
        self._latest_waiting: dict[int, Latest] = {}
        self._frames: deque[Frame] = deque()
        self.repeats = Repeats()

    # What comes in

    def put_latest(self, kind: int, data: bytes) -> None:
        """Replace the value of `kind`."""
        last = self._latest.get(kind)
        value = Latest(kind, 0 if last is None else last.serial + 1, data)
        self._latest[kind] = self._latest_waiting[kind] = value

    def put_frame(self, frame: Frame) -> None:
        """Send a frame of the connection itself, reliably."""
        if len(self._frames) < _MAX_CONTROL_FRAMES:
            self._frames.append(frame)

    def on_credit(self, credit: Credit) -> None:
        """Take leave to send more on a channel; unknown ones are none of ours."""
        stream = self.streams.get(credit.channel)
        if stream is not None:
            stream.limit = max(stream.limit, credit.limit)

    def on_acked(self, packet: SentPacket) -> None:
        """Note that the contents of a packet have arrived."""
        for chunk in packet.chunks:
            chunk.delivered = True

    def on_lost(self, packet: SentPacket, credit: Callable[[int], int]) -> None:
        """Queue again what a lost packet carried and is still wanted.

        `credit` tells the credit of a channel as announced last.
        """
        for chunk in packet.chunks:
            self.streams[chunk.channel].on_lost(chunk)
        for frame in packet.frames:
            if isinstance(frame, Latest):
                if self._latest[frame.kind] is frame:
                    self._latest_waiting[frame.kind] = frame
            elif isinstance(frame, Credit):
                if credit(frame.channel) == frame.limit:
                    self.put_frame(frame)
            elif isinstance(frame, Rekey):
                self.put_frame(frame)

    # What waits

    def has_urgent(self) -> bool:
        """Whether something waits that goes beside window and pacer."""
        return bool(self._frames) or _can_any_send(self._urgent)

    def has_hot(self) -> bool:
        """Whether a hot patch waits; it may use more than the window."""
        return self._hot.can_send()

    def has_data(self, *, background: bool = True) -> bool:
        """Whether anything waits that may be sent now, with screen and bulk or not."""
        if self._frames or self._latest_waiting:
            return True
        return _can_any_send(self._all if background else self._foreground)

    def waiting(self, lowest: int = CHANNEL_BULK) -> int:
        """Bytes that wait on channels at least as urgent as `lowest`."""
        return sum(
            stream.waiting
            for channel, stream in self.streams.items()
            if channel <= lowest
        )

    # What goes out

    def fill_frames(self, packet: PacketBuilder) -> None:
        """Put frames of the connection into a packet."""
        while self._frames and packet.add_frame(self._frames[0]):
            self._frames.popleft()

    def fill_urgent(self, packet: PacketBuilder) -> None:
        """Put input and control into a packet."""
        for stream in self._urgent:
            if stream.queued or stream.lost_bytes:
                _fill(packet, stream)

    def fill_hot(self, packet: PacketBuilder) -> None:
        """Put hot patches alone into a packet."""
        _fill(packet, self._hot)

    def fill_foreground(self, packet: PacketBuilder) -> None:
        """Put into a packet what goes before screen and bulk, by priority."""
        if self._latest_waiting:
            for kind, value in list(self._latest_waiting.items()):
                if packet.add_frame(value):
                    del self._latest_waiting[kind]
        for stream in self._middle:
            if stream.queued or stream.lost_bytes:
                _fill(packet, stream)

    def fill_background(self, packet: PacketBuilder) -> None:
        """Put screen and bulk into a packet, by turns."""
        if not packet.has_space:
            return
        screen, bulk = self._screen, self._bulk
        if not screen.can_send():
            _fill(packet, bulk)
        elif not bulk.can_send():
            _fill(packet, screen)
        else:
            self._turn = (self._turn + 1) % (SCREEN_TURNS + 1)
            first, second = (screen, bulk) if self._turn else (bulk, screen)
            _fill(packet, first)
            _fill(packet, second)


def _can_any_send(streams: Iterable[SendStream]) -> bool:
    for stream in streams:  # a plain loop: this is asked several times per packet
        if stream.lost_bytes or (stream.queued and stream.offset < stream.limit):
            return True
    return False


def _fill(packet: PacketBuilder, stream: SendStream) -> None:
    while packet.has_space and (chunk := stream.take(packet.space)) is not None:
        packet.add_chunk(chunk)
