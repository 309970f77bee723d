"""The sending end of a channel: messages in, chunks for packets out."""

import heapq
from collections import deque

from p2p_remote.wire.frames import stream_overhead

LENGTH_BYTES = 4  # u32 little endian in front of every message
_MIN_CHUNK = 32  # bytes; less is left for the next packet if more waits


class Chunk:
    """Bytes of a channel that travel together, until they are delivered.

    `copies` counts the packets under way that carry them.
    """

    __slots__ = (
        "channel",
        "copies",
        "data",
        "delivered",
        "offset",
        "queued",
        "repeated",
    )

    def __init__(self, channel: int, offset: int, data: bytes) -> None:
        self.channel = channel
        self.offset = offset
        self.data = data
        self.delivered = False
        self.queued = False
        self.repeated = False
        self.copies = 0


class SendStream:
    """Ordered bytes of one channel that wait to be sent or sent again."""

    def __init__(self, channel: int, window: int) -> None:
        self.channel = channel
        self.limit = window  # offset below which the other side lets us send
        self.offset = 0  # of the first byte never sent
        self.queued = 0  # bytes never sent
        self.lost_bytes = 0  # bytes to be sent again
        self._pieces: deque[bytes] = deque()
        self._used = 0  # bytes of the first piece that have been taken
        self._lost: list[tuple[int, int, Chunk]] = []
        self._order = 0

    def write(self, message: bytes) -> None:
        """Queue a message with its length in front."""
        piece = len(message).to_bytes(LENGTH_BYTES, "little") + message
        self._pieces.append(piece)
        self.queued += len(piece)

    @property
    def waiting(self) -> int:
        """Bytes that wait to be sent, for the first time or again."""
        return self.queued + self.lost_bytes

    def can_send(self) -> bool:
        """Whether `take` has something to give."""
        return bool(self._lost) or (self.queued > 0 and self.offset < self.limit)

    def on_lost(self, chunk: Chunk) -> None:
        """Send a chunk again whose last copy has been lost."""
        if chunk.delivered or chunk.queued or chunk.copies:
            return
        chunk.queued = True
        self.lost_bytes += len(chunk.data)
        self._order += 1
        heapq.heappush(self._lost, (chunk.offset, self._order, chunk))

    def take(self, space: int) -> Chunk | None:
        """Next chunk whose frame fits into `space` bytes; None if there is none."""
        while self._lost:
            chunk = self._lost[0][2]
            if chunk.delivered:  # its acknowledgement came late
                heapq.heappop(self._lost)
                chunk.queued = False
                self.lost_bytes -= len(chunk.data)
                continue
            return self._take_lost(chunk, space - stream_overhead(chunk.offset))
        return self._take_new(space - stream_overhead(self.offset))

    def _take_lost(self, chunk: Chunk, space: int) -> Chunk | None:
        size = len(chunk.data)
        if size > space:
            if space < _MIN_CHUNK:
                return None
            rest = Chunk(self.channel, chunk.offset + space, chunk.data[space:])
            rest.queued = True
            self._order += 1
            heapq.heapreplace(self._lost, (rest.offset, self._order, rest))
            self.lost_bytes -= space
            return Chunk(self.channel, chunk.offset, chunk.data[:space])
        heapq.heappop(self._lost)
        chunk.queued = False
        self.lost_bytes -= size
        return chunk

    def _take_new(self, space: int) -> Chunk | None:
        size = min(space, self.queued, self.limit - self.offset)
        if size <= 0 or (size < _MIN_CHUNK and size < self.queued and space == size):
            return None
        data = self._cut(size)
        chunk = Chunk(self.channel, self.offset, data)
        self.offset += size
        self.queued -= size
        return chunk

    def _cut(self, size: int) -> bytes:
        pieces = self._pieces
        piece = pieces[0]
        end = self._used + size
        if end < len(piece):
            data = piece[self._used : end]
            self._used = end
            return data
        parts = []
        while size:
            piece = pieces[0]
            part = piece[self._used : self._used + size]
            parts.append(part)
            size -= len(part)
            self._used += len(part)
            if self._used == len(piece):
                pieces.popleft()
                self._used = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)
