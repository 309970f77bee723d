"""Whether the other side is still there: keepalives, overdue answers, silence, loss."""

from collections.abc import Callable

from p2p_remote.transport.config import Config
from p2p_remote.transport.events import AnswerOverdue, Event, PeerHeard, PeerSilent

_SPREAD = 0.2  # keepalives leave within +-20 % so that many sessions do not beat
_WATCH_AFTER = 0.6  # s of hearing nothing after which a watched peer is asked

# An answer is overdue after so many probe timeouts (RFC 9002 section 6.2). By then a
# packet and the probe that followed it have stayed unanswered for a full timeout each.
_OVERDUE_TIMEOUTS = 2
_LEAST_OVERDUE = 0.2  # s

_FLOW_PACKETS = 8  # packets in a row that make a flow
_FLOW_GAP = 0.25  # s between them on average, at most
_FLOW_GAIN = 1 / 8  # weight of one gap in that average
_FLOW_BREAK = 1.0  # s between two packets that end a flow
_STOPPED_GAPS = 4  # such gaps without a packet: the flow has stopped
_STOPPED = (0.15, 0.5)  # s, bounds of that time


class Flow:
    """Whether packets of the other side come one after the other."""

    def __init__(self) -> None:
        self._packets = 0
        self._gap = 0.0
        self._last = 0.0

    def on_packet(self, now: float) -> None:
        """Note a packet."""
        gap = now - self._last
        self._last = now
        if gap > _FLOW_BREAK:
            self._packets = 0
            self._gap = _FLOW_GAP
            return
        self._packets += 1
        self._gap += (gap - self._gap) * _FLOW_GAIN

    def stops_at(self) -> float | None:
        """When it has stopped if nothing comes until then; None if there is none."""
        if self._packets < _FLOW_PACKETS or self._gap > _FLOW_GAP:
            return None
        low, high = _STOPPED
        return self._last + min(max(_STOPPED_GAPS * self._gap, low), high)

    def end(self) -> None:
        """Let the next flow begin with its first packet."""
        self._packets = 0


class Liveness:
    """Clocks of hearing and sending.

    Silence counts from the first packet that the other side left unanswered. While
    the peer is watched it is asked soon after it was last heard, and silence counts
    from then. When a flow of its packets stops it is asked once, so that a quiet peer
    and one that is gone are told apart.
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
        self._flow = Flow()
        self._is_watched = False
        self._is_overdue = False
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
        self._is_overdue = False
        self._flow.on_packet(now)
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

    def overdue(self, now: float, probe_timeout: float) -> Event | None:
        """`AnswerOverdue` once when an answer stays out for too long."""
        due = self._overdue_at(probe_timeout)
        if due is None or now < due:
            return None
        self._is_overdue = True
        return AnswerOverdue(now - self._heard_at)

    def _overdue_at(self, probe_timeout: float) -> float | None:
        if self._is_overdue or self._unanswered_since is None:
            return None
        wait = max(_LEAST_OVERDUE, _OVERDUE_TIMEOUTS * probe_timeout)
        return max(self._heard_at, self._unanswered_since) + wait

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
        self._flow.end()
        return True

    def _ping_at(self) -> float:
        # A keepalive of the other side serves both directions: we have answered it.
        quiet_since = max(self._sent_at, self._asked_at, self._heard_at)
        at = quiet_since + self._keepalive_after
        if self._is_watched:
            at = min(at, max(self._heard_at, self._asked_at) + _WATCH_AFTER)
        stopped = self._flow.stops_at()
        if stopped is not None and self._unanswered_since is None:
            at = min(at, stopped)
        return at

    def next_timer(self, probe_timeout: float) -> float:
        """When something here falls due (s)."""
        due = min(self._ping_at(), self._heard_at + self._config.lost_after)
        overdue = self._overdue_at(probe_timeout)
        if overdue is not None:
            due = min(due, overdue)
        if self._is_silent:
            return due
        silent_at = self._silent_at()
        return due if silent_at is None else min(due, silent_at)
