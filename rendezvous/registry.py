"""Who is where now, and which key each ID belongs to."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from p2p_remote.wire.rendezvous import LEASE, MAC_KEY_LENGTH, PUBLIC_KEY_LENGTH
from rendezvous.addresses import ADDRESS_LENGTH, Address, prefix_of
from rendezvous.holdings import ManyHoldings
from rendezvous.timers import ExpiryWheel

MAX_REGISTRATIONS = 4_000_000
MAX_OF_PREFIX = 16_384  # registrations of an IPv4 address or IPv6 /64
MAX_OF_SITE = 65_536  # or of a /48
MAX_CLAIMS_IN_MEMORY = 4_000_000

_MAC_KEY_AT = PUBLIC_KEY_LENGTH
_NUMBER_AT = _MAC_KEY_AT + MAC_KEY_LENGTH
_PEER_ID_AT = _NUMBER_AT + 4
_ADDRESS_AT = _PEER_ID_AT + 4
_LEASE = struct.Struct(f"<{PUBLIC_KEY_LENGTH}x{MAC_KEY_LENGTH}s4xI{ADDRESS_LENGTH}s")
_LEASE_GRAIN = 0.25  # s: leases that begin within it end together


class Registration:
    """A client that has proved its key and its address.

    `peer_id` is 0 for a client that only calls. `counter` is the highest one seen in an
    authenticated message. `channels` are the relay channels it takes part in, None
    while there are none. A million of these are kept, so all that never or seldom
    changes is one string of bytes: each more would cost 33, each number 32.
    """

    __slots__ = ("_record", "channels", "counter", "deadline")

    def __init__(
        self,
        number: int,
        peer_id: int,
        keys: tuple[bytes, bytes],
        address: Address,
        deadline: float,
    ) -> None:
        """`keys` are the client's Ed25519 key and the key of its MACs."""
        self.deadline = deadline
        self.counter = 0
        self.channels: set[int] | None = None
        numbers = number.to_bytes(4, "little") + peer_id.to_bytes(4, "little")
        self._record = b"".join((*keys, numbers, address))

    @property
    def number(self) -> int:
        """What the client names itself by in authenticated messages."""
        return int.from_bytes(self._record[_NUMBER_AT:_PEER_ID_AT], "little")

    @property
    def peer_id(self) -> int:
        """The ID that it is called by, or 0."""
        return int.from_bytes(self._record[_PEER_ID_AT:_ADDRESS_AT], "little")

    @property
    def public(self) -> bytes:
        """The client's Ed25519 key."""
        return self._record[:_MAC_KEY_AT]

    @property
    def mac_key(self) -> bytes:
        """Key of the MACs between the client and us."""
        return self._record[_MAC_KEY_AT:_NUMBER_AT]

    @property
    def address(self) -> Address:
        """Where the client has proved to be."""
        return Address(self._record[_ADDRESS_AT:])

    @address.setter
    def address(self, address: Address) -> None:
        self._record = self._record[:_ADDRESS_AT] + address

    def lease(self) -> tuple[bytes, int, Address]:
        """`mac_key`, `peer_id` and `address`, in one operation."""
        mac_key, peer_id, address = _LEASE.unpack(self._record)
        return mac_key, peer_id, address


