"""A rendezvous server on the simulated network, and clients with quick identities."""

import random as pseudo_random
from collections.abc import Callable
from typing import Any, TypeVar

from p2p_remote.crypto import primitives
from p2p_remote.crypto.identity import Identity
from p2p_remote.traversal.registration import Registration
from p2p_remote.traversal.registration_events import Rung
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.constants import ID_MINIMUM
from p2p_remote.wire.first_byte import RELAYED
from rendezvous.addresses import endpoint_of, pack
from rendezvous.enrolment import DerivationRequested
from rendezvous.protocol import Protocol
from rendezvous.registry import Claims, MemoryClaims
from rendezvous.settings import Settings
from tests.support.network import Line, Network, Socket

SERVER = Endpoint("192.0.2.1", 3479)
FIRST_MESSAGE = bytes(range(119))


def quick_identity(name: str, peer_id: int | None = None) -> Identity:
    """Identity with an ID that follows from nothing: it takes no Argon2.

    The same name gives the same key; `peer_id` None gives an ID of its own.
    """
    source = pseudo_random.Random(name)
    secret = source.randbytes(32)
    number = source.randrange(ID_MINIMUM, 10 * ID_MINIMUM)
    public = primitives.ed25519_public(secret)
    return Identity(secret, public, 0, number if peer_id is None else peer_id)


def never_derives(public: bytes, counter: int) -> int:
    """Stands for the derivation of IDs where no ID shall be in dispute."""
    raise AssertionError("no ID was to be in dispute")


class ServerMachine:
    """`rendezvous.protocol.Protocol` with the paths of the simulated network.

    `derive(public, counter)` stands for the slow derivation of IDs; `derived` counts
    how often it was asked for.
    """

    def __init__(
        self,
        random: Callable[[int], bytes],
        settings: Settings | None = None,
        claims: Claims | None = None,
        derive: Callable[[bytes, int], int] = never_derives,
    ) -> None:
        self.claims = claims if claims is not None else MemoryClaims()
        self.protocol = Protocol(settings or Settings(), self.claims, random)
        self.derive = derive
        self.derived = 0

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram; the network has taken the header of a relayed one off."""
        if isinstance(path, RelayPath):
            data = bytes((RELAYED,)) + path.channel.to_bytes(4, "little") + data
            path = path.server
        self.protocol.receive_datagram(data, pack(path, 0), now)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self.protocol.handle_timer(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain what is to be sent."""
        return [
            (data, endpoint_of(address))
            for data, address in self.protocol.datagrams_to_send(now)
        ]

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        return self.protocol.next_timer()

    def next_event(self) -> None:
        """Answer the events of the machine at once."""
        while (event := self.protocol.next_event()) is not None:
            assert isinstance(event, DerivationRequested)
            self.derived += 1
            derived = self.derive(event.public, event.counter)
            self.protocol.derivation_checked(event, holds=derived == event.peer_id)


class RendezvousNetwork(Network):
    """A network with a server at `SERVER`, 15 ms away from every client."""

    def __init__(
        self,
        seed: int = 1,
        *,
        loss: float = 0.0,
        settings: Settings | None = None,
        claims: Claims | None = None,
        derive: Callable[[bytes, int], int] = never_derives,
    ) -> None:
        super().__init__(seed)
        self._loss = loss
        self._settings = settings
        self._derive = derive
        self._restarts = 0
        self.server_host = self.host(SERVER.host)
        self.server: ServerMachine
        self.server_socket: Socket
        self.start_server(claims)

    def start_server(self, claims: Claims | None = None) -> None:
        """Start the server, or a new one in the place of one that was stopped."""
        self._restarts += 1
        self.server = ServerMachine(
            self.random(f"server {self._restarts}"),
            self._settings,
            claims,
            self._derive,
        )
        self.server_socket = self.server_host.open(SERVER.port, self.server)

    def stop_server(self) -> None:
        """Let the server's process end without a word."""
        self.server_host.close(self.server_socket)

    def client(
        self, identity: Identity, address: str, *, listed: bool = True, port: int = 5000
    ) -> Socket:
        """Start a client; its machine is a `Registration`."""
        host = self.host(
            address,
            up=Line(delay=0.015, loss=self._loss),
            down=Line(delay=0.015, loss=self._loss),
        )
        name = f"{identity.public.hex()} {address} {port}"
        registration = Registration(
            identity, SERVER, self.random(name), self.now, listed=listed
        )
        return host.open(port, registration)

    def settle(self, *sockets: Socket, limit: float = 30.0) -> None:
        """Run until all these clients are registered."""
        end = self.now + limit
        self.run(end, while_=lambda: not all(s.machine.is_registered for s in sockets))
        assert all(socket.machine.is_registered for socket in sockets)


CALLEE = quick_identity("callee")
CALLER = quick_identity("caller")
CALLEE_HOST = "203.0.113.2"
CALLER_HOST = "198.51.100.1"
UNKNOWN_ID = 999_999_999

E = TypeVar("E")


def events_of(socket: Socket, kind: type[E]) -> list[E]:
    """Events of one kind that a client has reported."""
    return [event for event in socket.events if isinstance(event, kind)]


def sent_types(socket: Socket) -> list[int]:
    """Record the first bytes of what goes out of a socket from now on."""
    sent: list[int] = []
    original = socket.send

    def send(data: bytes, path: Path, **options: Any) -> None:
        sent.append(data[0])
        original(data, path, **options)

    setattr(socket, "send", send)  # noqa: B010 - an instance's own method
    return sent


def registered_pair(network: RendezvousNetwork) -> tuple[Socket, Socket]:
    """A registered caller and callee."""
    callee = network.client(CALLEE, CALLEE_HOST)
    caller = network.client(CALLER, CALLER_HOST, listed=False)
    network.settle(caller, callee, limit=120)
    return caller, callee


def called_pair(network: RendezvousNetwork) -> tuple[Socket, Socket, RelayPath]:
    """A pair with a channel between them."""
    caller, callee = registered_pair(network)
    caller.machine.call(CALLEE.peer_id, FIRST_MESSAGE, network.now)
    network.run_for(1)
    (rung,) = events_of(callee, Rung)
    return caller, callee, rung.path
