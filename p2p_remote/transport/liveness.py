"""Whether the other side is still there: keepalives, silence, loss."""

from collections.abc import Callable

from p2p_remote.transport.config import Config
from p2p_remote.transport.events import Event, PeerHeard, PeerSilent

_SPREAD = 0.2  # keepalives leave within +-20 % so that many sessions do not beat
_WATCH_AFTER = 0.6  # s of hearing nothing after which a watched peer is asked


class Liveness:
    """Clocks of hearing and sending.

    Silence counts from the first packet that the other side left unanswered. While
    the peer is watched it is asked soon after it was last heard, and silence counts
    from then.
    """

    def __init__(
        self, config: Config, random: Callable[[int], bytes], now: float
    ) -> None:
        self._config = config
        self._random = random
        self._heard_at = now
        self._sent_at = now  # of the last packet that asks for an answer
        self._unanswered_since: float | None = None
        self._asked_at = now
        self._is_watched = False
        self._is_silent = False
        self._keepalive_after = self._draw()

    def _draw(self) -> float:
        part = int.from_bytes(self._random(2), "little") / 0xFFFF
        return self._config.keepalive * (1 + _SPREAD * (2 * part - 1))

    def watch(self, *, active: bool) -> None:
        """Ask the peer often, or only keep the path alive."""
        self._is_watched = active

    def on_heard(self, now: float) -> Event | None:
        """Note an authentic packet."""
        silent_for = now - self._heard_at
        self._heard_at = now
        self._unanswered_since = None
        if not self._is_silent:
            return None
        self._is_silent = False
        return PeerHeard(silent_for)

    def on_sent(self, now: float) -> None:
        """Note a packet that asks for an answer."""
        self._sent_at = now
        if self._unanswered_since is None:
            self._unanswered_since = now

    def is_lost(self, now: float) -> bool:
        """Whether the peer has been gone for too long."""
        return now >= self._heard_at + self._config.lost_after

    def silence(self, now: float) -> Event | None:
        """`PeerSilent` once when the peer falls silent."""
        due = self._silent_at()
        if self._is_silent or due is None or now < due:
            return None
        self._is_silent = True
        return PeerSilent(now - self._heard_at)

    def _silent_at(self) -> float | None:
        if self._is_watched:
            return self._heard_at + self._config.silence
        if self._unanswered_since is None:
            return None
        return max(self._heard_at, self._unanswered_since) + self._config.silence

    def wants_ping(self, now: float) -> bool:
        """Whether a keepalive is due; drawing the time of the next one."""
        if now < self._ping_at():
            return False
        self._asked_at = now
        self._keepalive_after = self._draw()
        return True

    def _ping_at(self) -> float:
        # A keepalive of the other side serves both directions: we have answered it.
        quiet_since = max(self._sent_at, self._asked_at, self._heard_at)
        at = quiet_since + self._keepalive_after
        if self._is_watched:
            watched = max(self._heard_at, self._asked_at) + _WATCH_AFTER
            return min(at, watched)
        return at

    def next_timer(self) -> float:
        """When something here falls due (s)."""
        due = min(self._ping_at(), self._heard_at + self._config.lost_after)
        if self._is_silent:
            return due
        silent_at = self._silent_at()
        return due if silent_at is None else min(due, silent_at)
