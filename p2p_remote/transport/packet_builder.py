"""One packet in the making: encoded frames within a number of bytes."""

from p2p_remote.transport.send_stream import Chunk
from p2p_remote.wire.frames import (
    MAX_FRAMES,
    PACKET_OVERHEAD,
    Frame,
    encode_frame,
    encode_packet,
    encode_stream,
    stream_overhead,
)

MIN_SPACE = 48  # bytes; less is not worth another frame


class PacketBuilder:
    """Frames of one packet and what must be remembered of them."""

    __slots__ = ("chunks", "eliciting", "frames", "parts", "space")

    def __init__(self, size: int) -> None:
        """`size` is the length of the plaintext at most."""
        self.space = size - PACKET_OVERHEAD
        self.parts: list[bytes] = []
        self.chunks: list[Chunk] = []
        self.frames: list[Frame] = []  # that must be sent again if the packet is lost
        self.eliciting = False

    @property
    def has_space(self) -> bool:
        """Whether another frame is worth trying."""
        return self.space >= MIN_SPACE and len(self.parts) < MAX_FRAMES

    def limit(self, space: float) -> None:
        """Take no more than so many bytes from now on."""
        self.space = int(min(self.space, space))

    def add_bytes(self, part: bytes) -> bool:
        """Add an encoded frame if it fits."""
        if len(part) > self.space or len(self.parts) >= MAX_FRAMES:
            return False
        self.parts.append(part)
        self.space -= len(part)
        return True

    def add_frame(self, frame: Frame) -> bool:
        """Add a frame that asks for an acknowledgement, if it fits."""
        if not self.add_bytes(encode_frame(frame)):
            return False
        self.frames.append(frame)
        self.eliciting = True
        return True

    def add_chunk(self, chunk: Chunk) -> bool:
        """Add bytes of a channel if they fit."""
        size = len(chunk.data) + stream_overhead(chunk.offset)
        if size > self.space or len(self.parts) >= MAX_FRAMES:
            return False
        self.parts.append(encode_stream(chunk.channel, chunk.offset, chunk.data))
        self.space -= size
        self.chunks.append(chunk)
        chunk.copies += 1
        self.eliciting = True
        return True

    def plaintext(self) -> bytes:
        """The packet so far."""
        return encode_packet(self.parts)
