"""What the viewer has: its picture, its tile cache and how lossy its blocks are.

Every method that changes the picture does exactly what the decoder will do, so the
picture here and there are the same, apart from blocks that the loss map names.
"""

from dataclasses import dataclass, field

import numpy as np

from p2p_remote.screen import effort
from p2p_remote.screen.arrays import BLOCK, OPAQUE, SEGMENT, SMALL, Bits, Pixels, Table
from p2p_remote.screen.damage import Comparer, Stale, differing
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.layout import Body
from p2p_remote.screen.losses import LossMap, exact_tiles
from p2p_remote.screen.motion import Copy, MotionFinder
from p2p_remote.screen.motion_search import Vector
from p2p_remote.screen.tile_index import TileIndex, Tiles, no_tiles

_ROOMY = effort.BUDGET // 4  # units of operations that leave room for rectangles
_MOST_TILES = 1024  # stores or hits of an update that has nothing else
_MOST_COPIED = 8 << 20  # pixels of one copy


def _table(copies: list[Copy]) -> Table:
    return np.array([copy.row() for copy in copies], np.int64).reshape(-1, 6)


@dataclass(slots=True)
class Operations:
    """Copies, stores and hits of one update."""

    copy: Copy | None = None
    stores: Table = field(default_factory=no_tiles)
    hits: Table = field(default_factory=no_tiles)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.copy is not None or bool(len(self.stores) or len(self.hits))

    def bodies(self) -> list[Body]:
        """Bodies that carry them in their order, without rectangles.

        There is room for rectangles in the last one.
        """
        copies = self.copy.parts(_MOST_COPIED) if self.copy is not None else []
        whole = Body(copies=_table(copies), stores=self.stores, hits=self.hits)
        if effort.of_operations(whole) <= _ROOMY:
            return [whole]
        # Stores read the old picture and change nothing, so they come first.
        parts = [Body(stores=part) for part in _groups(whole.stores)]
        parts += [Body(copies=_table([copy])) for copy in copies]
        parts += [Body(hits=part) for part in _groups(whole.hits)]
        return [*parts, Body()]


def _groups(rows: Table) -> list[Table]:
    """Rows of one update each."""
    return [rows[at : at + _MOST_TILES] for at in range(0, len(rows), _MOST_TILES)]


class Mirror:
    """State of the decoder, as far as the encoder needs it."""

    def __init__(self, width: int, height: int) -> None:
        """Black, nothing cached, nothing lossy."""
        self.width = width
        self.height = height
        self.pixels: Pixels = np.zeros((height, width), np.uint32)
        self.loss = LossMap(width, height)
        self._is_blank = True
        self._tiles = TileIndex(width, height)
        self._motion = MotionFinder()
        self._comparer = Comparer(width, height)

    def reset(self, current: Pixels) -> None:
        """Follow a key frame; the ignored byte is taken over from `current`.

        Bytes that are ignored slow comparison down where they differ.
        """
        np.bitwise_and(current, OPAQUE, out=self.pixels)
        self._is_blank = True
        self.loss = LossMap(self.width, self.height)
        self._tiles = TileIndex(self.width, self.height)
        self._motion = MotionFinder()

    def segments(self, current: Pixels, stale: Stale) -> Bits:
        """Segments of what is stale that differ from `current`."""
        return self._comparer.segments(current, self.pixels, stale.rows, stale.across)

    def operate(
        self, current: Pixels, segments: Bits, box: Rect, hint: Vector | None
    ) -> tuple[Operations, Bits]:
        """Operations that explain much of what differs, and what differs after them.

        `box` is the one around the segments.
        """
        is_blank, self._is_blank = self._is_blank, False
        if is_blank or box.area * SEGMENT <= SMALL:
            return Operations(), segments
        tiles = self._tiles.changed_tiles(segments)
        hits: Table | None = None
        if self._motion.last is None and hint is None:
            # While nothing moves, content that comes back is the better guess.
            hits = self._tiles.find(tiles, current)
        if hits is not None and 2 * len(hits) > len(tiles):
            stores = self._store(tiles, hits)
            self._show(hits, current, segments)
            return Operations(None, stores, hits), segments
        move = self._motion.find(current, self.pixels, segments, hint)
        if move is not None:
            segments = move.segments
            tiles, hits = self._tiles.changed_tiles(segments), None
        if hits is None:
            hits = self._tiles.find(tiles, current)
        stores = self._store(tiles, hits)
        copy = move.copy if move is not None else None
        if copy is not None:
            copy.apply(self.pixels)
            self._tiles.forget(copy.rect)
            self.loss.copy(copy.rect, copy.dx, copy.dy)
        self._show(hits, current, segments)
        return Operations(copy, stores, hits), segments

    def _store(self, tiles: Tiles, hits: Table) -> Table:
        """Keep what the viewer shows at `tiles`, before anything is written.

        What it has as JPEG is sent again for less than keeping it costs.
        """
        if not self.loss.is_exact:
            tiles = tiles[exact_tiles(self.loss.loss)[tiles]]
        return self._tiles.store(tiles, self.pixels, hits)

    def _show(self, hits: Table, current: Pixels, segments: Bits) -> None:
        """Follow hits; what they show differs no more."""
        is_exact = self.loss.is_exact
        for rect in self._tiles.show(hits):
            if not is_exact:
                self.loss.fill(rect)
            rows = slice(rect.y, rect.bottom)
            self.pixels[rows, rect.x : rect.right] = current[rows, rect.x : rect.right]
            segments[rows, rect.x // SEGMENT : -(-rect.right // SEGMENT)] = False

    def take_rect(self, rect: Rect, current: Pixels) -> None:
        """Follow an exact rectangle."""
        area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
        self.pixels[area] = current[area]
        self.loss.fill(rect)
        self._tiles.forget(rect)

    def take_region(self, rect: Rect, current: Pixels, segments: Bits) -> None:
        """Follow a region of video; what of `segments` it explains differs no more."""
        area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
        self.pixels[area] = current[area]
        self._tiles.forget(rect)
        first, last = rect.x // SEGMENT, -(-rect.right // SEGMENT)
        for column in {first, last - 1}:
            part = area[0], slice(column * SEGMENT, (column + 1) * SEGMENT)
            differs = differing(current[part], self.pixels[part]).any(axis=1)
            segments[area[0], column] &= differs
        segments[area[0], first + 1 : last - 1] = False

    def take_blocks(
        self, box: Rect, chosen: Bits, current: Pixels, quality: int
    ) -> None:
        """Follow the `chosen` blocks of a side part; `box` is in blocks."""
        rows = slice(box.y * BLOCK, box.bottom * BLOCK)
        columns = slice(box.x * BLOCK, box.right * BLOCK)
        target, source = self.pixels[rows, columns], current[rows, columns]
        if chosen.all():
            target[...] = source
        else:
            where = chosen.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
            height, width = target.shape
            np.copyto(target, source, where=where[:height, :width])
        self.loss.set(box, chosen, quality)
        self._tiles.forget(
            Rect.from_edges(columns.start, rows.start, columns.stop, rows.stop)
        )
