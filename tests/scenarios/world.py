"""A rendezvous, a customer and a technician on the simulated network."""

from typing import Any

from p2p_remote.crypto.identity import Identity
from p2p_remote.session import node_events as nd
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.node import Node, NodeConfig
from p2p_remote.session.technician import TechnicianSession
from p2p_remote.traversal.candidate import CandidateKind, candidate
from p2p_remote.traversal.carriers import HTTPS_PORT
from p2p_remote.wire.address import Endpoint
from rendezvous.protocol import Protocol
from rendezvous.registry import MemoryClaims
from rendezvous.settings import Settings
from tests.support.line import Line
from tests.support.nat import Nat
from tests.support.network import Network, Site, Socket
from tests.support.places import PortFilter, place
from tests.support.server_ports import ServerPorts
from tests.support.where import (
    LISTENERS,
    OTHER_ADDRESS,
    SERVER,
    WhereMachine,
    where_answers,
)


class Person:
    """A node and what it has reported."""

    def __init__(self, world: "World", name: str, node: Node, socket: Socket) -> None:
        self.world = world
        self.name = name
        self.node = node
        self.socket = socket
        self.session: Any = None
        self.caller: nd.CallerArrived | None = None
        self.known = False
        self.events: list[Any] = []  # of the session
        self.reports: list[Any] = []  # of the node
        socket.on_event = self._on_event

    def _on_event(self, event: Any, now: float) -> None:
        if isinstance(event, nd.SessionHappened):
            self.events.append(event.event)
        else:
            self.reports.append(event)
        if isinstance(event, nd.CallerArrived):
            self.caller = event
            self.node.release(event.handle, now, known=self.known)
        elif isinstance(event, nd.SessionOpened):
            self.session = event.session

    def all_of(self, kind: type[Any]) -> list[Any]:
        """Events and reports of one kind, oldest first."""
        return [e for e in (*self.reports, *self.events) if isinstance(e, kind)]


class World:
    """Two homes and a server between them.

    A home is behind a NAT, or at a kind of place that `tests.support.places` knows.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        customer_nat: Nat | str | None = None,
        technician_nat: Nat | str | None = None,
        loss: float = 0.0,
        delay: float = 0.0075,
        server_delay: float | None = None,
        server: bool = True,
        fallback: bool = True,
        password: bytes = b"",
    ) -> None:
        """`fallback`: the server also listens on TCP and on port 443."""
        self.network = Network(seed)
        self._fallback = fallback
        self.seed = seed
        self.loss = loss
        self.delay = delay
        self.server: ServerPorts | None = None
        self.protocol: Protocol | None = None
        up = Line(delay=delay if server_delay is None else server_delay)
        self._server_host = self.network.host(SERVER.host, up=up)
        other_host = self.network.host(OTHER_ADDRESS, up=Line(delay=delay))
        for number, each in enumerate(LISTENERS[1:], 1):
            host = self._server_host if each.host == SERVER.host else other_host
            host.open(each.port, WhereMachine(where_answers(), number))
        if server:
            self.start_server()
        self.customer = self._person("customer", customer_nat, 1, password)
        self.technician = self._person("technician", technician_nat, 2, b"")

    def start_server(self) -> None:
        """Start the rendezvous, knowing nothing but its claims."""
        self.protocol = Protocol(
            Settings(), MemoryClaims(), self.network.random("server")
        )
        https = Endpoint(SERVER.host, HTTPS_PORT)
        self.protocol.where.set_listeners([*LISTENERS, https])
        ports = {0: SERVER.port}
        if self._fallback:
            ports[len(LISTENERS)] = HTTPS_PORT
        self.server = ServerPorts(
            self.protocol, self._server_host, ports, tcp=self._fallback
        )

    def stop_server(self) -> None:
        """Take the rendezvous away."""
        if self.server is not None:
            self.server.close()
            self.server = None

    def _person(
        self, name: str, nat: Nat | str | None, number: int, password: bytes
    ) -> Person:
        place_: Site = self.network
        address = f"198.51.100.{number}"
        line = {"delay": self.delay, "loss": self.loss}
        if isinstance(nat, str):
            host = place(
                self.network, nat, address, seed=number + 10 * self.seed, **line
            )
            address = host.addresses[0]
        else:
            if nat is not None:
                place_ = self.network.site(nat.public, middlebox=nat)
                address = f"192.168.{number}.10"
            host = place_.host(address, up=Line(**line), down=Line(**line))
        socket = host.open(5000)
        socket.raw = True
        config = NodeConfig(
            name=name.title(),
            listed=name == "customer",
            server=SERVER,
            candidates=(candidate(CandidateKind.HOST, Endpoint(address, 5000)),),
            password=password,
        )
        node = Node(
            IDENTITIES[name], config, self.network.random(name), self.network.now
        )
        socket.machine = node
        return Person(self, name, node, socket)

    @staticmethod
    def block_udp(person: Person) -> None:
        """Let the router of a place drop all UDP from now on."""
        site = person.socket.host.site
        inner = site.middlebox
        assert isinstance(inner, Nat)
        site.middlebox = PortFilter(range(0), range(65_536), inner)

    def call(self, *, password: bytes = b"", after: float = 1.0) -> None:
        """Let the technician call after some s, and run until it rings or fails."""
        self.network.run_for(after)
        self.technician.node.call(
            IDENTITIES["customer"].peer_id, self.network.now, password=password
        )
        self.network.run_for(
            10.0,
            lambda: (
                self.technician.session is None
                and not self.technician.all_of(nd.CallFailed)
            ),
        )

    def approve(
        self, *permissions: str, digits: bool = True, wait: float = 1.5
    ) -> None:
        """Let the customer say yes, and run until the technician has heard it."""
        session = self.customer.session
        assert isinstance(session, CustomerSession)
        now = self.network.now
        if digits:
            assert session.check_digits(self.technician.session.handshake.digits, now)
        session.approve(permissions, (640, 480), now)
        self.customer.node.collect(now)
        self.network.run_for(wait)

    def technician_session(self) -> TechnicianSession:
        """Return the technician's session."""
        session = self.technician.session
        assert isinstance(session, TechnicianSession)
        return session

    def customer_session(self) -> CustomerSession:
        """Return the customer's session."""
        session = self.customer.session
        assert isinstance(session, CustomerSession)
        return session


def _identity(name: str) -> Identity:
    return Identity.generate(lambda count: name.encode().ljust(count, b"."))


IDENTITIES = {name: _identity(name) for name in ("customer", "technician")}
