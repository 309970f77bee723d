"""The largest datagram that a path carries, found out by trying (RFC 8899).

Larger sizes are tried one after the other with packets of padding; what is lost of them
says nothing about congestion. If large packets vanish later while small ones get
through, or nothing does for long, the size falls back to the base.
"""

from p2p_remote.wire.address import Path, RelayPath, TcpEndpoint

SIZES = (1372, 1420, 1452, 1472)  # bytes of UDP payload, ascending
_RELAY_HEADER = 5  # bytes around a relayed datagram
_MAX_IPV6 = 1452  # of Ethernet's 1500
_TRIES = 3  # of one size
_AGAIN_AFTER = 600.0  # s between two searches (RFC 8899 PMTU_RAISE_TIMER)
_AGAIN_AFTER_HOLE = 60.0  # s after a fall back, which an outage causes too
_HOLE_LOSSES = 10  # large packets lost in a row, none delivered
_HOLE_TIMEOUTS = 3  # probe timeouts in a row


class PathMtu:
    """Size of datagrams on one path, in bytes; `base` always fits."""

    def __init__(self, base: int, path: Path, *, searches: bool) -> None:
        self.base = self.size = base
        self._sizes = _sizes_of(path, base) if searches else ()
        self._tries = 0  # of the next size
        self._under_way: int | None = None  # size of the probe under way
        self._search_at = 0.0
        self._large_losses = 0

    def next_probe(self, now: float) -> int | None:
        """Size to be tried now, None if there is none."""
        if self._under_way is not None or now < self._search_at:
            return None
        return next((size for size in self._sizes if size > self.size), None)

    def on_probe_sent(self, size: int) -> None:
        """Note a probe that leaves."""
        self._under_way = size
        self._tries += 1

    def on_probe_acked(self, size: int) -> None:
        """Note that a probe has arrived."""
        self._under_way = None
        self._tries = 0
        self.size = max(self.size, size)
        self._large_losses = 0

    def on_probe_lost(self, now: float) -> None:
        """Note that a probe has not arrived; after some the search ends."""
        self._under_way = None
        if self._tries >= _TRIES:
            self._tries = 0
            self._search_at = now + _AGAIN_AFTER

    def on_acked(self, size: int) -> None:
        """Note a packet that has arrived."""
        if size > self.base:
            self._large_losses = 0

    def on_lost(self, size: int, now: float) -> None:
        """Note a packet that was lost."""
        if size > self.base:
            self._large_losses += 1
            if self._large_losses >= _HOLE_LOSSES:
                self._fall_back(now)

    def on_timeouts(self, count: int, now: float) -> None:
        """Note that `count` probe timeouts came in a row."""
        if count >= _HOLE_TIMEOUTS and self.size > self.base:
            self._fall_back(now)

    def _fall_back(self, now: float) -> None:
        self.size = self.base
        self._large_losses = self._tries = 0
        self._search_at = now + _AGAIN_AFTER_HOLE


def _sizes_of(path: Path, base: int) -> tuple[int, ...]:
    """Sizes worth trying on a path; a TCP connection has no packets of ours."""
    if isinstance(path, TcpEndpoint):
        return ()
    if isinstance(path, RelayPath):
        host, outside = path.server.host, _RELAY_HEADER
    else:
        host, outside = path.host, 0
    most = _MAX_IPV6 if ":" in host else SIZES[-1]
    return tuple(
        size - outside for size in SIZES if size <= most and size - outside > base
    )
