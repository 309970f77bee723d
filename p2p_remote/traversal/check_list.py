"""All pairs of a session: how many there may be, and which is checked next."""

from collections.abc import Callable, Collection, Iterable, Iterator

from p2p_remote.traversal.pair import CHECKS_A_ROUND, Pair, PairState, PathKind
from p2p_remote.traversal.path_choice import group, is_stale, ranked
from p2p_remote.traversal.paths import socket_of
from p2p_remote.wire.address import Path
from p2p_remote.wire.connectivity import MAX_CANDIDATES

PACING = 0.005  # s between two checks (Ta), the minimum of RFC 8445 section 14.2
LEARNT_LIFE = 120.0  # s of silence; most NATs have forgotten by then (RFC 4787)
MAX_LEARNT = 4  # peer-reflexive pairs beside the candidates that the peer told

# Checks to addresses that do not answer draw on this budget, so that nobody can use us
# to flood a third party (RFC 8445 section 19.5.1): two rounds at once, then this rate.
_BUDGET = 2.0 * MAX_CANDIDATES * CHECKS_A_ROUND
_BUDGET_RATE = 4.0  # checks/s
_ONE_CHECK = 1 - 1e-6  # of the budget; times are floats


class CheckList:
    """Pairs by path, paced."""

    def __init__(self, now: float, *, priming: bool) -> None:
        """`priming`: rounds on direct pairs begin with checks that die on the way."""
        self._priming = priming
        self._pairs: dict[Path, Pair] = {}
        self._expected: frozenset[Path] = frozenset()  # where the peer is said to be
        self._free_at = now
        self._budget = _BUDGET
        self._budget_at = now

    def __iter__(self) -> Iterator[Pair]:
        return iter(list(self._pairs.values()))

    def get(self, path: Path) -> Pair | None:
        """Pair of this path, if there is one."""
        return self._pairs.get(path)

    def add(self, pair: Pair, *, keep: Pair | None) -> bool:
        """Take a new pair; False if there is no room.

        A full list gives up a pair that failed, or whose address the peer does not
        tell any more. Among learnt ones, where the peer may
        move on and on, it is also one that is not answered or not heard for longest.
        It is never `keep` or the relay.
        """
        if not pair.is_relay and not self._make_room(pair.learnt, keep):
            return False
        self._pairs[pair.path] = pair
        return True

    def remove(self, pair: Pair) -> None:
        """Forget a pair."""
        self._pairs.pop(pair.path, None)

    def expect(self, paths: Iterable[Path]) -> None:
        """Take where the peer is said to be now, in place of what was said before."""
        self._expected = frozenset(paths)

    def drop_dead(self, now: float, *, keep: Collection[Pair | None]) -> None:
        """Forget pairs that do not answer and have no reason to begin to.

        Where the peer was, but is no more by what it says; and what was learnt and
        silent for long. Checks on them would use up what is meant for new addresses.
        """
        for path, pair in list(self._pairs.items()):
            if pair.usable or pair.is_relay or pair in keep:
                continue
            if pair.learnt:
                is_dead = _is_forgotten(pair, now)
            else:
                is_dead = path not in self._expected
            if is_dead:
                del self._pairs[path]

    def _make_room(self, learnt: bool, keep: Pair | None) -> bool:  # noqa: FBT001
        alike = [
            each
            for each in self._pairs.values()
            if each.learnt == learnt and not each.is_relay
        ]
        if len(alike) < (MAX_LEARNT if learnt else MAX_CANDIDATES):
            return True
        spare = [
            each
            for each in alike
            if each is not keep and (learnt or self._is_spare(each))
        ]
        if not spare:
            return False
        given_up = min(spare, key=lambda each: (each.usable, each.last_heard or 0.0))
        del self._pairs[given_up.path]
        return True

    def _is_spare(self, pair: Pair) -> bool:
        return pair.state is PairState.FAILED or pair.path not in self._expected

    def sort_out(self, kind_of: Callable[[Path], PathKind]) -> list[Pair]:
        """Look again what kind the paths are; returns the pairs that have changed."""
        changed = [
            pair
            for pair in self
            if not pair.is_relay and kind_of(pair.path) is not pair.kind
        ]
        for pair in changed:
            pair.kind = kind_of(pair.path)
        return changed

    def begin_on(self, pair: Pair, now: float) -> None:
        """Begin a round on one pair."""
        direct = pair.kind is PathKind.DIRECT and not pair.is_tcp
        primed = self._priming and direct
        pair.begin_round(now, primed=primed)

    def begin_round(
        self, now: float, *, everything: bool, pause: float | None = None
    ) -> None:
        """Begin a round on all, or all unanswered, and announce it by the relay.

        With a `pause` of so many s we open our own router first, and let the other end
        do so before anything of ours arrives there. A router that answers what nobody
        asked for would otherwise spoil the other end's mapping.
        """
        for pair in self:
            if pair.is_relay:
                pair.announce_round = True
                pair.tell(now)
            elif everything or not pair.usable:
                direct = pair.kind is PathKind.DIRECT and not pair.is_tcp
                if pause is None or not direct:
                    self.begin_on(pair, now)
                else:
                    pair.begin_primed_round(now, pause)

    def check_everything(self, now: float) -> None:
        """Begin the round the peer asked for; what works is checked once.

        The peer has opened its router before it asked.
        """
        for pair in self:
            if pair.usable:
                pair.check_soon(now)
            elif pair.is_round_over(now):
                pair.begin_round(now)

    def ask_again(self, doubted: Pair, now: float) -> None:
        """Check those that could take the place of a path that is silent now."""
        for pair in ranked(self):
            if is_stale(pair, doubted) and not pair.is_awaited:
                pair.tell(now)

    def drop_unheard(self, group: int) -> frozenset[int]:
        """Forget what went out from auxiliary sockets and was never heard.

        Returns the numbers of the sockets in `group` that are still needed.
        """
        kept = set()
        for path, pair in list(self._pairs.items()):
            if socket_of(path)[0] != group:
                continue
            if pair.last_heard is None:
                del self._pairs[path]
            else:
                kept.add(socket_of(path)[1])
        return frozenset(kept)

    def plan_keeping(
        self,
        selected: Pair | None,
        now: float,
        random: Callable[[int], bytes],
        *,
        carries: bool,
    ) -> None:
        """Keep checking what is in use, the two best direct paths and the relay.

        `carries`: packets of the session come by the path in use.
        """
        direct = [each for each in ranked(self) if not each.is_relay]
        for pair in self._pairs.values():
            if not pair.usable:
                continue
            if pair.is_relay or pair is selected or pair in direct[:2]:
                jitter = random(1)[0] / 127.5 - 1
                pair.keep(now, jitter, spare=pair is not selected, carries=carries)
            else:
                pair.release()

    def keep_together(self, now: float) -> None:
        """Check now what would be checked soon, only to be kept."""
        for pair in self._pairs.values():
            pair.keep_together(now)

    def next_due(self, now: float) -> Pair | None:
        """Pair to be checked now; the caller sends the check.

        Only checks to where nobody has answered yet are paced. Those that keep paths
        go together, so that who sleeps is woken once.
        """
        may_probe = now >= self._free_at
        affordable = self._refilled(now) >= _ONE_CHECK
        due = [
            pair
            for pair in self._pairs.values()
            if pair.next_check is not None and pair.next_check <= now
            if pair.usable or (may_probe and (affordable or pair.is_free))
        ]
        if not due:
            return None
        self.keep_together(now)
        best = min(due, key=_urgency)
        if not best.is_free:
            self._budget -= 1
        if not best.usable:
            self._free_at = now + PACING
        return best

    def _refilled(self, now: float) -> float:
        gained = (now - self._budget_at) * _BUDGET_RATE
        self._budget = min(_BUDGET, self._budget + gained)
        self._budget_at = now
        return self._budget

    def next_timer(self) -> float | None:
        """When `next_due` has something, or a pair's deadline passes."""
        afford = self._budget_at + max(0.0, 1 - self._budget) / _BUDGET_RATE
        times = []
        for pair in self._pairs.values():
            if pair.next_check is None:
                continue
            due = pair.next_check
            if not pair.usable:
                due = max(due, self._free_at)
            if not pair.is_free:
                due = max(due, afford)
            times.append(due)
        for pair in self._pairs.values():
            deadline = pair.deadline()
            if deadline is not None:
                times.append(deadline)
        return min(times, default=None)


def _is_forgotten(pair: Pair, now: float) -> bool:
    """Whether a learnt pair was silent for longer than a NAT keeps its mapping."""
    heard = pair.last_heard
    is_old = heard is None or now - heard > LEARNT_LIFE
    return is_old and pair.state is PairState.FAILED


def _urgency(pair: Pair) -> tuple[bool, bool, int, int]:
    """Sort key: triggered first, then what is in use, then LAN, then priority."""
    return not pair.triggered, not pair.usable, group(pair), -pair.priority
