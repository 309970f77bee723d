"""The server as a pure machine: datagrams in, datagrams out.

It speaks the five verbs of docs/architecture.md with `rendezvous.addresses.Address` as
its path. Whatever is unknown, malformed or unproven gets silence, and no answer to an
unproven address is larger than its question (docs/protocol/rendezvous.md).
"""

from collections import deque
from collections.abc import Callable

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.constants import PROTOCOL_VERSION
from p2p_remote.wire.first_byte import RELAYED
from p2p_remote.wire.where import WHERE
from rendezvous import fleet_messages
from rendezvous.addresses import Address, endpoint_bytes, prefix_of
from rendezvous.authentication import is_authentic
from rendezvous.cookies import Cookies
from rendezvous.counters import Counters, Drop
from rendezvous.enrolment import DerivationRequested, Enrolment
from rendezvous.fleet import (
    Fleet,
    FleetClaims,
    FleetRequest,
    Listed,
    Location,
    Unlisted,
)
from rendezvous.fleet_introductions import FleetIntroductions
from rendezvous.introductions import Introductions
from rendezvous.keepalives import KEEPALIVE_BYTE, Keepalives
from rendezvous.rate_limit import PrefixLimit, RateLimit
from rendezvous.registry import Claim, Claims, Registration, Registry
from rendezvous.relay import HEADER_LENGTH
from rendezvous.settings import Settings
from rendezvous.where import WHERE_BYTE, WhereAnswers


