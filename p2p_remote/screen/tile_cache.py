"""Slots that keep tiles of overwritten content, the same on both ends.

Tiles are 64x64 pixels on a grid from the upper left corner; those at the right and
lower edge are smaller. Tiles are numbered row by row.
"""

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import TILE, Pixels, Table
from p2p_remote.screen.geometry import Rect

_BAND_PIXELS = 65_536  # moved at once; fits into the second-level cache
SLOTS = 2048  # 32 MiB when full; about four screens of 1920x1080


def grid_size(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of tiles on a display."""
    return -(-width // TILE), -(-height // TILE)


def tile_rect(tile: int, width: int, height: int) -> Rect:
    """Pixels of tile number `tile` on a display."""
    row, column = divmod(tile, -(-width // TILE))
    x, y = column * TILE, row * TILE
    return Rect(x, y, min(TILE, width - x), min(TILE, height - y))


class TileSlots:
    """Pixels by slot number."""

    def __init__(self, width: int, height: int) -> None:
        """Empty slots for a display of that size in pixels."""
        self._width = width
        self._height = height
        columns, rows = grid_size(width, height)
        self._tiles = columns * rows
        self._slots: list[Pixels | None] = [None] * SLOTS

    def check(self, stores: Table, hits: Table) -> None:
        """Refuse operations that cannot be carried out.

        Raises:
            MalformedMessageError: no such tile or slot, or an empty slot is shown, or
                one of another size.

        """
        for table in (stores, hits):
            if len(table) and (
                table.min() < 0
                or table[:, 0].max() >= self._tiles
                or table[:, 1].max() >= SLOTS
            ):
                raise MalformedMessageError("no such tile or slot")
        sizes: dict[int, tuple[int, ...]] = {
            slot: self._shape(tile) for tile, slot in stores.tolist()
        }
        for tile, slot in hits.tolist():
            pixels = self._slots[slot]
            size = sizes.get(slot, pixels.shape if pixels is not None else None)
            if size != self._shape(tile):
                raise MalformedMessageError("slot is empty or of another size")

    def _shape(self, tile: int) -> tuple[int, int]:
        rect = tile_rect(tile, self._width, self._height)
        return rect.height, rect.width

    def store(self, tile: int, slot: int, frame: Pixels) -> None:
        """Keep what `frame` shows at `tile`."""
        rect = tile_rect(tile, self._width, self._height)
        self._slots[slot] = frame[rect.y : rect.bottom, rect.x : rect.right].copy()

    def show(self, tile: int, slot: int, frame: Pixels) -> Rect:
        """Write a slot into `frame`; returns the pixels written."""
        rect = tile_rect(tile, self._width, self._height)
        pixels = self._slots[slot]
        if pixels is not None:
            frame[rect.y : rect.bottom, rect.x : rect.right] = pixels
        return rect


def carry_out_copies(frame: Pixels, copies: Table) -> list[Rect]:
    """Fill all destinations, in order, from what `frame` shows now."""
    rows = copies.tolist()
    areas = [Rect.from_edges(*row[:4]) for row in rows]
    if len(rows) == 1:
        move_pixels(frame, areas[0], *rows[0][4:])
    else:
        sources = [
            frame[top + dy : bottom + dy, left + dx : right + dx].copy()
            for left, top, right, bottom, dx, dy in rows
        ]
        for area, source in zip(areas, sources, strict=True):
            frame[area.y : area.bottom, area.x : area.right] = source
    return areas


def move_pixels(frame: Pixels, area: Rect, dx: int, dy: int) -> None:
    """Fill `area` from `dx` to the right and `dy` below, reading before overwriting.

    It goes band by band, so it takes a band of memory and not a second picture.
    """
    columns = slice(area.x, area.right)
    sources = slice(area.x + dx, area.right + dx)
    step = max(_BAND_PIXELS // area.width, 1)
    starts = range(area.y, area.bottom, step)
    for start in starts if dy >= 0 else reversed(starts):
        end = min(start + step, area.bottom)
        frame[start:end, columns] = frame[start + dy : end + dy, sources]


def check_copies(copies: Table, width: int, height: int) -> None:
    """Refuse copies from or to outside of the display, and too many pixels.

    Raises:
        MalformedMessageError: a bound is broken.

    """
    if not len(copies):
        return
    left, top, right, bottom, dx, dy = copies.T
    inside = (
        (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)
        & (left < right) & (top < bottom)
        & (left + dx >= 0) & (top + dy >= 0)
        & (right + dx <= width) & (bottom + dy <= height)
    )  # fmt: skip
    if not np.all(inside):
        raise MalformedMessageError("copy outside of the display")
    if int(((right - left) * (bottom - top)).sum()) > width * height:
        raise MalformedMessageError("copies of more than one screen")
