"""Sockets of the simulated network, each with the loop around its machine.

A socket is a UDP port, and a TCP port as soon as its machine sends to a `TcpEndpoint`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from p2p_remote.traversal.paths import (
    MAIN_SOCKET,
    PrimingEndpoint,
    SocketName,
    SocketsReleased,
    from_socket,
    socket_of,
)
from p2p_remote.wire.address import Endpoint, Path, RelayPath, TcpEndpoint
from p2p_remote.wire.first_byte import RELAYED
from tests.support.clock import Call
from tests.support.tcp import Segment, TcpPort

if TYPE_CHECKING:
    from tests.support.network import Host

DEFAULT_TTL = 64
_MAX_TURNS = 20_000  # wake-ups of one socket at one instant before we call it a loop


class Machine(Protocol):
    """The five verbs, as in docs/architecture.md."""

    def receive_datagram(self, data: bytes, path: Any, now: float) -> None:
        """Take a datagram."""

    def handle_timer(self, now: float) -> None:
        """Do what is due."""

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Path]]:
        """Drain what is to be sent."""

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""

    def next_event(self) -> Any | None:
        """Drain one event."""


@dataclass(slots=True)
class Datagram:
    """UDP payload on its way, or a TCP segment.

    Never changed; it is not frozen because a scenario makes millions of them.
    """

    data: bytes
    source: Endpoint
    destination: Endpoint
    ttl: int = DEFAULT_TTL
    segment: Segment | None = None


class Socket:
    """A UDP port and the loop around the machine behind it.

    `events` collects every event; with `on_event` set they go there instead. Relay
    headers are put on and taken off unless `raw` is set.
    """

    def __init__(self, host: "Host", port: int, machine: Machine | None) -> None:
        self.host = host
        self.port = port
        self.machine: Any = machine
        self.events: list[Any] = []
        self.on_event: Callable[[Any, float], None] | None = None
        self.received: list[Datagram] = []  # all of them while there is no machine
        self._network = host.site.network
        self.raw = False
        self.tcp: TcpPort | None = None
        self._inbox: list[tuple[bytes, Endpoint]] = []
        self._auxiliary: dict[SocketName, AuxiliarySocket] = {}
        self._wake: Call | None = None
        self._due = 0.0
        self._timer: float | None = None  # of the machine, when it was last drained
        self._has_work = False
        self._turns = (0.0, 0)

    @property
    def local(self) -> Endpoint:
        """First address of the host and this port."""
        return Endpoint(self.host.addresses[0], self.port)

    def send(self, data: bytes, path: Path, *, ttl: int = DEFAULT_TTL) -> None:
        """Send a datagram now, from the host's first address."""
        if not self.host.addresses:
            return
        if isinstance(path, RelayPath):
            data = bytes((RELAYED,)) + path.channel.to_bytes(4, "little") + data
            path = path.server
        if isinstance(path, TcpEndpoint):
            self.open_tcp().send(data, path)
            return
        datagram = Datagram(data, self.local, path, ttl)
        self._network.carry(datagram, self.host.up, self.host.site.route)

    def open_tcp(self, *, listen: bool = False) -> TcpPort:
        """TCP port of this socket; with `listen`, of its number and open to all."""
        if self.tcp is None:
            port = self.port if listen else self.host.free_tcp_port()
            self.tcp = TcpPort(self.host, port, self._take_from_tcp, self._tcp_closed)
            self.tcp.listens = listen
            self.host.keep_tcp(self.tcp)
        return self.tcp

    def _take_from_tcp(self, data: bytes, path: TcpEndpoint) -> None:
        self._inbox.append((data, path))
        self._arm(self._network.now)

    def _tcp_closed(self, path: TcpEndpoint) -> None:
        on_closed = getattr(self.machine, "path_closed", None)
        if on_closed is not None:
            on_closed(path, self._network.now)
            self.wake()

    def wake(self) -> None:
        """Let the machine have its turn now: somebody else has given it work."""
        self._has_work = True
        self._arm(self._network.now)

    def take(self, datagram: Datagram) -> None:
        """Put a datagram into the receive buffer and wake the loop up."""
        if self.machine is None:
            self.received.append(datagram)
        else:
            self.take_for(MAIN_SOCKET, datagram)

    def take_for(self, name: SocketName, datagram: Datagram) -> None:
        """Take what arrived at an auxiliary socket."""
        self._inbox.append((datagram.data, from_socket(datagram.source, name)))
        self._arm(self._network.now)

    def drain(self) -> None:
        """Collect events, send what the machine wants sent, arm its timer."""
        machine = self.machine
        if machine is None:
            return
        now = self._network.now
        while (event := machine.next_event()) is not None:
            if isinstance(event, SocketsReleased):
                self._release(event)
            elif self.on_event is None:
                self.events.append(event)
            else:
                self.on_event(event, now)
        for data, path in machine.datagrams_to_send(now):
            socket = self._from(socket_of(path))
            if isinstance(path, PrimingEndpoint):
                socket.send(data, path, ttl=path.ttl)
            else:
                socket.send(data, path)
        due = self._timer = machine.next_timer()
        if due is not None:
            self._arm(max(due, now), is_awake=due <= now)

    def _from(self, name: SocketName) -> "Socket":
        """Socket of this name; an auxiliary one is opened when it is first used."""
        if name == MAIN_SOCKET:
            return self
        if name not in self._auxiliary:
            opened = AuxiliarySocket(self, name)
            self.host.keep(opened)
            self._auxiliary[name] = opened
        return self._auxiliary[name]

    def _release(self, event: SocketsReleased) -> None:
        for group, number in list(self._auxiliary):
            if group == event.group and number not in event.keep:
                self.host.close(self._auxiliary.pop((group, number)))

    @property
    def auxiliary(self) -> tuple[SocketName, ...]:
        """Names of the auxiliary sockets that are open."""
        return tuple(self._auxiliary)

    def _arm(self, due: float, *, is_awake: bool = False) -> None:
        """Wake up for what is due, perhaps late; a wake-up due earlier serves too."""
        if self._wake is not None:
            if self._due <= due:
                return
            self._wake.cancel()
        self._due = due
        when = due if is_awake else due + self._network.lateness(self.host)
        self._wake = self._network.clock.call_at(when, self._turn)

    def _turn(self) -> None:
        now = self._network.now
        self._count(now)
        self._wake = None
        due, inbox = self._timer, self._inbox
        if inbox or self._has_work:
            self._inbox, self._has_work = [], False
            for data, path in inbox:
                if self.raw:
                    self.machine.receive_datagram(data, path, now)
                else:
                    self.machine.receive_datagram(*_unwrap(data, path), now)
            due = self.machine.next_timer()
        elif due is None or due > now:  # a wake-up from before the timer moved on
            if due is not None:
                self._arm(due)
            return
        if due is not None and due <= now:
            self.machine.handle_timer(now)
        self.drain()

    def _count(self, now: float) -> None:
        when, turns = self._turns
        self._turns = (now, turns + 1 if when == now else 1)
        if turns > _MAX_TURNS:
            raise AssertionError(f"{self.machine} asks for the same instant for ever")


class AuxiliarySocket(Socket):
    """A second port of the same machine."""

    def __init__(self, main: Socket, name: SocketName) -> None:
        super().__init__(main.host, main.host.free_port(), None)
        self._main = main
        self._name = name

    def take(self, datagram: Datagram) -> None:
        """Hand it to the machine under the name of this socket."""
        self._main.take_for(self._name, datagram)


def _unwrap(data: bytes, source: Endpoint) -> tuple[bytes, Path]:
    if len(data) > 5 and data[0] == RELAYED:
        channel = int.from_bytes(data[1:5], "little")
        return data[5:], RelayPath(source, channel)
    return data, source
