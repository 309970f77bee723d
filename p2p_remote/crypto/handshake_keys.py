"""Transcript and key schedule of p2pr1 (docs/protocol/handshake.md, section 3).

    th1 = H("th1", M1, M2, e_I, r_I, Y_I)        ck0 = H("init", suite)
    (ck1, k3)  = mix(ck0, X25519(e_I, e_R), th1)
    (ck2, k3p) = mix(ck1, CPace key, th1)
    th2 = H("th2", th1, M3)
    (ck3, k4)  = mix(ck2, th2, "m4")
    th3 = H("th3", th2, M4)

k3 seals M3, k3p the identity inside it, k4 seals M4. Each seals one plaintext, so the
nonce is zero. M1 is hashed without its cookie, which proves a path and nothing else.
"""

from dataclasses import dataclass, field

from p2p_remote.crypto import primitives
from p2p_remote.crypto.encoding import PERSON_PREFIX, labelled_hash, lv
from p2p_remote.wire.address import Path
from p2p_remote.wire.handshake import CAPABILITY_KNOWS_CALLER, CallAnswer, CallRequest

_PROTOCOL = b"p2pr1"
_ZERO_NONCE = bytes(primitives.NONCE_LENGTH)


def cpace_channel(suite: int, target_id: int) -> bytes:
    """CPace's channel identifier: protocol, suite and the ID that is called."""
    return lv(_PROTOCOL, suite.to_bytes(2, "little"), target_id.to_bytes(4, "little"))


def first_transcript(
    request: CallRequest,
    answer: CallAnswer,
    *,
    ephemeral: bytes,
    opening: bytes,
    share: bytes,
) -> bytes:
    """th1: M1, M2 and the clear part of M3."""
    return labelled_hash(
        b"th1", request.transcript(), answer.pack(), ephemeral, opening, share
    )


def second_transcript(th1: bytes, proof: bytes) -> bytes:
    """th2: all of M3 too."""
    return labelled_hash(b"th2", th1, proof)


def _mix(chain: bytes, secret: bytes, label: bytes) -> tuple[bytes, bytes]:
    digest = primitives.blake2b(
        lv(label, secret), length=64, key=chain, person=PERSON_PREFIX + b"mix"
    )
    return digest[:32], digest[32:]


@dataclass(frozen=True, slots=True)
class OuterKeys:
    """What both ends have after X25519: good against listeners, proves nobody."""

    th1: bytes
    chain: bytes = field(repr=False)
    proof_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, suite: int, shared: bytes, th1: bytes) -> "OuterKeys":
        """Stage 1: `shared` is the X25519 secret of the ephemeral keys."""
        start = labelled_hash(b"init", suite.to_bytes(2, "little"))
        chain, proof_key = _mix(start, shared, th1)
        return cls(th1, chain, proof_key)

    def refusal_key(self) -> bytes:
        """Key that seals M5."""
        return labelled_hash(b"refuse", self.th1, key=self.chain)


@dataclass(frozen=True, slots=True)
class InnerKeys:
    """What both ends have after CPace: only with the same password."""

    th1: bytes
    chain: bytes = field(repr=False)
    identity_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, outer: OuterKeys, cpace_key: bytes) -> "InnerKeys":
        """Stage 2."""
        chain, identity_key = _mix(outer.chain, cpace_key, outer.th1)
        return cls(outer.th1, chain, identity_key)


@dataclass(frozen=True, slots=True)
class AcceptKeys:
    """What both ends have once M3 is complete."""

    th2: bytes
    chain: bytes = field(repr=False)
    acceptance_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, inner: InnerKeys, proof: bytes) -> "AcceptKeys":
        """Stage 3: `proof` is the whole of M3."""
        th2 = second_transcript(inner.th1, proof)
        chain, acceptance_key = _mix(inner.chain, th2, b"m4")
        return cls(th2, chain, acceptance_key)


def seal(key: bytes, plaintext: bytes) -> bytes:
    """Seal the one plaintext that a handshake key is for."""
    return primitives.secretbox_seal(key, _ZERO_NONCE, plaintext)


def unseal(key: bytes, box: bytes) -> bytes:
    """Open what `seal` made; AuthenticationFailedError otherwise."""
    return primitives.secretbox_open(key, _ZERO_NONCE, box)


def initiator_signed(th1: bytes, initiator: bytes) -> bytes:
    """What the initiator signs."""
    return b"p2pr1 I " + labelled_hash(b"sign", th1, initiator)


def responder_signed(
    th2: bytes, initiator: bytes, responder: bytes, opening: bytes
) -> bytes:
    """What the responder signs."""
    return b"p2pr1 R " + labelled_hash(b"sign", th2, initiator, responder, opening)


@dataclass(frozen=True, slots=True)
class SessionSecrets:
    """What a completed handshake leaves: everything else is exported from it."""

    transcript_hash: bytes  # th3
    _chain: bytes = field(repr=False)

    @classmethod
    def derive(cls, accept: AcceptKeys, acceptance: bytes) -> "SessionSecrets":
        """`acceptance` is the whole of M4."""
        return cls(labelled_hash(b"th3", accept.th2, acceptance), accept.chain)

    def export(self, label: str) -> bytes:
        """32 bytes that only the two ends know, different for every label."""
        return labelled_hash(
            b"export", label.encode(), self.transcript_hash, key=self._chain
        )


@dataclass(frozen=True, slots=True)
class HandshakeResult:
    """A completed handshake.

    Whether the peer's ID follows from `peer_public` and `peer_counter` is for the
    caller to check (`identity.derive_id`, 0.1 s), and whether anything vouches for the
    key: the digits, the password, an earlier meeting.
    """

    initiator: bool  # whether this side called
    path: Path  # on which the handshake completed
    target_id: int  # the ID that was called
    peer_public: bytes  # Ed25519, 32 bytes
    peer_counter: int  # of the peer's ID
    peer_name: str  # as the peer calls itself, cleaned; proves nothing
    digits: str  # six comparison digits
    wanted: int  # permissions the initiator asked for, bits
    capabilities: int  # of the responder, bits
    password_verified: bool  # both ends knew the same session password
    secrets: SessionSecrets = field(repr=False)

    @property
    def digits_expected(self) -> bool:
        """Whether the responder asks its person for the digits."""
        knows = bool(self.capabilities & CAPABILITY_KNOWS_CALLER)
        return not (knows or self.password_verified)

    @property
    def transcript_hash(self) -> bytes:
        """32 bytes, the same at both ends, over every message of the handshake."""
        return self.secrets.transcript_hash

    @property
    def chain_key(self) -> bytes:
        """Chain key (32 bytes) of the session's packets."""
        return self.exporter("chain")

    @property
    def check_key(self) -> bytes:
        """Key (32 bytes) of the session's connectivity checks."""
        return self.exporter("check")

    @property
    def local_index(self) -> int:
        """Session index (u32) in packets to this side."""
        return self._index(initiator=self.initiator)

    @property
    def remote_index(self) -> int:
        """Session index (u32) in packets to the peer."""
        return self._index(initiator=not self.initiator)

    def exporter(self, label: str) -> bytes:
        """32 bytes that only the two ends know, different for every label."""
        return self.secrets.export(label)

    def _index(self, *, initiator: bool) -> int:
        label = "index I" if initiator else "index R"
        return int.from_bytes(self.exporter(label)[:4], "little")
