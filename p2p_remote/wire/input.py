"""Input of the technician, on CHANNEL_INPUT.

Every event carries the serial of the control grant that it was sent under; the
customer's side drops events of an older grant, so nothing typed before a revoke takes
effect after a new grant. Keys and text are different messages: text is Unicode and
arrives unchanged whatever the keyboard layout; keys are X11 keysyms.
"""

from dataclasses import dataclass
from typing import ClassVar

from p2p_remote.wire.codec import Field, Int, Schema, Text
from p2p_remote.wire.constants import MAX_SCREEN_SIDE

_SERIAL = Int(0, 2**31)
_POSITION = Int(0, MAX_SCREEN_SIDE - 1)

MODIFIER_SHIFT = 1
MODIFIER_CONTROL = 2
MODIFIER_ALT = 4
MODIFIER_SUPER = 8

ACTION_TAP = 0  # press and release; terminals without key release send only these
ACTION_PRESS = 1
ACTION_RELEASE = 2

BUTTON_LEFT = 1
BUTTON_MIDDLE = 2
BUTTON_RIGHT = 4

MAX_TEXT = 4096  # characters of one text message


@dataclass(frozen=True, slots=True)
class TextInput:
    """Unicode text to be typed as it is."""

    TYPE: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (_SERIAL, Text(MAX_TEXT))
    serial: int
    text: str


@dataclass(frozen=True, slots=True)
class KeyInput:
    """A key by its X11 keysym, with modifiers wrapped around a tap."""

    TYPE: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        _SERIAL,
        Int(1, 0x1FFFFFFF),
        Int(0, 15),
        Int(0, 2),
    )
    serial: int
    keysym: int
    modifiers: int
    action: int


@dataclass(frozen=True, slots=True)
class PointerInput:
    """Pointer position in remote pixels and the buttons held (bit mask)."""

    TYPE: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (_SERIAL, _POSITION, _POSITION, Int(0, 7))
    serial: int
    x: int
    y: int
    buttons: int


@dataclass(frozen=True, slots=True)
class ScrollInput:
    """Wheel steps at a position; positive is right and down."""

    TYPE: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        _SERIAL,
        _POSITION,
        _POSITION,
        Int(-32, 32),
        Int(-32, 32),
    )
    serial: int
    x: int
    y: int
    dx: int
    dy: int


@dataclass(frozen=True, slots=True)
class ReleaseAll:
    """Let go of every key and button that is held (focus lost)."""

    TYPE: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (_SERIAL,)
    serial: int


InputMessage = TextInput | KeyInput | PointerInput | ScrollInput | ReleaseAll

INPUT = Schema(
    (TextInput, KeyInput, PointerInput, ScrollInput, ReleaseAll),
    max_bytes=4 * MAX_TEXT + 64,
    max_text=MAX_TEXT,
)
