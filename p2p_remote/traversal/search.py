"""Attempts at guessing ports when simultaneous opening was not enough.

    idle --due, on the relay--> measuring --both told--> probing --answered/over--> idle

In every attempt both ends measure how their routers map at that moment, tell each
other, and each begins its part of the plan as soon as it knows both. The controlling
end says when there is another attempt; the other follows.

Guards: checks go only to the address that the server has seen the peer at, only after
the handshake and the customer's approval, at most 2048 of them at no more than 1000 a
second, at most `MAX_GUESSES` times, and they stop when the relay seems to suffer: a
small router may have given up its mappings. Two ends that need no guess, but fresh
sockets to meet at, send nine checks an attempt, so they may try again soon and often.
"""

from collections.abc import Callable, Iterable

from p2p_remote.traversal.agent_events import MappingWanted
from p2p_remote.traversal.candidate import Scope, is_ipv6, is_sendable, scope_of
from p2p_remote.traversal.mapping import Mapping
from p2p_remote.traversal.paths import MAIN_SOCKET, from_socket, primed
from p2p_remote.traversal.plan import Plan, Probe, make_plan
from p2p_remote.traversal.reasons import why_relayed
from p2p_remote.wire.address import Endpoint

FIRST_AFTER = 0.12  # s after PUNCH: simultaneous opening has had two round trips
MOVED_AFTER = 0.5  # s after a later PUNCH: the path before has been given up, too
ATTEMPT_SPACING = 20.0  # s between attempts that the peer may ask for, ...
MEETING_SPACING = 2.0  # s ... if the last one was no guess
MEASURED_WITHIN = 10.0  # s; till then no other attempt begins (other sessions' turns)
MAX_GUESSES = 4  # attempts that guess
MAX_ATTEMPTS = 255  # by the number on the wire
VERDICT_AFTER = 5.0  # s: rounds and plans are over, or nearly
HIT_PAUSE = 0.5  # s without probes after one has met, for checks in both directions
HITS = 2  # paths looked at in a pause; a good plan meets many at once
LAST_ANSWER = 1.0  # s after the last probe until the attempt is over


