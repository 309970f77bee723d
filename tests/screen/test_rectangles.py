"""Rectangles, chunks and the rhythm of text lines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.arrays import BLOCK
from p2p_remote.screen.chunks import STRIP_PIXELS, Scanned, chunks, columns
from p2p_remote.screen.damage import Comparer, differing
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.rectangles import changed_rectangles, focus_first
from p2p_remote.screen.rhythm import rhythm_of
from tests.support.screen_scenes import Font, terminal


def compared(current, reference):
    height, width = current.shape
    rows = np.ones(height, np.bool_)
    return Comparer(width, height).segments(current, reference, rows)


def no_photo(width, height):
    return np.zeros((-(-height // BLOCK), -(-width // BLOCK)), np.bool_)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.data())
def test_every_changed_pixel_is_covered(data):
    """Whatever changes, the rectangles cover it, and begin and end where it does."""
    width, height = data.draw(st.integers(1, 700)), data.draw(st.integers(1, 400))
    reference = np.zeros((height, width), np.uint32)
    current = reference.copy()
    for _ in range(data.draw(st.integers(0, 6))):
        x = data.draw(st.integers(0, width - 1))
        y = data.draw(st.integers(0, height - 1))
        w, h = data.draw(st.integers(1, 200)), data.draw(st.integers(1, 60))
        current[y : y + h, x : x + w] = 7
    segments = compared(current, reference)
    found = changed_rectangles(segments, current, reference, no_photo(width, height))
    changed = differing(current, reference)
    covered = np.zeros_like(changed)
    for rect in found:
        assert Rect(0, 0, width, height).contains(rect)
        area = changed[rect.y : rect.bottom, rect.x : rect.right]
        assert area[0].any()
        assert area[-1].any()
        assert area[:, 0].any()
        assert area[:, -1].any()
        covered[rect.y : rect.bottom, rect.x : rect.right] = True
    assert not (changed & ~covered).any()


def test_distant_changes_are_several_rectangles():
    """A clock in one corner and a caret in the other do not send the screen."""
    reference = np.zeros((1080, 1920), np.uint32)
    current = reference.copy()
    current[5:20, 1800:1900] = 1
    current[700:713, 100:108] = 2
    found = changed_rectangles(
        compared(current, reference), current, reference, no_photo(1920, 1080)
    )
    assert found == [Rect(1800, 5, 100, 15), Rect(100, 700, 8, 13)]


@pytest.mark.parametrize("corner", [(0, 0), (13, 9), (15, 31), (7, 40)])
def test_the_edge_that_a_dragged_window_uncovers_is_cut_to_the_pixel(corner):
    """A few rows and a long arm, wherever they lie on the grid of cells."""
    left, top = corner
    reference = np.zeros((1080, 1920), np.uint32)
    current = reference.copy()
    current[top : top + 9, left : left + 823] = 1
    current[top : top + 560, left : left + 23] = 1
    found = changed_rectangles(
        compared(current, reference), current, reference, no_photo(1920, 1080)
    )
    assert sum(rect.area for rect in found) <= 1.05 * np.count_nonzero(current)


def test_photo_blocks_are_left_out():
    """Text around a picture is not one rectangle with the picture in it."""
    reference = np.zeros((640, 640), np.uint32)
    current = reference + np.uint32(9)
    segments = compared(current, reference)
    photo = no_photo(640, 640)
    photo[5:15, 5:15] = True
    segments[160:480, 10:30] = False
    found = changed_rectangles(segments, current, reference, photo)
    inner = Rect(160, 160, 320, 320)
    overlap = sum(rect.intersection(inner).area for rect in found)
    assert overlap < inner.area / 4


def test_focus_cuts_rectangles():
    """The part inside the focus comes first; together they cover the same."""
    rect, focus = Rect(0, 0, 100, 80), Rect(30, 20, 500, 10)
    parts = focus_first([Rect(300, 300, 5, 5), rect], focus)
    assert parts[0] == Rect(30, 20, 70, 10)
    assert sum(part.area for part in parts) == rect.area + 25
    assert all(not one.intersects(parts[0]) for one in parts[1:])


@pytest.mark.parametrize("pitch", [10, 13, 16, 19, 24, 31])
@pytest.mark.parametrize("offset", [0, 3, 8])
def test_text_lines_are_found(pitch, offset):
    """Pitch is the distance of lines; a strip never cuts a line of letters."""
    random = np.random.default_rng(pitch)
    font = Font(pitch, pitch, is_smooth=False)
    image = terminal(random, 30 * pitch, 600, font)
    block = np.ascontiguousarray(image).view("<u4")[offset:, :, 0]
    found, phase = rhythm_of(block)
    assert found == pitch
    # Letters end three rows above the next line and begin two rows below it.
    assert (phase + offset) % pitch in {pitch - 3, pitch - 2, pitch - 1, 0, 1, 2}


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (13, 8), (300, 200)])
def test_any_block_has_a_valid_rhythm(shape):
    """Flat and tiny blocks get a pitch that the layout allows."""
    pitch, phase = rhythm_of(np.zeros(shape, np.uint32))
    assert 1 <= pitch <= 255
    assert 0 <= phase < pitch


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.integers(1, 300), st.integers(1, 200), st.integers(1, 60), st.integers(1, 20_000)
)
def test_chunks_cover_every_row_once(width, height, pitch, limit):
    """Cut at any limit, the strips come in order and none is lost or repeated."""
    random = np.random.default_rng(1)
    frame = random.integers(0, 3, (height, width), dtype=np.uint32)
    rect = Rect(0, 0, width, height)
    seen = np.zeros((height, width), np.int64)
    for chunk in chunks([Scanned(rect, pitch, pitch // 2)], frame, limit):
        assert len(chunk.pixels) == sum(item.rect.area for item in chunk.rectangles)
        for item in chunk.rectangles:
            part = item.rect
            seen[part.y : part.bottom, part.x : part.right] += 1
    assert (seen == 1).all()


def test_strips_of_wide_displays_are_bounded():
    """However wide and high a rectangle, its columns hold strips of bounded size."""
    for pitch in (1, 16, 48, 255):
        parts = columns(Rect(5, 0, 16_000, 300), pitch)
        assert sum(part.width for part in parts) == 16_000
        assert all(part.width * pitch <= STRIP_PIXELS for part in parts)
