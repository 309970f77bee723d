"""A simulated network in virtual time: the same seed gives the same run.

What there is, from the outside in:

    Network   the internet: a `Site` without a middlebox, the clock, the seed
    Site      a place behind a middlebox (a home behind its router, a carrier's NAT);
              sites stand inside sites
    Host      a computer at a site, with an address
    Socket    a UDP port of a host, with a machine of five verbs attached, and the
              TCP port of that machine (`tests.support.tcp`)
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
from typing import Protocol

from p2p_remote.wire.address import Endpoint
from tests.support.clock import Call, Clock
from tests.support.line import HEADERS, Line
from tests.support.tcp import Flag, Segment, TcpPort
from tests.support.udp import DEFAULT_TTL, Datagram, Machine, Socket

__all__ = [
    "DEFAULT_TTL",
    "HEADERS",
    "Datagram",
    "Host",
    "Line",
    "Network",
    "Site",
    "Socket",
]


def _aged(datagram: Datagram, hops: int) -> Datagram:
    ttl = datagram.ttl - hops
    data, source, destination = datagram.data, datagram.source, datagram.destination
    return Datagram(data, source, destination, ttl, datagram.segment)


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
        self._tcp_ports: dict[int, TcpPort] = {}
        self._next_port = 40_000

    @property
    def middlebox(self) -> Middlebox | None:
        """What stands between this host and the next site."""
        return self.site.middlebox

    def open(self, port: int = 0, machine: Machine | None = None) -> "Socket":
        """Open a UDP port (0 = any) on all addresses, for `machine`."""
        port = port or self.free_port()
        if port in self._sockets:
            raise ValueError(f"port {port} is taken")
        socket = Socket(self, port, machine)
        self.keep(socket)
        return socket

    def keep(self, socket: Socket) -> None:
        """Deliver to a socket from now on."""
        self._sockets[socket.port] = socket
        self.site.network.sockets.append(socket)

    def free_port(self) -> int:
        """A port that no socket has or has had."""
        while self._next_port in self._sockets:
            self._next_port += 1
        self._next_port += 1
        return self._next_port - 1

    def free_tcp_port(self) -> int:
        """A TCP port that is not in use."""
        port = 50_000
        while port in self._tcp_ports:
            port += 1
        return port

    def keep_tcp(self, port: TcpPort) -> None:
        """Deliver to a TCP port from now on."""
        if port.port in self._tcp_ports:
            raise ValueError(f"TCP port {port.port} is taken")
        self._tcp_ports[port.port] = port

    def put_segment(
        self, port: int, destination: Endpoint, segment: Segment, data: bytes
    ) -> None:
        """Send a TCP segment from one of our ports."""
        if self.addresses:
            source = Endpoint(self.addresses[0], port)
            target = Endpoint(destination.host, destination.port)
            datagram = Datagram(data, source, target, DEFAULT_TTL, segment)
            self.site.network.carry(datagram, self.up, self.site.route)

    def leave(self) -> None:
        """Take all addresses away, as when the cable is pulled."""
        for address in self.addresses:
            self.site.forget(address)
        self.addresses = ()

    def arrive(self, datagram: Datagram) -> None:
        """Hand a datagram to the socket of its port, if one is open."""
        if datagram.segment is not None:
            self._arrive_by_tcp(datagram, datagram.segment)
            return
        socket = self._sockets.get(datagram.destination.port)
        if socket is not None:
            socket.take(datagram)

    def _arrive_by_tcp(self, datagram: Datagram, segment: Segment) -> None:
        port = self._tcp_ports.get(datagram.destination.port)
        if port is not None:
            port.take(segment, datagram.data, datagram.source)
        elif segment.flag is not Flag.RST:
            number = datagram.destination.port
            self.put_segment(number, datagram.source, Segment(Flag.RST), b"")

    def close(self, socket: "Socket") -> None:
        """Close the ports of a socket."""
        self._sockets.pop(socket.port, None)
        if socket.tcp is not None:
            socket.tcp.close()
            del self._tcp_ports[socket.tcp.port]
            socket.tcp = None
        if socket in self.site.network.sockets:
            self.site.network.sockets.remove(socket)


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
