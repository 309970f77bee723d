"""Approval, grants and candidates, on CHANNEL_CONTROL; the reasons for an end.

The end itself is a CLOSE frame of the transport with one of the reasons as its code.
"""

from dataclasses import dataclass
from typing import ClassVar

from p2p_remote.wire.codec import Blob, Field, Int, Ints, Label, Rows, Schema
from p2p_remote.wire.constants import MAX_SCREEN_SIDE

PERMISSIONS = (
    "view",
    "control",
    "clipboard_in",
    "clipboard_out",
    "file_in",
    "file_out",
    "terminal",
    "record",
    "unattended",
    "sys_keys",
    "show",
)
"""Names of the permissions; the index is the number on the wire."""

_PERMISSION = Int(0, len(PERMISSIONS) - 1)
_SERIAL = Int(0, 2**31)
_SIDE = Int(1, MAX_SCREEN_SIDE)
_POSITION = Int(0, MAX_SCREEN_SIDE - 1)

MAX_CANDIDATES = 8

REASON_ENDED = 0  # somebody ended the session in the ordinary way
REASON_DENIED = 1
REASON_TIMED_OUT = 2
REASON_BUSY = 3
REASON_WRONG_DIGITS = 4
REASON_CAPABILITY = 5  # no display, or it went away
REASON_PROTOCOL = 6
REASON_EXPIRED = 7  # the time box of the customer is over
REASON_CONNECTION_LOST = 8
REASON_WRONG_PASSWORD = 9
REASON_WRONG_IDENTITY = 10
REASONS = (
    "ended",
    "denied",
    "timed_out",
    "busy",
    "wrong_digits",
    "missing_capability",
    "protocol_error",
    "expired",
    "connection_lost",
    "wrong_password",
    "wrong_identity",
)
"""Names of the reasons as users and scripts see them."""


@dataclass(frozen=True, slots=True)
class Approved:
    """Customer to technician, once: the session begins with these grants.

    `verified` is 1 when the customer vouched for the technician (digits, pin,
    password); `seconds` is the time box; `width`, `height` are the display in pixels.
    """

    TYPE: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Rows((_PERMISSION, _SERIAL), len(PERMISSIONS)),
        Int(0, 1),
        Int(1, 86_400),
        _SIDE,
        _SIDE,
    )
    grants: tuple[tuple[int, int], ...]
    verified: int
    seconds: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Granted:
    """Customer to technician: one more permission, with its serial."""

    TYPE: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (_PERMISSION, _SERIAL)
    permission: int
    serial: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """Customer to technician: permissions taken back; already in effect there."""

    TYPE: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Ints(0, len(PERMISSIONS) - 1, len(PERMISSIONS)),
    )
    permissions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """Technician to customer: please grant this."""

    TYPE: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (_PERMISSION,)
    permission: int


@dataclass(frozen=True, slots=True)
class PermissionRefused:
    """Customer to technician: the answer to a `PermissionRequest` was no."""

    TYPE: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (_PERMISSION,)
    permission: int


@dataclass(frozen=True, slots=True)
class Candidates:
    """Both ways, after approval only: candidates (kind, priority, 18-byte endpoint).

    Kinds: 0 host, 1 server-reflexive, 2 peer-reflexive, 3 mapped by the router, 4 a
    TCP port, as the server sees it, for simultaneous open.
    """

    TYPE: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Rows((Int(0, 4), Int(0, 2**32 - 1), Blob(18, 18)), MAX_CANDIDATES),
    )
    rows: tuple[tuple[int, int, bytes], ...]


_PORT = Int(0, 65_535)


