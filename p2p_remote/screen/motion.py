"""One moved rectangle per update: candidates, scored by exact comparison."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import SEGMENT, Bits, Pixels
from p2p_remote.screen.damage import bounding_segments, differing
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.motion_search import Vector, free_vectors, vertical_vectors
from p2p_remote.screen.tile_cache import move_pixels

_MIN_CHANGED = 512  # segments; fewer are sent faster than explained
_MIN_GAIN = 128  # segments that a copy must save
_GOOD_SHARE = 0.6  # of the changed segments: no further candidate is tried
_MAX_BACK_OFF = 32  # updates without a search after failed ones
_ROUNDS = 4  # alternations of row and column when a box is cut out
_FIRST_LOSS = 0.125  # of a gain, that a loss counts when the first rows are chosen
_BAND = 32  # rows handled at once; keeps them in the second-level cache


@dataclass(frozen=True, slots=True)
class Copy:
    """`rect` is filled from the place `dx` to the right and `dy` below."""

    rect: Rect
    dx: int
    dy: int

    def row(self) -> list[int]:
        """Row of `Body.copies`."""
        rect = self.rect
        return [rect.x, rect.y, rect.right, rect.bottom, self.dx, self.dy]

    def parts(self, most: int) -> list["Copy"]:
        """Bands of about `most` pixels that do the same one after the other.

        None of them overwrites what a later one reads.
        """
        step = max(most // self.rect.width, 1)
        bands = [
            Rect(self.rect.x, top, self.rect.width, min(step, self.rect.bottom - top))
            for top in range(self.rect.y, self.rect.bottom, step)
        ]
        order = bands if self.dy >= 0 else bands[::-1]
        return [Copy(band, self.dx, self.dy) for band in order]

    def apply(self, frame: Pixels) -> None:
        """Carry it out on `frame`."""
        move_pixels(frame, self.rect, self.dx, self.dy)


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A copy, and the map of the segments that still differ after it."""

    copy: Copy
    segments: Bits


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """What a copy by `vector` explains.

    `area` is where it was tried and `differs` the segments there that it would not
    explain; `box` is the best part, in segments and rows of the display.
    """

    vector: Vector
    gain: int
    area: Rect
    differs: Bits
    box: Rect


class MotionFinder:
    """Remembers what worked, and how long to wait after what did not."""

    def __init__(self) -> None:
        """Begin without a last vector."""
        self.last: Vector | None = None
        """Vector of the copy that the last call found."""
        self._back_off = 0
        self._wait = 0

    def find(
        self,
        current: Pixels,
        reference: Pixels,
        segments: Bits,
        hint: Vector | None = None,
    ) -> Move | None:
        """Copy within `reference` that explains most of what changed, if any.

        `segments` is the map of what differs; `hint` is a motion (dx, dy) from the old
        to the new place, such as that of the pointer while it drags.
        """
        changed = int(np.count_nonzero(segments))
        if changed < _MIN_CHANGED:
            return None
        best: _Candidate | None = None
        best_gain = _MIN_GAIN
        for vector in self._candidates(current, reference, segments, hint):
            candidate = _score(vector, current, reference, segments)
            if candidate is not None and candidate.gain > best_gain:
                best, best_gain = candidate, candidate.gain
            if best_gain >= _GOOD_SHARE * changed:
                break
        self.last = best.vector if best is not None else None
        return _move(best, current, reference, segments) if best is not None else None

    def _candidates(
        self,
        current: Pixels,
        reference: Pixels,
        segments: Bits,
        hint: Vector | None,
    ) -> Iterator[Vector]:
        """Likely vectors first; each search runs only if the ones before failed."""
        tried: set[Vector] = {(0, 0)}
        known = [self.last] if self.last is not None else []
        if hint is not None:
            known.insert(0, (-hint[0], -hint[1]))
        for vector in known:
            if vector not in tried:
                tried.add(vector)
                yield vector
        searches: tuple[Callable[[Pixels, Pixels, Bits], list[Vector]], ...] = (
            vertical_vectors,
            free_vectors,
        )
        if self._wait:
            self._wait -= 1
            searches = searches[:1]
        found = False
        for search in searches:
            for vector in search(current, reference, segments):
                found = True
                if vector not in tried:
                    tried.add(vector)
                    self._back_off = self._wait = 0
                    yield vector
        if not found and len(searches) > 1:
            self._back_off = min(2 * self._back_off + 1, _MAX_BACK_OFF)
            self._wait = self._back_off


