"""A rendezvous client without any manners, for what a proper one would never do."""

import random as pseudo_random
from dataclasses import dataclass, field
from typing import TypeVar

from p2p_remote.crypto import primitives
from p2p_remote.crypto.identity import Identity
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, pack_endpoint
from rendezvous.addresses import Address, pack
from rendezvous.authentication import authenticated
from rendezvous.protocol import Protocol
from rendezvous.registry import Claims, MemoryClaims
from rendezvous.settings import Settings
from tests.support.rendezvous import FIRST_MESSAGE, SERVER, quick_identity

M = TypeVar("M", bound=wire.Message)


def address(host: str, port: int = 5000) -> Address:
    """Address of a sender at listening socket 0."""
    return pack(Endpoint(host, port), 0)


class Bench:
    """A server machine alone, with a time that a test sets."""

    def __init__(
        self, settings: Settings | None = None, claims: Claims | None = None
    ) -> None:
        self.now = 1000.0
        self.random = pseudo_random.Random(7).randbytes
        self.protocol = Protocol(
            settings or Settings(),
            claims if claims is not None else MemoryClaims(),
            self.random,
        )

    def send(self, data: bytes, source: Address) -> list[tuple[bytes, Address]]:
        """Hand a datagram over and return what the server sends because of it."""
        self.protocol.receive_datagram(data, source, self.now)
        return self.protocol.datagrams_to_send(self.now)

    def wait(self, seconds: float) -> list[tuple[bytes, Address]]:
        """Let time pass and return what the server sends meanwhile."""
        end = self.now + seconds
        sent: list[tuple[bytes, Address]] = []
        while (due := self.protocol.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            self.protocol.handle_timer(self.now)
            sent += self.protocol.datagrams_to_send(self.now)
        self.now = end
        return sent

    def state_size(self) -> int:
        """How many things the server remembers."""
        protocol = self.protocol
        return (
            len(protocol.registry)
            + len(protocol.introductions)
            + len(protocol.introductions.relay)
        )


@dataclass
class RawClient:
    """A client at `bench`; it sends what it is told, from wherever it is told."""

    bench: Bench
    identity: Identity
    home: Address
    key: bytes = b""
    number: int = 0
    counter: int = 0
    received: list[bytes] = field(default_factory=list)

    def hello(self, source: Address | None = None) -> wire.Challenge | None:
        """Ask for a cookie."""
        message = wire.Hello(self.bench.random(8), self.identity.public)
        return self._answer(message.encode(), source, wire.Challenge)

    def register_datagram(
        self,
        cookie: bytes,
        *,
        listed: bool = True,
        replaces: int = 0,
        server: Endpoint = SERVER,
    ) -> bytes:
        """Signed REGISTER with `cookie`."""
        unsigned = wire.Register(
            self.bench.random(8),
            cookie,
            self.identity.public,
            self.identity.counter,
            self.identity.peer_id,
            wire.FLAG_LISTED if listed else 0,
            replaces,
            pack_endpoint(server),
            bytes(64),
        )
        signature = self.identity.sign(unsigned.signed_part())
        return unsigned.encode()[:-64] + signature

    def register(self, *, listed: bool = True, replaces: int = 0) -> bool:
        """Go through HELLO and REGISTER; whether that has worked."""
        challenge = self.hello()
        if challenge is None:
            return False
        data = self.register_datagram(
            challenge.cookie, listed=listed, replaces=replaces
        )
        return self.send_register(data)

    def send_register(self, data: bytes) -> bool:
        """Send a REGISTER; whether that has worked."""
        registered = self._answer(data, None, wire.Registered)
        if registered is None:
            return False
        self.number = registered.registration
        self.key = primitives.sealed_box_open(
            self.identity.secret, registered.sealed_key
        )
        self.counter = 0
        return True

    def datagram(self, kind: type[wire.Message], *fields: object) -> bytes:
        """Authenticated message with the next counter."""
        self.counter += 1
        build: type = kind
        message: wire.Message = build(
            self.bench.random(8), self.number, self.counter, *fields
        )
        return authenticated(message, self.key)

    def acknowledge(self, sent: list[tuple[bytes, Address]]) -> None:
        """Send PUNCHED for each PUNCH to this client among what the server `sent`."""
        for punch, to in of_kind(sent, wire.Punch):
            if to == self.home:
                self.counter += 1
                message = wire.Punched(
                    punch.transaction, self.number, self.counter, punch.channel
                )
                self.send(authenticated(message, self.key))

    def send(
        self, data: bytes, source: Address | None = None
    ) -> list[tuple[bytes, Address]]:
        """Send raw bytes; what the server sends to whomever."""
        return self.bench.send(data, source or self.home)

    def call(
        self, target_id: int, call: int = 1, first_message: bytes = FIRST_MESSAGE
    ) -> list[tuple[bytes, Address]]:
        """CALL; what the server sends to whomever."""
        return self.send(self.datagram(wire.Call, call, target_id, first_message))

    def keepalive(self, source: Address | None = None) -> wire.Message | None:
        """KEEPALIVE; the answer, None for silence."""
        sent = self.send(self.datagram(wire.Keepalive), source)
        return wire.decode(sent[0][0]) if sent else None

    def _answer(self, data: bytes, source: Address | None, kind: type[M]) -> M | None:
        for answer, target in self.send(data, source):
            assert target == (source or self.home)
            message = wire.decode(answer)
            if isinstance(message, kind):
                return message
            self.received.append(answer)
        return None


def raw_client(
    bench: Bench, name: str, host: str, *, port: int = 5000, peer_id: int | None = None
) -> RawClient:
    """Client with the key of `name`, not registered yet."""
    return RawClient(bench, quick_identity(name, peer_id), address(host, port))


def ring_of(sent: list[tuple[bytes, Address]]) -> tuple[wire.Ring, Address]:
    """The one RING among what was sent."""
    rings = [(m, a) for m, a in decoded(sent) if isinstance(m, wire.Ring)]
    assert len(rings) == 1
    return rings[0]


def decoded(
    sent: list[tuple[bytes, Address]],
) -> list[tuple[wire.Message, Address]]:
    """What was sent, as messages."""
    return [(wire.decode(data), target) for data, target in sent]


def raw_pair(bench: Bench) -> tuple[RawClient, RawClient]:
    """A registered caller and callee."""
    caller = raw_client(bench, "caller", "198.51.100.1")
    callee = raw_client(bench, "callee", "203.0.113.2")
    assert caller.register(listed=False)
    assert callee.register()
    return caller, callee


def of_kind(
    sent: list[tuple[bytes, Address]], kind: type[M]
) -> list[tuple[M, Address]]:
    """Messages of one kind among what was sent, with their targets."""
    return [(m, a) for m, a in decoded(sent) if isinstance(m, kind)]
