"""Few rectangles around what differs: runs of 16x16 cells joined over rows."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import BLOCK, SEGMENT, SMALL, Bits, Pixels
from p2p_remote.screen.damage import bounding_segments, spans_of, trimmed
from p2p_remote.screen.geometry import Rect

CELL = SEGMENT  # pixels; side of a cell

_GAP = 3  # cells; runs of one row nearer than this are joined
_WASTE = 24  # unchanged cells that a join may add beyond its share
_WASTE_SHARE = 0.3  # and per changed cell
_PHOTO_COST = 8  # unchanged cells that one of a photograph counts for
_MIN_SAVED = 1024  # pixels that a cut must save
_SAVED_SHARE = 8  # and one in so many pixels


@dataclass(frozen=True, slots=True)
class _Group:
    """A rectangle in cells, and the changed cells inside."""

    box: Rect
    changed: int

    def joined(self, other: "_Group") -> "_Group":
        """Both together."""
        return _Group(self.box.union(other.box), self.changed + other.changed)


_Waste = Callable[[Rect], int]


def cells_of(segments: Bits) -> Bits:
    """Cells (rows of 16 pixels, segments per row) with a segment that is set."""
    starts = np.arange(0, len(segments), CELL)
    return np.logical_or.reduceat(segments, starts, axis=0)


def _waste_of(cells: Bits, photo: Bits) -> _Waste:
    """Cost of the unchanged cells in a box, from a table of sums."""
    costs = (~cells).astype(np.int64)
    scale = BLOCK // CELL
    of_photo = photo.repeat(scale, axis=0).repeat(scale, axis=1)
    costs[of_photo[: cells.shape[0], : cells.shape[1]] & ~cells] = _PHOTO_COST
    sums = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1), np.int64)
    np.cumsum(np.cumsum(costs, axis=0), axis=1, out=sums[1:, 1:])

    def waste(box: Rect) -> int:
        upper, lower = sums[box.y], sums[box.bottom]
        return int(lower[box.right] - lower[box.x] - upper[box.right] + upper[box.x])

    return waste


def _row_groups(cells: Bits, waste: _Waste) -> list[_Group]:
    """Runs of cells from top to bottom; rows that are alike have runs together."""
    groups: list[_Group] = []
    is_new = np.ones(len(cells), np.bool_)
    is_new[1:] = (cells[1:] != cells[:-1]).any(axis=1)
    tops = np.flatnonzero(is_new).tolist()
    for row, bottom in pairwise([*tops, len(cells)]):
        begun = len(groups)
        for start, end in spans_of(cells[row]):
            box = Rect.from_edges(start, row, end, bottom)
            run = _Group(box, box.area)
            if len(groups) > begun:
                gap = Rect.from_edges(groups[-1].box.right, row, start, bottom)
                if waste(gap) <= _GAP * gap.height:
                    groups[-1] = groups[-1].joined(run)
                    continue
            groups.append(run)
    return groups


def _join(groups: list[_Group], waste: _Waste) -> list[_Group]:
    """Grow groups downwards while they stay dense."""
    finished: list[_Group] = []
    active: list[_Group] = []
    for group in groups:
        row = group.box.y
        finished.extend(item for item in active if item.box.bottom < row - 1)
        active = [item for item in active if item.box.bottom >= row - 1]
        for index, candidate in enumerate(active):
            joined = candidate.joined(group)
            if waste(joined.box) <= _WASTE + _WASTE_SHARE * joined.changed:
                active[index] = joined
                break
        else:
            active.append(group)
    return finished + active


def _without_overlap(groups: list[_Group], waste: _Waste) -> list[_Group]:
    """Join groups whose boxes overlap, so that few cells are coded twice.

    Groups around a photograph stay apart where the box of both would hold it.
    """
    result: list[_Group] = []
    for added in groups:
        group = added
        index = 0
        while index < len(result):
            common = result[index].box.intersection(group.box)
            joined = result[index].joined(group)
            allowed = _WASTE + _WASTE_SHARE * joined.changed + common.area
            if common and waste(joined.box) <= allowed:
                group = joined
                result.pop(index)
                index = 0
            else:
                index += 1
        result.append(group)
    return result


def changed_rectangles(
    segments: Bits,
    current: Pixels,
    reference: Pixels,
    photo: Bits,
    within: Rect | None = None,
) -> list[Rect]:
    """Rectangles, trimmed to the pixel, that cover every set segment.

    `photo` has the blocks that are sent otherwise: they are left out where a
    rectangle around them costs more than several beside them. No segment is set
    outside of `within`, in segments and rows.
    """
    box = bounding_segments(segments, within)
    if not box:
        return []
    height, width = current.shape
    display = Rect(0, 0, width, height)
    pixels = Rect(box.x * SEGMENT, box.y, box.width * SEGMENT, box.height)
    if pixels.area <= SMALL and not photo.any():
        part = trimmed(pixels.intersection(display), segments, current, reference)
        return [part] if part else []
    cells = cells_of(segments)
    waste = _waste_of(cells, photo)
    found = []
    for group in _without_overlap(_join(_row_groups(cells, waste), waste), waste):
        rect = Rect(
            group.box.x * CELL,
            group.box.y * CELL,
            group.box.width * CELL,
            group.box.height * CELL,
        ).intersection(display)
        parts = _cut(trimmed(rect, segments, current, reference), segments)
        if len(parts) > 1:
            parts = [trimmed(part, segments, current, reference) for part in parts]
        found.extend(parts)
    return sorted((rect for rect in found if rect), key=lambda rect: (rect.y, rect.x))


def _cut(rect: Rect, segments: Bits) -> list[Rect]:
    """Parts of `rect` without much of what has not changed.

    Cells are coarse: where a window has moved, the edge that it uncovers is a few
    rows or columns and then an arm along its side.
    """
    parts: list[Rect] = []
    pending = [rect]
    while pending:
        whole = pending.pop()
        if whole.area < _SAVED_SHARE * _MIN_SAVED // 2:
            parts.append(whole)
            continue
        left = whole.x // SEGMENT
        part = segments[whole.y : whole.bottom, left : -(-whole.right // SEGMENT)]
        if _SAVED_SHARE * (part.size - int(np.count_nonzero(part))) < part.size:
            parts.append(whole)
            continue
        row, kept_rows = _best_cut(part)
        column, kept_columns = _best_cut(part.T)
        saved = part.size - min(kept_rows, kept_columns)
        if saved * SEGMENT < _MIN_SAVED or _SAVED_SHARE * saved < part.size:
            parts.append(whole)
        elif kept_rows <= kept_columns:
            y = whole.y + row
            pending.append(Rect.from_edges(whole.x, whole.y, whole.right, y))
            pending.append(Rect.from_edges(whole.x, y, whole.right, whole.bottom))
        else:
            x = (left + column) * SEGMENT
            pending.append(Rect.from_edges(whole.x, whole.y, x, whole.bottom))
            pending.append(Rect.from_edges(x, whole.y, whole.right, whole.bottom))
    return parts


def _best_cut(part: Bits) -> tuple[int, int]:
    """Row before which to cut, and entries left in the boxes above and below."""
    height, width = part.shape
    first = np.where(part.any(axis=1), part.argmax(axis=1), width)
    last = np.where(first < width, width - part[:, ::-1].argmax(axis=1), 0)
    above = _widths(first, last)
    below = _widths(first[::-1], last[::-1])[::-1]
    rows = np.arange(1, height)
    kept = above[:-1] * rows + below[1:] * (height - rows)
    if not len(kept):
        return 0, part.size
    best = int(kept.argmin())
    return best + 1, int(kept[best])


def _widths(first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.intp]:
    """Width of the box around each row and those before it."""
    widths: NDArray[np.intp] = np.maximum(
        np.maximum.accumulate(last) - np.minimum.accumulate(first), 0
    )
    return widths


def focus_first(rectangles: list[Rect], focus: Rect) -> list[Rect]:
    """The parts inside `focus`, then the others."""
    inside: list[Rect] = []
    outside: list[Rect] = []
    edges = Rect.from_edges
    for rect in rectangles:
        common = rect.intersection(focus)
        if not common:
            outside.append(rect)
            continue
        inside.append(common)
        around = (
            edges(rect.x, rect.y, rect.right, common.y),
            edges(rect.x, common.y, common.x, common.bottom),
            edges(common.right, common.y, rect.right, common.bottom),
            edges(rect.x, common.bottom, rect.right, rect.bottom),
        )
        outside.extend(part for part in around if part)
    return inside + outside