def _score(
    vector: Vector, current: Pixels, reference: Pixels, segments: Bits
) -> _Candidate | None:
    """Best box for a vector; the gain is segments explained minus segments broken."""
    dx, dy = vector
    height, width = current.shape
    box = bounding_segments(segments)
    area = Rect(box.x * SEGMENT, box.y, box.width * SEGMENT, box.height)
    display = Rect(0, 0, width, height)
    area = area.intersection(display.moved(-dx, -dy)).intersection(display)
    left = -(-area.x // SEGMENT)
    right = area.right // SEGMENT
    if left >= right or area.height <= 0:
        return None
    area = Rect(left * SEGMENT, area.y, (right - left) * SEGMENT, area.height)
    differs = _moved_segments(area, vector, current, reference)
    before = segments[area.y : area.bottom, left:right]
    # +1 where the copy explains a segment, -1 where it breaks one. Sums of this size
    # are exact as float32, which are added up fastest.
    value = (before.view(np.int8) - differs.view(np.int8)).astype(np.float32)
    top, bottom, first, last = _best_box(value)
    gain = int(value[top:bottom, first:last].sum())
    if gain <= 0:
        return None
    best = Rect.from_edges(left + first, area.y + top, left + last, area.y + bottom)
    return _Candidate(vector, gain, area, differs, best)


def _move(
    candidate: _Candidate, current: Pixels, reference: Pixels, segments: Bits
) -> Move:
    """The copy with its sides to the pixel, and what differs after it."""
    (dx, dy), box, area = candidate.vector, candidate.box, candidate.area
    rect = _exact_sides(
        Rect(box.x * SEGMENT, box.y, box.width * SEGMENT, box.height),
        candidate.vector,
        current,
        reference,
    )
    rows = slice(rect.y, rect.bottom)
    after = segments.copy()
    # Segments that lie in the copy as a whole are known already.
    first = max(-(-rect.x // SEGMENT), box.x)
    last = max(min(rect.right // SEGMENT, box.right), first)
    left = area.x // SEGMENT
    after[rows, first:last] = candidate.differs[
        rect.y - area.y : rect.bottom - area.y, first - left : last - left
    ]
    for column in range(rect.x // SEGMENT, -(-rect.right // SEGMENT)):
        if first <= column < last:
            continue
        begin = column * SEGMENT
        columns = slice(begin, min(begin + SEGMENT, current.shape[1]))
        shown = reference[rows, columns].copy()
        start, end = max(begin, rect.x), min(columns.stop, rect.right)
        shown[:, start - begin : end - begin] = reference[
            rect.y + dy : rect.bottom + dy, start + dx : end + dx
        ]
        after[rows, column] = differing(current[rows, columns], shown).any(axis=1)
    return Move(Copy(rect, dx, dy), after)


def _moved_segments(
    area: Rect, vector: Vector, current: Pixels, reference: Pixels
) -> Bits:
    """Segments of `area` that differ from the old picture moved by `vector`."""
    source = area.moved(*vector)
    result = np.empty((area.height, area.width // SEGMENT), np.bool_)
    band = np.empty((_BAND, area.width), np.bool_)
    for top in range(0, area.height, _BAND):
        rows = min(_BAND, area.height - top)
        unequal = band[:rows]
        y, source_y = area.y + top, source.y + top
        np.not_equal(
            current[y : y + rows, area.x : area.right],
            reference[source_y : source_y + rows, source.x : source.right],
            out=unequal,
        )
        words = unequal.view(np.uint64)
        np.not_equal(words[:, ::2] | words[:, 1::2], 0, out=result[top : top + rows])
    return result


def _best_span(sums: NDArray[np.float32]) -> tuple[int, int]:
    """Run of entries with the largest sum."""
    totals = np.concatenate((np.zeros(1, np.float32), np.cumsum(sums)))
    gains = totals - np.minimum.accumulate(totals)
    end = int(gains.argmax())
    start = int(totals[: end + 1].argmin())
    return start, end


def _best_box(value: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a box with a large sum, cut side by side."""
    top, bottom, left, right = 0, value.shape[0], 0, value.shape[1]
    # At first losses count little: most of the area may be beside what has moved.
    across = np.maximum(value, value * np.float32(_FIRST_LOSS))
    for number in range(_ROUNDS):
        top, bottom = _best_span(across @ np.ones(across.shape[1], np.float32))
        down = value[top:bottom]
        first, last = _best_span(np.ones(len(down), np.float32) @ down)
        if number and (first, last) == (left, right):
            break
        left, right = first, last
        across = value[:, left:right]
    return top, bottom, left, right


def _exact_sides(
    rect: Rect, vector: Vector, current: Pixels, reference: Pixels
) -> Rect:
    """`rect` with its left and right side moved to the pixel, within a segment."""
    dx, dy = vector
    height, width = current.shape
    valid = (
        Rect(0, 0, width, height)
        .moved(-dx, -dy)
        .intersection(Rect(0, 0, width, height))
    )
    start = max(rect.x - SEGMENT, valid.x)
    end = min(rect.right + SEGMENT, valid.right)
    rows = slice(rect.y, rect.bottom)
    source_rows = slice(rect.y + dy, rect.bottom + dy)

    def gains(begin: int, stop: int) -> NDArray[np.int64]:
        """Pixels explained minus pixels broken, per column."""
        now = current[rows, begin:stop]
        was = now != reference[rows, begin:stop]
        moved = now != reference[source_rows, begin + dx : stop + dx]
        gained: NDArray[np.int64] = np.add.reduce(
            was.view(np.int8) - moved.view(np.int8), axis=0, dtype=np.int64
        )
        return gained

    inner_left = min(rect.x + SEGMENT, rect.right)
    towards_left = np.cumsum(gains(start, inner_left)[::-1])
    left = inner_left - _peak(towards_left)
    inner_right = max(rect.right - SEGMENT, left)
    right = inner_right + _peak(np.cumsum(gains(inner_right, end)))
    return Rect.from_edges(left, rect.y, max(right, left + 1), rect.bottom)


def _peak(totals: NDArray[np.int64]) -> int:
    """How many leading columns have the largest sum; 0 when none is positive."""
    if not len(totals):
        return 0
    best = int(totals.argmax())
    return best + 1 if totals[best] > 0 else 0
