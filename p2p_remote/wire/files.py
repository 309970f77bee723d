"""Messages about files, on CHANNEL_BULK (docs/protocol/files.md).

The technician numbers the transfers of a session, upwards from 1. A file that goes to
the customer begins with an `Offer`, one that comes from there with a `Get`, which the
customer's side answers with the `Offer`.
"""

from dataclasses import dataclass
from typing import ClassVar

from p2p_remote.wire.codec import Blob, Field, Int, Rows, Schema, Text

CHUNK_BYTES = 64 * 1024  # largest piece of a file in one message or record
DIGEST_BYTES = 32  # BLAKE2b-256
MAX_FILE_BYTES = 1 << 40
MAX_TRANSFER = 2**31 - 1
MAX_NAME = 255  # characters of a file's name
MAX_PATH = 1024  # characters of a path that is asked for
LANE_SECRET_BYTES = 32
MAX_LANE_ADDRESSES = 8

STOP_REFUSED = 0
STOP_BY_PERSON = 1
STOP_REVOKED = 2
STOP_UNREADABLE = 3
STOP_CHANGED = 4
STOP_NO_SPACE = 5
STOP_UNWRITABLE = 6
STOP_DAMAGED = 7
STOP_BUSY = 8
STOP_UNANSWERED = 9
STOP_TOO_SOON = 10  # the person has just said no and is not asked again yet
STOP_NOT_VERIFIED = 11
STOP_REASONS = (
    "refused",
    "stopped",
    "revoked",
    "unreadable",
    "changed",
    "no_space",
    "unwritable",
    "damaged",
    "busy",
    "unanswered",
    "too_soon",
    "not_verified",
)
"""Names of the reasons; the index is the number on the wire, where others may come."""

_NUMBER = Int(1, MAX_TRANSFER)
_POSITION = Int(0, MAX_FILE_BYTES)
_DIGEST = Blob(DIGEST_BYTES, DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Offer:
    """Sender: this file could come. `modified` in s since 1970.

    The name is a label that the receiver makes safe (`session.file_names`); where the
    file goes is decided there alone.
    """

    TYPE: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        _NUMBER,
        _POSITION,
        Int(0, 2**40),
        Text(MAX_NAME),
    )
    number: int
    size: int
    modified: int
    name: str


@dataclass(frozen=True, slots=True)
class Get:
    """Technician to customer: please send the file at this path."""

    TYPE: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER, Text(MAX_PATH))
    number: int
    path: str


@dataclass(frozen=True, slots=True)
class Accept:
    """Receiver: send it. The first `offset` bytes are here already.

    `digest` is the BLAKE2b-256 of them: the sender compares before it skips them.
    """

    TYPE: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER, _POSITION, _DIGEST)
    number: int
    offset: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Begin:
    """Sender: bytes follow from here: the accepted offset, or 0 if it did not hold."""

    TYPE: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER, _POSITION)
    number: int
    offset: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sender: bytes of the file; the same bytes may come twice, none is left out."""

    TYPE: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER, _POSITION, Blob(CHUNK_BYTES, 1))
    number: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """Receiver: everything before `position` is on disk and counted in the hash."""

    TYPE: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER, _POSITION)
    number: int
    position: int


@dataclass(frozen=True, slots=True)
class Sent:
    """Sender, after everything is written: the BLAKE2b-256 of the whole file."""

    TYPE: ClassVar[int] = 7
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER, _DIGEST)
    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """Receiver: the hash is right and the file has its name."""

    TYPE: ClassVar[int] = 8
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER,)
    number: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Either side: this transfer is over, without the file."""

    TYPE: ClassVar[int] = 9
    FIELDS: ClassVar[tuple[Field, ...]] = (_NUMBER, Int(0, 255))
    number: int
    reason: int


@dataclass(frozen=True, slots=True)
class LaneOpen:
    """Either side: a TCP connection for this transfer is taken at these addresses.

    Whoever connects proves that it knows the secret (`session.lane`).
    """

    TYPE: ClassVar[int] = 10
    FIELDS: ClassVar[tuple[Field, ...]] = (
        _NUMBER,
        Blob(LANE_SECRET_BYTES, LANE_SECRET_BYTES),
        Rows((Blob(18, 18),), MAX_LANE_ADDRESSES),
    )
    number: int
    secret: bytes
    addresses: tuple[tuple[bytes], ...]


FILE_MESSAGES = (
    Offer,
    Get,
    Accept,
    Begin,
    Chunk,
    Written,
    Sent,
    Stored,
    Stop,
    LaneOpen,
)
FileMessage = (
    Offer | Get | Accept | Begin | Chunk | Written | Sent | Stored | Stop | LaneOpen
)

FILES = Schema(
    FILE_MESSAGES,
    max_bytes=CHUNK_BYTES + 64,
    max_blob=CHUNK_BYTES,
    max_text=MAX_PATH,
    max_list=MAX_LANE_ADDRESSES + 1,
)
