"""Layouts of the handshake p2pr1: fixed sizes, numbers little endian.

| message | from | bytes | what |
|---|---|---|---|
| M0 `CookieReply` | responder | 49 | under load: ask again with this cookie |
| M1 `CallRequest` | initiator | 119, direct 512 | I call this ID; commitment |
| M2 `CallAnswer` | responder | 153 | keys of the responder; commitment |
| M3 `CallerProof` | initiator | 512 | keys and sealed identity of the initiator |
| M4 `Acceptance` | responder | 232 | sealed identity of the responder; opening |
| M5 `Refusal` | responder | 34 | sealed reason (`wire.refusals`) |

Every message but M1 carries the first 16 bytes of the receiver's nonce right behind
the type, so a socket finds the handshake that a datagram belongs to (`echo_of`).
M1 and M3 are larger than what they are answered with, so a forged sender address gains
nothing. Meaning and order of checks: docs/protocol/handshake.md.
"""

from dataclasses import dataclass, replace

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.constants import MAX_NAME_BYTES
from p2p_remote.wire.first_byte import HANDSHAKE_BASE
from p2p_remote.wire.fixed import FixedReader, pack_name

COOKIE_REPLY = HANDSHAKE_BASE
CALL_REQUEST = HANDSHAKE_BASE + 1
CALL_ANSWER = HANDSHAKE_BASE + 2
CALLER_PROOF = HANDSHAKE_BASE + 3
ACCEPTANCE = HANDSHAKE_BASE + 4
REFUSAL = HANDSHAKE_BASE + 5

ECHO_LENGTH = 16  # bytes of the receiver's nonce that are repeated
TOKEN_LENGTH = 16
COOKIE_LENGTH = 32
KEY_LENGTH = 32  # nonces, keys, commitments, openings, shares

LARGEST_LENGTH = 512  # passes in one piece wherever IPv4 does, also in a relay's
COOKIE_REPLY_LENGTH = 49
CALL_REQUEST_LENGTH = 119
DIRECT_CALL_REQUEST_LENGTH = LARGEST_LENGTH
CALL_ANSWER_LENGTH = 153
CALLER_PROOF_LENGTH = LARGEST_LENGTH
ACCEPTANCE_LENGTH = 232
REFUSAL_LENGTH = 34

_TAG_LENGTH = 16
_CLEAR_PROOF_LENGTH = 1 + ECHO_LENGTH + 3 * KEY_LENGTH
_SEALED_PROOF_LENGTH = CALLER_PROOF_LENGTH - _CLEAR_PROOF_LENGTH
PROOF_PLAINTEXT_LENGTH = _SEALED_PROOF_LENGTH - _TAG_LENGTH
CALLER_IDENTITY_LENGTH = 32 + 64 + 2 + 4 + 1 + MAX_NAME_BYTES
SEALED_CALLER_LENGTH = CALLER_IDENTITY_LENGTH + _TAG_LENGTH
RESPONDER_IDENTITY_LENGTH = 32 + 32 + 64 + 2 + 4 + 1 + MAX_NAME_BYTES

MAX_ID_COUNTER = 255  # of the counter that an ID is derived with

CAPABILITY_KNOWS_CALLER = 1  # bit of `capabilities`: no digits are asked for

WANTED_HEARS = 1 << 31  # bit of `wanted`: understands waits in M5

POLICY_PASSWORD = 1  # bit of `CallAnswer.policy`: a session password is asked for

NO_COOKIE = bytes(COOKIE_LENGTH)
NO_TOKEN = bytes(TOKEN_LENGTH)


def _counter(reader: FixedReader) -> int:
    counter = reader.integer(2)
    if counter > MAX_ID_COUNTER:
        raise MalformedMessageError("the counter of an ID is 0..255")
    return counter


def echo_of(datagram: bytes) -> bytes | None:
    """Return the echoed nonce of M0, M2, M3, M4 or M5; None for anything else."""
    if len(datagram) <= ECHO_LENGTH or datagram[0] == CALL_REQUEST:
        return None
    if not COOKIE_REPLY <= datagram[0] <= REFUSAL:
        return None
    return datagram[1 : 1 + ECHO_LENGTH]


@dataclass(frozen=True, slots=True)
class CookieReply:
    """M0, responder to initiator under load: prove that you receive at this path."""

    echo: bytes  # 16, of the initiator's nonce
    cookie: bytes  # 32

    def pack(self) -> bytes:
        """Return the 49 bytes."""
        return bytes([COOKIE_REPLY]) + self.echo + self.cookie

    @classmethod
    def unpack(cls, data: bytes) -> "CookieReply":
        """Read what `pack` made; MalformedMessageError otherwise."""
        reader = FixedReader(data, COOKIE_REPLY_LENGTH)
        reader.expect(bytes([COOKIE_REPLY]))
        return cls(reader.take(ECHO_LENGTH), reader.take(COOKIE_LENGTH))


