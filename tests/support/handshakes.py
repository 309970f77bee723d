"""Two ends of a handshake for tests: fixed randomness, identities without Argon2."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from p2p_remote.crypto import primitives
from p2p_remote.crypto.handshake import (
    CallerVerified,
    CallOptions,
    HandshakeComplete,
    HandshakeResult,
    Initiator,
    Responder,
    ResponderOptions,
)
from p2p_remote.crypto.identity import Identity
from p2p_remote.wire.address import Endpoint, Path, RelayPath

TARGET_ID = 482_913_070
CALLER_ID = 311_200_456
SERVER = Endpoint("192.0.2.1", 3479)
RELAY = RelayPath(SERVER, 7)
CALLER_ENDPOINT = Endpoint("198.51.100.5", 4000)
CALLED_ENDPOINT = Endpoint("203.0.113.9", 4001)


def seeded(seed: str) -> Callable[[int], bytes]:
    """Repeatable source of bytes: SHAKE-256 of the seed, read on from call to call."""
    position = 0

    def random(count: int) -> bytes:
        nonlocal position
        stream = hashlib.shake_256(seed.encode()).digest(position + count)
        position += count
        return stream[-count:]

    return random


def identity_of(seed: str, peer_id: int) -> Identity:
    """Identity with a fixed key and a given ID, which does not follow from the key."""
    secret = hashlib.sha256(seed.encode()).digest()
    return Identity(secret, primitives.ed25519_public(secret), 0, peer_id)


CALLER = identity_of("caller", CALLER_ID)
CALLED = identity_of("called", TARGET_ID)


@dataclass
class Pair:
    """An initiator and a responder, with what they have reported."""

    initiator: Initiator
    responder: Responder
    now: float = 0.0
    initiator_events: list[object] = field(default_factory=list)
    responder_events: list[object] = field(default_factory=list)

    def from_initiator(self) -> list[tuple[bytes, Path]]:
        """Drain the initiator."""
        return self.initiator.datagrams_to_send(self.now)

    def from_responder(self) -> list[tuple[bytes, Path]]:
        """Drain the responder."""
        return self.responder.datagrams_to_send(self.now)

    def to_initiator(self, data: bytes, path: Path) -> None:
        """Hand a datagram to the initiator."""
        self.initiator.receive_datagram(data, path, self.now)
        self._collect()

    def to_responder(self, data: bytes, path: Path) -> None:
        """Hand a datagram to the responder."""
        self.responder.receive_datagram(data, path, self.now)
        self._collect()

    def wait(self, seconds: float) -> None:
        """Let time pass and both handle their timers."""
        self.now += seconds
        self.initiator.handle_timer(self.now)
        self.responder.handle_timer(self.now)
        self._collect()

    def exchange(self) -> None:
        """Carry datagrams both ways until neither has one, without loss."""
        while True:
            forward, backward = self.from_initiator(), self.from_responder()
            for data, path in forward:
                self.to_responder(data, path)
            for data, path in backward:
                self.to_initiator(data, path)
            if not forward and not backward:
                return

    def release(self) -> None:
        """Release the caller that was verified last."""
        self.responder.release(self.verified().handle, self.now)
        self._collect()

    def verified(self) -> CallerVerified:
        """Return the last CallerVerified."""
        events = [e for e in self.responder_events if isinstance(e, CallerVerified)]
        return events[-1]

    def results(self) -> tuple[HandshakeResult, HandshakeResult]:
        """Return the results of initiator and responder."""
        left, right = (
            [e.result for e in events if isinstance(e, HandshakeComplete)]
            for events in (self.initiator_events, self.responder_events)
        )
        return left[-1], right[-1]

    def _collect(self) -> None:
        while (event := self.initiator.next_event()) is not None:
            self.initiator_events.append(event)
        while (reported := self.responder.next_event()) is not None:
            self.responder_events.append(reported)


def make_responder(
    options: ResponderOptions | None = None,
    *,
    password: bytes = b"",
    seed: str = "responder",
) -> Responder:
    """Responder of `CALLED` that listens for `TARGET_ID`."""
    options = options or ResponderOptions(name="Customer", capabilities=5)
    responder = Responder(CALLED, seeded(seed), 0.0, options)
    responder.listen(TARGET_ID, password=password)
    return responder


def make_initiator(
    options: CallOptions | None = None,
    *,
    password: bytes = b"",
    path: Path | None = RELAY,
    seed: str = "initiator",
) -> Initiator:
    """Initiator of `CALLER` that calls `TARGET_ID` on `path`."""
    options = options or CallOptions(name="Technician", wanted=3)
    options = replace(options, password=password or options.password)
    initiator = Initiator(CALLER, TARGET_ID, seeded(seed), 0.0, options)
    if path is not None:
        initiator.add_path(path, padded=not isinstance(path, RelayPath))
    return initiator


def make_pair(*, password: bytes = b"", path: Path = RELAY) -> Pair:
    """Return both ends with the same password, before anything was sent."""
    return Pair(
        make_initiator(password=password, path=path), make_responder(password=password)
    )


def everybody(_public: bytes) -> bool:
    """Whoever it is: known."""
    return True


def call(responder: Responder, number: int, path: Path, now: float = 0.0) -> list[int]:
    """Send a new M1 on `path`; return the types of the answers."""
    initiator = make_initiator(path=path, seed=f"caller {number}")
    for data, where in initiator.datagrams_to_send(now):
        responder.receive_datagram(data, where, now)
    return [data[0] for data, _ in responder.datagrams_to_send(now)]


def ringing(options: ResponderOptions | None = None, *, password: bytes = b"") -> Pair:
    """Pair whose caller is verified and waits."""
    pair = Pair(make_initiator(), make_responder(options, password=password))
    pair.initiator = make_initiator(password=password)
    pair.exchange()
    pair.verified()
    return pair


def attempt(
    responder: Responder, number: int, now: float, *, password: bytes = b""
) -> list[object]:
    """Run a call with any password up to M3 and M5; return all events."""
    initiator = make_initiator(password=password, seed=f"attempt {number}")
    pair = Pair(initiator, responder, now)
    pair.exchange()
    return pair.responder_events + pair.initiator_events


def rang(events: list[object]) -> bool:
    """Whether a caller was verified."""
    return any(isinstance(event, CallerVerified) for event in events)
