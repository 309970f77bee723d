"""The paths of a session: which is used, which are kept, and when to look for more.

The part of the agent that decides; `agent` speaks with the peer.
"""

from collections import deque
from collections.abc import Callable

from p2p_remote.traversal.agent_events import AgentEvent, PathLost, PathSelected
from p2p_remote.traversal.beacon import Beacon
from p2p_remote.traversal.check_list import CheckList
from p2p_remote.traversal.pair import (
    LONELY_RETRY_INTERVAL,
    PEER_ROUND_SPACING,
    RETRY_INTERVAL,
    ROUND_SPACING,
    Pair,
    PathKind,
)
from p2p_remote.traversal.path_choice import better_path, ranked
from p2p_remote.traversal.remote_candidates import RemoteCandidates
from p2p_remote.wire.address import Path

SILENT = "the path before fell silent"
BETTER = "this path answered, and is better than the one before"
BETTER_TCP = f"{BETTER} (a direct TCP connection)"

# Seconds between the rounds after a direct path was lost. The fourth pause is longer
# than a round and the 30 s for which a Linux router keeps an entry for a datagram that
# it refused, which stands in the way of what it would let pass.
_RETRIES = (2.0, 4.0, 8.0, 35.0)
_CARRYING_AGE = 7.0  # s since the last packet; keepalives follow each other sooner
_SETTLED_AFTER = 1.0  # s until both ends have heard of a change of the path


