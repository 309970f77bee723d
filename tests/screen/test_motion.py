"""Moved rectangles."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen import motion
from p2p_remote.screen.arrays import OPAQUE
from p2p_remote.screen.damage import Comparer
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.motion import Copy, MotionFinder
from p2p_remote.screen.motion_search import free_vectors, vertical_vectors
from tests.support.screen_scenes import Font, page, photo, terminal

WIDTH, HEIGHT = 640, 400


def noise(seed=1, shape=(HEIGHT, WIDTH)):
    random = np.random.default_rng(seed)
    return random.integers(0, 1 << 24, shape, dtype=np.uint32)


def segments_of(current, reference):
    height, width = current.shape
    rows = np.ones(height, np.bool_)
    return Comparer(width, height).segments(current, reference, rows)


def moved(reference, rect, dx, dy):
    """`reference` with `rect` filled from (dx, dy) away."""
    current = reference.copy()
    Copy(rect, dx, dy).apply(current)
    return current


def pixels(image):
    return np.ascontiguousarray(image).view("<u4")[:, :, 0]


@pytest.mark.parametrize("dy", [1, -1, 13, -53, 200])
def test_vertical_motion_wins_the_vote(dy):
    """Scrolled text is found in either direction, whatever the distance."""
    text = pixels(
        terminal(np.random.default_rng(1), HEIGHT, WIDTH, Font(1, 13, is_smooth=False))
    )
    top, bottom = max(-dy, 0), min(HEIGHT, HEIGHT - dy)
    current = moved(text, Rect.from_edges(0, top, WIDTH, bottom), 0, dy)
    found = vertical_vectors(current, text, segments_of(current, text))
    assert found[0] == (0, dy)


@pytest.mark.parametrize("vector", [(7, 5), (-30, 2), (1, -60), (-64, -64)])
def test_free_motion_is_found(vector):
    """A window dragged anywhere is found by its contents."""
    window = Rect(150, 100, 300, 200)
    reference = noise()
    current = moved(reference, window, *vector)
    found = free_vectors(current, reference, segments_of(current, reference))
    assert found[0] == vector


def test_flat_areas_have_no_vector():
    """Without busy windows there is nothing to look for, and no error either."""
    reference = np.zeros((HEIGHT, WIDTH), np.uint32)
    current = reference + np.uint32(5)
    assert free_vectors(current, reference, segments_of(current, reference)) == []
    assert vertical_vectors(current, reference, segments_of(current, reference)) == []


@pytest.mark.parametrize(
    "rect", [Rect(160, 100, 320, 200), Rect(151, 97, 301, 203), Rect(40, 40, 45, 350)]
)
def test_the_box_is_exact_to_the_pixel(rect):
    """Left and right sides are found inside their segments, rows anyway."""
    reference = noise()
    current = moved(reference, rect, 9, -6)
    move = MotionFinder().find(current, reference, segments_of(current, reference))
    assert move is not None
    assert move.copy == Copy(rect, 9, -6)
    assert not move.segments.any()


def test_a_hint_is_tried_first():
    """The motion of the pointer, destination minus source, needs no search."""
    reference = noise()
    current = moved(reference, Rect(150, 100, 300, 200), -20, -11)
    finder = MotionFinder()
    finder._wait = 10
    segments = segments_of(current, reference)
    assert finder.find(current, reference, segments) is None
    move = finder.find(current, reference, segments, (20, 11))
    assert move is not None
    assert (move.copy.dx, move.copy.dy) == (-20, -11)


def test_searches_back_off_on_pictures_that_do_not_move():
    """Video costs a full search only now and then; motion resets that."""
    finder = MotionFinder()
    reference = noise(0)
    searched = 0
    for step in range(1, 40):
        current = noise(step)
        waited = finder._wait
        assert finder.find(current, reference, segments_of(current, reference)) is None
        searched += not waited
        reference = current
    assert searched <= 6
    current = moved(reference, Rect(100, 100, 400, 200), 0, 30)
    assert finder.find(current, reference, segments_of(current, reference)) is not None
    assert finder._wait == 0


def test_a_copy_that_breaks_more_than_it_explains_is_not_made():
    """A wrong hint on a changed picture gives no copy."""
    random = np.random.default_rng(3)
    reference = pixels(photo(random, HEIGHT, WIDTH)) & ~OPAQUE
    current = reference.copy()
    current[100:200, 100:400] = noise(5, (100, 300))
    finder = MotionFinder()
    segments = segments_of(current, reference)
    assert finder.find(current, reference, segments, (5, 5)) is None
    assert finder.find(current, reference, segments, (5000, -5000)) is None


def test_scrolling_inside_a_frame_leaves_the_frame():
    """The box covers the scrolled part of a page, not its fixed head."""
    long_page = pixels(
        page(np.random.default_rng(2), 800, WIDTH, Font(2, 19, is_smooth=True))
    )
    reference = long_page[:HEIGHT].copy()
    current = reference.copy()
    current[60:] = long_page[60 + 37 : HEIGHT + 37]
    before = segments_of(current, reference)
    move = MotionFinder().find(current, reference, before)
    assert move is not None
    assert (move.copy.dx, move.copy.dy) == (0, 37)
    assert move.copy.rect.bottom == HEIGHT - 37
    assert np.count_nonzero(move.segments) < np.count_nonzero(before) / 4


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(-40, 40), st.integers(-40, 40)),
    st.tuples(st.integers(40, 90), st.integers(40, 90)),
    st.integers(300, 333),
    st.randoms(use_true_random=False),
)
def test_what_differs_after_a_copy_is_known_without_comparing(
    vector, corner, width, random
):
    """The map that comes with a copy is what a comparison after it would find."""
    reference = noise(3, (240, width))
    rect = Rect(*corner, random.randrange(120, width - 130), 100)
    current = moved(reference, rect, *vector)
    for _ in range(20):
        y, x = random.randrange(240), random.randrange(width)
        current[y : y + 3, x : x + 5] ^= 1
    before = segments_of(current, reference)
    move = MotionFinder().find(current, reference, before, (-vector[0], -vector[1]))
    if move is None:
        assert vector == (0, 0)
        return
    result = reference.copy()
    move.copy.apply(result)
    assert np.array_equal(move.segments, segments_of(current, result))


@pytest.mark.parametrize("vector", [(0, 1), (3, -1), (-7, 0), (5, 40), (-40, -33)])
def test_a_copy_onto_itself_reads_what_was_there_before(vector):
    """Source and destination overlap in any direction, as for the decoder."""
    frame = noise(4)
    old, rect = frame.copy(), Rect(60, 50, 500, 300)
    Copy(rect, *vector).apply(frame)
    source = rect.moved(*vector)
    expected = old.copy()
    expected[rect.y : rect.bottom, rect.x : rect.right] = old[
        source.y : source.bottom, source.x : source.right
    ]
    assert np.array_equal(frame, expected)


def test_no_hashing_of_pixels_by_numpy():
    """`np.unique` hashes every number, which takes seconds on a frame of noise."""
    package = Path(motion.__file__).parent
    sources = {path.name: path.read_text() for path in package.glob("*.py")}
    assert len(sources) > 20
    assert [name for name, text in sources.items() if "np.unique(" in text] == []
