"""What a session reports of files; `session.files` says in which order."""

from dataclasses import dataclass

from p2p_remote.wire.address import Endpoint


@dataclass(frozen=True, slots=True)
class FileAsked:
    """Customer: nothing is granted that covers this; ask the person.

    `incoming`: the file would come here, and `name` is safe; else it would leave, and
    `name` is the path that was asked for.
    """

    number: int
    incoming: bool
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class FileWanted:
    """Customer: read this file and offer it, or stop."""

    number: int
    path: str


@dataclass(frozen=True, slots=True)
class FileOffered:
    """Receiver: make room for this file and accept it, or stop."""

    number: int
    name: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class FileAccepted:
    """Sender: compare `digest` with the first `offset` bytes and begin."""

    number: int
    offset: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class FileBegun:
    """Receiver: bytes follow from `offset`."""

    number: int
    offset: int


@dataclass(frozen=True, slots=True)
class FileChunk:
    """Receiver: the next bytes, in order and without overlap."""

    number: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FileProgress:
    """Sender: the other side has written everything before `position`."""

    number: int
    position: int


@dataclass(frozen=True, slots=True)
class FileSent:
    """Receiver: everything is here; compare the hash and give the file its name."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class FileStored:
    """Sender: the other side has the file."""

    number: int


@dataclass(frozen=True, slots=True)
class FileStopped:
    """The transfer is over, without the file; a number of `wire.files.STOP_REASONS`."""

    number: int
    reason: int
    by_peer: bool


@dataclass(frozen=True, slots=True)
class LaneOffered:
    """The other side takes a TCP connection for this transfer."""

    number: int
    secret: bytes
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class RoomForFiles:
    """The line takes more bytes of files."""


FileEvent = (
    FileAsked
    | FileWanted
    | FileOffered
    | FileAccepted
    | FileBegun
    | FileChunk
    | FileProgress
    | FileSent
    | FileStored
    | FileStopped
    | LaneOffered
    | RoomForFiles
)