class PathKeeper:
    """Pairs and the choice among them."""

    def __init__(
        self, *, controlling: bool, random: Callable[[int], bytes], now: float
    ) -> None:
        self._controlling = controlling
        self._random = random
        self._remote = RemoteCandidates()
        self._check_list = CheckList(now, priming=not controlling)
        self._selected: Pair | None = None
        self._relay: Pair | None = None
        self._nominated: Pair | None = None  # controlled end: the peer's last choice
        self._overdue_on: Pair | None = None  # in use when an answer stayed out
        self._overdue_at = now - PEER_ROUND_SPACING
        self._selected_at = now
        self._round_at = now - ROUND_SPACING
        self._retry_at: float | None = None
        self._retries = len(_RETRIES)  # pauses since a direct path was lost
        self._planned_at = now - ROUND_SPACING
        self._beacon = Beacon()
        self._changed = True  # the next timer is to be computed again
        self.carried_at: float | None = None
        """When a packet of the session came by the path in use; whoever runs us knows.
        """
        self._events: deque[AgentEvent] = deque()

    @property
    def selected(self) -> Path | None:
        """Path in use; None while there is none."""
        return self._selected.path if self._selected is not None else None

    @property
    def selected_kind(self) -> PathKind | None:
        """Kind of the path in use."""
        return self._selected.kind if self._selected is not None else None

    @property
    def is_lonely(self) -> bool:
        """Whether no path answers at all."""
        return self._selected is None or self._selected.doubted

    @property
    def lacks_relay(self) -> bool:
        """Whether the relay, our last resort, does not answer."""
        return self._relay is None or not self._relay.usable or self._relay.doubted

    def relay_denied(self, now: float) -> None:
        """Doubt the relay until it answers a check."""
        relay = self._relay
        if relay is not None and relay.usable and not relay.doubted:
            relay.doubted = True
            relay.tell(now)
            self._changed = True

    def replace_relay(self, path: Path, now: float) -> None:
        """The server has given us another channel to the same peer."""
        old = self._relay
        if old is not None and old.path == path:
            old.check_soon(now)
            return
        self._relay = Pair(path, PathKind.RELAY, priority=0)
        self._check_list.add(self._relay, keep=None)
        self._relay.begin_round(now)
        self._remote.own_path(path)
        self._changed = True
        if old is not None:
            self._check_list.remove(old)
            if self._selected is old:
                self._lose(old, now)

    @property
    def backup(self) -> Path | None:
        """Relay to copy everything to, until a check tells whether the path works."""
        doubtful = self._overdue_on
        if doubtful is None or doubtful is not self._selected or self._relay is None:
            return None
        return self._relay.path if doubtful.is_awaited else None

    def overdue(self, now: float) -> None:
        """An answer stays out, perhaps by chance: check, and tell the peer to.

        The path stays until its check is overdue as well; see `backup` meanwhile.
        """
        self._copy_to_relay(now)
        if now - self._overdue_at >= PEER_ROUND_SPACING:
            self._overdue_at = now
            self._check_list.begin_round(now, everything=False)

    def _peer_strays(self, now: float) -> None:
        """Copy to the relay: the peer does, or has moved, if this is not our change."""
        if now - self._selected_at >= _SETTLED_AFTER:
            self._copy_to_relay(now)

    def _copy_to_relay(self, now: float) -> None:
        self._changed = True
        selected = self._selected
        if selected is None or not selected.usable:
            return
        if not selected.is_awaited:
            selected.tell(now)
        if selected is not self._relay:
            self._overdue_on = selected

    def suspect(self, now: float) -> None:
        """Data that is expected stays out: check all paths, use the relay meanwhile.

        Without a relay the path stays selected until its checks have failed. Calls
        during a round that nothing can be changed by are ignored.
        """
        selected, relay = self._selected, self._relay
        direct = selected is not None and selected is not relay
        if selected is not None and direct and relay is not None and relay.usable:
            self._events.append(PathLost(selected.path))
            self._select(relay, now, SILENT)
        elif now - self._round_at < ROUND_SPACING:
            return
        self._begin_round(now, everything=True)

    def _begin_round(
        self, now: float, *, everything: bool, pause: float | None = None
    ) -> None:
        """Check again and ask the peer, by the relay, to do so at the same time."""
        self._round_at = now
        self._changed = True
        self._plan_retry(now)
        self._drop_dead(now)
        self._check_list.begin_round(now, everything=everything, pause=pause)

    def _retry(self, now: float) -> None:
        """Look for a better path; the relay, if there is one, gives time to do so."""
        relay = self._relay
        pause = None if relay is None or not relay.usable else relay.rtt
        self._begin_round(now, everything=False, pause=pause)

    def _join_round(self, now: float) -> None:
        """Count the round that the peer asked for as one of ours.

        The pauses of both ends are at the same time then, and nothing goes between.
        """
        if self._retry_at is not None and now - self._planned_at >= ROUND_SPACING:
            self._plan_retry(now)

    def _drop_dead(self, now: float) -> None:
        keep = (self._selected, self._beacon.last_direct)
        self._check_list.drop_dead(now, keep=keep)

    def _use_proven_path(self, path: Path, kind: PathKind, now: float) -> Pair:
        self._remote.own_path(path)
        pair = Pair(path, kind, priority=0, learnt=kind is not PathKind.RELAY)
        pair.assume_answered(now)
        self._check_list.add(pair, keep=None)
        self._selected = self._nominated = pair
        self._beacon.on_selected(pair)
        self._changed = True
        pair.check_soon(now)
        return pair

    def _choose(self, now: float) -> None:
        """Use the best path; a change must be worth it.

        The controlled end leaves the choice to the other, unless its path is dead.
        """
        current = self._selected
        alive = current is not None and current.usable and not current.doubted
        if alive and not self._controlling:
            return
        if current is not None and current.usable and current.doubted:
            self._check_list.ask_again(current, now)
        better = better_path(self._check_list, current)
        if better is None:
            return
        if current is not None and not alive:
            self._events.append(PathLost(current.path))
            self._select(better, now, SILENT)
        else:
            self._select(better, now, BETTER_TCP if better.is_tcp else BETTER)

    def _lose(self, pair: Pair, now: float) -> None:
        self._events.append(PathLost(pair.path))
        self._selected = None
        best = next(iter(ranked(self._check_list)), self._relay)
        if best is not None and best.usable:
            self._select(best, now, SILENT)
        self._begin_round(now, everything=False)

    def _select(self, pair: Pair, now: float, why: str) -> None:
        if pair is self._selected:
            return
        if pair is not self._relay:
            self._retries = 0
        self._selected = pair
        self._selected_at = now
        self._beacon.on_selected(pair)
        self._announce(why)
        if self._controlling:
            pair.tell(now)  # the nomination
        self._plan_keeping(now)
        self._plan_retry(now)

    def _plan_keeping(self, now: float) -> None:
        at = self.carried_at
        carries = at is not None and now < at + _CARRYING_AGE
        self._check_list.plan_keeping(
            self._selected, now, self._random, carries=carries
        )

    def _announce(self, why: str) -> None:
        if self._selected is not None:
            pair = self._selected
            self._events.append(PathSelected(pair.path, pair.kind, pair.rtt, why))

    @property
    def _is_patient(self) -> bool:
        """Whether the quick retries after the loss of a direct path are over."""
        return self._retries > len(_RETRIES)

    @property
    def _is_makeshift(self) -> bool:
        """Whether something better is to be looked for."""
        selected = self._selected
        return selected is None or selected.is_relay or selected.is_tcp

    def _plan_retry(self, now: float) -> None:
        """Look for a better path later; soon if there has just been one."""
        if not self._is_makeshift:
            self._retry_at = None
            return
        lonely = self._selected is None
        wait = LONELY_RETRY_INTERVAL if lonely else RETRY_INTERVAL
        if self._retries < len(_RETRIES):
            wait = min(wait, _RETRIES[self._retries])
        self._retries += 1
        self._planned_at = now
        self._retry_at = now + wait
