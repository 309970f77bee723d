"""Finding out how the server sees our TCP port: WHERE by all TCP ways at once.

Every connection of ours leaves from one local port, so a router that maps independently
of the endpoint shows the peer the port that the server sees (RFC 6544 section 4.1).
"""

from collections.abc import Callable

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.address import Endpoint, Path, TcpEndpoint
from p2p_remote.wire.where import TRANSACTION_LENGTH, Where, decode_here

WAITS = (0.5, 1.0, 2.0)  # s between tries; a lost SYN is repeated after 1 s
FRESH_FOR = 5.0  # s


class TcpAddress:
    """Measures on demand. Speaks the verbs."""

    def __init__(
        self, ways: tuple[Endpoint, ...], random: Callable[[int], bytes]
    ) -> None:
        """`ways` lead to the server; those by plain TCP are used."""
        self._ways = [each for each in ways if type(each) is TcpEndpoint]
        self._random = random
        self._transaction: bytes | None = None
        self._due: float | None = None
        self._tries = 0
        self._known_at: float | None = None
        self._seen: TcpEndpoint | None = None
        self._told = True

    def ask(self, now: float) -> None:
        """Find out; `take` tells."""
        if self._transaction is not None:
            return
        if self._known_at is not None and now < self._known_at + FRESH_FOR:
            self._told = False
            return
        self._transaction = self._random(TRANSACTION_LENGTH)
        self._tries = 0
        self._due = now

    def take(self) -> TcpEndpoint | None:
        """Address that was found, once."""
        if self._told:
            return None
        self._told = True
        return self._seen

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a HERE; it counts only by one of the ways."""
        try:
            here = decode_here(data)
        except MalformedMessageError:
            return
        if here.transaction == self._transaction and path in self._ways:
            self._transaction = self._due = None
            self._known_at = now
            self._seen = TcpEndpoint(here.seen.host, here.seen.port)
            self._told = False

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain."""
        if self._due is None or self._transaction is None or now < self._due:
            return []
        if self._tries >= len(WAITS):
            self._transaction = self._due = None
            return []
        self._due = now + WAITS[self._tries]
        self._tries += 1
        where = Where(self._transaction).encode()
        return [(where, way) for way in self._ways]

    def next_timer(self) -> float | None:
        """When there is something to send."""
        return self._due
