"""The encoder's side of the tile cache: which tiles to keep, which to show again.

What is done per pixel is done for tiles side by side at once; only their numbers and
slots are looked at one by one.
"""

import hashlib
from collections import OrderedDict
from itertools import pairwise
from mmap import ACCESS_COPY, mmap

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import SEGMENT, TILE, Bits, Pixels, Table
from p2p_remote.screen.damage import differing
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.tile_cache import SLOTS, grid_size

_MIN_TILES = 8  # changed tiles; smaller updates do not bring old content back
_MIN_CHANGED = 4  # segments that differ before a tile is looked at
_MOST_STORED = 1024  # tiles kept per update
_RESTLESS = 8  # updates in a row without a hit after which a tile is not kept
_UNKNOWN = -1  # code of a tile that has not been hashed since it changed

Tiles = NDArray[np.intp]
"""Numbers of tiles, ascending."""


def no_tiles() -> Table:
    """Rows (tile, slot): none."""
    return np.zeros((0, 2), np.int64)


class TileIndex:
    """Finds content by its hash in slots that mirror the decoder's."""

    def __init__(self, width: int, height: int) -> None:
        """Empty index for a display of that size in pixels."""
        self._width = width
        self._height = height
        self._columns, self._rows = grid_size(width, height)
        # Memory that is taken only where a slot is used.
        memory = mmap(-1, 4 * TILE * TILE * SLOTS, access=ACCESS_COPY)
        self._slots = np.frombuffer(memory, np.uint32).reshape(SLOTS, TILE, TILE)
        self._slot_of: OrderedDict[int, int] = OrderedDict()
        self._code_of = np.full(SLOTS, _UNKNOWN, np.int64)
        self._free = 0
        self._restless = np.zeros(self._columns * self._rows, np.int64)
        self._shown = np.full((self._rows, self._columns), _UNKNOWN, np.int64)
        # Not by np.random: to load it takes 25 ms, and the customer has just said yes.
        noise = hashlib.shake_128(b"tile index").digest(TILE * TILE * 4)
        weights = np.frombuffer(noise, np.uint32).reshape(TILE, TILE)
        self._weights = np.tile(weights | 1, (1, self._columns))[:, :width]
        # Tiles of unlike sizes never have the same code.
        self._sizes = np.zeros((self._rows, self._columns), np.int64)
        self._sizes[:, -1] |= width % TILE << 32
        self._sizes[-1] |= height % TILE << 40

    def changed_tiles(self, segments: Bits) -> Tiles:
        """Tiles that an update overwrites, when there are many; else none."""
        per_tile = TILE // SEGMENT
        # The 64 rows of a tile can be counted in a byte.
        rows = np.add.reduceat(
            segments.view(np.uint8), np.arange(0, self._height, TILE), dtype=np.uint8
        )
        columns = np.arange(0, rows.shape[1], per_tile)
        counts = np.add.reduceat(rows, columns, axis=1, dtype=np.int32)
        tiles = np.flatnonzero(counts.ravel() >= _MIN_CHANGED)
        return tiles if len(tiles) >= _MIN_TILES else tiles[:0]

    def find(self, tiles: Tiles, current: Pixels) -> Table:
        """Those `tiles` of `current` that a slot holds, as rows (tile, slot)."""
        codes = self._codes(tiles, current)
        get = self._slot_of.get
        slots = np.array([get(code, -1) for code in codes], np.int64)
        known = np.flatnonzero(slots >= 0)
        found, slots = tiles[known], slots[known]
        same = np.zeros(len(found), np.bool_)
        for start, end in self._runs(found):
            shown = self._tiles_of(current, int(found[start]), end - start)
            _, height, width = shown.shape
            kept = self._slots[slots[start:end]][:, :height, :width]
            same[start:end] = _is_same(shown, kept)
        for index in known[same].tolist():
            self._slot_of.move_to_end(codes[index])
        found, slots = found[same], slots[same]
        self._restless[found] = 0
        return np.stack((found, slots), axis=1)

    def store(self, tiles: Tiles, old: Pixels, hits: Table) -> Table:
        """Keep what `old` shows at `tiles`, in slots other than those of `hits`.

        `old` is what `show` and `forget` were told of. Rows are (tile, slot); what a
        slot holds already is not kept again.
        """
        is_changed = np.zeros(len(self._restless), np.bool_)
        is_changed[tiles] = True
        self._restless += np.where(is_changed, 1, -1)
        np.maximum(self._restless, 0, out=self._restless)
        wanted = tiles[self._restless[tiles] < _RESTLESS][:_MOST_STORED]
        codes = self._shown.ravel()[wanted]
        unknown = np.flatnonzero(codes == _UNKNOWN)
        codes[unknown] = self._codes(wanted[unknown], old)
        used = set(hits[:, 1].tolist())
        stored = []
        for tile, code in zip(wanted.tolist(), codes.tolist(), strict=True):
            if code in self._slot_of:
                self._slot_of.move_to_end(code)
                continue
            slot = self._take_slot(used)
            if slot is None:
                break
            self._slot_of[code] = slot
            self._code_of[slot] = code
            used.add(slot)
            stored.append((tile, slot))
        if not stored:
            return no_tiles()
        pairs = np.array(stored, np.int64)
        for start, end in self._runs(pairs[:, 0]):
            shown = self._tiles_of(old, stored[start][0], end - start)
            _, height, width = shown.shape
            self._slots[pairs[start:end, 1], :height, :width] = shown
        return pairs

    def show(self, hits: Table) -> list[Rect]:
        """Follow `hits`: the viewer shows them; returns their pixels, side by side."""
        tiles, slots = hits.T
        self._shown.ravel()[tiles] = self._code_of[slots]
        found = []
        for start, end in self._runs(tiles):
            rows, columns = self._area(int(tiles[start]), end - start)
            found.append(
                Rect.from_edges(columns.start, rows.start, columns.stop, rows.stop)
            )
        return found

    def forget(self, rect: Rect) -> None:
        """The viewer shows something else in `rect`."""
        rows = slice(rect.y // TILE, -(-rect.bottom // TILE))
        self._shown[rows, rect.x // TILE : -(-rect.right // TILE)] = _UNKNOWN

    def _area(self, tile: int, count: int) -> tuple[slice, slice]:
        """Rows and columns of `count` tiles of one row, from `tile` on."""
        row, column = divmod(tile, self._columns)
        y, x = row * TILE, column * TILE
        return (
            slice(y, min(y + TILE, self._height)),
            slice(x, min(x + count * TILE, self._width)),
        )

    def _tiles_of(self, frame: Pixels, tile: int, count: int) -> Pixels:
        """`count` tiles of a row, from `tile` on, as (tile, height, width); a view."""
        band = frame[self._area(tile, count)]
        height, width = band.shape
        return band.reshape(height, count, width // count).transpose(1, 0, 2)

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

    def _codes(self, tiles: Tiles, frame: Pixels) -> list[int]:
        """Hash of the even rows of each tile, and its size.

        What has the same hash is compared before it is used.
        """
        if not len(tiles):
            return []
        rows, columns = np.divmod(tiles, self._columns)
        first, last = int(columns.min()), int(columns.max())
        left, right = first * TILE, min((last + 1) * TILE, self._width)
        codes = self._sizes.copy()
        starts = np.arange(0, right - left, TILE)
        weights = self._weights[:, left:right]
        for row in np.flatnonzero(np.bincount(rows)).tolist():
            band = frame[row * TILE : (row + 1) * TILE : 2, left:right]
            sums: NDArray[np.uint32] = np.einsum("ij,ij->j", band, weights[: len(band)])
            codes[row, first : last + 1] += np.add.reduceat(
                sums, starts, dtype=np.uint32
            )
        found: list[int] = codes[rows, columns].tolist()
        return found

    def _runs(self, tiles: Tiles) -> list[tuple[int, int]]:
        """Runs of tiles side by side, from the first index to the one after the last.

        Those of a run are of one size.
        """
        if not len(tiles):
            return []
        column = tiles[1:] % self._columns
        breaks = (np.diff(tiles) != 1) | (column == 0)
        if self._width % TILE:
            breaks |= column == self._columns - 1
        edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(tiles)]
        return list(pairwise(edges))


def _is_same(shown: Pixels, kept: Pixels) -> Bits:
    """Which tiles have the same colours."""
    # Mostly their fourth bytes are equal too.
    if not np.logical_or.reduce(shown != kept, axis=None):
        return np.ones(len(shown), np.bool_)
    same: Bits = np.logical_not(differing(shown, kept).any(axis=(1, 2)))
    return same
