"""The long-term key of a device and the 9-digit ID that follows from it.

    ID = 100000000 + Argon2id(public key || counter, salt = H(realm)) mod 900000000

Nobody assigns IDs, so nobody has to be believed about them: any peer recomputes the ID
from the key. To find another key for one given ID costs years of computing; that slows
an attacker down but proves nothing alone, so the comparison digits, a password or an
earlier meeting must vouch for the key too. The counter steps past an ID that another
device already holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from p2p_remote.crypto import primitives
from p2p_remote.crypto.encoding import labelled_hash
from p2p_remote.errors import StateError
from p2p_remote.wire import peer_id as wire_peer_id
from p2p_remote.wire.constants import ID_COUNT, ID_MINIMUM
from p2p_remote.wire.handshake import MAX_ID_COUNTER

_REALM = b"p2p-remote"
_MAGIC = b"P2PRKEY1"
_CHECKSUM_PERSON = b"p2pr1/identity"
_CHECKSUM_LENGTH = 16
_BODY_LENGTH = len(_MAGIC) + 32 + 32 + 2 + 4
SERIALISED_LENGTH = _BODY_LENGTH + _CHECKSUM_LENGTH  # bytes


def derive_id(public: bytes, counter: int) -> int:
    """ID of an Ed25519 public key (32 bytes) with a counter of 0..255; about 0.1 s."""
    if len(public) != primitives.KEY_LENGTH or not 0 <= counter <= MAX_ID_COUNTER:
        raise ValueError("an ID follows from a key of 32 bytes and a counter of 0..255")
    salt = labelled_hash(b"realm", _REALM)[: primitives.ARGON2_SALT_LENGTH]
    digest = primitives.argon2id(public + counter.to_bytes(2, "little"), salt)
    return ID_MINIMUM + int.from_bytes(digest, "little") % ID_COUNT


@dataclass(frozen=True, slots=True)
class Identity:
    """Ed25519 key of a device with its ID. `secret` is the 32-byte seed."""

    secret: bytes = field(repr=False)
    public: bytes
    counter: int
    peer_id: int

    @classmethod
    def generate(cls, random: Callable[[int], bytes]) -> "Identity":
        """Make a new identity; about 0.1 s."""
        secret = random(primitives.KEY_LENGTH)
        public = primitives.ed25519_public(secret)
        return cls(secret, public, 0, derive_id(public, 0))

    def next_id(self) -> "Identity":
        """Return the same key with the next counter, for an ID that is taken; 0.1 s.

        Raises:
            StateError: all 256 counters are used up.

        """
        if self.counter >= MAX_ID_COUNTER:
            raise StateError("No free ID is left for this key. Make a new identity.")
        counter = self.counter + 1
        peer_id = derive_id(self.public, counter)
        return Identity(self.secret, self.public, counter, peer_id)

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature (64 bytes) of `message`."""
        return primitives.ed25519_sign(self.secret, message)

    def to_bytes(self) -> bytes:
        """File form: magic, seed, public key, counter, ID, checksum. Secret."""
        body = b"".join(
            (
                _MAGIC,
                self.secret,
                self.public,
                self.counter.to_bytes(2, "little"),
                self.peer_id.to_bytes(4, "little"),
            )
        )
        return body + _checksum(body)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Identity":
        """Read what `to_bytes` wrote; the ID is taken from there, so it is quick.

        Raises:
            StateError: it is not an identity file, or it was damaged.

        """
        if len(data) != SERIALISED_LENGTH or not data.startswith(_MAGIC):
            raise StateError("This is not an identity file of p2p-remote.")
        body, checksum = data[:_BODY_LENGTH], data[_BODY_LENGTH:]
        if not primitives.equal(_checksum(body), checksum):
            raise StateError("The identity file is damaged. Restore it from a backup.")
        secret, public = body[8:40], body[40:72]
        counter = int.from_bytes(body[72:74], "little")
        peer_id = int.from_bytes(body[74:78], "little")
        if (
            primitives.ed25519_public(secret) != public
            or counter > MAX_ID_COUNTER
            or not wire_peer_id.is_valid(peer_id)
        ):
            raise StateError("The identity file does not hold one matching key and ID.")
        return cls(secret, public, counter, peer_id)


def _checksum(body: bytes) -> bytes:
    return primitives.blake2b(body, length=_CHECKSUM_LENGTH, person=_CHECKSUM_PERSON)
