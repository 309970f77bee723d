"""Urgent chunks that leave again before anybody knows whether they are lost.

On a lossy line each is sent twice, a little apart, and once more when its
acknowledgement is overdue. Small ones that were sent twice and not acknowledged also
ride along with urgent packets, as what comes after them has to wait for them anyway.
"""

from collections import deque

from p2p_remote.transport.packet_builder import PacketBuilder
from p2p_remote.transport.send_stream import Chunk

_RIDING = 64  # bytes of a chunk that may ride along, at most
_RIDING_TOGETHER = 128  # bytes in one packet


class Repeats:
    """What is to be sent again, and when."""

    def __init__(self) -> None:
        self._first: deque[tuple[float, float, Chunk]] = deque()  # due, sent at
        self._last: deque[tuple[float, Chunk]] = deque()

    def put(self, chunk: Chunk, gap: float, now: float) -> None:
        """Send a chunk that has just left once more in `gap` s."""
        chunk.repeated = True
        self._first.append((now + gap, now, chunk))

    def next_due(self) -> float | None:
        """When something here falls due (s)."""
        first, last = self._first, self._last
        while first and first[0][2].delivered:
            first.popleft()
        while last and last[0][1].delivered:
            last.popleft()
        if first and last:
            return min(first[0][0], last[0][0])
        return first[0][0] if first else last[0][0] if last else None

    def fill(self, packet: PacketBuilder, patience: float, now: float) -> None:
        """Put what is due into a packet.

        An acknowledgement is overdue `patience` s after a chunk was sent first.
        """
        first, last = self._first, self._last
        while first and first[0][0] <= now:
            _, sent_at, chunk = first[0]
            if not chunk.delivered:
                if not packet.add_chunk(chunk) and packet.parts:
                    return  # into the next packet, unless it is too large for any
                last.append((max(sent_at + patience, now), chunk))
            first.popleft()
        while last and last[0][0] <= now:
            chunk = last[0][1]
            is_wanted = not chunk.delivered and chunk not in packet.chunks
            if is_wanted and not packet.add_chunk(chunk) and packet.parts:
                return
            last.popleft()

    def ride(self, packet: PacketBuilder) -> None:
        """Let small chunks that miss their acknowledgement ride along, oldest first."""
        left = _RIDING_TOGETHER
        for _, chunk in self._last:
            size = len(chunk.data)
            if size > _RIDING or chunk.delivered or chunk in packet.chunks:
                continue
            left -= size
            if left < 0 or not packet.add_chunk(chunk):
                return
