"""Where two pictures differ: segments of 16x1 pixels, exact rectangles.

The fourth byte of a pixel never counts. Rows are compared whole first, which runs at
memory speed; rows that seem to differ are compared again without that byte, unless
colours differ wherever it does in those that are looked at.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import COLOUR, SEGMENT, Bits, Pixels
from p2p_remote.screen.geometry import Rect

Span = tuple[int, int]
"""Rows from the first to the one before the second."""

_BAND = 32  # rows compared at once; keeps the temporary in the second-level cache
_GAP = 8  # rows; spans nearer than this are compared as one
_SAMPLED_ROWS = 8  # of those that differ
_PAIR = np.uint64(0x00FFFFFF00FFFFFF)  # colour bytes of two pixels


def spans_of(rows: Bits, gap: int = 0) -> list[Span]:
    """Runs of true rows; runs with at most `gap` false rows between them are joined."""
    if not len(rows):
        return []
    edges = (np.flatnonzero(rows[1:] != rows[:-1]) + 1).tolist()
    if rows[0]:
        edges.insert(0, 0)
    if rows[-1]:
        edges.append(len(rows))
    spans: list[Span] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if spans and start - spans[-1][1] <= gap:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def mark_rows(rows: Bits, rectangles: Iterable[Rect]) -> None:
    """Set the rows that the rectangles touch."""
    for rect in rectangles:
        if rect:
            rows[max(rect.y, 0) : max(rect.bottom, 0)] = True


class Comparer:
    """Compares pictures of one size; keeps its scratch memory."""

    def __init__(self, width: int, height: int) -> None:
        """Size of the pictures in pixels."""
        self._width = width
        self._columns = -(-width // SEGMENT)
        # Odd widths have no whole number of pixel pairs per row.
        self._pairs = width % 2 == 0
        units = width // 2 if self._pairs else width
        per_segment = SEGMENT // 2 if self._pairs else SEGMENT
        self._scratch = np.zeros((height, self._columns * per_segment), np.bool_)
        self._unequal = self._scratch[:, :units]
        self._temporary = np.empty(
            (_BAND, units), np.uint64 if self._pairs else np.uint32
        )

    def segments(self, current: Pixels, reference: Pixels, rows: Bits) -> Bits:
        """Map (height, segments per row) of the segments that differ in `rows`.

        Both pictures must be C-contiguous (height, width).
        """
        result = np.zeros((len(rows), self._columns), np.bool_)
        one, two = self._units(current), self._units(reference)
        for start, end in spans_of(rows, _GAP):
            unequal = self._unequal[start:end]
            np.not_equal(one[start:end], two[start:end], out=unequal)
            reduced = self._reduce(start, end)
            suspects = np.logical_or.reduce(reduced, axis=1)
            if self._is_colour(one, two, start + np.flatnonzero(suspects)):
                result[start:end] = reduced
                continue
            for first, last in spans_of(suspects, _GAP):
                self._compare_colour(one, two, start + first, start + last)
                result[start + first : start + last] = self._reduce(
                    start + first, start + last
                )
        return result

    def _units(self, pixels: Pixels) -> NDArray[np.uint64] | Pixels:
        return pixels.view(np.uint64) if self._pairs else pixels

    def _is_colour(
        self,
        one: NDArray[np.uint64] | Pixels,
        two: NDArray[np.uint64] | Pixels,
        suspects: NDArray[np.intp],
    ) -> bool:
        """Whether all that differs in some of these rows differs in colour.

        Few are looked at: a segment too many is sent once and harms nothing.
        """
        rows = suspects[:: len(suspects) // _SAMPLED_ROWS + 1]
        mask = _PAIR if self._pairs else COLOUR
        difference = one[rows] ^ two[rows]
        colour = np.count_nonzero(difference & mask)
        return int(np.count_nonzero(difference)) == int(colour)

    def _compare_colour(
        self,
        one: NDArray[np.uint64] | Pixels,
        two: NDArray[np.uint64] | Pixels,
        start: int,
        end: int,
    ) -> None:
        mask = _PAIR if self._pairs else COLOUR
        for top in range(start, end, _BAND):
            bottom = min(top + _BAND, end)
            band = self._temporary[: bottom - top]
            np.bitwise_xor(one[top:bottom], two[top:bottom], out=band)
            np.bitwise_and(band, mask, out=band)
            np.not_equal(band, 0, out=self._unequal[top:bottom])

    def _reduce(self, start: int, end: int) -> Bits:
        """Whether any unit of each segment differs."""
        words = self._scratch[start:end].view(np.uint64)
        if not self._pairs:
            words = words[:, ::2] | words[:, 1::2]
        reduced: Bits = words != 0
        return reduced


def differing(one: Pixels, two: Pixels) -> Bits:
    """Pixels of two blocks of one shape that differ in colour."""
    unequal: Bits = (one ^ two) & COLOUR != 0
    return unequal


def bounding_segments(segments: Bits) -> Rect:
    """Box around the set entries, in segments and rows; empty when there are none."""
    rows = np.flatnonzero(segments.any(axis=1))
    if not len(rows):
        return Rect(0, 0, 0, 0)
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(segments[top:bottom].any(axis=0))
    return Rect.from_edges(int(columns[0]), top, int(columns[-1]) + 1, bottom)


def _differing_columns(one: Pixels, two: Pixels) -> Span:
    """First column that differs and the one after the last; (0, 0) if none does."""
    end = one.shape[1]
    start = 0
    while start < end:
        edge = slice(start, start + SEGMENT)
        columns = np.logical_or.reduce(differing(one[:, edge], two[:, edge]))
        if columns.any():
            start += int(columns.argmax())
            break
        start += SEGMENT
    while end > start:
        edge = slice(max(end - SEGMENT, start), end)
        columns = np.logical_or.reduce(differing(one[:, edge], two[:, edge]))
        if columns.any():
            return start, end - int(columns[::-1].argmax())
        end = edge.start
    return 0, 0


def trimmed(rect: Rect, segments: Bits, current: Pixels, reference: Pixels) -> Rect:
    """Smallest rectangle around the pixels that differ inside `rect`; may be empty.

    `rect` is in pixels; `segments` covers the whole display.
    """
    left = rect.x // SEGMENT
    part = segments[rect.y : rect.bottom, left : -(-rect.right // SEGMENT)]
    box = bounding_segments(part)
    near = Rect(
        (left + box.x) * SEGMENT, rect.y + box.y, box.width * SEGMENT, box.height
    ).intersection(rect)
    if not near:
        return Rect(0, 0, 0, 0)
    one = current[near.y : near.bottom, near.x : near.right]
    two = reference[near.y : near.bottom, near.x : near.right]
    begin, end = _differing_columns(one, two)
    if begin == end:
        return Rect(0, 0, 0, 0)
    top, bottom = _differing_columns(one[:, begin:end].T, two[:, begin:end].T)
    return Rect.from_edges(begin, top, end, bottom).moved(near.x, near.y)
