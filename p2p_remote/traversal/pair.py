"""One path to the peer and the checks on it (RFC 8445 sections 6.1.2 and 7).

One socket serves all local addresses, so a pair is named by its remote end alone: an
endpoint, or the relay channel.
"""

from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from p2p_remote.wire.address import Endpoint, Path, TcpEndpoint


class PathKind(StrEnum):
    """What kind of way a path is."""

    LAN = "lan"
    DIRECT = "direct"
    RELAY = "relay"


class PairState(Enum):
    """Where the checks on a pair stand."""

    WAITING = auto()  # a round of checks is to begin
    IN_PROGRESS = auto()  # checks sent, none answered
    SUCCEEDED = auto()  # answered: may be used
    FAILED = auto()  # a whole round was not answered, or an answered path fell silent


class Cause(Enum):
    """Why a pair changes its state."""

    ROUND = auto()  # a new round of checks begins
    SENT = auto()  # a check left
    ANSWERED = auto()  # a check came back
    SILENT = auto()  # answers stayed out for too long


TRANSITIONS = {
    (PairState.WAITING, Cause.ROUND): PairState.WAITING,
    (PairState.IN_PROGRESS, Cause.ROUND): PairState.WAITING,
    (PairState.SUCCEEDED, Cause.ROUND): PairState.WAITING,
    (PairState.FAILED, Cause.ROUND): PairState.WAITING,
    (PairState.WAITING, Cause.SENT): PairState.IN_PROGRESS,
    (PairState.IN_PROGRESS, Cause.SENT): PairState.IN_PROGRESS,
    (PairState.SUCCEEDED, Cause.SENT): PairState.SUCCEEDED,
    (PairState.WAITING, Cause.ANSWERED): PairState.SUCCEEDED,
    (PairState.IN_PROGRESS, Cause.ANSWERED): PairState.SUCCEEDED,
    (PairState.SUCCEEDED, Cause.ANSWERED): PairState.SUCCEEDED,
    (PairState.FAILED, Cause.ANSWERED): PairState.SUCCEEDED,
    (PairState.IN_PROGRESS, Cause.SILENT): PairState.FAILED,
    (PairState.SUCCEEDED, Cause.SILENT): PairState.FAILED,
}
"""The only places where a pair's state changes."""

# Both ends run through these seconds at about the same time, so that one end's packet
# leaves its NAT before the other's arrives, whatever the difference of their delays.
OPEN_ROUND = (0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.3, 1.6, 2.0, 2.4, 2.7, 3.0)
# The controlled end opens its own NAT first with checks that die on the way: a router
# that answers the peer's early packet would otherwise spoil the peer's mapping.
PRIMED_ROUND = (0, 0.02, 0.15, 0.17, 0.2, 0.25, 0.4, 0.6, 0.9, 1.3, 1.7, 2.1, 2.5, 3.0)
PRIMING_CHECKS = 2
CHECKS_A_ROUND = 14
ROUND_LIVELY = 1.0  # s from the start of a round: the checks follow each other quickly
LAST_WAIT = 1.0  # s after the last check of a round until the pair has failed
TRIGGER_SPACING = 0.01  # s between checks on a pair that the peer's checks trigger

KEEP_INTERVAL = 5.0  # s between checks on the path in use, RFC 7675 section 5.1
CARRYING_KEEP_INTERVAL = 18.0  # s, if it carries packets: they tell what is wrong
RELAY_KEEP_INTERVAL = 10.0  # s; the server may restart, and forgets us then
SPARE_KEEP_INTERVAL = 20.0  # s, a path not in use; the relay closes a channel after 30
KEEP_JITTER = 0.2  # share by which those intervals vary, RFC 7675 section 5.1
KEEP_TOGETHER = 12.0  # s after a check from which the next goes early with others
DOUBT_AFTER = 0.2  # s, or ...
DOUBT_ROUND_TRIPS = 3  # round trips: a check is overdue, other paths are preferred
LOST_AFTER = 5.0  # s of silence while a check is unanswered
RELAY_LOST_AFTER = 30.0  # s, the same for the relay
CONSENT_EXPIRY = 30.0  # s without an answer, whatever else is heard, RFC 7675
RETRY_MINIMUM = 0.1  # s until an unanswered check is repeated
RETRY_MAXIMUM = 0.4  # s, so that a network that comes back is noticed soon
RETRY_INTERVAL = 60.0  # s between attempts to find something better than relay or TCP
LONELY_RETRY_INTERVAL = 5.0  # s, the same without any path

