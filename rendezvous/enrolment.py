"""HELLO and REGISTER: proof of address, of key, and whose ID it is.

An ID derives from a key by a slow function (`crypto.identity.derive_id`). The server
computes it only when two keys claim one ID, and not itself: it asks for it by an event
and is told the result, because it takes a tenth of a second.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from p2p_remote.crypto.primitives import (
    blake2b,
    ed25519_verify,
    sealed_box_seal,
)
from p2p_remote.errors import AuthenticationFailedError
from p2p_remote.wire.rendezvous import (
    KEEPALIVE_INTERVAL,
    LEASE,
    MAC_KEY_LENGTH,
    Challenge,
    Hello,
    IdTaken,
    Register,
    Registered,
    mask,
)
from rendezvous.addresses import Address, endpoint_bytes, prefix_of
from rendezvous.cookies import Cookies
from rendezvous.counters import Counters, Drop
from rendezvous.rate_limit import PrefixLimit, RateLimit
from rendezvous.registry import Claim, Claims, Registration, Registry
from rendezvous.settings import Settings

MAX_PENDING_DERIVATIONS = 64
MAX_VERDICTS = 4096
MAX_WAITING = 4096  # REGISTERs that wait for the claim on their ID


@dataclass(frozen=True, slots=True)
class DerivationRequested:
    """Event: compute whether `derive_id(public, counter)` is `peer_id`.

    The answer goes to `Protocol.derivation_checked`.
    """

    public: bytes
    counter: int
    peer_id: int


class Derivations:
    """Which keys derive to which ID, as far as it had to be computed."""

    def __init__(self, limit: RateLimit) -> None:
        """`limit` counts requests by prefix."""
        self._limit = limit
        self._pending: set[DerivationRequested] = set()
        self._verdicts: dict[DerivationRequested, bool] = {}
        self._requests: list[DerivationRequested] = []

    def holds(
        self, request: DerivationRequested, prefix: bytes, now: float
    ) -> bool | None:
        """Whether the derivation holds; None if that is not known yet."""
        verdict = self._verdicts.get(request)
        if (
            verdict is None
            and request not in self._pending
            and len(self._pending) < MAX_PENDING_DERIVATIONS
            and self._limit.allow(prefix, now)
        ):
            self._pending.add(request)
            self._requests.append(request)
        return verdict

    def take_requests(self) -> list[DerivationRequested]:
        """Drain what has to be computed."""
        requests, self._requests = self._requests, []
        return requests

    def checked(self, request: DerivationRequested, *, holds: bool | None) -> None:
        """Remember a result; the oldest make room. None: it could not be computed."""
        self._pending.discard(request)
        if holds is None:
            return
        if len(self._verdicts) >= MAX_VERDICTS:
            del self._verdicts[next(iter(self._verdicts))]
        self._verdicts[request] = holds


class Enrolment:
    """Turns strangers into registrations."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        claims: Claims,
        cookies: Cookies,
        random: Callable[[int], bytes],
        counters: Counters,
    ) -> None:
        limits = settings.limits
        self._settings = settings
        self._registry = registry
        self._claims = claims
        self._cookies = cookies
        self._random = random
        self._waiting: dict[int, list[tuple[Register, Address]]] = {}
        self._number_waiting = 0
        self._counters = counters
        self._number_secret = random(32)
        self._hello_limit = PrefixLimit(limits.hello, random(32))
        self._register_limit = PrefixLimit(limits.register, random(32))
        self._new_key_limit = PrefixLimit(limits.new_key, random(32))
        derivation_limit = PrefixLimit(limits.derivation, random(32))
        self.derivations = Derivations(derivation_limit)
        self.limits = {
            "hello": self._hello_limit,
            "register": self._register_limit,
            "new_key": self._new_key_limit,
            "derivation": derivation_limit,
        }

    def hello(self, message: Hello, address: Address, now: float) -> bytes | None:
        """CHALLENGE for a client that is not known to receive at `address`."""
        if not self._hello_limit.allow(prefix_of(address), now):
            return None
        cookie = self._cookies.for_key(address, message.public, now)
        masked = mask(endpoint_bytes(address), message.transaction)
        return Challenge(message.transaction, cookie, masked).encode()

    def register(
        self, message: Register, address: Address, now: float
    ) -> tuple[bytes | None, Registration | None]:
        """Answer to a client that may have proved its address.

        Returns:
            What to send, and the registration if there is one; both None for silence.

        """
        if not self._is_proven(message, address, now):
            return None, None
        if message.listed and not self._claims.is_known(message.peer_id):
            self._wait_for_claim(message, address)
            return None, None
        return self.admit(message, address, now)

    def claim_found(
        self, peer_id: int, now: float
    ) -> list[tuple[Address, int, bytes | None, Registration | None]]:
        """Go on with those who waited for the claim on an ID.

        Returns:
            For each its address, what it replaces, and the two results of `admit`.

        """
        return [
            (address, message.replaces, *self.admit(message, address, now))
            for message, address in self.stop_waiting(peer_id)
        ]

    def stop_waiting(self, peer_id: int) -> list[tuple[Register, Address]]:
        """Take out those who wait for the claim on an ID."""
        waiting = self._waiting.pop(peer_id, [])
        self._number_waiting -= len(waiting)
        return waiting

    def _wait_for_claim(self, message: Register, address: Address) -> None:
        if self._number_waiting >= MAX_WAITING:
            self._counters.dropped[Drop.SERVER_FULL] += 1
            return
        self._number_waiting += 1
        self._waiting.setdefault(message.peer_id, []).append((message, address))
        self._claims.ask(message.peer_id)

    def admit(
        self, message: Register, address: Address, now: float
    ) -> tuple[bytes | None, Registration | None]:
        """Register a client that has proved its address and key; as `register`."""
        number = self._number(message, address)
        registration = self._registry.find(number)
        if registration is None:
            if not self._registry.has_room(address):
                self._counters.dropped[Drop.SERVER_FULL] += 1
                return None, None
            if message.listed:
                allowed, answer = self._claim(message, address, now)
                if not allowed:
                    return answer, None
            registration = self._new_registration(message, address, number, now)
        elif (registration.public, registration.address) != (message.public, address):
            return None, None  # two in 2^32; the client tries again with other bytes
        return self._registered(message, registration), registration

    def may_be_listed(self, registration: Registration) -> bool:
        """Whether the ID of a registration still belongs to its key."""
        if not self._claims.is_known(registration.peer_id):
            return True  # the fleet's store decides between the nodes
        claim = self._claims.get(registration.peer_id)
        return claim is not None and claim.public == registration.public

    def _is_proven(self, message: Register, address: Address, now: float) -> bool:
        """Whether address and key are the client's; the cheap checks come first."""
        public_endpoints = self._settings.public_endpoints
        if public_endpoints and message.server not in public_endpoints:
            return self._drop(Drop.WRONG_SERVER)
        if not self._cookies.holds_for_key(
            message.cookie, address, message.public, now
        ):
            return self._drop(Drop.WRONG_COOKIE)
        if not self._register_limit.allow(prefix_of(address), now):
            return False
        try:
            ed25519_verify(message.public, message.signed_part(), message.signature)
        except AuthenticationFailedError:
            return self._drop(Drop.WRONG_SIGNATURE)
        return True

    def _drop(self, why: Drop) -> bool:
        self._counters.dropped[why] += 1
        return False

    def _number(self, message: Register, address: Address) -> int:
        """The same number for a repeated REGISTER, so that repeating is harmless."""
        seed = message.transaction + message.cookie + message.public + address
        digest = blake2b(seed, length=4, key=self._number_secret)
        return int.from_bytes(digest, "little") or 1

    def _claim(
        self, message: Register, address: Address, now: float
    ) -> tuple[bool, bytes | None]:
        """Whether the key may have the ID now, or else what to answer."""
        prefix = prefix_of(address)
        claim = self._claims.get(message.peer_id)
        if claim is None:
            if not self._new_key_limit.allow(prefix, now):
                return False, None
        elif claim.public != message.public:
            return self._dispute(message, claim, prefix, now)
        verified = (
            claim is not None and claim.verified and claim.counter == message.counter
        )
        self._claims.put(
            message.peer_id, Claim(message.public, message.counter, verified=verified)
        )
        return True, None

    def _dispute(
        self, message: Register, claim: Claim, prefix: bytes, now: float
    ) -> tuple[bool, bytes | None]:
        """Two keys, one ID: it goes to the key that derives to it, the older first."""
        ours = DerivationRequested(message.public, message.counter, message.peer_id)
        theirs = DerivationRequested(claim.public, claim.counter, message.peer_id)
        if not self.derivations.holds(ours, prefix, now):
            return False, None
        claim_holds = claim.verified or self.derivations.holds(theirs, prefix, now)
        if claim_holds is None:
            return False, None
        if claim_holds:
            if not claim.verified:
                self._claims.put(message.peer_id, replace(claim, verified=True))
            taken = IdTaken(message.transaction, claim.public, claim.counter)
            return False, taken.encode()
        self._claims.put(
            message.peer_id, Claim(message.public, message.counter, verified=True)
        )
        loser = self._registry.called(message.peer_id, now)
        if loser is not None:
            self._registry.remove(loser)
        return True, None

    def _new_registration(
        self, message: Register, address: Address, number: int, now: float
    ) -> Registration:
        registration = Registration(
            number,
            message.peer_id if message.listed else 0,
            (message.public, self._random(MAC_KEY_LENGTH)),
            address,
            self._registry.lease_end(now),
        )
        replaced = self._registry.find(message.replaces)
        if replaced is not None and replaced.public == message.public:
            registration.channels = replaced.channels
            self._registry.remove(replaced)
        self._registry.add(registration)
        self._counters.registered += 1
        return registration

    def _registered(self, message: Register, registration: Registration) -> bytes:
        sealed = sealed_box_seal(
            registration.public, registration.mac_key, self._random(32)
        )
        return Registered(
            message.transaction,
            registration.number,
            LEASE,
            KEEPALIVE_INTERVAL,
            sealed,
            mask(endpoint_bytes(registration.address), message.transaction),
        ).encode()
