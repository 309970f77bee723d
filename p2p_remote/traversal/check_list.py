"""All pairs of a session: how many there may be, and which is checked next."""

from collections.abc import Callable, Iterator

from p2p_remote.traversal.pair import CHECKS_A_ROUND, Pair, PairState
from p2p_remote.traversal.path_choice import GROUP, ranked
from p2p_remote.wire.address import Path
from p2p_remote.wire.connectivity import MAX_CANDIDATES

PACING = 0.005  # s between two checks (Ta), the minimum of RFC 8445 section 14.2
MAX_LEARNT = 4  # peer-reflexive pairs beside the candidates that the peer told

# Checks to addresses that do not answer draw on this budget, so that nobody can use us
# to flood a third party (RFC 8445 section 19.5.1): two rounds at once, then this rate.
_BUDGET = 2.0 * MAX_CANDIDATES * CHECKS_A_ROUND
_BUDGET_RATE = 4.0  # checks/s
_ONE_CHECK = 1 - 1e-6  # of the budget; times are floats


class CheckList:
    """Pairs by path, paced."""

    def __init__(self, now: float) -> None:
        self._pairs: dict[Path, Pair] = {}
        self._free_at = now
        self._budget = _BUDGET
        self._budget_at = now

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs.values())

    def get(self, path: Path) -> Pair | None:
        """Pair of this path, if there is one."""
        return self._pairs.get(path)

    def add(self, pair: Pair, *, keep: Pair | None) -> bool:
        """Take a new pair; False if there is no room.

        A full list gives up a pair that failed. Among learnt ones, where the peer may
        move on and on, it is also one that is not answered or not heard for longest.
        It is never `keep` or the relay.
        """
        if not pair.is_relay and not self._make_room(pair.learnt, keep):
            return False
        self._pairs[pair.path] = pair
        return True

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
            if each is not keep and (learnt or each.state is PairState.FAILED)
        ]
        if not spare:
            return False
        given_up = min(spare, key=lambda each: (each.usable, each.last_heard or 0.0))
        del self._pairs[given_up.path]
        return True

    def plan_keeping(
        self, selected: Pair | None, now: float, random: Callable[[int], bytes]
    ) -> None:
        """Keep checking what is in use, the two best direct paths and the relay."""
        direct = [each for each in ranked(self) if not each.is_relay]
        for pair in self._pairs.values():
            if not pair.usable:
                continue
            if pair.is_relay or pair is selected or pair in direct[:2]:
                pair.keep(now, random(1)[0] / 127.5 - 1)
            else:
                pair.release()

    def next_due(self, now: float) -> Pair | None:
        """Pair to be checked now; the caller sends the check."""
        if now < self._free_at:
            return None
        due = [
            pair
            for pair in self._pairs.values()
            if pair.next_check is not None and pair.next_check <= now
        ]
        if not due:
            return None
        affordable = self._refilled(now) >= _ONE_CHECK
        due = [pair for pair in due if affordable or pair.usable]
        if not due:
            return None
        best = min(due, key=_urgency)
        if not best.usable:
            self._budget -= 1
        self._free_at = now + PACING
        return best

    def _refilled(self, now: float) -> float:
        gained = (now - self._budget_at) * _BUDGET_RATE
        self._budget = min(_BUDGET, self._budget + gained)
        self._budget_at = now
        return self._budget

    def next_timer(self) -> float | None:
        """When `next_due` has something, or a pair's deadline passes."""
        kept = self._times(usable=True)
        probing = self._times(usable=False)
        times = []
        if kept:
            times.append(max(min(kept), self._free_at))
        if probing:
            afford = self._budget_at + max(0.0, 1 - self._budget) / _BUDGET_RATE
            times.append(max(min(probing), self._free_at, afford))
        for pair in self._pairs.values():
            deadline = pair.deadline()
            if deadline is not None:
                times.append(deadline)
        return min(times, default=None)

    def _times(self, *, usable: bool) -> list[float]:
        return [
            pair.next_check
            for pair in self._pairs.values()
            if pair.next_check is not None and pair.usable is usable
        ]


def _urgency(pair: Pair) -> tuple[bool, bool, int, int]:
    """Sort key: triggered first, then what is in use, then LAN, then priority."""
    return not pair.triggered, not pair.usable, GROUP[pair.kind], -pair.priority
