"""What of the picture is out of date, and what goes over it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.cells import POINTER, SPACE
from p2p_remote.terminal.colors import ColorDepth, rgb565
from p2p_remote.terminal.picture import MAX_RECTANGLES, CellPicture
from p2p_remote.terminal.renderer import RENDERERS

HALF = RENDERERS["half"]
SIZE = Rect(0, 0, 60, 44)  # pixels of the frame


def shown_after(picture, frame):
    """Paint and take over, as the view does."""
    painted = picture.paint(frame)
    for area, cells in painted:
        picture.shown.part(area.x, area.y, area.right, area.bottom).assign(cells)
    return painted


def placed(renderer, place):
    picture = CellPicture(renderer, ColorDepth.TRUECOLOR)
    picture.resize(20, 10)
    picture.place(SIZE, place)
    return picture


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data(), st.sampled_from(sorted(RENDERERS)), st.integers(0, 2**32 - 1))
def test_parts_painted_one_after_another_equal_the_whole(data, name, seed):
    """Any sequence of damage and pointers ends in what a fresh picture shows."""
    renderer = RENDERERS[name]
    width, height = 20 * renderer.sub_columns, 10 * renderer.sub_rows
    x, y = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
    place = Rect(x, y, width - 2 * x, height - 2 * y)
    random = np.random.default_rng(seed)
    frame = random.integers(0, 256, (SIZE.height, SIZE.width, 4), dtype=np.uint8)
    picture = placed(renderer, place)
    shown_after(picture, frame)
    pointer = None
    for _ in range(data.draw(st.integers(1, 6))):
        left, top = int(random.integers(60)), int(random.integers(44))
        box = Rect(left, top, *map(int, random.integers(1, 30, 2)))
        box = box.intersection(SIZE)
        frame[box.y : box.bottom, box.x : box.right] = random.integers(0, 256, 4)
        picture.damage([box])
        if random.random() < 0.4:
            pointer = (int(random.integers(60)), int(random.integers(44)))
            picture.move_pointer(pointer)
        if random.random() < 0.7:
            shown_after(picture, frame)
    shown_after(picture, frame)
    fresh = placed(renderer, place)
    fresh.move_pointer(pointer)
    shown_after(fresh, frame)
    assert not picture.shown.changed(fresh.shown).any()
    assert not picture.has_dirty


def test_damage_paints_little():
    """One pixel is one cell."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    frame = np.zeros((44, 60, 4), np.uint8)
    shown_after(picture, frame)
    picture.damage([Rect(31, 23, 1, 1)])
    assert [area for area, _ in picture.paint(frame)] == [Rect(10, 5, 1, 1)]
    assert not picture.has_dirty


def test_many_rectangles_are_merged():
    """A frame is drawn in few rectangles, and none lies within another."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    frame = np.zeros((44, 60, 4), np.uint8)
    shown_after(picture, frame)
    picture.damage([Rect(3 * step, 4 * (step % 10), 2, 2) for step in range(19)])
    assert len(picture.paint(frame)) <= MAX_RECTANGLES
    picture.damage([Rect(0, 0, 6, 6), Rect(0, 0, 60, 44), Rect(3, 3, 3, 3)])
    assert len(picture.paint(frame)) == 1


def test_no_frame_is_a_blank_picture_with_its_notice():
    """Before the first frame only the notice is there."""
    picture = CellPicture(HALF, ColorDepth.TRUECOLOR)
    picture.resize(20, 5)
    picture.show_notice("hello")
    shown_after(picture, None)
    assert "".join(map(chr, picture.shown.glyph[2])).strip() == "hello"
    assert (picture.shown.glyph[[0, 1, 3, 4]] == SPACE).all()


def test_a_region_beyond_the_frame_is_not_read():
    """The frame may shrink before the view hears of it."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    small = np.full((10, 10, 4), 255, np.uint8)
    shown_after(picture, small)
    assert (picture.shown.background != 0xFFFF).all()


@pytest.mark.parametrize(("gray", "mark"), [(255, 0), (0, 0xFFFF), (200, 0)])
def test_the_pointer_stands_out(gray, mark):
    """Black on light and white on dark."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    picture.move_pointer((30, 22))
    shown_after(picture, np.full((44, 60, 4), gray, np.uint8))
    assert picture.shown.glyph[5, 10] == POINTER
    assert picture.shown.foreground[5, 10] == mark
    assert picture.shown.background[5, 10] == rgb565(gray, gray, gray)


def test_a_notice_covers_no_more_than_it_must():
    """A changed number repaints one row, not the picture."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    frame = np.full((44, 60, 4), 255, np.uint8)
    picture.show_notice("3 s")
    shown_after(picture, frame)
    picture.show_notice("4 s")
    painted = shown_after(picture, frame)
    assert [area for area, _ in painted] == [Rect(0, 5, 20, 1)]
    assert "4 s" in "".join(map(chr, picture.shown.glyph[5]))