@dataclass(frozen=True, slots=True)
class CallRequest:
    """M1, initiator to responder: I call this ID. Nothing in it is proven.

    `suites` has bit n set when suite n is offered. `cookie` is all zeros, or what an
    M0 gave.
    """

    suites: int
    target_id: int
    nonce: bytes  # 32
    commitment: bytes  # 32, to the ephemeral key and the opening
    token: bytes = NO_TOKEN  # 16, from an invitation
    cookie: bytes = NO_COOKIE  # 32

    def pack(self) -> bytes:
        """Return the core, 119 bytes: inside a CALL or over a relay."""
        return b"".join(
            (
                bytes([CALL_REQUEST]),
                self.suites.to_bytes(2, "little"),
                self.target_id.to_bytes(4, "little"),
                self.nonce,
                self.commitment,
                self.token,
                self.cookie,
            )
        )

    def pack_direct(self) -> bytes:
        """Return the core with zeros up to 512 bytes: straight to an IP endpoint."""
        return self.pack().ljust(DIRECT_CALL_REQUEST_LENGTH, b"\0")

    def transcript(self) -> bytes:
        """Return what both sides hash: the core without its cookie."""
        return replace(self, cookie=NO_COOKIE).pack()

    @classmethod
    def unpack(cls, data: bytes, *, direct: bool) -> "CallRequest":
        """Read what `pack_direct` (`direct`) or `pack` made.

        Raises:
            MalformedMessageError: another length, or padding that is not zero.

        """
        length = DIRECT_CALL_REQUEST_LENGTH if direct else CALL_REQUEST_LENGTH
        reader = FixedReader(data, length)
        reader.expect(bytes([CALL_REQUEST]))
        request = cls(
            suites=reader.integer(2),
            target_id=reader.integer(4),
            nonce=reader.take(KEY_LENGTH),
            commitment=reader.take(KEY_LENGTH),
            token=reader.take(TOKEN_LENGTH),
            cookie=reader.take(COOKIE_LENGTH),
        )
        reader.finish()
        return request


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """M2, responder to initiator: my half of the key exchanges. Nothing is proven."""

    echo: bytes  # 16, of the initiator's nonce
    suite: int
    nonce: bytes  # 32
    ephemeral: bytes  # 32, X25519
    commitment: bytes  # 32, to the opening
    share: bytes  # 32, CPace
    policy: int  # bits, `POLICY_PASSWORD`
    target_id: int  # repeated from M1; it salts the password

    def pack(self) -> bytes:
        """Return the 153 bytes."""
        return b"".join(
            (
                bytes([CALL_ANSWER]),
                self.echo,
                self.suite.to_bytes(2, "little"),
                self.nonce,
                self.ephemeral,
                self.commitment,
                self.share,
                self.policy.to_bytes(2, "little"),
                self.target_id.to_bytes(4, "little"),
            )
        )

    @classmethod
    def unpack(cls, data: bytes) -> "CallAnswer":
        """Read what `pack` made; MalformedMessageError otherwise."""
        reader = FixedReader(data, CALL_ANSWER_LENGTH)
        reader.expect(bytes([CALL_ANSWER]))
        return cls(
            echo=reader.take(ECHO_LENGTH),
            suite=reader.integer(2),
            nonce=reader.take(KEY_LENGTH),
            ephemeral=reader.take(KEY_LENGTH),
            commitment=reader.take(KEY_LENGTH),
            share=reader.take(KEY_LENGTH),
            policy=reader.integer(2),
            target_id=reader.integer(4),
        )


@dataclass(frozen=True, slots=True)
class CallerProof:
    """M3, initiator to responder: my half, and who I am in `sealed`."""

    echo: bytes  # 16, of the responder's nonce
    ephemeral: bytes  # 32, X25519
    opening: bytes  # 32, of the commitment in M1
    share: bytes  # 32, CPace
    sealed: bytes  # 399

    def pack(self) -> bytes:
        """Return the 512 bytes."""
        return b"".join(
            (
                bytes([CALLER_PROOF]),
                self.echo,
                self.ephemeral,
                self.opening,
                self.share,
                self.sealed,
            )
        )

    @classmethod
    def unpack(cls, data: bytes) -> "CallerProof":
        """Read what `pack` made; MalformedMessageError otherwise."""
        reader = FixedReader(data, CALLER_PROOF_LENGTH)
        reader.expect(bytes([CALLER_PROOF]))
        return cls(
            echo=reader.take(ECHO_LENGTH),
            ephemeral=reader.take(KEY_LENGTH),
            opening=reader.take(KEY_LENGTH),
            share=reader.take(KEY_LENGTH),
            sealed=reader.take(_SEALED_PROOF_LENGTH),
        )