class Protocol:
    """One rendezvous server."""

    def __init__(
        self,
        settings: Settings,
        claims: Claims,
        random: Callable[[int], bytes],
        fleet: Fleet | None = None,
    ) -> None:
        """Begin with nobody registered.

        Args:
            settings: what the operator has chosen.
            claims: which key each ID belongs to; may outlive this object.
            random: source of random bytes.
            fleet: membership among several servers; `claims` are then `FleetClaims`.

        """
        self.fleet = fleet
        self.registry = Registry(secret=random(32))
        self.counters = Counters()
        self.introductions = Introductions(
            settings, self.registry, random, self._send, self.counters
        )
        if fleet is not None:
            self.introductions = FleetIntroductions(
                settings, self.registry, random, self._send, self.counters, fleet
            )
        self._claims = claims
        self.where = WhereAnswers()
        self._cookies = Cookies(random)
        self._enrolment = Enrolment(
            settings, self.registry, claims, self._cookies, random, self.counters
        )
        self._keepalives = Keepalives(self.registry, self._enrolment, self.counters)
        self._hints = PrefixLimit(settings.limits.hint, random(32))
        self._moves = PrefixLimit(settings.limits.move, random(32))
        self._rejoins = PrefixLimit(settings.limits.rejoin, random(32))
        self._outbox: list[tuple[bytes, Address]] = []
        self._events: deque[DerivationRequested] = deque()
        self._direct: dict[bytes, Callable[[bytes, Address, float], None]] = {
            KEEPALIVE_BYTE: self._on_keepalive,
            bytes((RELAYED,)): self._on_relayed,
            WHERE_BYTE: self._on_where,
        }
        self._handlers: dict[type[wire.Message], Callable[..., None]] = {
            wire.Hello: self._on_hello,
            wire.Register: self._on_register,
            wire.Rebind: self._on_rebind,
            wire.Unregister: self._on_unregister,
            wire.Call: self._on_call,
            wire.Rung: self._on_rung,
            wire.Agree: self._on_agree,
            wire.Punched: self._on_punched,
            wire.HangUp: self._on_hang_up,
            wire.Rejoin: self._on_rejoin,
        }

    # The five verbs.

    def receive_datagram(self, data: bytes, path: Address, now: float) -> None:
        """Take a datagram that came from `path`."""
        answer = self.answer(data, path, now)
        if answer is not None:
            self._send(answer, path)

    def answer(self, data: bytes, path: Address, now: float) -> bytes | None:
        """Take a datagram; return what goes straight back to `path`.

        That is for what comes most: all other datagrams are to be drained as ever,
        and only if None is returned there may be any.
        """
        first = data[:1]
        if first == KEEPALIVE_BYTE:
            ack = self._keepalives.answer(data, path, now)
            if ack is not None:
                return ack
        self._direct.get(first, self._on_message)(data, path, now)
        return None

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self.registry.remove_expired(now)
        self.introductions.handle_timer(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Drain what is to be sent."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        due = (self.registry.next_due(), self.introductions.next_due())
        return min((when for when in due if when is not None), default=None)

    def next_event(self) -> DerivationRequested | FleetRequest | None:
        """Drain one event."""
        if self.fleet is not None and self.fleet.events:
            return self.fleet.events.popleft()
        return self._events.popleft() if self._events else None

    def take_over(self, registration: Registration) -> None:
        """Go on with a lease of the process before."""
        if not self.registry.is_full:
            self.registry.add(registration)
            self._tell_fleet(Listed, registration)

    # The fleet. Whoever has a store brings its answers here.

    def claim_found(self, peer_id: int, claim: Claim | None, now: float) -> None:
        """Go on with those who wait for the claim on an ID; None: nobody has one."""
        if not isinstance(self._claims, FleetClaims):
            return
        self._claims.learn(peer_id, claim)
        for outcome in self._enrolment.claim_found(peer_id, now):
            self._admitted(outcome, now)
        claim = self._claims.get(peer_id)
        holder = self.registry.called(peer_id, now)
        if holder and claim and holder.public != claim.public:
            self.registry.remove(holder)
        self._claims.forget(peer_id)

    def claim_not_found_out(self, peer_id: int) -> None:
        """The store does not answer: nobody new by this ID; clients ask again."""
        self._enrolment.stop_waiting(peer_id)

    def looked_up(self, ticket: int, location: Location | None, now: float) -> None:
        """Go on with a call; None: the ID is registered nowhere."""
        if isinstance(self.introductions, FleetIntroductions):
            self.introductions.looked_up(ticket, location, now)

    def receive_from_node(self, data: bytes, now: float) -> None:
        """Take what another node tells."""
        if isinstance(self.introductions, FleetIntroductions):
            try:
                message = fleet_messages.decode(data)
            except MalformedMessageError:
                self.counters.dropped[Drop.MALFORMED] += 1
                return
            self.introductions.receive(message, now)

    def receive_link_datagram(self, data: bytes, now: float) -> None:
        """Take a relayed datagram that another node sends on."""
        opened = self.fleet.open(data) if self.fleet is not None else None
        if opened is None:
            self.counters.dropped[Drop.WRONG_MAC] += 1
            return
        number, inner = opened
        side = self.introductions.relay.arrive(number, HEADER_LENGTH + len(inner), now)
        channel = self.introductions.relay.get(number)
        if side is not None and channel is not None:
            header = bytes((RELAYED,)) + number.to_bytes(4, "little")
            self._send(header + inner, side.address)

    @property
    def limits(self) -> dict[str, RateLimit]:
        """All rate limits by name; each counts what it has refused."""
        own = {"hint": self._hints, "move": self._moves, "rejoin": self._rejoins}
        return self._enrolment.limits | self.introductions.limits | own

    def derivation_checked(
        self, request: DerivationRequested, *, holds: bool | None
    ) -> None:
        """Take the result of an event; the client's next REGISTER is judged by it.

        None says that it could not be computed, and may be asked for again.
        """
        self._enrolment.derivations.checked(request, holds=holds)

    # Who speaks.

    def _send(self, data: bytes, address: Address) -> None:
        self._outbox.append((data, address))

    def _hint(self, hint: bytes | None, path: Address, now: float) -> None:
        if hint and self._hints.allow(prefix_of(path), now):
            self._send(hint, path)

    def _authenticate(
        self, message: wire.UnderLease, data: bytes, path: Address, now: float
    ) -> Registration | None:
        """Registration that has sent `data`, from any address; None if unproven."""
        registration = self.registry.get(message.registration, now)
        if registration is None:
            self.counters.dropped[Drop.UNKNOWN_REGISTRATION] += 1
            hint = wire.UnknownRegistration(message.transaction).encode()
            self._hint(hint, path, now)
            return None
        if message.counter <= registration.counter:
            self.counters.dropped[Drop.OLD_COUNTER] += 1
            return None
        if not is_authentic(data, registration.mac_key):
            self.counters.dropped[Drop.WRONG_MAC] += 1
            return None
        return registration

    def _registration_of(
        self, message: wire.UnderLease, data: bytes, path: Address, now: float
    ) -> Registration | None:
        """Registration that has sent `data` from its proven address.

        From another address it is asked to prove that first, and nothing else happens:
        somebody may be replaying a datagram that they have caught.
        """
        registration = self._authenticate(message, data, path, now)
        if registration is None:
            return None
        if registration.address != path:
            cookie = self._cookies.for_move(path, registration.number, now)
            challenge = wire.AddressChallenge(message.transaction, cookie)
            self._send(challenge.encode(), path)
            return None
        self._heard(registration, message.counter, now)
        return registration

    def _heard(self, registration: Registration, counter: int, now: float) -> None:
        registration.counter = counter
        self.registry.renew(registration, now)

    # What they say.

    def _on_message(self, data: bytes, path: Address, now: float) -> None:
        try:
            message = wire.decode(data)
        except MalformedMessageError:
            self.counters.dropped[Drop.MALFORMED] += 1
            return
        self.counters.received[data[0]] += 1
        handler = self._handlers.get(type(message))
        if handler is None:  # only a server sends these
            self.counters.dropped[Drop.NOT_FOR_SERVER] += 1
            return
        if isinstance(message, wire.UnderLease) and type(message) is not wire.Rebind:
            registration = self._registration_of(message, data, path, now)
            if registration is not None:
                handler(message, registration, now)
        else:
            handler(message, data, path, now)

    def _on_relayed(self, data: bytes, path: Address, now: float) -> None:
        self.counters.received[RELAYED] += 1
        target = self.introductions.relay.forward(data, path, now)
        if target is None:
            self._hint(self.introductions.relay.denial(data, path), path, now)
            return
        if target.remote is None:
            self._send(data, target.address)
        elif self.fleet is not None and target.remote.number:
            self.fleet.forward(target.remote, data[HEADER_LENGTH:])

    def _on_where(self, data: bytes, path: Address, now: float) -> None:
        here = self.where.answer(data, path)
        if here is None:
            self.counters.dropped[Drop.MALFORMED] += 1
        else:
            self.counters.received[WHERE] += 1
            self._send(here, path)

    def _on_hello(
        self, message: wire.Hello, data: bytes, path: Address, now: float
    ) -> None:
        answer = self._enrolment.hello(message, path, now)
        if answer is not None:
            self._send(answer, path)

    def _on_register(
        self, message: wire.Register, data: bytes, path: Address, now: float
    ) -> None:
        answer, registration = self._enrolment.register(message, path, now)
        self._admitted((path, message.replaces, answer, registration), now)

    def _admitted(
        self,
        outcome: tuple[Address, int, bytes | None, Registration | None],
        now: float,
    ) -> None:
        path, replaces, answer, registration = outcome
        self._events.extend(self._enrolment.derivations.take_requests())
        if registration is not None:
            self.introductions.moved(replaces, registration, now)
            self._tell_fleet(Listed, registration)
        if answer is not None:
            self._send(answer, path)

    def _tell_fleet(
        self, kind: type[Listed | Unlisted], registration: Registration
    ) -> None:
        if self.fleet is not None and registration.peer_id:
            self.fleet.ask(kind(registration.peer_id, registration.public))

    def _on_rebind(
        self, message: wire.Rebind, data: bytes, path: Address, now: float
    ) -> None:
        registration = self._authenticate(message, data, path, now)
        if registration is None or not self._cookies.holds_for_move(
            message.cookie, path, registration.number, now
        ):
            self.counters.dropped[Drop.WRONG_COOKIE] += registration is not None
            return
        if registration.address != path and not self._moves.allow(prefix_of(path), now):
            return
        self.registry.move(registration, path)
        self._heard(registration, message.counter, now)
        self.introductions.moved(registration.number, registration, now)
        self._acknowledge(message.transaction, path)

    def _on_keepalive(self, data: bytes, path: Address, now: float) -> None:
        """Find out what is wrong with a keepalive, and say so if it may be said."""
        if len(data) != wire.Keepalive.size() or data[1] != PROTOCOL_VERSION:
            self.counters.dropped[Drop.MALFORMED] += 1
            return
        self.counters.received[wire.Keepalive.TYPE] += 1
        fields = wire.Keepalive.LAYOUT.unpack_from(data)
        self._registration_of(wire.Keepalive(*fields[2:]), data, path, now)

    def _acknowledge(self, transaction: bytes, address: Address) -> None:
        masked = wire.mask(endpoint_bytes(address), transaction)
        self._send(wire.KeepaliveAck(transaction, masked).encode(), address)

    def _on_unregister(
        self, message: wire.Unregister, registration: Registration, now: float
    ) -> None:
        self.registry.remove(registration)
        self._tell_fleet(Unlisted, registration)

    def _on_call(
        self, message: wire.Call, registration: Registration, now: float
    ) -> None:
        self.introductions.call(message, registration, now)

    def _on_rung(
        self, message: wire.Rung, registration: Registration, now: float
    ) -> None:
        self.introductions.rung(message.channel, registration)

    def _on_agree(
        self, message: wire.Agree, registration: Registration, now: float
    ) -> None:
        self.introductions.agree(message.channel, registration, now)

    def _on_punched(
        self, message: wire.Punched, registration: Registration, now: float
    ) -> None:
        self.introductions.punched(message.channel, registration, message.transaction)

    def _on_hang_up(
        self, message: wire.HangUp, registration: Registration, now: float
    ) -> None:
        self.introductions.hang_up(message.channel, registration)

    def _on_rejoin(
        self, message: wire.Rejoin, registration: Registration, now: float
    ) -> None:
        if self._rejoins.allow(prefix_of(registration.address), now):
            self.introductions.rejoins.rejoin(message, registration, now)
