"""Bytes of the unpacked body of a screen update: docs/protocol/screen.md.

`build` writes and `parse` reads. `parse` checks everything that can be checked
without knowing the display; what depends on it is checked by the decoder.
"""

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import Bits, Pixels, Table
from p2p_remote.screen.mask import mask_bytes, pack_mask, unpack_mask

FLAG_KEY = 1  # display size follows; everything known so far is forgotten
FLAG_OPERATIONS = 2  # copies, stores and hits follow
FLAG_GREY = 4  # the planes B-G and R-G are left out: all zero
FLAG_REMEMBER = 8  # this body becomes part of the history
FLAG_SMOOTH = 16  # values of the planes are minus the one before
_ALL_FLAGS = FLAG_KEY | FLAG_OPERATIONS | FLAG_GREY | FLAG_REMEMBER | FLAG_SMOOTH

MAX_BODY = 1 << 18  # bytes of an unpacked body
MAX_PIXELS = 1 << 19  # pixels of all rectangles of one update
MAX_RECTANGLES = 512  # of one update
MAX_COUNT = 4096  # copies, stores or hits of one update

_ESCAPE = 255  # a rectangle count that does not fit one byte
_COPY_COLUMNS = 6  # left, top, right, bottom of the destination; dx, dy of the source
_RECTANGLE_BYTES = 10


