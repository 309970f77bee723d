"""Scan order and change mask."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.arrays import OPAQUE
from p2p_remote.screen.scan import (
    changes_of,
    expand,
    gather,
    scatter,
    scatter_all,
    strip_rows,
)

numbers = np.arange


def test_a_strip_is_read_column_by_column():
    """Two rows per strip, one row in front: the order is written out."""
    block = numbers(12, dtype=np.uint32).reshape(4, 3)
    out = np.empty(12, np.uint32)
    gather(block, 2, 1, out)
    assert out.tolist() == [0, 1, 2, 3, 6, 4, 7, 5, 8, 9, 10, 11]


@settings(derandomize=True, max_examples=120, deadline=None)
@given(st.integers(1, 40), st.integers(1, 60), st.data())
def test_scatter_undoes_gather(width, height, data):
    """Any pitch and phase, any size: what was read comes back to its place."""
    pitch = data.draw(st.integers(1, 255))
    phase = data.draw(st.integers(0, pitch - 1))
    block = numbers(width * height, dtype=np.uint32).reshape(height, width)
    scanned = np.empty(width * height, np.uint32)
    gather(block, pitch, phase, scanned)
    assert sorted(scanned.tolist()) == list(range(width * height))
    back = np.zeros_like(block)
    scatter(scanned, back, pitch, phase)
    assert np.array_equal(back, block)
    ends = strip_rows(height, pitch, phase)
    assert ends[-1] == height
    for row in ends:
        # Everything above the end of a strip is read before everything below.
        assert sorted(scanned[: row * width].tolist()) == list(range(row * width))


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=60))
def test_expand_undoes_the_change_mask(colours):
    """Runs of equal pixels cost one value; black at the start costs none."""
    scanned = np.array(colours, np.uint32)
    changes = changes_of(scanned)
    values = scanned[changes]
    assert np.array_equal(expand(changes, values), scanned | OPAQUE)
    if colours and not any(colours):
        assert not len(values)


def test_several_rectangles_are_one_scan():
    """The scan runs through the rectangles in their order."""
    random = np.random.default_rng(1)
    frame = random.integers(0, 1 << 32, (30, 40), dtype=np.uint32)
    table = np.array([[0, 0, 7, 9, 4, 1], [10, 5, 30, 25, 13, 12]], np.int64)
    parts = []
    for x, y, width, height, pitch, phase in table.tolist():
        parts.append(np.empty(width * height, np.uint32))
        gather(frame[y : y + height, x : x + width], pitch, phase, parts[-1])
    back = np.zeros_like(frame)
    scatter_all(np.concatenate(parts), back, table)
    for x, y, width, height, *_ in table.tolist():
        area = slice(y, y + height), slice(x, x + width)
        assert np.array_equal(back[area], frame[area])
