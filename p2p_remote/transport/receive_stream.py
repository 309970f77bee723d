"""The receiving end of a channel: chunks in any order in, whole messages out."""

from bisect import bisect_right, insort

from p2p_remote.errors import ProtocolError
from p2p_remote.transport.channels import ChannelLimits
from p2p_remote.transport.send_stream import LENGTH_BYTES


class ReceiveStream:
    """Reassembly of one channel within the bounds of its `ChannelLimits`.

    Memory: at most `window` bytes out of order in a bounded number of fragments, and
    one unfinished message, however small the chunks are.
    """

    def __init__(self, limits: ChannelLimits) -> None:
        self.limit = limits.window  # offset below which the other side may send
        self.offset = 0  # of the first byte not delivered
        self._limits = limits
        self._max_fragments = 64 + limits.window // 256
        self._fragments: list[tuple[int, bytes]] = []  # disjoint, ascending
        self._message = bytearray()  # what has come of the unfinished one, with length
        self._need = 0  # bytes of the unfinished message with its length; 0 = unknown

    def receive(self, offset: int, data: bytes) -> list[bytes]:
        """Take a chunk, return the messages that it completes.

        Raises:
            ProtocolError: beyond the credit, too many fragments, message too large.

        """
        if offset == self.offset and not self._fragments:
            if offset + len(data) > self.limit:
                raise ProtocolError("more data than credit was given for")
            self.offset = offset + len(data)
            return self._assemble(data)
        if offset + len(data) > self.limit:
            raise ProtocolError("more data than credit was given for")
        self._store(offset, data)
        messages: list[bytes] = []
        ready = 0
        for start, fragment in self._fragments:
            if start != self.offset:
                break
            ready += 1
            self.offset += len(fragment)
            messages += self._assemble(fragment)
        del self._fragments[:ready]
        return messages

    def _store(self, offset: int, data: bytes) -> None:
        """Keep what is new of a chunk as fragments that do not overlap."""
        fragments = self._fragments
        if offset < self.offset:
            data = data[self.offset - offset :]
            offset = self.offset
        while data:
            index = bisect_right(fragments, offset, key=_start)
            if index:
                before, known = fragments[index - 1]
                covered = before + len(known) - offset
                if covered > 0:
                    data = data[covered:]
                    offset += covered
                    continue
            new = data
            if index < len(fragments):
                new = data[: fragments[index][0] - offset]
            if len(fragments) >= self._max_fragments:
                raise ProtocolError("too many fragments out of order")
            insort(fragments, (offset, new), key=_start)
            data = data[len(new) :]
            offset += len(new)

    def _assemble(self, data: bytes) -> list[bytes]:
        held = self._message
        held += data
        messages: list[bytes] = []
        while self._knows_length() and len(held) >= self._need:
            messages.append(bytes(held[LENGTH_BYTES : self._need]))
            del held[: self._need]
            self._need = 0
        return messages

    def _knows_length(self) -> bool:
        """Read the length of the unfinished message, if it is there."""
        if not self._need and len(self._message) >= LENGTH_BYTES:
            length = int.from_bytes(self._message[:LENGTH_BYTES], "little")
            if length > self._limits.message:
                name = self._limits.name
                raise ProtocolError(f"message too large for channel {name}")
            self._need = LENGTH_BYTES + length
        return self._need > 0

    def new_limit(self) -> int | None:
        """Credit to announce, once half of the window has been used; else None."""
        limit = self.offset + self._limits.window
        if limit - self.limit < self._limits.window // 2:
            return None
        self.limit = limit
        return limit


def _start(fragment: tuple[int, bytes]) -> int:
    return fragment[0]
