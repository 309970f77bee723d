"""The encoder's side of the tile cache: which tiles to keep, which to show again."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import SEGMENT, TILE, Bits, Pixels
from p2p_remote.screen.damage import differing
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.tile_cache import SLOTS, TileSlots, grid_size, tile_rect

_MIN_TILES = 8  # changed tiles; smaller updates do not bring old content back
_MIN_CHANGED = 4  # segments that differ before a tile is looked at
_MOST_STORED = 1024  # tiles kept per update
_RESTLESS = 8  # updates in a row without a hit after which a tile is not kept


class TileIndex:
    """Finds content by its hash in slots that mirror the decoder's."""

    def __init__(self, width: int, height: int) -> None:
        """Empty index for a display of that size in pixels."""
        self._width = width
        self._height = height
        self._columns, self._rows = grid_size(width, height)
        self._slots = TileSlots(width, height)
        self._slot_of: OrderedDict[int, int] = OrderedDict()
        self._free = 0
        self._restless = np.zeros(self._columns * self._rows, np.int64)
        self._rects = [
            tile_rect(tile, width, height) for tile in range(len(self._restless))
        ]
        # Not by np.random: to load it takes 25 ms, and the customer has just said yes.
        noise = hashlib.shake_128(b"tile index").digest(TILE * TILE * 4)
        weights = np.frombuffer(noise, np.uint32).reshape(TILE, TILE)
        self._weights = np.tile(weights | 1, (1, self._columns))[:, :width]

    def changed_tiles(self, segments: Bits) -> list[int]:
        """Tiles that an update overwrites, when there are many; else none."""
        per_tile = TILE // SEGMENT
        # The 64 rows of a tile can be counted in a byte.
        rows = np.add.reduceat(
            segments.view(np.uint8), np.arange(0, self._height, TILE), dtype=np.uint8
        )
        columns = np.arange(0, rows.shape[1], per_tile)
        counts = np.add.reduceat(rows, columns, axis=1, dtype=np.int32)
        tiles: list[int] = np.flatnonzero(counts.ravel() >= _MIN_CHANGED).tolist()
        return tiles if len(tiles) >= _MIN_TILES else []

    def find(self, tiles: list[int], current: Pixels) -> list[tuple[int, int]]:
        """Those `tiles` of `current` that a slot holds, with the slot."""
        found = []
        hashes = self._hashes(tiles, current)
        for tile in tiles:
            slot = self._slot_of.get(hashes[tile])
            pixels = self._slots.pixels(slot) if slot is not None else None
            if slot is None or pixels is None:
                continue
            if not _is_same(current[self._area(tile)], pixels):
                continue
            self._slot_of.move_to_end(hashes[tile])
            self._restless[tile] = 0
            found.append((tile, slot))
        return found

    def store(
        self, tiles: list[int], old: Pixels, in_use: Iterable[int]
    ) -> list[tuple[int, int]]:
        """Keep what `old` shows at `tiles`, in slots that are not `in_use`."""
        is_changed = np.zeros(len(self._restless), np.bool_)
        is_changed[tiles] = True
        self._restless += np.where(is_changed, 1, -1)
        np.maximum(self._restless, 0, out=self._restless)
        wanted = [tile for tile in tiles if self._restless[tile] < _RESTLESS]
        hashes = self._hashes(wanted, old)
        used = set(in_use)
        stored = []
        for tile in wanted[:_MOST_STORED]:
            code = hashes[tile]
            if code in self._slot_of:
                self._slot_of.move_to_end(code)
                continue
            slot = self._take_slot(used)
            if slot is None:
                break
            self._slots.store(tile, slot, old)
            self._slot_of[code] = slot
            used.add(slot)
            stored.append((tile, slot))
        return stored

    def rect(self, tile: int) -> Rect:
        """Pixels of a tile."""
        return self._rects[tile]

    def _area(self, tile: int) -> tuple[slice, slice]:
        rect = self._rects[tile]
        return slice(rect.y, rect.bottom), slice(rect.x, rect.right)

    def _take_slot(self, used: set[int]) -> int | None:
        """A slot never used, or the one not needed for longest."""
        if self._free < SLOTS:
            self._free += 1
            return self._free - 1
        code, slot = next(iter(self._slot_of.items()))
        if slot in used:
            return None
        del self._slot_of[code]
        return slot

    def _hashes(self, tiles: list[int], frame: Pixels) -> dict[int, int]:
        """Hash of each tile's even rows; tiles side by side are hashed at once.

        What has the same hash is compared before it is used.
        """
        hashes: dict[int, int] = {}
        ends: dict[int, tuple[int, int]] = {}
        for tile in tiles:
            row, column = divmod(tile, self._columns)
            first, last = ends.get(row, (column, column))
            ends[row] = min(first, column), max(last, column)
        for row, (first, last) in ends.items():
            left, right = first * TILE, (last + 1) * TILE
            band = frame[row * TILE : (row + 1) * TILE : 2, left:right]
            weights = self._weights[: len(band), left:right]
            sums: NDArray[np.uint32] = np.einsum("ij,ij->j", band, weights)
            starts = np.arange(0, len(sums), TILE)
            codes = np.add.reduceat(sums, starts, dtype=np.uint32).tolist()
            begin = row * self._columns
            hashes.update(
                zip(range(begin + first, begin + last + 1), codes, strict=True)
            )
        return hashes


def _is_same(one: Pixels, two: Pixels) -> bool:
    """Whether two blocks have the same size and colours.

    Mostly their fourth bytes are equal too, and bytes are compared fastest.
    """
    if one.shape != two.shape:
        return False
    return one.tobytes() == two.tobytes() or not differing(one, two).any()
