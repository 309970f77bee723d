"""How our router maps, measured for the sessions that want to know: one at a time.

Where the server is reached by TCP alone nothing is measured: no UDP gets through, which
is what the sessions are told. How it sees our TCP port is asked as well, for those that
may have to meet by TCP.
"""

from collections import deque
from collections.abc import Callable

from p2p_remote.session.events import MappingAsked
from p2p_remote.session.session import Session
from p2p_remote.traversal.classification import Classified, Classifier
from p2p_remote.traversal.mapping import Dependence, Mapping
from p2p_remote.traversal.paths import SocketsReleased
from p2p_remote.traversal.tcp_address import TcpAddress
from p2p_remote.wire.address import Endpoint, Path, ProxiedEndpoint, TcpEndpoint
from p2p_remote.wire.where import HERE

_BLOCKED = Mapping(Dependence.BLOCKED)
_PROXIED = Mapping(Dependence.PROXIED)
TURN = 4.0  # s that one session may guess ports before the next one is measured for


class Router:
    """A `Classifier` and who waits for it. Speaks the five verbs."""

    def __init__(
        self, ways: tuple[Endpoint, ...], random: Callable[[int], bytes]
    ) -> None:
        """`ways` lead to the server, the best first."""
        self._best = self._carrier = ways[0]
        self._classifier = Classifier(ways[0], random)
        self._tcp = TcpAddress(ways, random)
        self._waiting: deque[tuple[Session, MappingAsked]] = deque()
        self._asking: tuple[Session, MappingAsked] | None = None
        self._free_at = 0.0
        self._turn_of: Session | None = None
        self._seen: Endpoint | None = None

    @property
    def mapping(self) -> Mapping | None:
        """What was found last."""
        if isinstance(self._carrier, TcpEndpoint):
            return self._without_udp
        found = self._classifier.mapping
        return None if found is None else self._judged(found)

    @property
    def _without_udp(self) -> Mapping:
        return _PROXIED if isinstance(self._carrier, ProxiedEndpoint) else _BLOCKED

    def _judged(self, found: Mapping) -> Mapping:
        """UDP that gets through to one port of the server alone is as good as none."""
        is_unknown = found.dependence is Dependence.UNKNOWN
        return _BLOCKED if is_unknown and self._carrier != self._best else found

    @staticmethod
    def wants(data: bytes) -> bool:
        """Whether this is an answer to a measurement."""
        return data[0] == HERE

    def seen_at(self, endpoint: Endpoint, carrier: Endpoint, now: float) -> None:
        """The server sees us here: a new address may be another router."""
        if (endpoint, carrier) == (self._seen, self._carrier):
            return
        self._seen, self._carrier = endpoint, carrier
        if isinstance(carrier, TcpEndpoint):
            return
        if carrier != self._best:
            self._tcp.ask(now)
        self._classifier.server = carrier
        self._classifier.measure(now, afresh=True)

    def ask(self, session: Session, asked: MappingAsked, now: float) -> None:
        """Measure for an attempt of this session and tell it."""
        if isinstance(self._carrier, TcpEndpoint):
            session.tell_mapping(asked.attempt, self._without_udp, now)
            return
        self._waiting.append((session, asked))
        self._begin(now)

    def ask_tcp(self, now: float) -> None:
        """Find out how the server sees our TCP port; see `next_event`."""
        self._tcp.ask(now)

    def _begin(self, now: float) -> None:
        if self._asking is not None or not self._waiting:
            return
        if now >= self._free_at or self._waiting[0][0] is self._turn_of:
            self._asking = self._waiting.popleft()
            self._turn_of = self._asking[0]
            self._free_at = now + TURN
            self._classifier.measure(now, fresh=self._asking[1].socket)

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take an answer of the server."""
        machine = self._tcp if isinstance(path, TcpEndpoint) else self._classifier
        machine.receive_datagram(data, path, now)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self._classifier.handle_timer(now)
        self._begin(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain."""
        asked = self._tcp.datagrams_to_send(now)
        return self._classifier.datagrams_to_send(now) + asked

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        due = [self._classifier.next_timer(), self._tcp.next_timer()]
        if self._asking is None and self._waiting:
            due.append(self._free_at)
        return min((each for each in due if each is not None), default=None)

    def next_event(self, now: float) -> SocketsReleased | TcpEndpoint | None:
        """Tell who waits, and drain: what a driver has to do, or our TCP address."""
        if (found := self._tcp.take()) is not None:
            return found
        while (event := self._classifier.next_event()) is not None:
            if isinstance(event, Classified):
                self._tell(event.mapping, now)
            else:
                return event
        return None

    def _tell(self, mapping: Mapping, now: float) -> None:
        asking, self._asking = self._asking, None
        if asking is not None:
            session, asked = asking
            session.tell_mapping(asked.attempt, self._judged(mapping), now)
        self._begin(now)
