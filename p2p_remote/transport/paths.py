"""Paths by which packets come, and challenges to those that are not in use."""

from p2p_remote.transport.events import Event, PathHeard, PathProven
from p2p_remote.wire.address import Path

_REPORT_GAP = 0.1  # s between two `PathHeard` of one path
_MAX_CHALLENGES = 8  # unanswered challenges remembered


class Paths:
    """Remembers little, so that a peer that hops about costs nothing."""

    def __init__(self) -> None:
        self._heard: tuple[Path, float] | None = None
        self.used_at: float | None = None  # when a packet came by the path in use
        self._challenges: dict[bytes, tuple[Path, float]] = {}

    def forget_heard(self) -> None:
        """Another path is used: report the next packet by any other at once."""
        self._heard = self.used_at = None

    def on_heard(self, path: Path, used: Path, now: float) -> Event | None:
        """Take a path by which the newest packet came; report others now and then."""
        if path == used:
            self.used_at = now
            return None
        heard = self._heard
        if heard is not None and heard[0] == path and now - heard[1] < _REPORT_GAP:
            return None
        self._heard = (path, now)
        return PathHeard(path)

    def on_challenged(self, token: bytes, path: Path, now: float) -> None:
        """Note a challenge that leaves on `path`."""
        while len(self._challenges) >= _MAX_CHALLENGES:
            del self._challenges[next(iter(self._challenges))]
        self._challenges[token] = (path, now)

    def on_response(self, token: bytes, now: float) -> Event | None:
        """Take the answer to a challenge; None if we never asked."""
        asked = self._challenges.pop(token, None)
        return None if asked is None else PathProven(asked[0], now - asked[1])
