"""Candidates for where content has moved from: (dx, dy) of source minus destination."""

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import SEGMENT, Bits, Pixels
from p2p_remote.screen.damage import bounding_segments
from p2p_remote.screen.geometry import Rect

Vector = tuple[int, int]

_STRIPS = 8  # columns of segments that vote on vertical motion
_HOPELESS = 3  # of them without a vote: the others have none either
_MIN_ROWS = 12  # rows that must agree on a vertical vector
_WINDOW = 8  # pixels of a hashed window
_SAMPLES = 500  # windows of the new picture that are looked for
_SEARCHED = 400_000  # pixels of the old picture that are hashed
_MIN_VOTES = 6  # samples that must agree on a vector
_BUSY = 3  # changes of colour that make a window worth looking for

# Odd multipliers (Weyl sequence of the golden ratio), so that products keep all bits.
_WEIGHTS = (np.arange(1, SEGMENT + 1, dtype=np.uint64) * 0x9E3779B97F4A7C15) | 1
_BASE = 0x9E3779B1


def vertical_vectors(
    current: Pixels, reference: Pixels, segments: Bits
) -> list[Vector]:
    """Up to two vertical vectors, the one with most votes first.

    In the columns of segments that changed most, each row of the new picture looks for
    the only row of the old one with the same 16 pixels.
    """
    height = len(segments)
    whole = segments[:, : current.shape[1] // SEGMENT]
    changed = np.count_nonzero(whole, axis=0)
    votes = np.zeros(2 * height + 1, np.int64)
    for tried, column in enumerate(np.argsort(changed)[::-1][:_STRIPS].tolist()):
        if tried == _HOPELESS and not votes.any():
            break
        rows = np.flatnonzero(whole[:, column])
        if len(rows) < _MIN_ROWS:
            break
        x = column * SEGMENT
        # A scrolled row may come from one that has not changed itself.
        old = _row_hashes(reference[:, x : x + SEGMENT])
        new = _row_hashes(current[rows, x : x + SEGMENT])
        source, found = _unique_matches(old, new)
        votes += np.bincount(source - rows[found] + height, minlength=len(votes))
    votes[height] = 0
    best = np.argsort(votes)[::-1][:2]
    return [(0, int(index) - height) for index in best if votes[index] >= _MIN_ROWS]


def _row_hashes(block: Pixels) -> NDArray[np.uint64]:
    hashes: NDArray[np.uint64] = block.astype(np.uint64) @ _WEIGHTS
    return hashes


def _unique_matches(
    old: NDArray[np.uint64], new: NDArray[np.uint64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices into `old` and `new` of equal values that occur once in `old`."""
    order = np.argsort(old, kind="stable")
    ordered = old[order]
    is_unique = np.ones(len(old), np.bool_)
    is_same = ordered[1:] == ordered[:-1]
    is_unique[1:] &= ~is_same
    is_unique[:-1] &= ~is_same
    order, ordered = order[is_unique], ordered[is_unique]
    if not len(ordered):
        return order, order
    places = np.minimum(np.searchsorted(ordered, new), len(ordered) - 1)
    found = np.flatnonzero(ordered[places] == new)
    return order[places[found]], found


def free_vectors(current: Pixels, reference: Pixels, segments: Bits) -> list[Vector]:
    """Up to two vectors in any direction, the one with most votes first."""
    rows, columns = _samples(current, segments)
    if not len(rows):
        return []
    area = _searched_area(segments, current.shape[1])
    block = reference[area.y : area.bottom, area.x : area.right]
    windows = current[rows[:, None], columns[:, None] + np.arange(_WINDOW)]
    wanted = _window_hashes(windows)[:, 0]
    hashes = _window_hashes(block)
    table = np.zeros(1 << 16, np.bool_)
    table[wanted >> 16] = True
    places = np.flatnonzero(table[(hashes >> 16).ravel()])
    order = np.argsort(wanted)
    wanted, rows, columns = wanted[order], rows[order], columns[order]
    values = hashes.ravel()[places]
    at = np.minimum(np.searchsorted(wanted, values), len(wanted) - 1)
    is_equal = wanted[at] == values
    at, places = at[is_equal], places[is_equal]
    y, x = np.divmod(places, hashes.shape[1])
    return _most_voted(x + area.x - columns[at], y + area.y - rows[at])


def _samples(
    current: Pixels, segments: Bits
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of busy windows among what changed, evenly spread."""
    whole = segments[:, : current.shape[1] // SEGMENT]
    places = np.flatnonzero(whole)
    places = places[:: max(len(places) // (4 * _SAMPLES), 1)]
    rows, columns = np.divmod(places, whole.shape[1])
    columns = columns * SEGMENT
    windows = current[rows[:, None], columns[:, None] + np.arange(_WINDOW)]
    busy = np.count_nonzero(windows[:, 1:] != windows[:, :-1], axis=1) >= _BUSY
    rows, columns = rows[busy], columns[busy]
    step = max(len(rows) // _SAMPLES, 1)
    return rows[::step], columns[::step]


def _searched_area(segments: Bits, width: int) -> Rect:
    """The changed box, or the middle rows of it when it is too large."""
    box = bounding_segments(segments)
    area = Rect(box.x * SEGMENT, box.y, box.width * SEGMENT, box.height)
    area = area.intersection(Rect(0, 0, width, len(segments)))
    rows = min(area.height, max(_SEARCHED // area.width, 1))
    return Rect(area.x, area.y + (area.height - rows) // 2, area.width, rows)


def _window_hashes(block: Pixels) -> Pixels:
    """Polynomial hash of the 8 pixels from each column on, modulo 2^32."""
    hashes = block
    reach, factor = 1, _BASE
    while reach < _WINDOW:
        hashes = hashes[:, :-reach] * np.uint32(factor) + hashes[:, reach:]
        factor = factor * factor & 0xFFFFFFFF
        reach *= 2
    return hashes


def _most_voted(dx: NDArray[np.intp], dy: NDArray[np.intp]) -> list[Vector]:
    """Vectors other than zero that most samples agree on."""
    is_moved = (dx != 0) | (dy != 0)
    codes = np.sort((dy[is_moved] << 16) + dx[is_moved] + 0x8000)
    if not len(codes):
        return []
    starts = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    counts = np.diff(starts, append=len(codes))
    vectors = []
    for index in np.argsort(counts)[::-1][:2].tolist():
        if counts[index] >= _MIN_VOTES:
            code = int(codes[starts[index]])
            vectors.append(((code & 0xFFFF) - 0x8000, code >> 16))
    return vectors
