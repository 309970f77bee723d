"""The ICE-like agent of one session (RFC 8445, trimmed to one socket).

It is made after the handshake, with a key that only the two ends have. It checks the
peer's candidates, lets the controlling end (the initiator of the handshake) choose
among the paths that answered, keeps the chosen path and its substitutes alive, and
falls back to the relay when it falls silent (docs/protocol/traversal.md).
"""

from collections.abc import Callable, Iterable

from p2p_remote.crypto.replay import ReplayWindow
from p2p_remote.errors import AuthenticationFailedError, MalformedMessageError
from p2p_remote.traversal.agent_events import AgentEvent, TcpWanted
from p2p_remote.traversal.candidate import (
    Candidate,
    CandidateKind,
    CandidateRow,
    candidate,
    is_sendable,
)
from p2p_remote.traversal.check_seal import CheckSeal
from p2p_remote.traversal.local_candidates import LocalCandidates, priority_if_learnt
from p2p_remote.traversal.pair import (
    PEER_ROUND_SPACING,
    Pair,
    PathKind,
)
from p2p_remote.traversal.path_keeper import PathKeeper
from p2p_remote.traversal.paths import MAIN_SOCKET, SocketsReleased, primed, socket_of
from p2p_remote.traversal.search import Search
from p2p_remote.wire.address import Endpoint, Path
from p2p_remote.wire.connectivity import (
    MAX_CANDIDATES,
    Check,
    CheckResponse,
    counter_of,
)

TCP_SPACING = 10.0  # s between questions for our TCP address
CHOSEN = "the other side chose it"
CHOSEN_TCP = f"{CHOSEN} (a direct TCP connection)"


