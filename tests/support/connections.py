"""Two connections joined by a simulated network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from p2p_remote.crypto.sealing import Sealing
from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import Connection
from p2p_remote.transport.events import MessageReceived, RoomAvailable
from p2p_remote.wire.address import Endpoint
from tests.support.network import Host, Line, Network, Socket

LEFT = Endpoint("198.51.100.1", 4000)
RIGHT = Endpoint("203.0.113.1", 4000)


def sealings(
    now: float, chain_key: bytes = bytes(32), silence_allowed: float = 0.0
) -> tuple[Sealing, Sealing]:
    """Both ends' sealing of one session."""
    left, right = (
        Sealing(
            chain_key,
            initiator=own < other,
            local_index=own,
            remote_index=other,
            now=now,
            silence_allowed=silence_allowed,
        )
        for own, other in ((1, 2), (2, 1))
    )
    return left, right


@dataclass
class Side:
    """One end: its connection, and what it has heard."""

    name: str
    network: Network
    host: Host
    socket: Socket
    connection: Connection
    events: list[Any] = field(default_factory=list)  # all but messages
    messages: dict[int, list[bytes]] = field(default_factory=dict)
    arrivals: dict[int, list[float]] = field(default_factory=dict)
    on_message: Callable[[int, bytes], None] | None = None
    on_room: Callable[[int], None] | None = None

    def take(self, event: Any, now: float) -> None:
        """Sort an event."""
        if isinstance(event, MessageReceived):
            self.arrivals.setdefault(event.channel, []).append(now)
            if self.on_message is not None:
                self.on_message(event.channel, event.data)
            else:
                self.messages.setdefault(event.channel, []).append(event.data)
        elif isinstance(event, RoomAvailable) and self.on_room is not None:
            self.on_room(event.channel)
        else:
            self.events.append(event)

    def send(self, channel: int, data: bytes) -> None:
        """Send a message now."""
        self.connection.send_message(channel, data, self.network.now)

    def pour(
        self, channel: int, size: int, messages: Iterator[bytes] | None = None
    ) -> None:
        """Keep a channel full with messages of `size` bytes, by its room."""
        filler = bytes(size)

        def fill(ready: int) -> None:
            if ready != channel:
                return
            while self.connection.room(channel, self.network.now) > 0:
                message = filler if messages is None else next(messages, None)
                if message is None:
                    return
                self.send(channel, message)

        self.on_room = fill
        fill(channel)


class Pair:
    """Network, line both ways, and the two sides."""

    def __init__(
        self,
        seed: int,
        up: Line,
        down: Line | None = None,
        config: Config | None = None,
    ) -> None:
        self.network = Network(seed)
        self.up, self.down = up, down or Line(delay=up.delay)
        now = self.network.now
        config = config or Config()
        left_host = self.network.host(LEFT.host, up=self.up)
        right_host = self.network.host(RIGHT.host, up=self.down)
        left, right = sealings(now, silence_allowed=config.lost_after)
        self.left = self._side("left", left_host, left, RIGHT, config)
        self.right = self._side("right", right_host, right, LEFT, config)

    def _side(
        self, name: str, host: Host, sealing: Sealing, peer: Endpoint, config: Config
    ) -> Side:
        network = self.network
        connection = Connection(
            config, sealing, peer, network.random(name), network.now
        )
        socket = host.open(LEFT.port, connection)
        side = Side(name, network, host, socket, connection)
        socket.on_event = side.take
        return side
