"""Screen updates on CHANNEL_SCREEN and CHANNEL_HOT, the pointer on CHANNEL_CURSOR."""

from dataclasses import dataclass
from typing import ClassVar

from p2p_remote.wire.codec import Blob, Field, Int, Schema
from p2p_remote.wire.constants import MAX_SCREEN_SIDE

PACKER_RAW = 0
PACKER_LZ4 = 1  # lz4 block, without history
PACKER_LZ4_HISTORY = 2  # lz4 block with the last 64 KiB of small bodies as dictionary
PACKER_HUFFMAN = 3  # Huffman-only deflate over PACKER_LZ4_HISTORY
PACKER_DEFLATE = 4  # raw deflate with the last 32 KiB of the history as dictionary

MAX_RAW_BODY = 64 * 1024 * 1024 * 4  # bytes; the decoder's own bounds are tighter
MAX_PACKED = 8 * 1024 * 1024  # bytes of a packed body or side part
MAX_CURSOR_SIDE = 256  # pixels
MAX_HOT_BODY = 60 * 1024  # bytes of the packed body of a hot patch
MAX_HOT_RAW = 256 * 1024  # bytes of its unpacked body


@dataclass(frozen=True, slots=True)
class ScreenUpdate:
    """One update; the layout of `body` is in docs/protocol/screen.md.

    `sequence` counts updates of a display from 0 and wraps at 2^32; `raw_length` is the
    exact length of the unpacked body. When the update has been carried out, the hot
    patches up to the serial `retires` are void; 0 says nothing about them. The defaults
    are those of the smallest updates.
    """

    TYPE: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Int(0, 2**32 - 1),
        Int(0, MAX_RAW_BODY),
        Blob(MAX_PACKED),
        Int(0, 15),
        Blob(MAX_PACKED),
        Int(0, 2**32 - 1),
        Int(0, 255),
    )
    sequence: int
    raw_length: int
    body: bytes
    packer: int = PACKER_DEFLATE
    side: bytes = b""
    retires: int = 0
    display: int = 0


@dataclass(frozen=True, slots=True)
class HotPatch:
    """What the last input changed, ahead of the updates that wait before it.

    `serial` counts from 1 through a whole session; `width` and `height` are those of
    the display. The body holds nothing but rectangles and refers to nothing.
    """

    TYPE: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Int(1, 2**32 - 1),
        Int(1, MAX_SCREEN_SIDE),
        Int(1, MAX_SCREEN_SIDE),
        Int(0, MAX_HOT_RAW),
        Blob(MAX_HOT_BODY),
        Int(0, 15),
        Int(0, 255),
    )
    serial: int
    width: int
    height: int
    raw_length: int
    body: bytes
    packer: int = PACKER_DEFLATE
    display: int = 0


@dataclass(frozen=True, slots=True)
class CursorPosition:
    """Where the customer's pointer is, in pixels."""

    TYPE: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Int(0, MAX_SCREEN_SIDE - 1),
        Int(0, MAX_SCREEN_SIDE - 1),
        Int(0, 1),
    )
    x: int
    y: int
    visible: int


@dataclass(frozen=True, slots=True)
class CursorShape:
    """Pointer shape: BGRA pixels of lz4-packed `image`, with its hot spot."""

    TYPE: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Int(1, MAX_CURSOR_SIDE),
        Int(1, MAX_CURSOR_SIDE),
        Int(0, MAX_CURSOR_SIDE - 1),
        Int(0, MAX_CURSOR_SIDE - 1),
        Blob(MAX_CURSOR_SIDE * MAX_CURSOR_SIDE * 4 + 2048),
    )
    width: int
    height: int
    hot_x: int
    hot_y: int
    image: bytes


SCREEN = Schema(
    (ScreenUpdate,), max_bytes=2 * MAX_PACKED + 64, max_blob=MAX_PACKED, max_list=8
)
HOT = Schema(
    (HotPatch,), max_bytes=MAX_HOT_BODY + 64, max_blob=MAX_HOT_BODY, max_list=8
)
CURSOR = Schema(
    (CursorPosition, CursorShape), max_bytes=300_000, max_blob=270_000, max_list=8
)