class Agent(PathKeeper):
    """Finds and keeps the best path to the peer. Speaks the five verbs."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        controlling: bool,
        check_key: bytes,
        local_index: int,
        remote_index: int,
        relay: Path | None,
        random: Callable[[int], bytes],
        now: float,
    ) -> None:
        """With a `relay`, that path is selected from the start, without an event."""
        super().__init__(controlling=controlling, random=random, now=now)
        self._seal = CheckSeal(check_key, controlling=controlling)
        self._replays = ReplayWindow()
        self._local_index = local_index
        self._remote_index = remote_index
        self._local = LocalCandidates()
        self._nomination = -1  # counter of the check that made it
        self._peer_round_at = now - PEER_ROUND_SPACING
        self._unpaired = False  # candidates came that have no pair yet
        self._moved = False  # addresses of ours are new
        self._tcp_asked_at = now - TCP_SPACING
        self._wake: float | None = None
        self._datagrams: list[tuple[bytes, Path]] = []
        self.search = Search(local_index, random)
        if relay is not None:
            self._relay = self._use_proven_path(relay, PathKind.RELAY, now)

    def start_on(self, path: Path, now: float) -> None:
        """The handshake went over this direct path: it is selected, without an event.

        A handshake over a private path also says that the two ends share a network.
        """
        self._use_proven_path(path, self._local.kind_of(path), now)

    def add_local(self, candidates: Iterable[Candidate]) -> None:
        """Our own addresses. They replace those of the same kind and address family."""
        self._moved |= self._local.add(candidates)
        self._unpaired = True
        if self._selected in self._check_list.sort_out(self._local.kind_of):
            self._announce("its network is known now")

    def local_rows(self) -> tuple[CandidateRow, ...]:
        """Our best candidates, at most 8, for the `Candidates` message."""
        return self._local.rows()

    def add_remote(
        self, candidates: Iterable[Candidate], now: float, *, same_lan: bool = False
    ) -> None:
        """Take all of the peer's addresses, as the peer tells them now.

        `same_lan`: the peer was found by LAN discovery, so private addresses are meant
        for us too.
        """
        if same_lan:
            self._remote.peer_is_on_our_lan()
        self._remote.told(candidates)
        self._form_pairs(now)

    def punch(self, endpoints: Iterable[Endpoint], now: float) -> None:
        """Take the peer's addresses as the server sees them; the peer begins now."""
        told = list(endpoints)[:MAX_CANDIDATES]
        self._remote.seen_by_server(told)
        self._form_pairs(now)
        self.search.punched(told, now)
        for endpoint in told:
            pair = self._check_list.get(endpoint)
            if pair is not None and pair.is_round_over(now):
                self._check_list.begin_on(pair, now)

    def path_heard(self, path: Path, now: float) -> None:
        """An authenticated packet of the session came over this path."""
        pair = self._check_list.get(path) or self._learn(path, now, None)
        if pair is None:
            return
        pair.heard(now)
        if not pair.usable:
            pair.check_soon(now)
            self._changed = True
        elif pair is not self._selected:
            self._peer_strays(now)

    # The five verbs

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a check or a response; anything else is met with silence."""
        try:
            message = self._seal.open(data)
        except (MalformedMessageError, AuthenticationFailedError):
            return
        if message.receiver_index != self._local_index:
            return
        self._changed = True
        if isinstance(message, CheckResponse):
            self._on_response(message, path, now)
        elif self._is_new(counter_of(message.transaction)):
            self._on_check(message, path, now)

    def handle_timer(self, now: float) -> None:
        """Send what is due and give up what stayed silent."""
        self._advance(now)

    def copies(self, datagrams: list[tuple[bytes, Path]]) -> list[tuple[bytes, Path]]:
        """What is to be sent by the relay as well, of what goes on the path in use."""
        backup = self.backup
        if backup is None:
            return []
        return [(data, backup) for data, path in datagrams if path == self.selected]

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain; a `PrimingEndpoint` is to be sent with its TTL."""
        self._advance(now)
        datagrams, self._datagrams = self._datagrams, []
        return datagrams

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do; it may turn out to be nothing."""
        if self._changed:
            times = (self._check_list.next_timer(), self._retry_at, self._beacon.due)
            self._wake = min((each for each in times if each is not None), default=None)
            self._changed = False
        search_at = self.search.next_timer()
        return min((t for t in (self._wake, search_at) if t is not None), default=None)

    def next_event(self) -> AgentEvent | None:
        """Drain one event."""
        return self._events.popleft() if self._events else None

    def _advance(self, now: float) -> None:
        if self._unpaired:
            self._form_pairs(now)
        if self._moved and self._is_makeshift:
            self._begin_round(now, everything=False)
        self._moved = False
        due_at = self.next_timer()
        if due_at is None or now < due_at:
            return
        self._changed = True
        for pair in self._check_list:
            if pair.review(now) and pair is self._selected:
                self._lose(pair, now)
        self._choose(now)
        if self._retry_at is not None and now >= self._retry_at:
            self._retry(now)
            if self._controlling:
                self.search.again(now, patient=self._is_patient)
        self._beacon.light(self._relay, now, lonely=self._selected is None)
        while (due := self._check_list.next_due(now)) is not None:
            self._send_check(due, now)
        self._search_on(now)

    def _search_on(self, now: float) -> None:
        """Guess ports while the relay is all there is, and bears it."""
        search, selected = self.search, self._selected
        if selected is not self._relay or selected is None or selected.doubted:
            search.put_off(now)
            self._end_search()
            return
        if (wanted := search.want_mapping(now)) is not None:
            self._events.append(wanted)
        for path in search.due(now):
            transaction = self._seal.new_transaction(self._random)
            check = Check(self._remote_index, transaction, priority_if_learnt(path))
            self._datagrams.append((self._seal.seal(check), path))
        if search.is_over(now):
            self._end_search()
        if why := search.verdict(now):
            self._announce(why)

    def _end_search(self) -> None:
        """Close the sockets of a search, but those that heard something."""
        if self.search.stop():
            kept = self._check_list.drop_unheard(self._local_index)
            self._events.append(SocketsReleased(self._local_index, kept))

    def _send_check(self, pair: Pair, now: float) -> None:
        path = pair.path
        check = Check(
            receiver_index=self._remote_index,
            transaction=self._seal.new_transaction(self._random),
            priority=priority_if_learnt(path),
            nominate=self._controlling and pair is self._selected,
            restart=pair.announce_round,
        )
        if pair.check_sent(check.transaction, now) and isinstance(path, Endpoint):
            path = primed(path)
        self._datagrams.append((self._seal.seal(check), path))

    def _is_new(self, counter: int) -> bool:
        """A check replayed from elsewhere must not make us answer or check there."""
        new = self._replays.is_new(counter)
        if new:
            self._replays.accept(counter)
        return new

    def _on_check(self, check: Check, path: Path, now: float) -> None:
        pair = self._check_list.get(path) or self._learn(path, now, check.priority)
        if pair is None:
            return
        sealed = self._seal.seal_address(path, check.transaction)
        response = CheckResponse(self._remote_index, check.transaction, sealed)
        self._datagrams.append((self._seal.seal(response), path))
        pair.heard(now)
        if not pair.usable:
            pair.check_soon(now)
        else:
            self._check_list.keep_together(now)
        if check.nominate and not self._controlling:
            self._on_nomination(pair, counter_of(check.transaction), now)
        if check.restart and now - self._peer_round_at >= PEER_ROUND_SPACING:
            self._peer_round_at = now
            self._check_list.check_everything(now)
            self._join_round(now)

    def _on_response(self, response: CheckResponse, path: Path, now: float) -> None:
        """Count it only on the path that the check went to (RFC 8445, 7.2.5.2.1)."""
        pair = self._check_list.get(path)
        if pair is None and self.search.is_probing:
            self._learn(path, now, None)
        if pair is None or not pair.answered(response.transaction, now):
            return
        seen = self._seal.open_address(response)
        is_main = not pair.is_tcp and socket_of(path) == MAIN_SOCKET
        if seen is not None and is_main and not self._local.knows(seen):
            self.add_local([candidate(CandidateKind.PEER_REFLEXIVE, seen)])
        self._plan_keeping(now)
        if pair is self._nominated and not self._controlling:
            self._select(pair, now, CHOSEN_TCP if pair.is_tcp else CHOSEN)
        self._choose(now)

    def _on_nomination(self, pair: Pair, counter: int, now: float) -> None:
        if counter <= self._nomination:
            return
        self._nomination = counter
        self._nominated = pair
        if pair.usable:
            self._select(pair, now, CHOSEN_TCP if pair.is_tcp else CHOSEN)

    def _learn(self, path: Path, now: float, claimed: int | None) -> Pair | None:
        """Pair for an address that authenticated bytes came from, if there is room."""
        known = isinstance(path, Endpoint) and is_sendable(path)
        if not known or not self.search.hit(now):
            return None
        value = priority_if_learnt(path) if claimed is None else claimed
        pair = Pair(path, self._local.kind_of(path), value, learnt=True)
        if not self._check_list.add(pair, keep=self._selected):
            return None
        pair.begin_round(now)
        self._changed = True
        if self._selected is not None and not self._selected.is_relay:
            self._selected.check_soon(now)  # the peer may have moved away
        return pair

    def _want_tcp(self, now: float) -> None:
        """Ask for our TCP address, now and then."""
        if now >= self._tcp_asked_at + TCP_SPACING:
            self._tcp_asked_at = now
            self._events.append(TcpWanted())

    def _form_pairs(self, now: float) -> None:
        self._unpaired = False
        self._changed = True
        if self._remote.has_tcp and not self._local.has_tcp:
            self._want_tcp(now)
        allowed = self._remote.allowed(self._local)
        self._check_list.expect({each.endpoint for each in allowed})
        self._drop_dead(now)
        for each in allowed:
            path = each.endpoint
            if self._check_list.get(path) is not None:
                continue
            pair = Pair(path, self._local.kind_of(path), each.priority)
            if self._check_list.add(pair, keep=self._selected):
                self._check_list.begin_on(pair, now)
        if self._retry_at is None:
            self._plan_retry(now)