def _no_rows(columns: int) -> Table:
    return np.zeros((0, columns), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One unpacked update.

    `copies` has rows (left, top, right, bottom, dx, dy): the destination is filled
    from the place `dx` to the right and `dy` below it. `stores` and `hits` have rows
    (tile, slot). `rectangles` has rows (x, y, width, height, pitch, phase). `changes`
    has a bit per pixel of the rectangles in scan order: it differs from the one before
    (the first: from 0); `values` are those pixels, 0x00RRGGBB. A body that is `smooth`
    carries their differences.
    """

    size: tuple[int, int] | None = None
    remember: bool = False
    smooth: bool = False
    copies: Table = field(default_factory=lambda: _no_rows(6))
    stores: Table = field(default_factory=lambda: _no_rows(2))
    hits: Table = field(default_factory=lambda: _no_rows(2))
    rectangles: Table = field(default_factory=lambda: _no_rows(6))
    changes: Bits = field(default_factory=lambda: np.zeros(0, np.bool_))
    values: Pixels = field(default_factory=lambda: np.zeros(0, np.uint32))


class _Reader:
    """Cursor over bytes that never reads beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    def take(self, length: int) -> bytes:
        """Next `length` bytes."""
        end = self._offset + length
        if end > len(self._data):
            raise MalformedMessageError("screen update is too short")
        part = self._data[self._offset : end]
        self._offset = end
        return part

    def numbers(self, form: str) -> tuple[int, ...]:
        """Unpack numbers by a `struct` format."""
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def columns(self, rows: int, columns: int, dtype: str) -> Table:
        """Table of `rows` rows that is stored column by column."""
        size = np.dtype(dtype).itemsize
        data = np.frombuffer(self.take(rows * columns * size), dtype)
        return data.reshape(columns, rows).T.astype(np.int64)

    def finish(self) -> None:
        """Refuse trailing bytes."""
        if self._offset != len(self._data):
            raise MalformedMessageError("screen update is too long")


def _undelta(differences: Table) -> Table:
    """Columns of differences modulo 2^16 to columns of numbers."""
    return np.cumsum(differences, axis=0) & 0xFFFF


def _read_operations(reader: _Reader) -> tuple[Table, Table, Table]:
    counts = reader.numbers("<HHH")
    if max(counts) > MAX_COUNT:
        raise MalformedMessageError("too many operations")
    if not any(counts):
        raise MalformedMessageError("operations announced but absent")
    copies = reader.columns(counts[0], _COPY_COLUMNS, "<i2")
    stores = _undelta(reader.columns(counts[1], 2, "<i2"))
    hits = _undelta(reader.columns(counts[2], 2, "<i2"))
    return copies, stores, hits


def _read_rectangles(reader: _Reader) -> Table:
    (count,) = reader.numbers("<B")
    if count == _ESCAPE:
        (count,) = reader.numbers("<H")
        if not _ESCAPE <= count <= MAX_RECTANGLES:
            raise MalformedMessageError("rectangle count out of bounds")
    places = reader.columns(count, 4, "<u2")
    rhythm = reader.columns(count, 2, "u1")
    if count and (
        places[:, 2:].min() < 1
        or rhythm[:, 0].min() < 1
        or (rhythm[:, 1] >= rhythm[:, 0]).any()
    ):
        raise MalformedMessageError("rectangle out of bounds")
    return np.concatenate((places, rhythm), axis=1)


def _read_plane(reader: _Reader, count: int, *, smooth: bool) -> NDArray[np.uint8]:
    plane = np.frombuffer(reader.take(count), np.uint8)
    return np.add.accumulate(plane, dtype=np.uint8) if smooth else plane


def _read_pixels(reader: _Reader, rectangles: Table, flags: int) -> tuple[Bits, Pixels]:
    changes = unpack_mask(reader.take(mask_bytes(rectangles)), rectangles)
    changed = int(np.count_nonzero(changes))
    smooth = bool(flags & FLAG_SMOOTH)
    green = _read_plane(reader, changed, smooth=smooth)
    if flags & FLAG_GREY:
        return changes, green.astype(np.uint32) * np.uint32(0x010101)
    blue = green + _read_plane(reader, changed, smooth=smooth)
    red = green + _read_plane(reader, changed, smooth=smooth)
    values = np.zeros((changed, 4), np.uint8)
    values[:, 0] = blue
    values[:, 1] = green
    values[:, 2] = red
    return changes, values.view("<u4")[:, 0]


def parse(raw: bytes) -> Body:
    """Read an unpacked body.

    Raises:
        MalformedMessageError: not exactly one body, or a bound is broken.

    """
    reader = _Reader(raw)
    (flags,) = reader.numbers("<B")
    if flags & ~_ALL_FLAGS:
        raise MalformedMessageError("unknown flag in a screen update")
    size = None
    if flags & FLAG_KEY:
        width, height = reader.numbers("<HH")
        size = (width, height)
    copies, stores, hits = _no_rows(_COPY_COLUMNS), _no_rows(2), _no_rows(2)
    if flags & FLAG_OPERATIONS:
        copies, stores, hits = _read_operations(reader)
    rectangles = _read_rectangles(reader)
    count = int((rectangles[:, 2] * rectangles[:, 3]).sum())
    if count > MAX_PIXELS:
        raise MalformedMessageError("too many pixels in one screen update")
    changes, values = _read_pixels(reader, rectangles, flags)
    reader.finish()
    return Body(
        size=size,
        remember=bool(flags & FLAG_REMEMBER),
        smooth=bool(flags & FLAG_SMOOTH),
        copies=copies,
        stores=stores,
        hits=hits,
        rectangles=rectangles,
        changes=changes,
        values=values,
    )


def _columns(table: Table, dtype: str) -> bytes:
    return table.T.astype(dtype).tobytes()


def _delta(table: Table) -> Table:
    return np.diff(table, axis=0, prepend=np.zeros((1, table.shape[1]), np.int64))


def _operations(body: Body) -> bytes:
    counts = struct.pack("<HHH", len(body.copies), len(body.stores), len(body.hits))
    return (
        counts
        + _columns(body.copies, "<i2")
        + _columns(_delta(body.stores), "<i2")
        + _columns(_delta(body.hits), "<i2")
    )


def _rectangles(body: Body) -> bytes:
    count = len(body.rectangles)
    head = bytes([count]) if count < _ESCAPE else struct.pack("<BH", _ESCAPE, count)
    places = _columns(body.rectangles[:, :4], "<u2")
    return head + places + _columns(body.rectangles[:, 4:], "u1")


def _planes(values: Pixels, *, smooth: bool) -> tuple[bytes, bool]:
    """The value planes, and whether they are grey."""
    channels = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4)
    green = channels[:, 1].copy()
    blue = channels[:, 0] - green
    red = channels[:, 2] - green
    grey = not (blue.any() or red.any())
    planes = [green] if grey else [green, blue, red]
    if smooth:
        zero = np.zeros(1, np.uint8)
        planes = [np.diff(plane, prepend=zero) for plane in planes]
    return b"".join(plane.tobytes() for plane in planes), grey


def build(body: Body) -> bytes:
    """Bytes of `body`; its tables must be within the bounds of the layout."""
    planes, grey = _planes(body.values, smooth=body.smooth)
    operations = len(body.copies) or len(body.stores) or len(body.hits)
    flags = (
        (FLAG_KEY if body.size else 0)
        | (FLAG_OPERATIONS if operations else 0)
        | (FLAG_GREY if grey else 0)
        | (FLAG_REMEMBER if body.remember else 0)
        | (FLAG_SMOOTH if body.smooth else 0)
    )
    return b"".join(
        (
            bytes([flags]),
            struct.pack("<HH", *body.size) if body.size else b"",
            _operations(body) if operations else b"",
            _rectangles(body),
            pack_mask(body.changes, body.rectangles),
            planes,
        )
    )
