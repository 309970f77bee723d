"""A simulated network in virtual time: the same seed gives the same run.

What there is, from the outside in:

    Network   the internet: a `Site` without a middlebox, the clock, the seed
    Site      a place behind a middlebox (a home behind its router, a carrier's NAT);
              sites stand inside sites
    Host      a computer at a site, with an address
    Socket    a UDP port of a host, with a machine of five verbs attached
    Line      one direction of a wire; every host and every site has `up` and `down`

A datagram climbs from its host's `up` line to the site. If the site knows the address,
it goes down there; else it passes the site's middlebox and `up` line to the next site.
Coming down it passes the `down` line of each site and its middlebox.

A line is: MTU filter -> drop-tail queue -> rate -> loss -> delay, jitter, reordering,
duplication. Its attributes may be changed while traffic flows.

    network = Network(seed=7)
    alice = network.host("198.51.100.1", up=Line(rate=2e6, delay=0.02, queue=0.3))
    bob = network.host("203.0.113.1", up=Line(delay=0.02, loss=0.03))
    left = alice.open(4000, Connection(...))
    right = bob.open(4000, Connection(...))
    left.machine.send_message(0, b"hello", network.now)
    network.run(until=network.now + 5, while_=lambda: not right.events)
    bob.up.down = True          # a partition

Machines are drained after every call made through the network (`call_at`, `on_event`)
and at the start of every `run`, so a test simply calls the machine and runs on. A
datagram for a `RelayPath` leaves with the relay header and comes back without it.

Behind a NAT, or a whole site of several hosts behind one:

    home = network.site("192.0.2.7", middlebox=MyNat("192.0.2.7"), up=..., down=...)
    alice = home.host("10.0.0.2")

`alice.middlebox` is the middlebox of her site. A middlebox may answer a datagram from
inside with any number of datagrams, also with one for itself (hairpinning). TTLs count
one per site border and `Network.hops` across the internet (`Socket.send(..., ttl=3)`).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.first_byte import RELAYED
from tests.support.clock import Call, Clock
from tests.support.line import HEADERS, Line

__all__ = ["HEADERS", "Datagram", "Host", "Line", "Network", "Site", "Socket"]

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


@dataclass(frozen=True, slots=True)
class Datagram:
    """UDP payload on its way."""

    data: bytes
    source: Endpoint
    destination: Endpoint
    ttl: int = DEFAULT_TTL


def _aged(datagram: Datagram, hops: int) -> Datagram:
    ttl = datagram.ttl - hops
    return Datagram(datagram.data, datagram.source, datagram.destination, ttl)


class Middlebox(Protocol):
    """A NAT or firewall at the border of a site. It may keep state by `now`."""

    def outgoing(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Translate a datagram that leaves the site; an empty answer drops it."""

    def incoming(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Translate a datagram from outside; an empty answer drops it."""


class Site:
    """A place with addresses of its own, perhaps behind a middlebox."""

    def __init__(
        self,
        network: "Network",
        parent: "Site | None",
        middlebox: Middlebox | None,
        up: Line | None,
        down: Line | None,
    ) -> None:
        self.network = network
        self.parent = parent
        self.middlebox = middlebox
        self.up = up or Line()
        self.down = down or Line()
        self._places: dict[str, Site | Host] = {}

    def host(
        self, *addresses: str, up: Line | None = None, down: Line | None = None
    ) -> "Host":
        """Add a computer with these addresses."""
        host = Host(self, addresses, up or Line(), down or Line())
        for address in addresses:
            self._add(address, host)
        return host

    def site(
        self,
        *addresses: str,
        middlebox: Middlebox | None = None,
        up: Line | None = None,
        down: Line | None = None,
    ) -> "Site":
        """Add a site whose middlebox holds these addresses here."""
        site = Site(self.network, self, middlebox, up, down)
        for address in addresses:
            self._add(address, site)
        return site

    def move(self, host: "Host", *addresses: str) -> None:
        """Bring `host` here under new addresses (roaming); its ports stay open."""
        host.leave()
        host.site = self
        host.addresses = addresses
        for address in addresses:
            self._add(address, host)

    def forget(self, address: str) -> None:
        """Take an address away; datagrams to it vanish."""
        self._places.pop(address, None)

    def _add(self, address: str, place: "Site | Host") -> None:
        if address in self._places:
            raise ValueError(f"{address} is taken")
        self._places[address] = place

    def route(self, datagram: Datagram) -> None:
        """Carry a datagram that is at this site one step on."""
        place = self._places.get(datagram.destination.host)
        if place is not None:
            hops = self.network.hops if self.parent is None else 0
            if datagram.ttl > hops:
                datagram = _aged(datagram, hops)
                self.network.carry(datagram, place.down, place.arrive)
        elif self.parent is not None and datagram.ttl > 1:
            datagram = _aged(datagram, 1)
            self.network.carry(datagram, self.up, self._leave)

    def _leave(self, datagram: Datagram) -> None:
        parent = self.parent
        if parent is None:
            return
        out: Sequence[Datagram] = (datagram,)
        if self.middlebox is not None:
            out = self.middlebox.outgoing(datagram, self.network.now)
        for each in out:
            parent.route(each)

    def arrive(self, datagram: Datagram) -> None:
        """Take a datagram from the outer site through the middlebox."""
        if datagram.ttl <= 1:
            return
        inside: Sequence[Datagram] = (_aged(datagram, 1),)
        if self.middlebox is not None:
            inside = self.middlebox.incoming(inside[0], self.network.now)
        for each in inside:
            place = self._places.get(each.destination.host)
            if place is not None:
                self.network.carry(each, place.down, place.arrive)


class Host:
    """A computer. `late_share` of its wake-ups come `late_by` (low, high) s late."""

    def __init__(
        self, site: Site, addresses: tuple[str, ...], up: Line, down: Line
    ) -> None:
        self.site = site
        self.addresses = addresses
        self.up = up
        self.down = down
        self.late_share = 0.0
        self.late_by = (0.002, 0.012)
        self._sockets: dict[int, Socket] = {}
        self._next_port = 40_000

    @property
    def middlebox(self) -> Middlebox | None:
        """What stands between this host and the next site."""
        return self.site.middlebox

    def open(self, port: int = 0, machine: Machine | None = None) -> "Socket":
        """Open a UDP port (0 = any) on all addresses, for `machine`."""
        if port == 0:
            while self._next_port in self._sockets:
                self._next_port += 1
            port = self._next_port
        if port in self._sockets:
            raise ValueError(f"port {port} is taken")
        socket = self._sockets[port] = Socket(self, port, machine)
        self.site.network.sockets.append(socket)
        return socket

    def leave(self) -> None:
        """Take all addresses away, as when the cable is pulled."""
        for address in self.addresses:
            self.site.forget(address)
        self.addresses = ()

    def arrive(self, datagram: Datagram) -> None:
        """Hand a datagram to the socket of its port, if one is open."""
        socket = self._sockets.get(datagram.destination.port)
        if socket is not None:
            socket.take(datagram)

    def close(self, socket: "Socket") -> None:
        self._sockets.pop(socket.port, None)
        if socket in self.site.network.sockets:
            self.site.network.sockets.remove(socket)


class Socket:
    """A UDP port and the loop around the machine behind it.

    `events` collects every event; with `on_event` set they go there instead.
    """

    def __init__(self, host: Host, port: int, machine: Machine | None) -> None:
        self.host = host
        self.port = port
        self.machine: Any = machine
        self.events: list[Any] = []
        self.on_event: Callable[[Any, float], None] | None = None
        self.received: list[Datagram] = []  # all of them while there is no machine
        self._network = host.site.network
        self._inbox: list[Datagram] = []
        self._wake: Call | None = None
        self._due = 0.0
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
        datagram = Datagram(data, self.local, path, ttl)
        self._network.carry(datagram, self.host.up, self.host.site.route)

    def take(self, datagram: Datagram) -> None:
        """Put a datagram into the receive buffer and wake the loop up."""
        if self.machine is None:
            self.received.append(datagram)
        else:
            self._inbox.append(datagram)
            self._arm(self._network.now)

    def drain(self) -> None:
        """Collect events, send what the machine wants sent, arm its timer."""
        machine = self.machine
        if machine is None:
            return
        now = self._network.now
        while (event := machine.next_event()) is not None:
            if self.on_event is None:
                self.events.append(event)
            else:
                self.on_event(event, now)
        for data, path in machine.datagrams_to_send(now):
            self.send(data, path)
        due = machine.next_timer()
        if due is not None:
            self._arm(max(due, now), is_awake=due <= now)

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
        inbox, self._inbox = self._inbox, []
        for datagram in inbox:
            data, path = _unwrap(datagram)
            self.machine.receive_datagram(data, path, now)
        due = self.machine.next_timer()
        if due is not None and due <= now:
            self.machine.handle_timer(now)
        self.drain()

    def _count(self, now: float) -> None:
        when, turns = self._turns
        self._turns = (now, turns + 1 if when == now else 1)
        if turns > _MAX_TURNS:
            raise AssertionError(f"{self.machine} asks for the same instant for ever")


def _unwrap(datagram: Datagram) -> tuple[bytes, Path]:
    data = datagram.data
    if len(data) > 5 and data[0] == RELAYED:
        channel = int.from_bytes(data[1:5], "little")
        return data[5:], RelayPath(datagram.source, channel)
    return data, datagram.source


class Network(Site):
    """The internet of a simulation, with its clock and its seed."""

    def __init__(self, seed: int = 1, *, hops: int = 6) -> None:
        super().__init__(self, None, None, None, None)
        self.seed = seed
        self.hops = hops
        self.clock = Clock()
        self.sockets: list[Socket] = []
        self._rng = random.Random(seed)

    @property
    def now(self) -> float:
        """Virtual time in seconds."""
        return self.clock.now

    def random(self, name: str) -> Callable[[int], bytes]:
        """A source of bytes for a machine, the same for a seed and a name."""
        return random.Random(f"{self.seed}/{name}").randbytes

    def call_at(self, when: float, action: Callable[[], None]) -> Call:
        """Run `action()` at `when`, then drain every machine."""

        def act() -> None:
            action()
            self._drain_all()

        return self.clock.call_at(when, act)

    def run(self, until: float, while_: Callable[[], bool] | None = None) -> float:
        """Run to virtual time `until`, or only while `while_()` holds."""
        self._drain_all()
        while (while_ is None or while_()) and self.clock.run_next(until):
            pass
        if while_ is None or while_():
            self.clock.now = until
        return self.clock.now

    def run_for(
        self, seconds: float, while_: Callable[[], bool] | None = None
    ) -> float:
        """`run` for so many seconds from now."""
        return self.run(self.now + seconds, while_)

    def carry(
        self, datagram: Datagram, line: Line, arrive: Callable[[Datagram], None]
    ) -> None:
        """Send a datagram down a line."""
        for when in line.arrivals(len(datagram.data), self.now, self._rng):
            self.clock.call_at(when, lambda: arrive(datagram))

    def lateness(self, host: Host) -> float:
        """How late the next wake-up of `host` comes, in seconds."""
        if host.late_share and self._rng.random() < host.late_share:
            return self._rng.uniform(*host.late_by)
        return 0.0

    def _drain_all(self) -> None:
        for socket in tuple(self.sockets):
            socket.drain()
