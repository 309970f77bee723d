"""TCP for the simulated network: connections that carry whole datagrams.

What matters of it here: the handshake and its round trip, simultaneous opening
(RFC 9293 section 3.5, figure 8), RST from a port that nobody listens on, connections
that one end has forgotten (section 3.5.1), the order of what arrives, repetition of
what was lost. Windows and congestion do not. As a driver does, a port gives up a
connection on which it sends and hears nothing.

A socket of the network has at most one TCP port: every connection leaves from it, as
from a driver's, and with `listen` it takes others' connections too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from p2p_remote.wire.address import Endpoint, TcpEndpoint
from tests.support.clock import Call

if TYPE_CHECKING:
    from tests.support.network import Host

SYN_REPEATS = (1.0, 2.0, 1.0)  # s until a driver gives up, as in `net.tcp_connections`
REPEAT_AFTER = 0.25  # s, doubled each time
MOST_REPEATS = 7
RETRY_SPACING = 0.1  # s between attempts to connect to one place
MOST_HELD = 64  # datagrams that wait for a connection
SILENCE = 5.0  # s without a datagram coming back, as in `net.tcp_connections`


class Flag(Enum):
    """What a segment is for."""

    SYN = auto()
    SYN_ACK = auto()
    DATA = auto()
    ACK = auto()
    RST = auto()


@dataclass(frozen=True, slots=True)
class Segment:
    """`number`: place of a DATA in the stream; of an ACK, what is expected next."""

    flag: Flag
    number: int = 0


class State(Enum):
    """Of a connection."""

    SYN_SENT = auto()
    SYN_RECEIVED = auto()
    ESTABLISHED = auto()


@dataclass(slots=True, eq=False)
class Connection:
    """One end of a connection."""

    state: State
    unacknowledged: list[bytes] = field(default_factory=list)
    first: int = 0  # number of the first of these
    expected: int = 0
    early: dict[int, bytes] = field(default_factory=dict)
    repeats: int = 0
    timer: Call | None = None
    used_at: float = 0.0
    unanswered_since: float | None = None


class TcpPort:
    """A TCP port of a host. `deliver(data, path)` takes what arrives."""

    def __init__(
        self,
        host: "Host",
        port: int,
        deliver: Callable[[bytes, TcpEndpoint], None],
        closed: Callable[[TcpEndpoint], None],
    ) -> None:
        """`closed(path)` is told when an established connection has ended."""
        self.host = host
        self.port = port
        self.listens = False
        self.attempts = 0  # connections that were begun here
        self.connections: dict[TcpEndpoint, Connection] = {}
        self._deliver = deliver
        self._closed = closed
        self._failed_at: dict[TcpEndpoint, float] = {}

    # What the socket wants.

    def send(self, data: bytes, path: TcpEndpoint) -> None:
        """Send a datagram; connects first if there is no connection."""
        connection = self.connections.get(path) or self._connect(path)
        if connection is None:
            return
        if not self.listens and self._is_dead(connection):
            self._put(path, Flag.RST)
            self._fail(path, connection)
            return
        if len(connection.unacknowledged) >= MOST_HELD:
            return
        connection.unacknowledged.append(data)
        if connection.state is State.ESTABLISHED:
            number = connection.first + len(connection.unacknowledged) - 1
            self._put(path, Flag.DATA, number, data)
            self._arm(path, connection)

    def _is_dead(self, connection: Connection) -> bool:
        """Whether it was used all the time and nothing came back."""
        now = self.host.site.network.now
        is_busy = now - connection.used_at <= SILENCE
        connection.used_at = now
        since = connection.unanswered_since
        if since is None or not is_busy:
            since = connection.unanswered_since = now
        return connection.state is State.ESTABLISHED and now - since >= SILENCE

    def close(self) -> None:
        """Let all connections end as those of a process that has ended."""
        for path in list(self.connections):
            self._put(path, Flag.RST)
            self._forget(path)

    def _connect(self, path: TcpEndpoint) -> Connection | None:
        now = self.host.site.network.now
        if now < self._failed_at.get(path, 0.0) + RETRY_SPACING:
            return None
        self.attempts += 1
        connection = self.connections[path] = Connection(State.SYN_SENT)
        self._put(path, Flag.SYN)
        self._arm(path, connection)
        return connection

    # What comes from the network.

    def take(self, segment: Segment, data: bytes, source: Endpoint) -> None:
        """Take a segment."""
        path = TcpEndpoint(source.host, source.port)
        connection = self.connections.get(path)
        if segment.flag is Flag.RST:
            self._on_reset(path, connection)
        elif connection is None:
            if segment.flag is Flag.SYN and self.listens:
                self.connections[path] = Connection(State.SYN_RECEIVED)
                self._put(path, Flag.SYN_ACK)
            else:
                self._put(path, Flag.RST)
        elif segment.flag is Flag.SYN:
            if connection.state is State.ESTABLISHED:  # RFC 5961 section 4: a challenge
                self._put(path, Flag.ACK, connection.expected)
                return
            connection.state = State.SYN_RECEIVED
            self._put(path, Flag.SYN_ACK)
        elif segment.flag is Flag.SYN_ACK:
            self._establish(path, connection)
            self._put(path, Flag.ACK)
        elif connection.state is State.SYN_SENT:  # of a connection that is forgotten
            self._put(path, Flag.RST)
        else:
            self._establish(path, connection)
            self._on_stream(path, connection, segment, data)

    def _on_reset(self, path: TcpEndpoint, connection: Connection | None) -> None:
        if connection is None:
            return
        self._fail(path, connection)

    def _establish(self, path: TcpEndpoint, connection: Connection) -> None:
        if connection.state is State.ESTABLISHED:
            return
        connection.state = State.ESTABLISHED
        connection.repeats = 0
        self._disarm(connection)
        self._repeat_all(path, connection)

    def _on_stream(
        self, path: TcpEndpoint, connection: Connection, segment: Segment, data: bytes
    ) -> None:
        if segment.flag is Flag.ACK:
            gone = max(0, segment.number - connection.first)
            if gone:
                del connection.unacknowledged[:gone]
                connection.first += gone
                connection.repeats = 0
                self._disarm(connection)
                if connection.unacknowledged:
                    self._arm(path, connection)
            return
        connection.unanswered_since = None
        connection.early[segment.number] = data
        while connection.expected in connection.early:
            self._deliver(connection.early.pop(connection.expected), path)
            connection.expected += 1
        connection.early = {
            number: each
            for number, each in connection.early.items()
            if number >= connection.expected
        }
        self._put(path, Flag.ACK, connection.expected)

    # Repeating.

    def _repeat_all(self, path: TcpEndpoint, connection: Connection) -> None:
        for index, data in enumerate(connection.unacknowledged):
            self._put(path, Flag.DATA, connection.first + index, data)
        if connection.unacknowledged:
            self._arm(path, connection)

    def _arm(self, path: TcpEndpoint, connection: Connection) -> None:
        if connection.timer is not None:
            return
        wait = REPEAT_AFTER * 2**connection.repeats
        if connection.state is not State.ESTABLISHED:
            wait = SYN_REPEATS[connection.repeats]
        clock = self.host.site.network.clock
        connection.timer = clock.call_at(
            clock.now + wait, lambda: self._on_timer(path, connection)
        )

    @staticmethod
    def _disarm(connection: Connection) -> None:
        if connection.timer is not None:
            connection.timer.cancel()
            connection.timer = None

    def _on_timer(self, path: TcpEndpoint, connection: Connection) -> None:
        connection.timer = None
        if self.connections.get(path) is not connection:
            return
        connection.repeats += 1
        established = connection.state is State.ESTABLISHED
        if connection.repeats >= (MOST_REPEATS if established else len(SYN_REPEATS)):
            self._fail(path, connection)
        elif established:
            self._repeat_all(path, connection)
        else:
            received = connection.state is State.SYN_RECEIVED
            self._put(path, Flag.SYN_ACK if received else Flag.SYN)
            self._arm(path, connection)

    def _fail(self, path: TcpEndpoint, connection: Connection) -> None:
        self._forget(path)
        if connection.state is State.ESTABLISHED:
            self._closed(path)
        else:
            self._failed_at[path] = self.host.site.network.now

    def _forget(self, path: TcpEndpoint) -> None:
        self._disarm(self.connections.pop(path))

    def _put(
        self, path: TcpEndpoint, flag: Flag, number: int = 0, data: bytes = b""
    ) -> None:
        self.host.put_segment(self.port, path, Segment(flag, number), data)