@dataclass(frozen=True, slots=True)
class NatMapping:
    """Both ways, after approval only: how the sender's router gives out ports.

    Measured for this `attempt` at guessing ports. Dependence: 0 unknown, 1 endpoint-
    independent, 2 on the address, 3 on address and port (RFC 4787 section 4.1), 4 no
    UDP at all, 5 nor any way out but a proxy. Newest port seen (of 0 and 1: of a fresh
    socket, 0 if there is none), smallest and largest step to the next one (0: not
    predictable), range.
    """

    TYPE: ClassVar[int] = 14
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Int(1, 255),
        Int(0, 5),
        _PORT,
        _PORT,
        _PORT,
        _PORT,
        _PORT,
    )
    attempt: int
    dependence: int
    last_port: int
    min_step: int
    max_step: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Display:
    """Customer to technician: the size of the display in pixels has changed."""

    TYPE: ClassVar[int] = 7
    FIELDS: ClassVar[tuple[Field, ...]] = (_SIDE, _SIDE)
    width: int
    height: int


SHARED = ("everything", "monitor", "windows", "nothing")
MAX_SHARED_NAMES = 16
MAX_SHARED_NAME = 64  # characters


@dataclass(frozen=True, slots=True)
class Shared:
    """Customer to technician: what is shared from now on, and the size of its picture.

    What: an index of SHARED. The names are those of the monitor or of the windows.
    """

    TYPE: ClassVar[int] = 16
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Int(0, len(SHARED) - 1),
        Rows((Label(MAX_SHARED_NAME),), MAX_SHARED_NAMES),
        _SIDE,
        _SIDE,
    )
    what: int
    names: tuple[tuple[str], ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Viewport:
    """Technician to customer: the region shown and the sub-pixels it is shown in."""

    TYPE: ClassVar[int] = 8
    FIELDS: ClassVar[tuple[Field, ...]] = (
        _POSITION,
        _POSITION,
        _SIDE,
        _SIDE,
        _SIDE,
        _SIDE,
    )
    x: int
    y: int
    width: int
    height: int
    output_width: int
    output_height: int


@dataclass(frozen=True, slots=True)
class KeyFrameRequest:
    """Technician to customer: start again from nothing."""

    TYPE: ClassVar[int] = 9
    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class ControlPaused:
    """Customer to technician: 1 while the customer's own mouse and keys win."""

    TYPE: ClassVar[int] = 10
    FIELDS: ClassVar[tuple[Field, ...]] = (Int(0, 1),)
    paused: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Customer to technician: nothing more to send after update `sequence`."""

    TYPE: ClassVar[int] = 12
    FIELDS: ClassVar[tuple[Field, ...]] = (Int(0, 2**32 - 1),)
    sequence: int


ABILITY_JPEG = 1  # can decode JPEG in screen updates
ABILITY_VP8 = 2  # takes VP8 for regions of video in screen updates


@dataclass(frozen=True, slots=True)
class Abilities:
    """Technician to customer, once: what this side can do (bits)."""

    TYPE: ClassVar[int] = 15
    FIELDS: ClassVar[tuple[Field, ...]] = (Int(0, 255),)
    bits: int


@dataclass(frozen=True, slots=True)
class WrongCode:
    """Customer to technician, before the approval: the digits typed do not match.

    Only to a technician whose call says that it is understood
    (`wire.handshake.WANTED_HEARS`).
    """

    TYPE: ClassVar[int] = 17
    FIELDS: ClassVar[tuple[Field, ...]] = (Int(1, 15),)
    tries_left: int


CONTROL_MESSAGES = (
    WrongCode,
    Approved,
    Granted,
    Revoked,
    PermissionRequest,
    PermissionRefused,
    Candidates,
    NatMapping,
    Display,
    Shared,
    Viewport,
    KeyFrameRequest,
    ControlPaused,
    Settled,
    Abilities,
)
ControlMessage = (
    WrongCode
    | Approved
    | Granted
    | Revoked
    | PermissionRequest
    | PermissionRefused
    | Candidates
    | NatMapping
    | Display
    | Shared
    | Viewport
    | KeyFrameRequest
    | ControlPaused
    | Settled
    | Abilities
)

CONTROL = Schema(CONTROL_MESSAGES, max_bytes=4096, max_text=256)