ROUND_SPACING = 3.0  # s; a round that is running is not begun anew
PEER_ROUND_SPACING = 1.0  # s between rounds that the peer may ask for
_OUTSTANDING = 16  # transactions remembered; older ones are too late anyway


@dataclass(slots=True, eq=False)
class Pair:
    """A path with its checks. Times are seconds of the caller's clock."""

    path: Path
    kind: PathKind
    priority: int
    learnt: bool = False  # peer-reflexive: the peer did not tell it
    state: PairState = PairState.WAITING
    answered_once: bool = False
    rtt: float | None = None  # smoothed, s
    next_check: float | None = None
    triggered: bool = False
    last_sent: float | None = None
    last_heard: float | None = None  # anything authenticated
    last_answered: float | None = None
    unanswered_since: float | None = None
    doubted: bool = False  # a check is overdue and nothing else was heard either
    is_keeping: bool = False  # the next check is for keeping alone
    announce_round: bool = False  # checks ask the peer to begin a round too
    _is_spare: bool = False  # kept, but not in use
    _confirm_from: float | None = None  # only checks sent since then set it at rest
    _retry: float = RETRY_MINIMUM
    _round: tuple[float, ...] = OPEN_ROUND
    _round_start: float = 0.0
    _pause: float = 0.0
    _sent_in_round: int = 0
    _outstanding: dict[bytes, float] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether a check was answered and nothing speaks against the path since."""
        return self.state is PairState.SUCCEEDED

    @property
    def is_relay(self) -> bool:
        """Whether this is the way through the server."""
        return self.kind is PathKind.RELAY

    @property
    def is_awaited(self) -> bool:
        """Whether the answer to a check that `tell` asked for is still out."""
        return self._confirm_from is not None

    @property
    def is_tcp(self) -> bool:
        """Whether this is a TCP connection with the peer."""
        return isinstance(self.path, TcpEndpoint)

    @property
    def is_free(self) -> bool:
        """Whether checks need no budget: whoever is there wants them."""
        return self.usable or self.is_relay

    @property
    def endpoint(self) -> Endpoint | None:
        """Remote address; None for the relay."""
        return self.path if isinstance(self.path, Endpoint) else None

    def assume_answered(self, now: float) -> None:
        """The handshake went over this path, which is a round trip as well."""
        self._change(Cause.ANSWERED)
        self.answered_once = True
        self.last_heard = self.last_answered = now

    def begin_round(self, now: float, *, primed: bool = False) -> None:
        """Forget what was known and check from the start."""
        times = PRIMED_ROUND if primed and not self.answered_once else OPEN_ROUND
        self._begin(times, now)

    def begin_primed_round(self, now: float, pause: float) -> None:
        """Do the same, with nothing that arrives before `pause` s, and 0.15 s."""
        self._begin(PRIMED_ROUND, now)
        self._pause = max(0.0, pause - PRIMED_ROUND[PRIMING_CHECKS])

    def _begin(self, times: tuple[float, ...], now: float) -> None:
        self._change(Cause.ROUND)
        self._round = times
        self._round_start = self.next_check = now
        self._pause = 0.0
        self._sent_in_round = 0
        self.is_keeping = False

    def check_soon(self, now: float) -> None:
        """Check as soon as possible (triggered check, RFC 8445 section 7.3.1.4)."""
        self.is_keeping = False
        if self.usable:
            self.next_check = now
            return
        if self.state is PairState.FAILED or self._sent_in_round >= CHECKS_A_ROUND:
            self.begin_round(now)
        self._round, self._pause = OPEN_ROUND, 0.0
        earliest = now if self.last_sent is None else self.last_sent + TRIGGER_SPACING
        self.next_check = max(now, earliest)
        self.triggered = True

    def is_round_over(self, now: float) -> bool:
        """Whether a round was in vain, or is down to its last checks, far between."""
        if self.state is PairState.IN_PROGRESS:
            return now >= self._round_start + ROUND_LIVELY
        return self.state is PairState.FAILED

    def tell(self, now: float) -> None:
        """Check until one is answered that was sent from now on: it tells something."""
        self._confirm_from = now
        self.check_soon(now)

    def check_sent(self, transaction: bytes, now: float) -> bool:
        """Note that a check leaves; True if it is to die on the way (priming)."""
        priming = self._round is PRIMED_ROUND and self._sent_in_round < PRIMING_CHECKS
        self._change(Cause.SENT)
        self.triggered = self.is_keeping = False
        self.last_sent = now
        self._outstanding[transaction] = now
        if len(self._outstanding) > _OUTSTANDING:
            del self._outstanding[next(iter(self._outstanding))]
        if self.usable:
            if self.unanswered_since is None:
                self.unanswered_since = now
                self._retry = max(RETRY_MINIMUM, 2 * (self.rtt or 0.0))
            self.next_check = now + self._retry
            self._retry = min(2 * self._retry, max(RETRY_MAXIMUM, self._retry))
        else:
            self._sent_in_round += 1
            self.next_check = self._next_in_round(now)
        return priming

    def _next_in_round(self, now: float) -> float | None:
        if self._sent_in_round >= CHECKS_A_ROUND:
            return None
        pause = self._pause if self._sent_in_round >= PRIMING_CHECKS else 0.0
        return max(now, self._round_start + pause + self._round[self._sent_in_round])

    def answered(self, transaction: bytes, now: float) -> bool:
        """Take a response; False if no check of ours has this transaction."""
        sent = self._outstanding.pop(transaction, None)
        if sent is None:
            return False
        sample = now - sent
        self.rtt = sample if self.rtt is None else 0.75 * self.rtt + 0.25 * sample
        self._change(Cause.ANSWERED)
        self.answered_once = True
        self.last_heard = self.last_answered = now
        self.doubted = False
        if self._confirm_from is None or sent >= self._confirm_from:
            self.unanswered_since = self.next_check = self._confirm_from = None
            self.announce_round = False
        return True

    def heard(self, now: float) -> None:
        """Something authenticated came over this path."""
        self.last_heard = now
        self.doubted = False

    def keep(
        self, now: float, jitter: float, *, spare: bool = False, carries: bool = False
    ) -> None:
        """Plan the next check of an answered path; `jitter` is in -1..1.

        `spare`: it is not in use. `carries`: packets of the session come by it.
        """
        interval = CARRYING_KEEP_INTERVAL if carries else KEEP_INTERVAL
        if self.is_relay:
            interval = RELAY_KEEP_INTERVAL
        if spare:
            interval = SPARE_KEEP_INTERVAL
        due = now + interval * (1 + KEEP_JITTER * jitter)
        is_called = not spare and self._is_spare  # into use before its check was due
        if self.next_check is None or (is_called and due < self.next_check):
            self.next_check = due
            self.is_keeping = True
        self._is_spare = spare

    def keep_together(self, now: float) -> None:
        """Somebody is awake for another check: let one of keeping go with it."""
        planned = self.is_keeping and self.next_check is not None
        if planned and now >= (self.last_sent or 0.0) + KEEP_TOGETHER:
            self.next_check = now

    def release(self) -> None:
        """Send no more checks on an answered path that nobody needs."""
        if self.unanswered_since is None:
            self.next_check = None

    def deadline(self) -> float | None:
        """When `review` changes something unless something is heard."""
        if self.state is PairState.IN_PROGRESS and self.next_check is None:
            return (self.last_sent or 0.0) + LAST_WAIT
        if not self.usable:
            return None
        expiry = (self.last_answered or 0.0) + CONSENT_EXPIRY
        if self.unanswered_since is None:
            # The relay needs no consent: it is the server's own address.
            return None if self.is_relay else expiry
        heard = self.last_heard or 0.0
        if heard <= self.unanswered_since and not self.doubted:
            overdue = max(DOUBT_AFTER, DOUBT_ROUND_TRIPS * (self.rtt or 0.0))
            return self.unanswered_since + overdue
        if self.is_relay:  # heard or not: it may carry one way only
            return self.unanswered_since + RELAY_LOST_AFTER
        return min(expiry, max(self.unanswered_since, heard) + LOST_AFTER)

    def review(self, now: float) -> bool:
        """Doubt or fail if the deadline has passed; True if the pair failed."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return False
        if self.usable and self.unanswered_since is not None and not self.doubted:
            self.doubted = True
            return self.review(now)
        self._change(Cause.SILENT)
        self.next_check = self.unanswered_since = None
        return True

    def _change(self, cause: Cause) -> None:
        self.state = TRANSITIONS[self.state, cause]
        if cause is Cause.ROUND:
            self.unanswered_since = self._confirm_from = None
            self.doubted = False
