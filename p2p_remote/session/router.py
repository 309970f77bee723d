"""How our router maps, measured for the sessions that want to know: one at a time."""

from collections import deque
from collections.abc import Callable

from p2p_remote.session.session import Session
from p2p_remote.traversal.classification import Classified, Classifier
from p2p_remote.traversal.mapping import Mapping
from p2p_remote.traversal.paths import SocketsReleased
from p2p_remote.wire.address import Endpoint, Path
from p2p_remote.wire.where import HERE

TURN = 4.0  # s that one session may guess ports before the next one is measured for


class Router:
    """A `Classifier` and who waits for it. Speaks the five verbs."""

    def __init__(self, server: Endpoint, random: Callable[[int], bytes]) -> None:
        self._classifier = Classifier(server, random)
        self._waiting: deque[tuple[Session, int]] = deque()
        self._asking: tuple[Session, int] | None = None
        self._free_at = 0.0
        self._seen: Endpoint | None = None

    @property
    def mapping(self) -> Mapping | None:
        """What was found last."""
        return self._classifier.mapping

    @staticmethod
    def wants(data: bytes) -> bool:
        """Whether this is an answer to a measurement."""
        return data[0] == HERE

    def seen_at(self, endpoint: Endpoint, now: float) -> None:
        """The server sees us here: a new address may be another router."""
        if endpoint != self._seen:
            self._seen = endpoint
            self._classifier.measure(now, afresh=True)

    def ask(self, session: Session, attempt: int, now: float) -> None:
        """Measure for an attempt of this session and tell it."""
        self._waiting.append((session, attempt))
        self._begin(now)

    def _begin(self, now: float) -> None:
        if self._asking is None and self._waiting and now >= self._free_at:
            self._asking = self._waiting.popleft()
            self._free_at = now + TURN
            self._classifier.measure(now)

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take an answer of the server."""
        self._classifier.receive_datagram(data, path, now)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self._classifier.handle_timer(now)
        self._begin(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain."""
        return self._classifier.datagrams_to_send(now)

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        due = self._classifier.next_timer()
        if self._asking is None and self._waiting:
            return self._free_at if due is None else min(due, self._free_at)
        return due

    def next_event(self, now: float) -> SocketsReleased | None:
        """Tell who waits, and drain what a driver has to do."""
        while (event := self._classifier.next_event()) is not None:
            if isinstance(event, Classified):
                self._tell(event.mapping, now)
            else:
                return event
        return None

    def _tell(self, mapping: Mapping, now: float) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            session, attempt = asking
            session.tell_mapping(attempt, mapping, now)
        self._begin(now)