def pack_proof_plaintext(sealed_caller: bytes) -> bytes:
    """Plaintext of M3's outer seal: the inner one, then zeros to a constant size."""
    return sealed_caller.ljust(PROOF_PLAINTEXT_LENGTH, b"\0")


def unpack_proof_plaintext(data: bytes) -> bytes:
    """Read the inner seal out of the outer one; MalformedMessageError otherwise."""
    reader = FixedReader(data, PROOF_PLAINTEXT_LENGTH)
    sealed_caller = reader.take(SEALED_CALLER_LENGTH)
    reader.finish()
    return sealed_caller


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Plaintext of the inner seal of M3."""

    public: bytes  # 32, Ed25519
    signature: bytes  # 64
    counter: int  # of the initiator's ID
    wanted: int  # permissions asked for, bits
    name: str  # as the initiator calls itself; cleaned, proves nothing

    def pack(self) -> bytes:
        """Return the 167 bytes."""
        return b"".join(
            (
                self.public,
                self.signature,
                self.counter.to_bytes(2, "little"),
                self.wanted.to_bytes(4, "little"),
                pack_name(self.name, MAX_NAME_BYTES),
            )
        )

    @classmethod
    def unpack(cls, data: bytes) -> "CallerIdentity":
        """Read what `pack` made; MalformedMessageError otherwise."""
        reader = FixedReader(data, CALLER_IDENTITY_LENGTH)
        return cls(
            public=reader.take(32),
            signature=reader.take(64),
            counter=_counter(reader),
            wanted=reader.integer(4),
            name=reader.name(MAX_NAME_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Acceptance:
    """M4, responder to initiator: who I am, once the customer sees the request."""

    echo: bytes  # 16, of the initiator's nonce
    sealed: bytes  # 215

    def pack(self) -> bytes:
        """Return the 232 bytes."""
        return bytes([ACCEPTANCE]) + self.echo + self.sealed

    @classmethod
    def unpack(cls, data: bytes) -> "Acceptance":
        """Read what `pack` made; MalformedMessageError otherwise."""
        reader = FixedReader(data, ACCEPTANCE_LENGTH)
        reader.expect(bytes([ACCEPTANCE]))
        sealed_length = RESPONDER_IDENTITY_LENGTH + _TAG_LENGTH
        return cls(reader.take(ECHO_LENGTH), reader.take(sealed_length))


@dataclass(frozen=True, slots=True)
class ResponderIdentity:
    """Plaintext of M4."""

    public: bytes  # 32, Ed25519
    opening: bytes  # 32, of the commitment in M2
    signature: bytes  # 64
    counter: int  # of the responder's ID
    capabilities: int  # bits
    name: str  # as the responder calls itself; cleaned, proves nothing

    def pack(self) -> bytes:
        """Return the 199 bytes."""
        return b"".join(
            (
                self.public,
                self.opening,
                self.signature,
                self.counter.to_bytes(2, "little"),
                self.capabilities.to_bytes(4, "little"),
                pack_name(self.name, MAX_NAME_BYTES),
            )
        )

    @classmethod
    def unpack(cls, data: bytes) -> "ResponderIdentity":
        """Read what `pack` made; MalformedMessageError otherwise."""
        reader = FixedReader(data, RESPONDER_IDENTITY_LENGTH)
        return cls(
            public=reader.take(32),
            opening=reader.take(32),
            signature=reader.take(64),
            counter=_counter(reader),
            capabilities=reader.integer(4),
            name=reader.name(MAX_NAME_BYTES),
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """M5, responder to initiator in place of M4."""

    echo: bytes  # 16, of the initiator's nonce
    sealed: bytes  # 17

    def pack(self) -> bytes:
        """Return the 34 bytes."""
        return bytes([REFUSAL]) + self.echo + self.sealed

    @classmethod
    def unpack(cls, data: bytes) -> "Refusal":
        """Read what `pack` made; MalformedMessageError otherwise."""
        reader = FixedReader(data, REFUSAL_LENGTH)
        reader.expect(bytes([REFUSAL]))
        return cls(reader.take(ECHO_LENGTH), reader.take(1 + _TAG_LENGTH))
