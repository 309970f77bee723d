"""Messages between a client and the rendezvous server: fixed-size structs.

Every message begins with its type (0x10..0x27), the protocol version and an 8-byte
transaction id that the asker draws and the answer repeats. Numbers are little endian.
No answer to an unproven address is larger than its question: sizes are in
docs/protocol/rendezvous.md and a test compares them.

The types in `AUTHENTICATED` end with a MAC, keyed BLAKE2b-112 over everything before
it, under the key that REGISTERED carried. Their `encode` gives the bytes in front of
the MAC; `body_of` and `mac_of` take a datagram apart. Who holds the key checks it: this
floor has no cryptography.

Addresses travel XORed with the transaction id, because some routers rewrite what looks
like an address of theirs (RFC 8489 section 14.2 has the same remedy).
"""

import struct
from dataclasses import dataclass
from typing import ClassVar

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import masking
from p2p_remote.wire.constants import PROTOCOL_VERSION
from p2p_remote.wire.peer_id import is_valid

TRANSACTION_LENGTH = 8
COOKIE_LENGTH = 16
PUBLIC_KEY_LENGTH = 32
SIGNATURE_LENGTH = 64
MAC_KEY_LENGTH = 16
MAC_LENGTH = 14  # 112 bit: KEEPALIVE fits in 32 bytes
FIRST_MESSAGE_LENGTH = 119  # handshake M1 without its padding

LEASE = 65  # s without a KEEPALIVE after which a registration ends
KEEPALIVE_INTERVAL = 20  # s; home routers forget a UDP mapping after 30 s and more

REGISTER_LABEL = b"p2pr1 rendezvous register"
MAC_PERSON = b"p2pr1/rendezvous"  # separates these MACs from all others
FLAG_LISTED = 1  # can be called by the ID; without it the client only calls

mask = masking.mask
mask_endpoint = masking.mask_endpoint
unmask_endpoint = masking.unmask_endpoint

_HEADER = "<BB8s"
_SHORTEST = struct.calcsize(_HEADER)


class Message:
    """A fixed-size message: a frozen dataclass with its fields in the order sent."""

    __slots__: tuple[str, ...] = ()
    __match_args__: ClassVar[tuple[str, ...]]
    TYPE: ClassVar[int]
    LAYOUT: ClassVar[struct.Struct]
    AUTHENTICATED: ClassVar[bool] = False

    def encode(self) -> bytes:
        """Bytes of the message, without the MAC if it is an authenticated one."""
        return self.LAYOUT.pack(
            self.TYPE,
            PROTOCOL_VERSION,
            *[getattr(self, name) for name in self.__match_args__],
        )

    @classmethod
    def size(cls) -> int:
        """Bytes on the wire, MAC included."""
        return cls.LAYOUT.size + (MAC_LENGTH if cls.AUTHENTICATED else 0)


@dataclass(frozen=True, slots=True)
class UnderLease(Message):
    """What a registered client says. `counter` rises with every one of these."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "II")
    AUTHENTICATED: ClassVar[bool] = True
    transaction: bytes
    registration: int
    counter: int


@dataclass(frozen=True, slots=True)
class OnChannel(UnderLease):
    """What it says about a relay channel that it takes part in."""

    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "III")
    channel: int


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Client to server, first: I hold this key. Padded to more than CHALLENGE."""

    TYPE: ClassVar[int] = 0x10
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "32s22x")
    transaction: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Challenge(Message):
    """Server to client, stateless: repeat this cookie from the same address."""

    TYPE: ClassVar[int] = 0x11
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "16s18s")
    transaction: bytes
    cookie: bytes
    masked: bytes


@dataclass(frozen=True, slots=True)
class Register(Message):
    """Client to server: a signed claim of an ID, and of the right to be called by it.

    `server` is the server's endpoint as the client addresses it, packed, so that a
    registration cannot be passed on to another server. `replaces` is the registration
    that this one takes the place of, 0 for none. `signature` is the last field and
    covers all others.
    """

    TYPE: ClassVar[int] = 0x12
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "16s32sBIBI18s64s")
    transaction: bytes
    cookie: bytes
    public: bytes
    counter: int
    peer_id: int
    flags: int
    replaces: int
    server: bytes
    signature: bytes

    @property
    def listed(self) -> bool:
        """Whether the client can be called."""
        return bool(self.flags & FLAG_LISTED)

    def signed_part(self) -> bytes:
        """What the signature is made over."""
        return REGISTER_LABEL + self.encode()[:-SIGNATURE_LENGTH]


@dataclass(frozen=True, slots=True)
class Registered(Message):
    """Server to client: lease and interval in s; the MAC key, sealed to the client."""

    TYPE: ClassVar[int] = 0x13
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "IHH64s18s")
    transaction: bytes
    registration: int
    lease: int
    keepalive: int
    sealed_key: bytes
    masked: bytes


@dataclass(frozen=True, slots=True)
class IdTaken(Message):
    """Server to client: this other key and counter derive to the same ID.

    The client can and must check that before it believes it.
    """

    TYPE: ClassVar[int] = 0x14
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "32sB")
    transaction: bytes
    public: bytes
    counter: int


class Keepalive(UnderLease):
    """Client to server, every 20 s. Answered by KeepaliveAck."""

    __slots__ = ()
    TYPE: ClassVar[int] = 0x15


@dataclass(frozen=True, slots=True)
class KeepaliveAck(Message):
    """Server to client: heard, from this address."""

    TYPE: ClassVar[int] = 0x16
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "18s")
    transaction: bytes
    masked: bytes


