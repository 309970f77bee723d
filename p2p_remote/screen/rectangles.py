"""Few rectangles around what differs: runs of 16x16 cells joined over rows."""

from dataclasses import dataclass

import numpy as np

from p2p_remote.screen.arrays import SEGMENT, Bits, Pixels
from p2p_remote.screen.damage import bounding_segments, spans_of, trimmed
from p2p_remote.screen.geometry import Rect

CELL = SEGMENT  # pixels; side of a cell

_GAP = 3  # cells; runs of one row nearer than this are joined
_WASTE = 24  # unchanged cells that a join may add beyond its share
_WASTE_SHARE = 0.3  # and per changed cell
_SMALL = 65_536  # pixels; below, one rectangle is found faster than several


@dataclass(slots=True)
class _Group:
    """A growing rectangle in cells, and the changed cells inside."""

    left: int
    top: int
    right: int
    bottom: int
    changed: int

    def joined(self, other: "_Group") -> "_Group":
        """Both together."""
        return _Group(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.changed + other.changed,
        )

    def is_dense(self) -> bool:
        """Whether few enough cells inside are unchanged."""
        area = (self.right - self.left) * (self.bottom - self.top)
        return area - self.changed <= _WASTE + _WASTE_SHARE * self.changed


def cells_of(segments: Bits) -> Bits:
    """Cells (rows of 16 pixels, segments per row) with a segment that is set."""
    height, columns = segments.shape
    rows = -(-height // CELL)
    whole = height // CELL
    cells = np.empty((rows, columns), np.bool_)
    body = segments[: whole * CELL].reshape(whole, CELL, columns)
    np.any(body, axis=1, out=cells[:whole])
    if rows > whole:
        np.any(segments[whole * CELL :], axis=0, out=cells[whole])
    return cells


def _row_groups(cells: Bits, row: int) -> list[_Group]:
    return [
        _Group(start, row, end, row + 1, int(np.count_nonzero(cells[row, start:end])))
        for start, end in spans_of(cells[row], _GAP)
    ]


def _join(groups: list[_Group]) -> list[_Group]:
    """Grow groups downwards while they stay dense."""
    finished: list[_Group] = []
    active: list[_Group] = []
    for group in groups:
        while active and active[0].bottom < group.top - 1:
            finished.append(active.pop(0))
        for index, candidate in enumerate(active):
            joined = candidate.joined(group)
            if joined.is_dense():
                del active[index]
                active.append(joined)
                break
        else:
            active.append(group)
        active.sort(key=lambda item: item.bottom)
    return finished + active


def _without_overlap(groups: list[_Group]) -> list[_Group]:
    """Join groups whose boxes overlap, so that no cell is coded twice."""
    result: list[_Group] = []
    for added in groups:
        group = added
        index = 0
        while index < len(result):
            other = result[index]
            apart = (
                other.right <= group.left
                or group.right <= other.left
                or other.bottom <= group.top
                or group.bottom <= other.top
            )
            if apart:
                index += 1
            else:
                group = group.joined(result.pop(index))
                index = 0
        result.append(group)
    return result


def changed_rectangles(
    segments: Bits, current: Pixels, reference: Pixels
) -> list[Rect]:
    """Disjoint rectangles, trimmed to the pixel, that cover every set segment."""
    box = bounding_segments(segments)
    if not box:
        return []
    pixels = Rect(box.x * SEGMENT, box.y, box.width * SEGMENT, box.height)
    if pixels.area <= _SMALL:
        return [trimmed(pixels, segments, current, reference)]
    cells = cells_of(segments)
    groups: list[_Group] = []
    for row in np.flatnonzero(cells.any(axis=1)).tolist():
        groups.extend(_row_groups(cells, row))
    height, width = current.shape
    display = Rect(0, 0, width, height)
    found = []
    for group in _without_overlap(_join(groups)):
        rect = Rect.from_edges(
            group.left * CELL, group.top * CELL, group.right * CELL, group.bottom * CELL
        ).intersection(display)
        found.append(trimmed(rect, segments, current, reference))
    return sorted(found, key=lambda rect: (rect.y, rect.x))
