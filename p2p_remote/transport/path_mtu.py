"""The largest datagram that a path carries, found out by trying (RFC 8899).

It is taken for granted that the base size passes. Larger ones are tried one after the
other with packets of padding; what is lost of them says nothing about congestion. If
large packets vanish while small ones get through, or nothing does for long, only the
least size is sent, which passes everywhere, until a probe of the size before or of the
base has arrived; if none does, the largest one between that passes is looked for.
"""

from p2p_remote.wire.address import Path, RelayPath, TcpEndpoint

LEAST = 540  # bytes: 573 with a relay's header, below the 576 of RFC 791
SIZES = (768, 1024, 1200, 1372, 1420, 1452, 1472)  # bytes of UDP payload, ascending
_RELAY_HEADER = 5  # bytes around a relayed datagram
_MAX_IPV6 = 1452  # of Ethernet's 1500
_TRIES = 3  # of one size
_AGAIN_AFTER = 600.0  # s between two searches (RFC 8899 PMTU_RAISE_TIMER)
_AGAIN_AFTER_HOLE = 60.0  # s after the search that a black hole has caused
_HOLE_LOSSES = 10  # large packets lost in a row, none delivered
_THIN_HOLE_LOSSES = 3  # the same, if they left over more than a round trip
_HOLE_TIMEOUTS = 2  # probe timeouts in a row
_HOLE_TIME = 0.1  # s that the last two take at least: a busy computer stands still, too


class PathMtu:
    """Size of datagrams on one path, in bytes."""

    def __init__(self, base: int, path: Path, *, searches: bool) -> None:
        self.size = base
        self._base = base
        self._sizes = _sizes_of(path, base) if searches else ()
        self._doubted: list[int] = []  # sizes that passed before, descending
        self._tries = 0  # of the next size
        self._under_way: int | None = None  # size of the probe under way
        self._search_at = 0.0
        self._rest = _AGAIN_AFTER  # s until the next search
        self._losses = 0  # of large packets, in a row
        self._least_lost = 0  # bytes of the smallest of them
        self._first_lost = 0.0  # when the first of them left

    def next_probe(self, now: float) -> int | None:
        """Size to be tried now, None if there is none."""
        if self._under_way is not None:
            return None
        if self._doubted:
            return self._doubted[0]
        if now < self._search_at:
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
        self._doubted.clear()
        self.size = max(self.size, size)
        self._losses = 0

    def on_probe_lost(self, now: float) -> None:
        """Note that a probe has not arrived; after some its size is given up."""
        self._under_way = None
        if self._tries < _TRIES:
            return
        self._tries = 0
        if not self._doubted:
            self._search_at = now + self._rest
            self._rest = _AGAIN_AFTER
            return
        del self._doubted[0]
        self._search_at = now  # for what passes now
        self._rest = _AGAIN_AFTER_HOLE

    def on_probe_forgotten(self) -> None:
        """Note that nobody will tell of the probe under way, if there is one."""
        if self._under_way is not None:
            self._under_way = None
            self._tries -= 1

    def on_acked(self, size: int) -> None:
        """Note a packet that has arrived."""
        if size >= self._least_lost:
            self._losses = 0

    def on_lost(self, size: int, sent_at: float, rtt: float) -> None:
        """Note a packet that was lost.

        Args:
            size: of its datagram.
            sent_at: when it left (s).
            rtt: smoothed (s).

        """
        if not LEAST < size <= self.size:
            return
        if not self._losses:
            self._first_lost = sent_at
            self._least_lost = size
        self._losses += 1
        self._least_lost = min(self._least_lost, size)
        is_thin = sent_at - self._first_lost > max(rtt, _HOLE_TIME)
        if self._losses >= (_THIN_HOLE_LOSSES if is_thin else _HOLE_LOSSES):
            self._fall_back()

    def on_timeouts(self, count: int, stalled_for: float) -> None:
        """Note that `count` probe timeouts came in a row, within `stalled_for` s."""
        if count >= _HOLE_TIMEOUTS and stalled_for >= _HOLE_TIME:
            self._fall_back()

    def _fall_back(self) -> None:
        if self.size <= LEAST or not self._sizes:
            return
        self._doubted = [self.size]
        if self.size > self._base:
            self._doubted.append(self._base)
        self.size = LEAST
        self._losses = self._tries = 0


def _sizes_of(path: Path, base: int) -> tuple[int, ...]:
    """Sizes worth trying on a path; a TCP connection has no packets of ours."""
    if isinstance(path, TcpEndpoint):
        return ()
    if isinstance(path, RelayPath):
        host, outside = path.server.host, _RELAY_HEADER
    else:
        host, outside = path.host, 0
    most = _MAX_IPV6 if ":" in host else SIZES[-1]
    larger = (size - outside for size in SIZES if size <= most)
    return (
        *(size for size in SIZES if LEAST < size < base),
        base,
        *(size for size in larger if size > base),
    )
