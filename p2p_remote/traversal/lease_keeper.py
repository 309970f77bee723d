"""A lease at the rendezvous server: got, kept alive and used, by the best way there is.

`enrolment` gets a lease and gets it anew; here it is kept. While a new one is asked
for, the old one is used as long as it lasts. Everything the server says without a MAC
either answers a transaction id of ours or is only a hint.

By a way that is not the best one, better ones are asked again and again by a KEEPALIVE.
When the server answers there that our address is a new one, the lease moves: whatever
is sent from then on follows the REBIND by the better way. A KEEPALIVE that was not
answered goes by all ways in the same manner: the network may have begun to block one.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from p2p_remote.crypto.identity import Identity
from p2p_remote.traversal.carriers import Carriers
from p2p_remote.traversal.enrolment import Enrolment
from p2p_remote.traversal.registration_events import (
    TIMED_OUT,
    IdTaken,
    Registered,
    RegistrationEvent,
    RegistrationLost,
)
from p2p_remote.traversal.requests import (
    BETTER_WAITS,
    HURRIED_WAITS,
    KEEPALIVE_WAITS,
    REBIND_WAITS,
    Lease,
    Request,
    Requests,
    vary,
)
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, Path

UNREACHABLE_AFTER = 5.0  # s from the start without an answer
WIDEN_AFTER = 0.2  # s from the first KEEPALIVE until one goes by all bare ways
HINT_SPACING = 1.0  # s between hints of the server that make us register anew
BETTER_INTERVAL = 30.0  # s between looks whether a better way works

Handler = Callable[[Any, Any, Endpoint, float], None]
"""(registration, message, way that it came by, now)."""


class LeaseKeeper:
    """The part of a `Registration` that does not know what it is for."""

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
        """Begin to register; arguments as those of `Registration`."""
        self.server = server
        self.carriers = carriers or Carriers([(server,)])
        self._identity = identity
        self._random = random
        self._listed = listed
        self._enrolment = self._enrolment_at(now)
        self._lease: Lease | None = None
        self._requests = Requests()
        self._outbox: list[tuple[bytes, Path]] = []
        self._events: deque[RegistrationEvent] = deque()
        self._keepalive_at: float | None = None
        self._better_at: float | None = None
        self._challenge: tuple[Endpoint, bytes] | None = None  # that REBIND answers
        self._lost_at: float | None = now + UNREACHABLE_AFTER
        self._hinted_at = now - HINT_SPACING

    def _enrolment_at(self, now: float) -> Enrolment:
        ways = self.carriers.ways(self.server)
        return Enrolment(self._identity, ways, self._random, now, listed=self._listed)

    @property
    def is_registered(self) -> bool:
        """Whether the server can reach us, as far as we know."""
        return self._lease is not None

    @property
    def carrier(self) -> Endpoint:
        """Way to the server that is in use."""
        return self.carriers.current(self.server)

    def refresh(self, now: float) -> None:
        """Our network has changed: see at once where the server hears us."""
        self._enrolment.hurry(now)
        pending = self._requests.get("keepalive")
        if pending is not None and pending.waits is HURRIED_WAITS:
            pending.hurry(now)
        elif self._lease is not None:
            self._keepalive_at = None
            self._ask("keepalive", wire.Keepalive, HURRIED_WAITS, now)
        if self._better_at is not None:
            self._better_at = now
        self.handle_timer(now)

    def close(self, now: float) -> None:
        """Tell the server that we leave; nothing happens after that."""
        self._tell(wire.Unregister)
        self._enrolment.close()
        self._drop_lease()
        self._requests.clear()
        self._lost_at = None

    # The verbs, but for `receive_datagram`.

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
        if self._better_at is not None and now >= self._better_at:
            self._better_at = now + vary(BETTER_INTERVAL, self._random)
            better = self.carriers.better(self.server)
            self._ask("better", wire.Keepalive, BETTER_WAITS, now, better)
        for request in self._requests.due(now):
            self._advance(request, now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Path]]:
        """Drain what is to be sent."""
        outbox = self._enrolment.take_datagrams() + self._outbox
        self._outbox = []
        return outbox

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        due = (
            self._enrolment.next_due(),
            self._keepalive_at,
            self._better_at,
            self._lost_at,
            self._requests.next_due(),
        )
        return min((when for when in due if when is not None), default=None)

    def next_event(self) -> RegistrationEvent | None:
        """Drain one event."""
        return self._events.popleft() if self._events else None

    # Enrolment.

    def _on_challenge(self, message: wire.Challenge, way: Endpoint, now: float) -> None:
        replaces = self._lease.number if self._lease is not None else 0
        self._enrolment.on_challenge(message, way, replaces, now)

    def _on_registered(
        self, message: wire.Registered, way: Endpoint, now: float
    ) -> None:
        lease = self._enrolment.on_registered(message, now)
        if lease is None:
            return
        self._lease = lease
        for name in ("keepalive", "rebind", "better"):
            self._requests.remove(name)
        self._use(self._enrolment.way, now)
        if self._enrolment.better_way_answers and self._better_at is not None:
            self._better_at = now
        self._renew(lease, now)
        self._report(lease)
        self._requests.send_all_now(now)
        self.handle_timer(now)

    def _on_id_taken(self, message: wire.IdTaken, way: Endpoint, now: float) -> None:
        if self._enrolment.on_id_taken(message):
            self._drop_lease()
            self._lost_at = None
            self._events.append(
                IdTaken(self._identity.peer_id, message.public, message.counter)
            )

    # The lease.

    def _use(self, way: Endpoint, now: float) -> bool:
        """Use this way to the server; whether it was another one before."""
        changed = self.carriers.use(way)
        better = self.carriers.better(self.server)
        if not better:
            self._better_at = None
        elif changed or self._better_at is None:
            self._better_at = now + vary(BETTER_INTERVAL, self._random)
        return changed

    def _report(self, lease: Lease) -> None:
        lease.reported = (lease.reflexive, self.carrier)
        peer_id = self._identity.peer_id
        self._events.append(Registered(lease.reflexive, peer_id, self.carrier))

    def _renew(self, lease: Lease, now: float) -> None:
        self._lost_at = now + lease.length
        self._keepalive_at = now + vary(lease.keepalive, self._random)

    def _drop_lease(self) -> None:
        self._lease = None
        self._keepalive_at = self._better_at = None
        for name in ("keepalive", "rebind", "better"):
            self._requests.remove(name)

    def _on_keepalive_ack(
        self, message: wire.KeepaliveAck, way: Endpoint, now: float
    ) -> None:
        request = self._requests.with_transaction(message.transaction)
        lease = self._lease
        if lease is None or request is None:
            return
        if request.name not in ("keepalive", "rebind"):
            return
        if request.name == "keepalive" and self._requests.get("rebind") is not None:
            return  # the server had not heard yet that the lease moves
        self._use(way, now)
        lease.reflexive = wire.unmask_endpoint(message.masked, message.transaction)
        self._requests.remove("keepalive")
        self._requests.remove("rebind")
        self._renew(lease, now)
        if lease.reported != (lease.reflexive, self.carrier):
            self._report(lease)
        if request.name == "rebind":
            self._requests.send_all_now(now)
            self.handle_timer(now)

    def _on_address_challenge(
        self, message: wire.AddressChallenge, way: Endpoint, now: float
    ) -> None:
        """The server hears us from a new address, and we prove that it is ours.

        What went by all ways is challenged on each of them. The lease moves once, by
        the best of them, or what we send would come from another address than it has.
        """
        request = self._requests.with_transaction(message.transaction)
        if request is None or (way != self.carrier and way not in request.paths):
            return
        challenge = (way, message.cookie)
        if self._requests.get("rebind") is not None and (
            challenge == self._challenge
            or self.carriers.is_worse(self.server, way, self.carrier)
        ):
            return
        self._challenge = challenge
        self._requests.remove("better")
        self._use(way, now)

        def build(transaction: bytes, number: int, counter: int) -> wire.Message:
            return wire.Rebind(transaction, number, counter, message.cookie)

        self._ask("rebind", build, REBIND_WAITS, now)

    def _on_unknown(
        self, message: wire.UnknownRegistration, way: Endpoint, now: float
    ) -> None:
        """Perhaps the server has restarted: ask, but do not believe it yet.

        Nor again and again: what waits is sent as soon as we are registered.
        """
        is_answer = self._requests.with_transaction(message.transaction) is not None
        if is_answer and now >= self._hinted_at + HINT_SPACING:
            self._hinted_at = now
            self._enrolment.enrol(now)
            self.handle_timer(now)

    # Sending under the lease.

    def _ask(
        self,
        name: object,
        build: Callable[[bytes, int, int], wire.Message],
        waits: tuple[float, ...],
        now: float,
        paths: tuple[Path, ...] = (),
    ) -> None:
        """Send something until it is answered, from now or as soon as there is a lease.

        `build(transaction, registration, counter)` makes the message of each try.
        """
        transaction = self._random(wire.TRANSACTION_LENGTH)
        request = Request(name, transaction, build, waits, now, paths)
        self._requests.add(request)
        self._advance(request, now)

    def _advance(self, request: Request, now: float) -> None:
        if now >= request.expires_at:
            self._requests.remove(request.name)
            self._on_unanswered(request, now)
        elif self._lease is None:
            request.wait_for_lease()
        else:
            if request.name == "keepalive" and now >= request.began_at + WIDEN_AFTER:
                find = self.carriers.ways if request.paths else self.carriers.bare
                request.paths = find(self.server)
            self._send(
                lambda number, counter: request.build(
                    request.transaction, number, counter
                ),
                request.paths,
            )
            request.wait_for_next(now)

    def _on_unanswered(self, request: Request, now: float) -> None:
        if request.name == "keepalive":
            self._enrolment.enrol(now)

    def _tell(
        self,
        kind: Callable[..., wire.Message],
        *fields: int,
        transaction: bytes | None = None,
    ) -> None:
        """Send something once, if there is a lease; under a transaction it answers."""
        transaction = transaction or self._random(wire.TRANSACTION_LENGTH)
        self._send(lambda number, counter: kind(transaction, number, counter, *fields))

    def _send(
        self,
        build: Callable[[int, int], wire.Message],
        paths: tuple[Path, ...] = (),
    ) -> None:
        if self._lease is not None:
            for path in paths or (self.carrier,):
                self._outbox.append((self._lease.datagram(build), path))

    def _is_authentic(self, data: bytes) -> bool:
        return self._lease is not None and self._lease.is_authentic(data)

    HANDLERS: ClassVar[dict[type[wire.Message], Handler]] = {
        wire.Challenge: _on_challenge,
        wire.Registered: _on_registered,
        wire.IdTaken: _on_id_taken,
        wire.KeepaliveAck: _on_keepalive_ack,
        wire.AddressChallenge: _on_address_challenge,
        wire.UnknownRegistration: _on_unknown,
    }
