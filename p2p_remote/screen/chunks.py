"""Rectangles cut into updates of bounded size, always at the end of a strip."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from p2p_remote.screen.arrays import COLOUR, Pixels, Table
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.layout import MAX_PIXELS, MAX_RECTANGLES
from p2p_remote.screen.scan import changes_of, gather, strip_rows

MAX_PITCH = 128  # rows of a strip of a photograph
STRIP_PIXELS = 32_768  # rectangles are made so narrow that no strip has more
_BAND_PIXELS = 131_072  # read at once; keeps the copy in the second-level cache
_LITTLE = 4  # such rectangles, at the worst, that fill an update
_HEADER = 10  # bytes of a rectangle in the body


@dataclass(frozen=True, slots=True)
class Scanned:
    """A rectangle and the rhythm of its strips."""

    rect: Rect
    pitch: int
    phase: int

    def row(self) -> tuple[int, int, int, int, int, int]:
        """Row of `Body.rectangles`."""
        rect = self.rect
        return rect.x, rect.y, rect.width, rect.height, self.pitch, self.phase

    def for_photo(self) -> "Scanned":
        """The same rectangle, read along its longer side."""
        pitch = min(self.rect.height, MAX_PITCH)
        along = pitch if self.rect.height >= self.rect.width else 1
        return Scanned(self.rect, along, 0)

    def divided(self, rows: int) -> tuple["Scanned", "Scanned"]:
        """Upper `rows` rows and the rest; `rows` is the end of a strip."""
        rect = self.rect
        upper = Rect(rect.x, rect.y, rect.width, rows)
        lower = Rect(rect.x, rect.y + rows, rect.width, rect.height - rows)
        return Scanned(upper, self.pitch, self.phase), Scanned(lower, self.pitch, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Rectangles of one update and their pixels in scan order."""

    rectangles: list[Scanned]
    pixels: Pixels

    def table(self) -> Table:
        """`Body.rectangles`."""
        return np.array([item.row() for item in self.rectangles], np.int64).reshape(
            -1, 6
        )


def columns(rect: Rect, pitch: int) -> list[Rect]:
    """Columns of the rectangle in which no strip exceeds `STRIP_PIXELS`."""
    most = max(STRIP_PIXELS // min(pitch, rect.height), 1)
    parts = -(-rect.width // most)
    step = -(-rect.width // parts)
    return [
        Rect(x, rect.y, min(step, rect.right - x), rect.height)
        for x in range(rect.x, rect.right, step)
    ]


def _bands(item: Scanned) -> list[Scanned]:
    """Groups of whole strips of about `_BAND_PIXELS`."""
    step = max(_BAND_PIXELS // (item.rect.width * item.pitch), 1) * item.pitch
    bands = []
    while item.rect.height > step + item.phase:
        band, item = item.divided(step + item.phase)
        bands.append(band)
    return [*bands, item]


class _Open:
    """The update that is being filled."""

    def __init__(self) -> None:
        self.rectangles: list[Scanned] = []
        self.parts: list[Pixels] = []
        self.bytes = 0
        self.pixels = 0

    def add(self, item: Scanned, scanned: Pixels, size: int) -> None:
        """Take a rectangle of `size` raw bytes."""
        self.rectangles.append(item)
        self.parts.append(scanned)
        self.bytes += size
        self.pixels += len(scanned)

    def close(self) -> Chunk:
        """The finished update."""
        parts = self.parts
        pixels = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return Chunk(self.rectangles, pixels)


def _strip_sizes(
    item: Scanned, scanned: Pixels, limit: int
) -> tuple[list[int], list[int]]:
    """Rows at the end of each strip, and raw bytes from the top to there.

    What takes little of an update of `limit` bytes at the worst is not divided.
    """
    worst = _HEADER + 4 * len(scanned)
    if _LITTLE * worst <= limit:
        return [item.rect.height], [worst]
    width = item.rect.width
    rows = strip_rows(item.rect.height, item.pitch, item.phase)
    changes = changes_of(scanned)
    sizes = []
    changed = mask = 0
    for start, end in pairwise([0, *rows]):
        height = end - start
        changed += int(np.count_nonzero(changes[start * width : end * width]))
        mask += width * (height if height < 8 else -(-height // 8) * 8)
        sizes.append(_HEADER + 3 * changed + mask // 8)
    return rows, sizes


def _fitting(rows: list[int], sizes: list[int], room: int, most_rows: int) -> int:
    """Leading strips that fit into `room` bytes and `most_rows` rows."""
    count = 0
    for row, size in zip(rows, sizes, strict=True):
        if size > room or row > most_rows:
            break
        count += 1
    return count


def _read(item: Scanned, frame: Pixels) -> Pixels:
    """Pixels of the rectangle in scan order, colour only."""
    rect = item.rect
    scanned = np.empty(rect.area, np.uint32)
    block = frame[rect.y : rect.bottom, rect.x : rect.right]
    gather(block, item.pitch, item.phase, scanned)
    scanned &= COLOUR
    return scanned


def chunks(items: Iterable[Scanned], frame: Pixels, limit: int) -> Iterator[Chunk]:
    """Cut `items`, in order, into updates of about `limit` raw bytes.

    A strip is never divided, so an update that holds nothing else may exceed `limit`:
    a strip has up to 3.25 bytes for each of `STRIP_PIXELS` pixels.
    Items are at most as wide as `columns` says. Pixels are read while the iterator
    runs.
    """
    current = _Open()
    queue = [band for item in items for band in _bands(item)][::-1]
    while queue:
        item = queue.pop()
        scanned = _read(item, frame)
        rows, sizes = _strip_sizes(item, scanned, limit)
        width = item.rect.width
        room = (limit - current.bytes, (MAX_PIXELS - current.pixels) // width)
        fitting = _fitting(rows, sizes, *room)
        if not fitting and not current.rectangles:
            fitting = 1
        rest = item
        if fitting:
            count = rows[fitting - 1]
            taken, rest = item.divided(count)
            current.add(taken, scanned[: count * width], sizes[fitting - 1])
        if rest.rect:
            queue.append(rest)
        if rest.rect or len(current.rectangles) == MAX_RECTANGLES:
            yield current.close()
            current = _Open()
    if current.rectangles:
        yield current.close()
