"""Regions that are video: photographs that change in nearly every update.

They are found by blocks and then bounded to the pixel, so that what stands beside them
stays exact. While they move nobody sees fine detail; what counts is how often they do.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import BLOCK, SEGMENT, Bits, Pixels
from p2p_remote.screen.chunks import Scanned, columns
from p2p_remote.screen.damage import differing, spans_of
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.rhythm import rhythm_of

MIN_BLOCKS = 12  # of a region: 128x96 pixels

_HISTORY = 8  # updates that are remembered per block
_BEGINS, _AMONG = (
    4,
    np.uint8(0x1F),
)  # a block is video that changed in 4 of the last 5 updates
_STAYS = 2  # and as long as it did in 2 of all that are remembered
_DENSE = 0.7  # share of a region's blocks that are video
_LINE_STEP = 4  # every fourth row is looked at
_UPDATE_PIXELS = 1 << 19  # of a region in one update
_ACTIVE = 0.5  # share of a row or column that changes inside of a video


@dataclass(slots=True)
class _Region:
    """Box in blocks; what has changed there in the last updates, in pixels."""

    box: Rect
    extent: Rect


class VideoFinder:
    """Follows the blocks of one display."""

    def __init__(self, width: int, height: int) -> None:
        """Nothing is video at first."""
        self._display = Rect(0, 0, width, height)
        shape = -(-height // BLOCK), -(-width // BLOCK)
        self._history = np.zeros(shape, np.uint8)
        self._blocks = np.zeros(shape, np.bool_)
        self._regions: list[_Region] = []
        self.beside: list[Rect] = []
        """Pixels beside regions that the last call of `moving` has bounded anew.

        Before that they may have been sent as a part of a photograph's blocks.
        """

    @property
    def blocks(self) -> Bits:
        """Blocks that a region touches."""
        touched = np.zeros_like(self._blocks)
        for region in self._regions:
            touched[block_range(region.extent.union(_pixels(region.box)))] = True
        return touched

    def note(self, changed: Bits, photo: Bits) -> None:
        """Follow an update: blocks that changed, and those like a photograph.

        Blocks of a video count as one whatever they show.
        """
        seen = photo | (changed & self._blocks)
        self._history = (self._history << np.uint8(1)) | seen.view(np.uint8)
        recent = np.bitwise_count(self._history & _AMONG) >= _BEGINS
        kept = self._blocks & (np.bitwise_count(self._history) >= _STAYS)
        self._blocks = recent | kept
        known = {region.box: region for region in self._regions}
        self._regions = [
            known.get(box, _Region(box, Rect(0, 0, 0, 0)))
            for box in _boxes(self._blocks)
        ]

    def _strips(self, extent: Rect) -> list[Rect]:
        """What lies in the blocks that `extent` touches, but outside of it."""
        rows, across = block_range(extent)
        hull = _pixels(
            Rect.from_edges(across.start, rows.start, across.stop, rows.stop)
        ).intersection(self._display)
        edges = Rect.from_edges
        strips = (
            edges(hull.x, hull.y, hull.right, extent.y),
            edges(hull.x, extent.y, extent.x, extent.bottom),
            edges(extent.right, extent.y, hull.right, extent.bottom),
            edges(hull.x, extent.bottom, hull.right, hull.bottom),
        )
        return [strip for strip in strips if strip]

    def moving(self, segments: Bits, current: Pixels, reference: Pixels) -> list[Rect]:
        """Pixels of the regions in which `segments` differ, to be sent as video."""
        found = []
        self.beside = []
        for region in self._regions:
            box = _pixels(region.box).intersection(self._display)
            if segments[_rows(box), _across(box)].any():
                extent = _extent(box, segments, current, reference)
                # A region keeps what it has once had: its edge may stand still.
                known, region.extent = region.extent, region.extent.union(extent)
                if region.extent != known:
                    self.beside += self._strips(region.extent)
                if region.extent:
                    found.append(region.extent)
        return found


def _rows(rect: Rect) -> slice:
    return slice(rect.y, rect.bottom)


def _across(rect: Rect) -> slice:
    """Segments that `rect` touches."""
    return slice(rect.x // SEGMENT, -(-rect.right // SEGMENT))


def block_range(rect: Rect) -> tuple[slice, slice]:
    """Rows and columns of the blocks that `rect`, in pixels, touches."""
    return (
        slice(max(rect.y, 0) // BLOCK, max(-(-rect.bottom // BLOCK), 0)),
        slice(max(rect.x, 0) // BLOCK, max(-(-rect.right // BLOCK), 0)),
    )


def bands(region: Rect) -> list[Rect]:
    """Parts of a region (pixels) that fit into an update each; mostly it is one."""
    step = max(_UPDATE_PIXELS // region.width, 1)
    return [
        Rect(region.x, top, region.width, min(step, region.bottom - top))
        for top in range(region.y, region.bottom, step)
    ]


def lossy_strips(
    strips: list[Rect], loss: NDArray[np.uint8], current: Pixels
) -> list[Scanned]:
    """Those `strips` (pixels) in lossy blocks, to be sent as they are."""
    items = []
    for rect in strips:
        if loss[block_range(rect)].any():
            block = current[rect.y : rect.bottom, rect.x : rect.right]
            pitch, phase = rhythm_of(block)
            items += [Scanned(part, pitch, phase) for part in columns(rect, pitch)]
    return items


def _pixels(box: Rect) -> Rect:
    return Rect(box.x * BLOCK, box.y * BLOCK, box.width * BLOCK, box.height * BLOCK)


def _boxes(blocks: Bits) -> list[Rect]:
    """Dense boxes of blocks, each large enough to be a region."""
    boxes: list[Rect] = []
    for row in np.flatnonzero(blocks.any(axis=1)).tolist():
        for start, end in spans_of(blocks[row]):
            box = Rect(start, row, end - start, 1)
            near = [other for other in boxes if other.distance(box) == 0]
            for other in near:
                boxes.remove(other)
                box = box.union(other)
            boxes.append(box)
    return [box for box in boxes if _is_region(box, blocks)]


def _is_region(box: Rect, blocks: Bits) -> bool:
    part = blocks[box.y : box.bottom, box.x : box.right]
    count = int(np.count_nonzero(part))
    return part.size >= MIN_BLOCKS and count >= _DENSE * part.size


def _extent(box: Rect, segments: Bits, current: Pixels, reference: Pixels) -> Rect:
    """What changes around and in `box` (pixels), as far as most of a side does."""
    height, width = current.shape
    wide = Rect.from_edges(
        box.x - BLOCK, box.y - BLOCK, box.right + BLOCK, box.bottom + BLOCK
    ).intersection(Rect(0, 0, width, height))
    rows = _outermost(segments[_rows(wide), _across(box)].mean(axis=1))
    # To the pixel: segments at the side hold what stands beside the video.
    lines = slice(wide.y + rows.start, wide.y + rows.stop, _LINE_STEP)
    strip = slice(wide.x, wide.right)
    differs = differing(current[lines, strip], reference[lines, strip])
    columns = _outermost(differs.mean(axis=0)) if len(differs) else slice(0, 0)
    return Rect.from_edges(
        wide.x + columns.start,
        wide.y + rows.start,
        wide.x + columns.stop,
        wide.y + rows.stop,
    )


def _outermost(shares: NDArray[np.float64]) -> slice:
    """From the first active line to the last."""
    active = np.flatnonzero(shares >= _ACTIVE)
    return slice(int(active[0]), int(active[-1]) + 1) if len(active) else slice(0, 0)
