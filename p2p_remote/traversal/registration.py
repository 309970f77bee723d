"""Client of the rendezvous server: registers, stays registered, calls and is called.

Message layouts and timers are in docs/protocol/rendezvous.md.
"""

from collections.abc import Callable
from typing import ClassVar

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import AuthenticationFailedError, MalformedMessageError
from p2p_remote.traversal.carriers import Carriers
from p2p_remote.traversal.lease_keeper import (
    BETTER_INTERVAL,
    UNREACHABLE_AFTER,
    Handler,
    LeaseKeeper,
)
from p2p_remote.traversal.registration_events import (
    NO_SERVER,
    RATE_LIMITED,
    UNAVAILABLE,
    CallAccepted,
    CallFailed,
    Punch,
    Rejoined,
    Rung,
)
from p2p_remote.traversal.requests import (
    CALL_WAITS,
    REJOIN_WAITS,
    Remembered,
    Request,
)
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, Path, RelayPath

__all__ = ["BETTER_INTERVAL", "UNREACHABLE_AFTER", "Registration"]

ACCEPTED_MEMORY = 10.0  # s for which UNAVAILABLE may still follow CALLED


class Registration(LeaseKeeper):
    """One registration at one server."""

    def __init__(
        self,
        identity: Identity,
        server: Endpoint,
        random: Callable[[int], bytes],
        now: float,
        *,
        listed: bool,
        carriers: Carriers | None = None,
    ) -> None:
        """Begin to register.

        Args:
            identity: our long-term key.
            server: where the server is; datagrams from elsewhere are ignored.
            random: source of random bytes.
            now: s.
            listed: whether we can be called by our ID, or only call.
            carriers: other ways to the server, if there are any.

        """
        super().__init__(
            identity, server, random, now, listed=listed, carriers=carriers
        )
        self._accepted: dict[int, tuple[bytes, float]] = {}
        self._seen = Remembered()

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

    def rejoin(self, token: bytes, now: float) -> None:
        """Ask for a channel to whoever else shows this token; see `Rejoined`."""

        def build(transaction: bytes, number: int, counter: int) -> wire.Message:
            return wire.Rejoin(transaction, number, counter, token)

        if self._requests.get(("rejoin", token)) is None:
            self._ask(("rejoin", token), build, REJOIN_WAITS, now)

    # The five verbs.

    def receive_datagram(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram; it counts only if it comes from the server."""
        if not isinstance(path, Endpoint):
            return
        if self.carriers.server_of(path) != self.server:
            return
        try:
            message = wire.decode(data)
            handle = self.HANDLERS.get(type(message))
            if handle is None:
                return  # only a client sends these
            if message.AUTHENTICATED and not self._is_authentic(data):
                return
            handle(self, message, path, now)
        except (MalformedMessageError, AuthenticationFailedError):
            return

    # Calls.

    def _on_called(self, message: wire.Called, way: Endpoint, now: float) -> None:
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

    def _on_unavailable(
        self, message: wire.Unavailable, way: Endpoint, now: float
    ) -> None:
        request = self._requests.get(("call", message.call))
        transaction, _ = self._accepted.get(message.call, (b"", 0.0))
        if request is not None:
            transaction = request.transaction
        if transaction != message.transaction:
            return
        self.cancel(message.call)
        reason = RATE_LIMITED if message.retry_after else UNAVAILABLE
        self._events.append(CallFailed(message.call, reason, message.retry_after))

    def _on_ring(self, message: wire.Ring, way: Endpoint, now: float) -> None:
        if not self._listed:
            return
        self._tell(wire.Rung, message.channel)
        if self._seen.is_new(("ring", message.channel)):
            path = RelayPath(self.server, message.channel)
            self._events.append(Rung(path, message.first_message))

    def _on_punch(self, message: wire.Punch, way: Endpoint, now: float) -> None:
        endpoint = wire.unmask_endpoint(message.masked, message.transaction)
        self._requests.remove(("agree", message.channel))
        self._tell(wire.Punched, message.channel, transaction=message.transaction)
        if self._seen.is_new(("punch", message.channel, message.transaction)):
            path = RelayPath(self.server, message.channel)
            self._events.append(Punch(path, (endpoint,)))

    def _on_rejoined(self, message: wire.Rejoined, way: Endpoint, now: float) -> None:
        request = self._requests.with_transaction(message.transaction)
        if request is None or not isinstance(request.name, tuple):
            return
        endpoint = wire.unmask_endpoint(message.masked, message.transaction)
        self._requests.remove(request.name)
        path = RelayPath(self.server, message.channel)
        self._events.append(Rejoined(request.name[1], path, endpoint))

    def _on_unanswered(self, request: Request, now: float) -> None:
        super()._on_unanswered(request, now)
        if isinstance(request.name, tuple) and request.name[0] == "call":
            self._events.append(CallFailed(request.name[1], NO_SERVER))

    HANDLERS: ClassVar[dict[type[wire.Message], Handler]] = {
        **LeaseKeeper.HANDLERS,
        wire.Called: _on_called,
        wire.Unavailable: _on_unavailable,
        wire.Ring: _on_ring,
        wire.Punch: _on_punch,
        wire.Rejoined: _on_rejoined,
    }
