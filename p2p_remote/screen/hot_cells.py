"""Which of the changed places may answer an input, and which change all the time.

The display is looked at in cells of 16x16 pixels. What a key or a click brings about
changes cells that were quiet before; a video or a running log changes the same cells
again and again. So every cell has a heat, which rises with each change and fades.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import SEGMENT, Bits
from p2p_remote.screen.damage import spans_of
from p2p_remote.screen.geometry import Rect

CELL = SEGMENT  # pixels; side of a cell

_FADING = 0.3  # s in which heat falls to 1/e
_HOT = 5.0  # changes; ten a second give 3.5, twenty-five a second 8
_MAX_CELLS = 512  # more changed at once are looked at near the input only
_JOIN = 1  # cells between two places that are one


class CellHeat:
    """How often each cell has changed of late."""

    def __init__(self, width: int, height: int) -> None:
        """Size of the display in pixels."""
        self._heat: NDArray[np.float32] = np.zeros(
            (-(-height // CELL), -(-width // CELL)), np.float32
        )
        self._at: float | None = None

    def note(self, changed: Bits, now: float) -> Bits:
        """Take changed cells of a capture at `now` (s); returns those not hot."""
        if self._at is not None:
            self._heat *= math.exp(-max(now - self._at, 0.0) / _FADING)
        self._at = now
        quiet: Bits = changed & (self._heat < _HOT)
        self._heat += changed
        return quiet


def cells_in(rects: Iterable[Rect], shape: tuple[int, int]) -> Bits:
    """Cells that rectangles (in pixels) touch; `shape` is that of the map."""
    cells = np.zeros(shape, np.bool_)
    for rect in rects:
        if rect:
            rows = slice(max(rect.y, 0) // CELL, max(-(-rect.bottom // CELL), 0))
            columns = slice(max(rect.x, 0) // CELL, max(-(-rect.right // CELL), 0))
            cells[rows, columns] = True
    return cells


def places(cells: Bits, near: list[Rect]) -> list[Rect]:
    """Boxes in pixels around groups of set cells: nearest to `near`, then small, first.

    Where too many cells are set for an answer to input, only those inside `near`
    count, and none if they are too many still.
    """
    if int(np.count_nonzero(cells)) > _MAX_CELLS:
        cells = cells & cells_in(near, cells.shape)
        if int(np.count_nonzero(cells)) > _MAX_CELLS:
            return []
    boxes: list[Rect] = []
    for row in np.flatnonzero(cells.any(axis=1)).tolist():
        for start, end in spans_of(cells[row], _JOIN):
            boxes = _joined(boxes, Rect(start, row, end - start, 1))
    found = [
        Rect(box.x * CELL, box.y * CELL, box.width * CELL, box.height * CELL)
        for box in boxes
    ]
    return sorted(found, key=lambda box: (_distance(box, near), box.area))


def _joined(boxes: list[Rect], added: Rect) -> list[Rect]:
    """Boxes with one more, which swallows those that it touches."""
    apart = []
    for box in boxes:
        if box.distance(added) <= _JOIN:
            added = added.union(box)
        else:
            apart.append(box)
    return [*apart, added]


def _distance(box: Rect, near: list[Rect]) -> int:
    return min((box.distance(rect) for rect in near), default=0)