class Search:
    """Searches of one session: attempts, plans and their probes."""

    def __init__(self, group: int, random: Callable[[int], bytes]) -> None:
        """`group` is the one of the auxiliary sockets."""
        self.own: Mapping | None = None
        self.peer: Mapping | None = None
        self.plan: Plan | None = None
        self._group = group
        self._random = random
        self._peer_seen: Endpoint | None = None
        self._attempt = 0
        self._guesses = 0
        self._due: float | None = None
        self._asked_at = 0.0  # when `attempt` began
        self._told = 0  # attempt that `own` belongs to
        self._heard = 0  # attempt that `peer` belongs to
        self._planned = 0  # attempt that `plan` belongs to
        self._begun_at: float | None = None
        self._followed_at: float | None = None
        self._probes: tuple[Probe, ...] = ()
        self._next = 0
        self._first_socket = 0
        self._paused_at: float | None = None
        self._hits = 0
        self._verdict_at: float | None = None

    def verdict(self, now: float) -> str:
        """Why the relay is still used, once this is known; told once an attempt."""
        if self._verdict_at is None or now < self._verdict_at or self.is_probing:
            return ""
        self._verdict_at = None
        return why_relayed(self.own, self.peer if self._heard else None)

    @property
    def is_probing(self) -> bool:
        """Whether the plan is being carried out."""
        return self._begun_at is not None

    @property
    def has_hit(self) -> bool:
        """Whether a guess has met the peer."""
        return self._hits > 0

    def punched(self, endpoints: Iterable[Endpoint], now: float) -> None:
        """Take the peer's address as the server sees it, the only one ever searched."""
        before = self._peer_seen
        for each in endpoints:
            public = scope_of(each) is Scope.PUBLIC
            if public and is_sendable(each) and not is_ipv6(each):
                self._peer_seen = Endpoint(each.host, each.port)
        has_moved = self.plan is not None and self._peer_seen != before
        if self._due is None and not self.is_probing and (self._may_hurry or has_moved):
            self._due = now + (FIRST_AFTER if before is None else MOVED_AFTER)
        self._begin_if_known(now)

    @property
    def _may_hurry(self) -> bool:
        """Whether another attempt costs little, as far as we know."""
        meets = self.plan is not None and not self.plan.is_guess
        return self._attempt == 0 or meets

    def again(self, now: float, *, patient: bool) -> None:
        """Try once more, if it makes sense: the controlling end's decision.

        Guesses are repeated only if `patient`: some time after the last attempt.
        """
        promising = self._may_hurry or (patient and self.plan is not None)
        if self._peer_seen is not None and promising and not self.is_probing:
            self._due = now

    def put_off(self, now: float) -> None:
        """There is no need now."""
        if self._due is not None and self._due <= now:
            self._due = None
        if self._verdict_at is not None and self._verdict_at <= now:
            self._verdict_at = None

    def own_mapping(self, attempt: int, mapping: Mapping, now: float) -> None:
        """Our router, as measured for this attempt."""
        if attempt == self._attempt and attempt > self._told:
            self.own, self._told = mapping, attempt
            self._begin_if_known(now)

    def peer_mapping(self, attempt: int, mapping: Mapping, now: float) -> None:
        """The peer's router, as the peer tells."""
        if attempt <= self._heard or attempt > MAX_ATTEMPTS:
            return
        self.peer, self._heard = mapping, attempt
        late = attempt > self._attempt and self._due is None
        if late and self._may_follow(now):
            self._due = now
        self._begin_if_known(now)

    def _may_follow(self, now: float) -> bool:
        last = self._followed_at
        spacing = MEETING_SPACING if self._may_hurry else ATTEMPT_SPACING
        if last is not None and now < last + spacing:
            return False
        self._followed_at = now
        return True

    def want_mapping(self, now: float) -> MappingWanted | None:
        """Begin an attempt that is due."""
        if self._due is None or now < self._due:
            return None
        self._due = None
        if self._told < self._attempt and now < self._asked_at + MEASURED_WITHIN:
            return None
        self._asked_at = now
        attempt = max(self._attempt + 1, self._heard)
        if attempt > MAX_ATTEMPTS:
            return None
        self._attempt = attempt
        self._verdict_at = now + VERDICT_AFTER
        return MappingWanted(attempt, (self._group, self._first_socket + 1))

    def _begin_if_known(self, now: float) -> None:
        own, peer, seen = self.own, self.peer, self._peer_seen
        known = self._told == self._heard == self._attempt > 0
        if own is None or peer is None or seen is None or not known:
            return
        if self.is_probing or self._planned == self._attempt:
            return
        self._planned = self._attempt
        self.plan = make_plan(own, peer, seen.port, self._random)
        if self.plan is not None and self.plan.is_guess:
            self._guesses += 1
            if self._guesses > MAX_GUESSES:
                self.plan = None
        if self.plan is not None:
            self._begun_at = now
            self._probes = self.plan.probes
            self._next = self._hits = 0
            self._paused_at = None

    def hit(self, now: float) -> bool:
        """Note that the peer was heard on a new path; whether to look at it now."""
        if self._begun_at is None:
            return True
        if self._paused_at is None:
            self._paused_at = now
        self._hits += 1
        return self._hits <= HITS

    def _resume(self, now: float) -> None:
        """Go on where the pause began."""
        paused_at, self._paused_at = self._paused_at, None
        if paused_at is not None and self._begun_at is not None:
            self._begun_at += now - paused_at
            self._hits = 0

    def next_timer(self) -> float | None:
        """When `want_mapping`, `due` or `verdict` has something."""
        if self._begun_at is None:
            times = (self._due, self._verdict_at)
            return min((each for each in times if each is not None), default=None)
        if self._paused_at is not None:
            return self._paused_at + HIT_PAUSE
        if self._next < len(self._probes):
            return self._begun_at + self._probes[self._next].at
        return self._begun_at + self._probes[-1].at + LAST_ANSWER

    def due(self, now: float) -> list[Endpoint]:
        """Paths that a check leaves on now."""
        if self._begun_at is None or self._peer_seen is None:
            return []
        if self._paused_at is not None:
            if now < self._paused_at + HIT_PAUSE:
                return []
            self._resume(now)
        paths = []
        while self._next < len(self._probes):
            probe = self._probes[self._next]
            if now < self._begun_at + probe.at:
                break
            self._next += 1
            paths.append(self._path(probe, self._peer_seen.host))
        return paths

    def _path(self, probe: Probe, host: str) -> Endpoint:
        socket = MAIN_SOCKET
        if probe.socket:
            socket = (self._group, self._first_socket + probe.socket)
        path = from_socket(Endpoint(host, probe.port), socket)
        return primed(path) if probe.primed else path

    def is_over(self, now: float) -> bool:
        """Whether the last probe has had its time."""
        end = self.next_timer()
        sent = self._begun_at is not None and self._next >= len(self._probes)
        return sent and self._paused_at is None and end is not None and now >= end

    def stop(self) -> bool:
        """End the probing; whether sockets may be open for it."""
        if self._begun_at is None:
            return False
        self._begun_at = None
        used = max((probe.socket for probe in self._probes), default=0)
        self._first_socket += used  # the next attempt has other ones
        return used > 0
