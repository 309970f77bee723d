"""Client of the rendezvous server: registers, stays registered, calls and is called.

`enrolment` gets a lease and gets it anew; here it is kept alive and used. While a new
one is asked for, the old one is used as long as it lasts. Everything the server says
without a MAC either answers a transaction id of ours or is only a hint.

Message layouts and timers are in docs/protocol/rendezvous.md.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import AuthenticationFailedError, MalformedMessageError
from p2p_remote.traversal.enrolment import Enrolment
from p2p_remote.traversal.registration_events import (
    NO_SERVER,
    RATE_LIMITED,
    TIMED_OUT,
    UNAVAILABLE,
    CallAccepted,
    CallFailed,
    IdTaken,
    Punch,
    Registered,
    RegistrationEvent,
    RegistrationLost,
    Rejoined,
    Rung,
)
from p2p_remote.traversal.requests import (
    CALL_WAITS,
    KEEPALIVE_WAITS,
    REBIND_WAITS,
    REJOIN_WAITS,
    Lease,
    Remembered,
    Request,
    Requests,
    vary,
)
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, Path, RelayPath

UNREACHABLE_AFTER = 5.0  # s from the start without an answer
ACCEPTED_MEMORY = 10.0  # s for which UNAVAILABLE may still follow CALLED


_Handler = Callable[[Any, Any, float], None]  # (registration, message, now)


class Registration:
    """One registration at one server."""

    def __init__(
        self,
        identity: Identity,
        server: Endpoint,
        random: Callable[[int], bytes],
        now: float,
        *,
        listed: bool,
    ) -> None:
        """Begin to register.

        Args:
            identity: our long-term key.
            server: where the server is; datagrams from elsewhere are ignored.
            random: source of random bytes.
            now: s.
            listed: whether we can be called by our ID, or only call.

        """
        self.server = server
        self._identity = identity
        self._random = random
        self._listed = listed
        self._enrolment = Enrolment(identity, server, random, now, listed=listed)
        self._lease: Lease | None = None
        self._requests = Requests()
        self._outbox: list[bytes] = []
        self._events: deque[RegistrationEvent] = deque()
        self._accepted: dict[int, tuple[bytes, float]] = {}
        self._seen = Remembered()
        self._keepalive_at: float | None = None
        self._lost_at: float | None = now + UNREACHABLE_AFTER

    @property
    def is_registered(self) -> bool:
        """Whether the server can reach us, as far as we know."""
        return self._lease is not None

    # What the node wants.

    def call(self, target_id: int, first_message: bytes, now: float) -> int:
        """Call an ID with handshake M1 (119 bytes); returns the number of the call.

        Waits for the registration if there is none yet. Ends in `CallAccepted` or
        `CallFailed`.

        Raises:
            ValueError: `first_message` has another length.

        """
        if len(first_message) != wire.FIRST_MESSAGE_LENGTH:
            raise ValueError(f"M1 has {wire.FIRST_MESSAGE_LENGTH} bytes")
        call = int.from_bytes(self._random(8), "little")

        def build(transaction: bytes, number: int, counter: int) -> wire.Message:
            return wire.Call(
                transaction, number, counter, call, target_id, first_message
            )

        self._ask(("call", call), build, CALL_WAITS, now)
        return call

    def cancel(self, call: int) -> None:
        """Stop a call that the server has not answered yet."""
        self._requests.remove(("call", call))
        self._accepted.pop(call, None)

    def agree(self, path: RelayPath, now: float) -> None:
        """Let the caller at the other end of `path` learn our address."""

        def build(transaction: bytes, number: int, counter: int) -> wire.Message:
            return wire.Agree(transaction, number, counter, path.channel)

        self._ask(("agree", path.channel), build, CALL_WAITS, now)

    def hang_up(self, path: RelayPath, now: float) -> None:
        """Close the relay channel of `path`."""
        self._requests.remove(("agree", path.channel))
        self._tell(wire.HangUp, path.channel)

    def refresh(self, now: float) -> None:
        """Our network has changed: see at once where the server hears us."""
        self._enrolment.hurry(now)
        pending = self._requests.get("keepalive")
        if pending is not None:
            pending.due = now
        elif self._lease is not None:
            self._keepalive_at = now
        self.handle_timer(now)

    def rejoin(self, token: bytes, now: float) -> None:
        """Ask for a channel to whoever else shows this token; see `Rejoined`."""

        def build(transaction: bytes, number: int, counter: int) -> wire.Message:
            return wire.Rejoin(transaction, number, counter, token)

        if self._requests.get(("rejoin", token)) is None:
            self._ask(("rejoin", token), build, REJOIN_WAITS, now)

    def close(self, now: float) -> None:
        """Tell the server that we leave; nothing happens after that."""
        self._tell(wire.Unregister)
        self._enrolment.close()
        self._drop_lease()
        self._requests.clear()
        self._lost_at = None

    # The five verbs.

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram; it counts only if it comes from the server."""
        if path != self.server:
            return
        try:
            message = wire.decode(data)
            handle = self._HANDLERS.get(type(message))
            if handle is None:
                return  # only a client sends these
            if message.AUTHENTICATED and not self._is_authentic(data):
                return
            handle(self, message, now)
        except (MalformedMessageError, AuthenticationFailedError):
            return

    def handle_timer(self, now: float) -> None:
        """Send what is due and give up what has waited too long."""
        if self._lost_at is not None and now >= self._lost_at:
            self._lost_at = None
            self._drop_lease()
            self._events.append(RegistrationLost(TIMED_OUT))
            self._enrolment.enrol(now)
        self._enrolment.handle_timer(now)
        if self._keepalive_at is not None and now >= self._keepalive_at:
            self._keepalive_at = None
            self._ask("keepalive", wire.Keepalive, KEEPALIVE_WAITS, now)
        for request in self._requests.due(now):
            self._advance(request, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain what is to be sent."""
        outbox = self._enrolment.take_datagrams() + self._outbox
        self._outbox = []
        return [(data, self.server) for data in outbox]

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        due = (
            self._enrolment.next_due(),
            self._keepalive_at,
            self._lost_at,
            self._requests.next_due(),
        )
        return min((when for when in due if when is not None), default=None)

    def next_event(self) -> RegistrationEvent | None:
        """Drain one event."""
        return self._events.popleft() if self._events else None

    # Enrolment.

    def _on_challenge(self, message: wire.Challenge, now: float) -> None:
        replaces = self._lease.number if self._lease is not None else 0
        self._enrolment.on_challenge(message, replaces, now)

    def _on_registered(self, message: wire.Registered, now: float) -> None:
        lease = self._enrolment.on_registered(message)
        if lease is None:
            return
        self._lease = lease
        self._requests.remove("keepalive")
        self._requests.remove("rebind")
        self._renew(lease, now)
        self._events.append(Registered(lease.reflexive, self._identity.peer_id))
        self._requests.send_all_now(now)
        self.handle_timer(now)

    def _on_id_taken(self, message: wire.IdTaken, now: float) -> None:
        if self._enrolment.on_id_taken(message):
            self._drop_lease()
            self._lost_at = None
            self._events.append(
                IdTaken(self._identity.peer_id, message.public, message.counter)
            )

    # The lease.

    def _renew(self, lease: Lease, now: float) -> None:
        self._lost_at = now + lease.length
        self._keepalive_at = now + vary(lease.keepalive, self._random)

    def _drop_lease(self) -> None:
        self._lease = None
        self._keepalive_at = None
        self._requests.remove("keepalive")
        self._requests.remove("rebind")

    def _on_keepalive_ack(self, message: wire.KeepaliveAck, now: float) -> None:
        request = self._requests.with_transaction(message.transaction)
        lease = self._lease
        if lease is None or request is None:
            return
        if request.name not in ("keepalive", "rebind"):
            return
        reflexive = wire.unmask_endpoint(message.masked, message.transaction)
        self._requests.remove("keepalive")
        self._requests.remove("rebind")
        self._renew(lease, now)
        if reflexive != lease.reflexive:
            lease.reflexive = reflexive
            self._events.append(Registered(reflexive, self._identity.peer_id))
        if request.name == "rebind":
            self._requests.send_all_now(now)
            self.handle_timer(now)

    def _on_address_challenge(self, message: wire.AddressChallenge, now: float) -> None:
        """The server hears us from a new address, and we prove that it is ours."""
        if self._requests.with_transaction(message.transaction) is None:
            return

        def build(transaction: bytes, number: int, counter: int) -> wire.Message:
            return wire.Rebind(transaction, number, counter, message.cookie)

        self._ask("rebind", build, REBIND_WAITS, now)

    def _on_unknown(self, message: wire.UnknownRegistration, now: float) -> None:
        """Perhaps the server has restarted: ask, but do not believe it yet."""
        if self._requests.with_transaction(message.transaction) is not None:
            self._enrolment.enrol(now)
            self.handle_timer(now)

    # Calls.

    def _on_called(self, message: wire.Called, now: float) -> None:
        request = self._requests.get(("call", message.call))
        if request is None or request.transaction != message.transaction:
            return
        self._requests.remove(request.name)
        self._accepted = {
            call: entry for call, entry in self._accepted.items() if entry[1] > now
        }
        self._accepted[message.call] = (message.transaction, now + ACCEPTED_MEMORY)
        path = RelayPath(self.server, message.channel)
        self._events.append(CallAccepted(message.call, path))

    def _on_unavailable(self, message: wire.Unavailable, now: float) -> None:
        request = self._requests.get(("call", message.call))
        transaction, _ = self._accepted.get(message.call, (b"", 0.0))
        if request is not None:
            transaction = request.transaction
        if transaction != message.transaction:
            return
        self.cancel(message.call)
        reason = RATE_LIMITED if message.retry_after else UNAVAILABLE
        self._events.append(CallFailed(message.call, reason, message.retry_after))

    def _on_ring(self, message: wire.Ring, now: float) -> None:
        if not self._listed:
            return
        self._tell(wire.Rung, message.channel)
        if self._seen.is_new(("ring", message.channel)):
            path = RelayPath(self.server, message.channel)
            self._events.append(Rung(path, message.first_message))

    def _on_punch(self, message: wire.Punch, now: float) -> None:
        endpoint = wire.unmask_endpoint(message.masked, message.transaction)
        self._requests.remove(("agree", message.channel))
        self._tell(wire.Punched, message.channel)
        if self._seen.is_new(("punch", message.channel, endpoint)):
            path = RelayPath(self.server, message.channel)
            self._events.append(Punch(path, (endpoint,)))

    def _on_rejoined(self, message: wire.Rejoined, now: float) -> None:
        request = self._requests.with_transaction(message.transaction)
        if request is None or not isinstance(request.name, tuple):
            return
        endpoint = wire.unmask_endpoint(message.masked, message.transaction)
        self._requests.remove(request.name)
        path = RelayPath(self.server, message.channel)
        self._events.append(Rejoined(request.name[1], path, endpoint))

    # Sending under the lease.

    def _ask(
        self,
        name: object,
        build: Callable[[bytes, int, int], wire.Message],
        waits: tuple[float, ...],
        now: float,
    ) -> None:
        """Send something until it is answered, from now or as soon as there is a lease.

        `build(transaction, registration, counter)` makes the message of each try.
        """
        transaction = self._random(wire.TRANSACTION_LENGTH)
        request = Request(name, transaction, build, waits, now)
        self._requests.add(request)
        self._advance(request, now)

    def _advance(self, request: Request, now: float) -> None:
        if now >= request.expires_at:
            self._requests.remove(request.name)
            self._on_unanswered(request, now)
        elif self._lease is None:
            request.wait_for_lease()
        else:
            self._send(
                lambda number, counter: request.build(
                    request.transaction, number, counter
                )
            )
            request.wait_for_next(now)

    def _on_unanswered(self, request: Request, now: float) -> None:
        if request.name == "keepalive":
            self._enrolment.enrol(now)
        elif isinstance(request.name, tuple) and request.name[0] == "call":
            self._events.append(CallFailed(request.name[1], NO_SERVER))

    def _tell(self, kind: Callable[..., wire.Message], *fields: int) -> None:
        """Send something once, if there is a lease."""
        transaction = self._random(wire.TRANSACTION_LENGTH)
        self._send(lambda number, counter: kind(transaction, number, counter, *fields))

    def _send(self, build: Callable[[int, int], wire.Message]) -> None:
        if self._lease is not None:
            self._outbox.append(self._lease.datagram(build))

    def _is_authentic(self, data: bytes) -> bool:
        return self._lease is not None and self._lease.is_authentic(data)

    _HANDLERS: ClassVar[dict[type[wire.Message], _Handler]] = {
        wire.Challenge: _on_challenge,
        wire.Registered: _on_registered,
        wire.IdTaken: _on_id_taken,
        wire.KeepaliveAck: _on_keepalive_ack,
        wire.AddressChallenge: _on_address_challenge,
        wire.UnknownRegistration: _on_unknown,
        wire.Called: _on_called,
        wire.Unavailable: _on_unavailable,
        wire.Ring: _on_ring,
        wire.Punch: _on_punch,
        wire.Rejoined: _on_rejoined,
    }