class Registry:
    """All registrations, by number and by the ID that they can be called by."""

    def __init__(
        self, limit: int = MAX_REGISTRATIONS, *, secret: bytes = bytes(32)
    ) -> None:
        """`secret` places addresses in the table of what each holds."""
        self._limit = limit
        self._held = ManyHoldings(MAX_OF_PREFIX, MAX_OF_SITE, secret)
        self._by_number: dict[int, Registration] = {}
        self._listed: dict[int, Registration] = {}
        self._expiry: ExpiryWheel[Registration] = ExpiryWheel()
        self._lease_begun = -_LEASE_GRAIN
        self._lease_end = 0.0  # one number for all leases of a moment: 32 bytes each

    def __len__(self) -> int:
        return len(self._by_number)

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._by_number.values())

    @property
    def is_full(self) -> bool:
        """Whether no other registration is taken."""
        return len(self._by_number) >= self._limit

    def has_room(self, address: Address) -> bool:
        """Whether one more registration is taken from there."""
        return not self.is_full and self._held.has_room(prefix_of(address))

    def move(self, registration: Registration, address: Address) -> None:
        """Let a registration have proved another address."""
        self._held.remove(prefix_of(registration.address))
        self._held.add(prefix_of(address))
        registration.address = address

    def find(self, number: int) -> Registration | None:
        """Registration of this number, even if its lease has just ended."""
        return self._by_number.get(number)

    def get(self, number: int, now: float) -> Registration | None:
        """Registration of this number, unless its lease is over."""
        registration = self._by_number.get(number)
        if registration is None or registration.deadline <= now:
            return None
        return registration

    def called(self, peer_id: int, now: float) -> Registration | None:
        """Registration that is called by this ID, unless its lease is over."""
        registration = self._listed.get(peer_id)
        if registration is None or registration.deadline <= now:
            return None
        return registration

    def add(self, registration: Registration) -> None:
        """Take a registration; it is the one called by its ID from now on."""
        self._by_number[registration.number] = registration
        self._held.add(prefix_of(registration.address))
        if registration.peer_id:
            self._listed[registration.peer_id] = registration
        self._expiry.add(registration, registration.deadline)

    def list_again(self, registration: Registration) -> None:
        """Let a registration be called by its ID again after a newer one has gone."""
        self._listed[registration.peer_id] = registration

    def lease_end(self, now: float) -> float:
        """When a lease that begins now ends (s)."""
        if not 0.0 <= now - self._lease_begun < _LEASE_GRAIN:
            self._lease_begun, self._lease_end = now, now + LEASE
        return self._lease_end

    def renew(self, registration: Registration, now: float) -> None:
        """Begin a new lease."""
        registration.deadline = self.lease_end(now)

    def remove(self, registration: Registration) -> None:
        """Forget a registration."""
        if self._by_number.pop(registration.number, None) is not None:
            self._held.remove(prefix_of(registration.address))
        if self._listed.get(registration.peer_id) is registration:
            del self._listed[registration.peer_id]

    def remove_expired(self, now: float) -> None:
        """Forget all registrations whose lease is over."""
        for registration in self._expiry.due(now):
            if self._by_number.get(registration.number) is not registration:
                continue
            if registration.deadline <= now:
                self.remove(registration)
            else:
                self._expiry.add(registration, registration.deadline)

    def next_due(self) -> float | None:
        """When `remove_expired` has something to look at."""
        return self._expiry.next_due()


@dataclass(frozen=True, slots=True)
class Claim:
    """The key an ID belongs to; `verified` once its derivation was computed here."""

    public: bytes
    counter: int
    verified: bool = False


def pack_claim(claim: Claim) -> bytes:
    """34 bytes: public key, counter, whether it was verified."""
    return claim.public + bytes((claim.counter, claim.verified))


def unpack_claim(packed: bytes) -> Claim:
    """Read what `pack_claim` wrote."""
    return Claim(packed[:-2], packed[-2], verified=bool(packed[-1]))


class Claims(Protocol):
    """Which key each ID belongs to; it outlives registrations."""

    def is_known(self, peer_id: int) -> bool:
        """Whether `get` can tell; else `ask`, and wait to be told."""

    def ask(self, peer_id: int) -> None:
        """Find out about this ID."""

    def get(self, peer_id: int) -> Claim | None:
        """Claim on this ID."""

    def put(self, peer_id: int, claim: Claim) -> None:
        """Remember a claim, in the place of any other; also says it was seen today."""


class ClaimsAtHand:
    """What claims that are always known have in common."""

    def is_known(self, peer_id: int) -> bool:
        """Always."""
        return True

    def ask(self, peer_id: int) -> None:
        """Nothing to do."""


class MemoryClaims(ClaimsAtHand):
    """Claims that end with the process. The oldest make room for new ones."""

    def __init__(self, limit: int = MAX_CLAIMS_IN_MEMORY) -> None:
        self._limit = limit
        self._claims: dict[int, bytes] = {}  # packed, for less memory

    def __len__(self) -> int:
        return len(self._claims)

    def get(self, peer_id: int) -> Claim | None:
        """Claim on this ID."""
        packed = self._claims.get(peer_id)
        return None if packed is None else unpack_claim(packed)

    def put(self, peer_id: int, claim: Claim) -> None:
        """Remember a claim."""
        if peer_id not in self._claims and len(self._claims) >= self._limit:
            del self._claims[next(iter(self._claims))]
        self._claims[peer_id] = pack_claim(claim)
