"""Finding out how our router maps: WHERE to several addresses, from several sockets.

    ASKING ------> COMPARING ------> SAMPLING ------> idle
    the server's   another port and  fresh sockets,
    address        another address   if the ports differ

A router that shows every asker the same port is done with after COMPARING. Else fresh
sockets ask one after the other, and the order of the ports they got tells whether the
next ones can be predicted, or at least in which range they lie. Later measurements of
such a router go straight to SAMPLING, since only the newest port is of use.

A session that wants to be met at a fresh socket has it ask the server too (OPENING), if
the router shows every asker the same port: the peer then sees the port of the answer.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from p2p_remote.errors import MalformedMessageError
from p2p_remote.traversal.candidate import is_sendable, scope_of
from p2p_remote.traversal.mapping import Dependence, Mapping, mapping_from_samples
from p2p_remote.traversal.paths import (
    MAIN_SOCKET,
    SocketName,
    SocketsReleased,
    from_socket,
)
from p2p_remote.wire.address import Endpoint, Path
from p2p_remote.wire.where import TRANSACTION_LENGTH, Here, Where, decode_here

SAMPLES = 9  # fresh sockets
WAITS = (0.15, 0.3, 0.45)  # s after each WHERE until it is repeated or given up
SAMPLE_PACING = 0.002  # s between fresh sockets, so that their order is kept
FRESH_FOR = 60.0  # s that the dependence counts as known
_GROUP = 0  # of the fresh sockets
_MAX_NUMBER = 1 << 31


@dataclass(frozen=True, slots=True)
class Classified:
    """What the measurement that was asked for has found."""

    mapping: Mapping


class _Stage(Enum):
    IDLE = auto()
    ASKING = auto()
    COMPARING = auto()
    SAMPLING = auto()
    OPENING = auto()


@dataclass(slots=True)
class _Question:
    path: Endpoint
    transaction: bytes
    due: float
    tries: int = 0
    answer: Endpoint | None = None
    over: bool = False


class Classifier:
    """Measures on demand. Speaks the five verbs."""

    def __init__(self, server: Endpoint, random: Callable[[int], bytes]) -> None:
        """`server` is the address that the node is registered at."""
        self.server = server
        """Where it is asked: the server that the node is registered at."""
        self._random = random
        self._stage = _Stage.IDLE
        self._fresh: SocketName | None = None
        self._questions: list[_Question] = []
        self._dependence = Dependence.UNKNOWN
        self._known_at: float | None = None
        self._next_number = 1
        self._datagrams: list[tuple[bytes, Path]] = []
        self._events: deque[Classified | SocketsReleased] = deque()
        self.mapping: Mapping | None = None

    def measure(
        self, now: float, *, afresh: bool = False, fresh: SocketName | None = None
    ) -> None:
        """Find out; ends in `Classified`. While it is under way it is not begun anew.

        What is known and cannot have aged is told at once, unless `afresh`.

        Args:
            now: s.
            afresh: compare again in any case.
            fresh: auxiliary socket, not in use so far, whose port is wanted if the
                router shows everybody the same one. It stays open.

        """
        if fresh is not None:
            self._fresh = fresh
        if self._stage is not _Stage.IDLE:
            return
        known = self._known_at is not None and now < self._known_at + FRESH_FOR
        if afresh or not known:
            self._stage = _Stage.ASKING
            self._ask(self.server, MAIN_SOCKET, now)
        else:
            self._look_at_ports(now)

    # The five verbs

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a HERE; it counts only on the path of its question."""
        try:
            here = decode_here(data)
        except MalformedMessageError:
            return
        for each in self._questions:
            if each.transaction == here.transaction and each.path == path:
                if each.answer is None:
                    each.answer, each.over = here.seen, True
                    self._on_answer(here, now)
                return

    def handle_timer(self, now: float) -> None:
        """Repeat and give up."""
        for each in self._questions:
            if each.over or now < each.due:
                continue
            if each.tries >= len(WAITS):
                each.over = True
                continue
            self._datagrams.append((Where(each.transaction).encode(), each.path))
            each.due = now + WAITS[each.tries]
            each.tries += 1
        self._advance(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain."""
        datagrams, self._datagrams = self._datagrams, []
        return datagrams

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        return min((q.due for q in self._questions if not q.over), default=None)

    def next_event(self) -> Classified | SocketsReleased | None:
        """Drain one event."""
        return self._events.popleft() if self._events else None

    # Stages

    def _ask(self, target: Endpoint, socket: SocketName, due: float) -> None:
        path = from_socket(target, socket)
        transaction = self._random(TRANSACTION_LENGTH)
        self._questions.append(_Question(path, transaction, due))

    def _on_answer(self, here: Here, now: float) -> None:
        if self._stage is _Stage.ASKING:
            self._stage = _Stage.COMPARING
            if here.other_port:
                beside = Endpoint(self.server.host, here.other_port)
                self._ask(beside, MAIN_SOCKET, now)
            if here.other is not None and self._is_alike(here.other):
                self._ask(here.other, MAIN_SOCKET, now)
            self.handle_timer(now)
        else:
            self._advance(now)

    def _is_alike(self, other: Endpoint) -> bool:
        """Whether it is another address of the same family, and not nearer to us.

        A server on the internet has nothing to say about our own network.
        """
        return (
            (":" in other.host) == (":" in self.server.host)
            and other.host != self.server.host
            and is_sendable(other)
            and scope_of(other) is scope_of(self.server)
        )

    def _advance(self, now: float) -> None:
        """Go on when every question of the stage is over."""
        if self._stage is _Stage.IDLE or not all(q.over for q in self._questions):
            return
        if self._stage is _Stage.SAMPLING:
            samples = [q.answer.port for q in self._questions if q.answer is not None]
            self._finish(mapping_from_samples(self._dependence, samples))
            return
        if self._stage is _Stage.OPENING:
            answer = self._questions[0].answer
            self._finish(Mapping(self._dependence, answer.port if answer else 0))
            return
        self._dependence = self._compared()
        if any(each.answer is not None for each in self._questions):
            self._known_at = now
        self._look_at_ports(now)

    def _compared(self) -> Dependence:
        """What the answers from up to three addresses of the server say."""
        first, *others = [(q.path, q.answer) for q in self._questions]
        told = [(path, seen) for path, seen in others if seen is not None]
        if first[1] is None or not told:
            return Dependence.UNKNOWN
        differing = [path.host for path, seen in told if seen != first[1]]
        if not differing:
            return Dependence.INDEPENDENT
        if self.server.host in differing:
            return Dependence.ADDRESS_AND_PORT
        return Dependence.ADDRESS

    def _look_at_ports(self, now: float) -> None:
        if self._dependence >= Dependence.ADDRESS:
            self._sample(now)
        elif self._fresh is not None:
            self._stage = _Stage.OPENING
            self._questions = []
            self._ask(self.server, self._fresh, now)
            self.handle_timer(now)
        else:
            self._finish(Mapping(self._dependence))

    def _sample(self, now: float) -> None:
        self._stage = _Stage.SAMPLING
        self._questions = []
        for index in range(SAMPLES):
            socket = (_GROUP, self._next_number)
            self._next_number = self._next_number % _MAX_NUMBER + 1
            self._ask(self.server, socket, now + index * SAMPLE_PACING)
        self.handle_timer(now)

    def _finish(self, mapping: Mapping) -> None:
        if self._stage is _Stage.SAMPLING:
            self._events.append(SocketsReleased(_GROUP))
        self._stage = _Stage.IDLE
        self._fresh = None
        self._questions = []
        self.mapping = mapping
        self._events.append(Classified(mapping))