@dataclass(frozen=True, slots=True)
class AddressChallenge(Message):
    """Server to a new address of a registration: repeat this cookie from there."""

    TYPE: ClassVar[int] = 0x17
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "16s")
    transaction: bytes
    cookie: bytes


@dataclass(frozen=True, slots=True)
class Rebind(UnderLease):
    """Client to server, the answer to AddressChallenge. Answered by KeepaliveAck."""

    TYPE: ClassVar[int] = 0x18
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "II16s")
    cookie: bytes


@dataclass(frozen=True, slots=True)
class UnknownRegistration(Message):
    """Server to client, stateless and only a hint: register again."""

    TYPE: ClassVar[int] = 0x19
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER)
    transaction: bytes


class Unregister(UnderLease):
    """Client to server at a clean exit. No answer."""

    __slots__ = ()
    TYPE: ClassVar[int] = 0x1A


@dataclass(frozen=True, slots=True)
class Call(UnderLease):
    """Client to server: bring this first handshake message to that ID."""

    TYPE: ClassVar[int] = 0x1B
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "IIQI119s")
    call: int
    target_id: int
    first_message: bytes


@dataclass(frozen=True, slots=True)
class Called(Message):
    """Server to caller: it rings; this is the relay channel to the callee."""

    TYPE: ClassVar[int] = 0x1C
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "QI")
    transaction: bytes
    call: int
    channel: int


@dataclass(frozen=True, slots=True)
class Unavailable(Message):
    """Server to caller: unknown, offline or blocked; nobody can tell which.

    `retry_after` in s is not 0 if the call was refused by a rate limit.
    """

    TYPE: ClassVar[int] = 0x1D
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "QH")
    transaction: bytes
    call: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Ring(Message):
    """Server to callee: somebody calls; their first handshake message."""

    TYPE: ClassVar[int] = 0x1E
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "I119s")
    AUTHENTICATED: ClassVar[bool] = True
    transaction: bytes
    channel: int
    first_message: bytes


class Rung(OnChannel):
    """Callee to server: RING has arrived. No answer."""

    __slots__ = ()
    TYPE: ClassVar[int] = 0x1F


class Agree(OnChannel):
    """Callee to server: the caller may learn my address. Answered by Punch."""

    __slots__ = ()
    TYPE: ClassVar[int] = 0x20


@dataclass(frozen=True, slots=True)
class Punch(Message):
    """Server to both sides at once: the other side was seen at this endpoint."""

    TYPE: ClassVar[int] = 0x21
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "I18s")
    AUTHENTICATED: ClassVar[bool] = True
    transaction: bytes
    channel: int
    masked: bytes


class Punched(OnChannel):
    """Client to server: the PUNCH of this transaction has arrived. No answer."""

    __slots__ = ()
    TYPE: ClassVar[int] = 0x22


class HangUp(OnChannel):
    """Either side to server: close the channel. No answer."""

    __slots__ = ()
    TYPE: ClassVar[int] = 0x23


@dataclass(frozen=True, slots=True)
class Rejoin(UnderLease):
    """Either side to server: whoever else shows this token is to be joined with me.

    Only the two ends of a session can know it. It opens a new relay channel when the
    old one is gone, after a restart of the server or a long absence.
    """

    TYPE: ClassVar[int] = 0x26
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "II16s")
    token: bytes


@dataclass(frozen=True, slots=True)
class Rejoined(Message):
    """Server to both sides: the new channel; the other side was seen there."""

    TYPE: ClassVar[int] = 0x27
    LAYOUT: ClassVar[struct.Struct] = struct.Struct(_HEADER + "I18s")
    AUTHENTICATED: ClassVar[bool] = True
    transaction: bytes
    channel: int
    masked: bytes


MESSAGES: tuple[type[Message], ...] = (
    Hello,
    Challenge,
    Register,
    Registered,
    IdTaken,
    Keepalive,
    KeepaliveAck,
    AddressChallenge,
    Rebind,
    UnknownRegistration,
    Unregister,
    Call,
    Called,
    Unavailable,
    Ring,
    Rung,
    Agree,
    Punch,
    Punched,
    HangUp,
    Rejoin,
    Rejoined,
)
_ID_FIELDS: dict[type[Message], str] = {Register: "peer_id", Call: "target_id"}
_BY_TYPE = {
    message.TYPE: (message, message.size(), message.LAYOUT.unpack_from)
    for message in MESSAGES
}


def decode(data: bytes) -> Message:
    """Message in `data`; its MAC, if it has one, is not looked at.

    Raises:
        MalformedMessageError: unknown type or version, wrong length, a number that
            cannot be an ID.

    """
    if len(data) < _SHORTEST or data[1] != PROTOCOL_VERSION:
        raise MalformedMessageError("not a rendezvous message")
    entry = _BY_TYPE.get(data[0])
    if entry is None:
        raise MalformedMessageError("unknown rendezvous message")
    kind, size, unpack_from = entry
    if len(data) != size:
        raise MalformedMessageError("wrong length of a rendezvous message")
    message = kind(*unpack_from(data)[2:])
    if kind in _ID_FIELDS and not is_valid(getattr(message, _ID_FIELDS[kind])):
        raise MalformedMessageError("not an ID")
    return message


def body_of(datagram: bytes) -> bytes:
    """What the MAC of an authenticated message is made over."""
    return datagram[:-MAC_LENGTH]


def mac_of(datagram: bytes) -> bytes:
    """The MAC of an authenticated message."""
    return datagram[-MAC_LENGTH:]
