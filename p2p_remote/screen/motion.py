"""One moved rectangle per update: candidates, scored by exact comparison."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import SEGMENT, Bits, Pixels
from p2p_remote.screen.damage import bounding_segments
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.motion_search import Vector, free_vectors, vertical_vectors

_MIN_CHANGED = 512  # segments; fewer are sent faster than explained
_MIN_GAIN = 128  # segments that a copy must save
_GOOD_SHARE = 0.6  # of the changed segments: no further candidate is tried
_MAX_BACK_OFF = 32  # updates without a search after failed ones
_ROUNDS = 3  # alternations of row and column when a box is cut out


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

    def apply(self, frame: Pixels, old: Pixels) -> None:
        """Write to `frame` what `old`, another array, shows at the source."""
        rect, source = self.rect, self.rect.moved(self.dx, self.dy)
        frame[rect.y : rect.bottom, rect.x : rect.right] = old[
            source.y : source.bottom, source.x : source.right
        ]


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
    ) -> Copy | None:
        """Copy within `reference` that explains most of what changed, if any.

        `segments` is the map of what differs; `hint` is a motion (dx, dy) from the old
        to the new place, such as that of the pointer while it drags.
        """
        changed = int(np.count_nonzero(segments))
        if changed < _MIN_CHANGED:
            return None
        best: Copy | None = None
        best_gain = _MIN_GAIN
        for vector in self._candidates(current, reference, segments, hint):
            copy, gain = _score(vector, current, reference, segments)
            if copy is not None and gain > best_gain:
                best, best_gain = copy, gain
            if best_gain >= _GOOD_SHARE * changed:
                break
        self.last = (best.dx, best.dy) if best is not None else None
        return best

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
) -> tuple[Copy | None, int]:
    """Best box for a vector, and segments explained minus segments broken."""
    dx, dy = vector
    height, width = current.shape
    box = bounding_segments(segments)
    area = Rect(box.x * SEGMENT, box.y, box.width * SEGMENT, box.height)
    display = Rect(0, 0, width, height)
    area = area.intersection(display.moved(-dx, -dy)).intersection(display)
    left = -(-area.x // SEGMENT)
    right = area.right // SEGMENT
    if left >= right or area.height <= 0:
        return None, 0
    area = Rect(left * SEGMENT, area.y, (right - left) * SEGMENT, area.height)
    differs = _moved_segments(area, vector, current, reference)
    before = segments[area.y : area.bottom, left:right]
    # +1 where the copy explains a segment, -1 where it breaks one.
    value = before.view(np.int8) - differs.view(np.int8)
    top, bottom, first, last = _best_box(value)
    gain = int(value[top:bottom, first:last].sum(dtype=np.int64))
    if gain <= 0:
        return None, 0
    rect = Rect.from_edges(
        (left + first) * SEGMENT,
        area.y + top,
        (left + last) * SEGMENT,
        area.y + bottom,
    )
    return Copy(_exact_sides(rect, vector, current, reference), dx, dy), gain


def _moved_segments(
    area: Rect, vector: Vector, current: Pixels, reference: Pixels
) -> Bits:
    """Segments of `area` that differ from the old picture moved by `vector`."""
    source = area.moved(*vector)
    unequal = np.not_equal(
        current[area.y : area.bottom, area.x : area.right],
        reference[source.y : source.bottom, source.x : source.right],
    )
    words = unequal.view(np.uint64)
    result: Bits = (words[:, ::2] | words[:, 1::2]) != 0
    return result


def _best_span(sums: NDArray[np.int64]) -> tuple[int, int]:
    """Run of entries with the largest sum."""
    totals = np.concatenate((np.zeros(1, np.int64), np.cumsum(sums)))
    gains = totals - np.minimum.accumulate(totals)
    end = int(gains.argmax())
    start = int(totals[: end + 1].argmin())
    return start, end


def _best_box(value: NDArray[np.int8]) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a box with a large sum, cut side by side."""
    top, bottom, left, right = 0, value.shape[0], 0, value.shape[1]
    for _ in range(_ROUNDS):
        top, bottom = _best_span(value[:, left:right].sum(axis=1, dtype=np.int64))
        first, last = _best_span(value[top:bottom].sum(axis=0, dtype=np.int64))
        if (first, last) == (left, right):
            break
        left, right = first, last
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
