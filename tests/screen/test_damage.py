"""Comparison of pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.arrays import SEGMENT
from p2p_remote.screen.damage import (
    Comparer,
    Stale,
    bounding_segments,
    spans_of,
    trimmed,
)
from p2p_remote.screen.geometry import Rect


def pair(width, height, seed=1):
    random = np.random.default_rng(seed)
    one = random.integers(0, 1 << 32, (height, width), dtype=np.uint32)
    return one, one.copy()


def all_rows(height):
    return np.ones(height, np.bool_)


def cleared(width, height):
    stale = Stale(width, height)
    stale.clear()
    return stale


@pytest.mark.parametrize("width", [1, 15, 16, 17, 31, 64, 333])
def test_every_single_pixel_is_found(width):
    """A change anywhere sets exactly its own segment."""
    one, two = pair(width, 5)
    comparer = Comparer(width, 5)
    for x in range(width):
        two[3, x] ^= 0x100
        segments = comparer.segments(one, two, all_rows(5))
        two[3, x] ^= 0x100
        assert segments.shape == (5, -(-width // SEGMENT))
        assert np.argwhere(segments).tolist() == [[3, x // SEGMENT]]


def test_the_ignored_byte_never_counts():
    """Frames that differ in their fourth byte alone are equal."""
    one, two = pair(100, 80)
    two ^= 0x5A000000
    assert not Comparer(100, 80).segments(one, two, all_rows(80)).any()


def test_only_the_rows_asked_for_are_compared():
    """Damage bounds the work: other rows are not looked at."""
    one, two = pair(64, 40)
    two ^= 1
    stale = cleared(64, 40)
    stale.mark([Rect(0, 3, 5, 2), Rect(10, 30, 1, 1), Rect(0, 35, 0, 3)])
    segments = Comparer(64, 40).segments(one, two, stale.rows)
    assert np.flatnonzero(segments.any(axis=1)).tolist() == [3, 4, 30]


def test_damage_beyond_the_screen_is_harmless():
    """Rows above and below the screen are ignored, and columns beside it."""
    stale = cleared(100, 10)
    stale.mark([Rect(0, -5, 4, 6), Rect(0, 9, 4, 100), Rect(0, -9, 4, 3)])
    assert np.flatnonzero(stale.rows).tolist() == [0, 9]
    assert stale.across == (0, 1)
    stale.mark([Rect(90, 4, 50, 1)])
    assert stale.across == (0, 7)
    stale = cleared(100, 10)
    stale.mark([Rect(120, 4, 9, 1), Rect(-20, 4, 9, 1)])
    assert (
        not Comparer(100, 10).segments(*pair(100, 10), stale.rows, stale.across).any()
    )


def test_what_is_stale_lies_in_a_box():
    """Columns follow the damage; whole rows have all of them."""
    stale = Stale(333, 40)
    assert stale
    assert stale.near == Rect(0, 0, 21, 40)
    stale.clear()
    assert not stale
    assert not stale.near
    stale.mark([Rect(100, 7, 30, 2), Rect(60, 20, 4, 1)])
    assert stale.near == Rect(3, 7, 6, 14)
    stale.mark_rows(np.zeros(40, np.bool_))
    assert stale.near == Rect(3, 7, 6, 14)
    stale.mark_rows(np.arange(40) == 30)
    assert stale.near == Rect(0, 7, 21, 24)


@pytest.mark.parametrize("width", [160, 167, 333])
@pytest.mark.parametrize("across", [(0, 3), (2, 5), (4, 99), (3, 3)])
def test_only_the_columns_asked_for_are_compared(width, across):
    """Others may differ as they like, now and in the comparison before."""
    one, two = pair(width, 20)
    two[:, ::3] ^= 0x100
    comparer = Comparer(width, 20)
    whole = comparer.segments(one, two, all_rows(20))
    across = across[0], min(across[1], whole.shape[1])
    found = comparer.segments(one, two, all_rows(20), across)
    expected = np.zeros_like(whole)
    expected[:, slice(*across)] = whole[:, slice(*across)]
    assert np.array_equal(found, expected)
    # The fourth byte takes the other way through the comparison.
    two ^= 0x5A000000
    assert np.array_equal(comparer.segments(one, two, all_rows(20), across), expected)


def test_a_box_is_found_within_another():
    """Looking only there finds the same."""
    segments = np.zeros((50, 40), np.bool_)
    segments[10:13, 7] = segments[30, 20:22] = True
    box = Rect(7, 10, 15, 21)
    assert bounding_segments(segments) == box
    assert bounding_segments(segments, Rect(5, 8, 30, 40)) == box
    assert not bounding_segments(np.zeros((5, 5), np.bool_), Rect(1, 1, 3, 3))


def test_spans_join_over_small_gaps():
    """A gap is bridged up to the given number of rows."""
    rows = np.array([1, 1, 0, 1, 0, 0, 0, 1], np.bool_)
    assert spans_of(rows) == [(0, 2), (3, 4), (7, 8)]
    assert spans_of(rows, 1) == [(0, 4), (7, 8)]
    assert spans_of(rows, 3) == [(0, 8)]
    assert spans_of(np.zeros(4, np.bool_)) == []


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.data())
def test_trimmed_is_the_exact_bounding_box(data):
    """Inside any rectangle, exactly the pixels that differ are enclosed."""
    width, height = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 40))
    one, two = pair(width, height)
    points = data.draw(
        st.lists(
            st.tuples(st.integers(0, width - 1), st.integers(0, height - 1)),
            max_size=4,
        )
    )
    for x, y in points:
        two[y, x] = one[y, x] ^ 0x10000
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    rect = Rect(x, y, width - x, height - y)
    segments = Comparer(width, height).segments(one, two, all_rows(height))
    found = trimmed(rect, segments, one, two)
    inside = [(px, py) for px, py in points if rect.contains(Rect(px, py, 1, 1))]
    if not inside:
        assert not found
        return
    columns, rows = zip(*inside, strict=True)
    assert found == Rect.from_edges(
        min(columns), min(rows), max(columns) + 1, max(rows) + 1
    )


def test_noise_in_the_ignored_byte_hides_nothing():
    """With and without it, the same segments differ."""
    one, two = pair(96, 200)
    random = np.random.default_rng(2)
    for y, x in random.integers(0, (200, 96), (300, 2)).tolist():
        two[y, x] ^= 1 << int(random.integers(0, 24))
    comparer = Comparer(96, 200)
    clean = comparer.segments(one, two, all_rows(200))
    two ^= random.integers(0, 256, two.shape, dtype=np.uint32) << np.uint32(24)
    noisy = comparer.segments(one, two, all_rows(200))
    assert clean.any()
    assert np.array_equal(clean, noisy)
