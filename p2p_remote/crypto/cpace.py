"""CPACE-X25519-SHA512, the password-authenticated key exchange of the handshake.

Source: draft-irtf-cfrg-cpace-21, sections 7 (initiator-responder order) and 8.2; its
vectors are in tests/vectors/cpace.json. Both sides turn the password into a generator
of the group; who does not know the password learns nothing from a run but whether one
guess was right.

The draft's generator is `g = elligator2(hash)` in Montgomery coordinates. libsodium
offers the map only as `8 g` on the Edwards curve. A clamped scalar y is a multiple of
8, so `(y / 8) (8 g) = y g` on the Edwards curve, converted to its u coordinate, is the
draft's `X25519(y, g)`.
"""

import unicodedata
from dataclasses import dataclass, field

from p2p_remote.crypto import primitives
from p2p_remote.crypto.encoding import labelled_hash, lv, prepend_length

_DSI = b"CPace255"
_DSI_ISK = b"CPace255_ISK"
_SHA512_BLOCK = 128  # bytes
SHARE_LENGTH = 32  # bytes


def generator_string(prs: bytes, channel: bytes, sid: bytes) -> bytes:
    """Return what is hashed to the generator (draft section 7.1)."""
    padding = _SHA512_BLOCK - 1 - len(prepend_length(prs)) - len(prepend_length(_DSI))
    return lv(_DSI, prs, bytes(max(0, padding)), channel, sid)


def scalar_times_generator(secret: bytes, uniform: bytes) -> bytes:
    """X25519(secret, elligator2(uniform)), 32 bytes.

    Raises:
        AuthenticationFailedError: `uniform` maps to a point of low order (the chance
            is 2^-250 for a hash).

    """
    scalar = bytearray(secret)
    scalar[0] &= 0xF8
    scalar[31] = scalar[31] & 0x7F | 0x40
    eighth = (int.from_bytes(scalar, "little") >> 3).to_bytes(32, "little")
    point = primitives.edwards_mult(eighth, primitives.elligator_point(uniform))
    return primitives.ed25519_public_to_x25519(point)


@dataclass(frozen=True, slots=True)
class CPace:
    """One side of one run.

    `channel` is the draft's CI (who talks to whom about what), `sid` is unique to the
    run; both must be equal on the two sides, like `prs`, the password-related string.
    """

    secret: bytes = field(repr=False)
    sid: bytes
    share: bytes

    @classmethod
    def start(cls, prs: bytes, channel: bytes, sid: bytes, secret: bytes) -> "CPace":
        """Begin a run with 32 fresh random bytes as `secret`; `share` is to be sent."""
        uniform = primitives.sha512(generator_string(prs, channel, sid))
        share = scalar_times_generator(secret, uniform[:SHARE_LENGTH])
        return cls(secret, sid, share)

    def finish_initiator(
        self, own_data: bytes, peer_share: bytes, peer_data: bytes
    ) -> bytes:
        """Intermediate session key (64 bytes) at the initiator.

        Args:
            own_data: the draft's ADa, what else this side says.
            peer_share: 32 bytes.
            peer_data: the draft's ADb.

        Raises:
            AuthenticationFailedError: the peer's share has low order.

        """
        return self._key(peer_share, lv(self.share, own_data, peer_share, peer_data))

    def finish_responder(
        self, own_data: bytes, peer_share: bytes, peer_data: bytes
    ) -> bytes:
        """Return the same key at the responder; `own_data` is ADb."""
        return self._key(peer_share, lv(peer_share, peer_data, self.share, own_data))

    def _key(self, peer_share: bytes, transcript: bytes) -> bytes:
        shared = primitives.x25519(self.secret, peer_share)
        return primitives.sha512(lv(_DSI_ISK, self.sid, shared) + transcript)


def stretch_password(password: str, target_id: int) -> bytes:
    """Password-related string (32 bytes) of a session password; about 0.1 s.

    Args:
        password: as typed; normalised by NFKC, so that it does not matter which
            keyboard made it. An empty one means no password and gives b"" at once.
        target_id: the ID that is called; it salts the hash.

    """
    if not password:
        return b""
    salt = labelled_hash(b"prs", target_id.to_bytes(4, "little"))
    text = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    return primitives.argon2id(text, salt[: primitives.ARGON2_SALT_LENGTH])
