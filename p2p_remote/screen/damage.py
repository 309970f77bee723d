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


class Stale:
    """Where a viewer may lack something: rows, and the columns it lies between."""

    def __init__(self, width: int, height: int) -> None:
        """Everything, of a picture of that size in pixels."""
        self.rows = np.ones(height, np.bool_)
        self._width = width
        self._left, self._right = 0, width

    def __bool__(self) -> bool:
        """Whether there is any row."""
        return bool(self.rows.any())

    @property
    def across(self) -> Span:
        """Columns of segments, from the first to the one before the second."""
        return self._left // SEGMENT, max(-(-self._right // SEGMENT), 0)

    @property
    def near(self) -> Rect:
        """Box around all of it, in segments and rows."""
        left, right = self.across
        if left >= right or not self:
            return Rect(0, 0, 0, 0)
        top = int(self.rows.argmax())
        return Rect.from_edges(
            left, top, right, len(self.rows) - int(self.rows[::-1].argmax())
        )

    def mark(self, rectangles: Iterable[Rect]) -> None:
        """Add what the rectangles touch."""
        for rect in rectangles:
            if rect:
                self.rows[max(rect.y, 0) : max(rect.bottom, 0)] = True
                self._left = max(min(self._left, rect.x), 0)
                self._right = min(max(self._right, rect.right), self._width)

    def mark_rows(self, rows: Bits) -> None:
        """Add whole rows."""
        if rows.any():
            self.rows |= rows
            self._left, self._right = 0, self._width

    def clear(self) -> None:
        """Nothing is lacking."""
        self.rows[:] = False
        self._left, self._right = self._width, 0


class Comparer:
    """Compares pictures of one size; keeps its scratch memory."""

    def __init__(self, width: int, height: int) -> None:
        """Size of the pictures in pixels."""
        self._width = width
        self._columns = -(-width // SEGMENT)
        # Odd widths have no whole number of pixel pairs per row.
        self._pairs = width % 2 == 0
        units = width // 2 if self._pairs else width
        self._per_segment = SEGMENT // 2 if self._pairs else SEGMENT
        self._scratch = np.zeros((height, self._columns * self._per_segment), np.bool_)
        self._unequal = self._scratch[:, :units]
        self._temporary = np.empty(
            (_BAND, units), np.uint64 if self._pairs else np.uint32
        )

    def segments(
        self,
        current: Pixels,
        reference: Pixels,
        rows: Bits,
        across: Span | None = None,
    ) -> Bits:
        """Map (height, segments per row) of the segments that differ in `rows`.

        Only the columns of segments `across` are looked at; None = all. Both pictures
        must be C-contiguous (height, width).
        """
        result = np.zeros((len(rows), self._columns), np.bool_)
        left, right = across if across is not None else (0, self._columns)
        if left >= right:
            return result
        units = slice(left * self._per_segment, right * self._per_segment)
        one = self._units(current)[:, units]
        two = self._units(reference)[:, units]
        found = result[:, left:right]
        for start, end in spans_of(rows, _GAP):
            unequal = self._unequal[start:end, units]
            np.not_equal(one[start:end], two[start:end], out=unequal)
            reduced = self._reduce(start, end, units)
            suspects = np.logical_or.reduce(reduced, axis=1)
            if self._is_colour(one, two, start + np.flatnonzero(suspects)):
                found[start:end] = reduced
                continue
            for first, last in spans_of(suspects, _GAP):
                part = slice(start + first, start + last)
                self._compare_colour(one[part], two[part], self._unequal[part, units])
                found[part] = self._reduce(part.start, part.stop, units)
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
        out: Bits,
    ) -> None:
        mask = _PAIR if self._pairs else COLOUR
        for top in range(0, len(one), _BAND):
            rows = slice(top, min(top + _BAND, len(one)))
            band = self._temporary[: rows.stop - top, : one.shape[1]]
            np.bitwise_xor(one[rows], two[rows], out=band)
            np.bitwise_and(band, mask, out=band)
            np.not_equal(band, 0, out=out[rows])

    def _reduce(self, start: int, end: int, units: slice) -> Bits:
        """Whether any unit of each segment differs."""
        words = self._scratch[start:end, units].view(np.uint64)
        if not self._pairs:
            words = words[:, ::2] | words[:, 1::2]
        reduced: Bits = words != 0
        return reduced


def differing(one: Pixels, two: Pixels) -> Bits:
    """Pixels of two blocks of one shape that differ in colour."""
    unequal: Bits = (one ^ two) & COLOUR != 0
    return unequal


def bounding_segments(segments: Bits, within: Rect | None = None) -> Rect:
    """Box around the set entries, in segments and rows; empty when there are none.

    There are none outside of `within`.
    """
    if within is not None:
        part = segments[within.y : within.bottom, within.x : within.right]
        return bounding_segments(part).moved(within.x, within.y)
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
