"""What of the picture is out of date, and what goes over it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.cursor import PointerShape, lay_over
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
    pixels = random.integers(0, 256, (9, 7, 4), dtype=np.uint8)
    shapes = (None, PointerShape(pixels, 2, 3))
    pointer = (None, None)
    for _ in range(data.draw(st.integers(1, 6))):
        left, top = int(random.integers(60)), int(random.integers(44))
        box = Rect(left, top, *map(int, random.integers(1, 30, 2)))
        box = box.intersection(SIZE)
        frame[box.y : box.bottom, box.x : box.right] = random.integers(0, 256, 4)
        picture.damage([box])
        if random.random() < 0.4:
            position = (int(random.integers(60)), int(random.integers(44)))
            pointer = (position, shapes[int(random.integers(2))])
            picture.move_pointer(*pointer)
        if random.random() < 0.7:
            shown_after(picture, frame)
    shown_after(picture, frame)
    fresh = placed(renderer, place)
    fresh.move_pointer(*pointer)
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


ARROW = (
    "X.......",
    "XX......",
    "XoX.....",
    "XooX....",
    "XoooX...",
    "XooooX..",
    "XooXXXX.",
    "XXX.....",
)
BEAM = ("XX.XX", "..X..", "..X..", "..X..", "..X..", "..X..", "..X..", "XX.XX")
RESIZE = ("..X...X..", ".XX...XX.", "XXXXXXXXX", ".XX...XX.", "..X...X..")
COLORS = {"X": (0, 0, 0, 255), "o": (255, 255, 255, 255), ".": (0, 0, 0, 0)}


def drawn(rows):
    """A shape of a picture in letters."""
    pixels = np.array([[COLORS[each] for each in row] for row in rows], np.uint8)
    return PointerShape(pixels, len(rows[0]) // 2, len(rows) // 2)


@pytest.mark.parametrize("rows", [ARROW, BEAM, RESIZE])
def test_at_one_to_one_a_pointer_has_its_own_shape(rows):
    """What can be told apart on the customer's screen can be told apart here."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    picture.place(Rect(10, 10, 20, 20), Rect(0, 0, 20, 20))
    frame = np.full((44, 60, 4), 200, np.uint8)
    picture.move_pointer((20, 20), drawn(rows))
    shown_after(picture, frame)
    wide, high = len(rows[0]), len(rows)
    left, top = 10 - wide // 2, 10 - high // 2
    halves = np.empty((20, 20), np.uint16)
    halves[0::2] = picture.shown.foreground
    halves[1::2] = picture.shown.background
    colors = {"X": 0, "o": 0xFFFF, ".": rgb565(200, 200, 200)}
    wanted = [[colors[each] for each in row] for row in rows]
    assert (halves[top : top + high, left : left + wide] == wanted).all()
    picture.move_pointer(None)
    shown_after(picture, frame)
    assert (picture.shown.background == colors["."]).all()


def test_a_picture_too_small_for_the_shape_has_a_mark():
    """And zooming in brings the shape."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    frame = np.full((44, 60, 4), 200, np.uint8)
    picture.move_pointer((30, 22), drawn(BEAM))
    shown_after(picture, frame)
    assert picture.shown.glyph[5, 10] == POINTER
    picture.place(Rect(20, 12, 20, 20), Rect(0, 0, 20, 20))
    shown_after(picture, frame)
    assert not (picture.shown.glyph == POINTER).any()
    assert (picture.shown.background == 0).any()


def test_a_shape_is_painted_where_it_was_and_is():
    """Not the whole picture for a motion."""
    picture = placed(HALF, Rect(0, 0, 20, 20))
    picture.place(Rect(0, 0, 20, 20), Rect(0, 0, 20, 20))
    frame = np.zeros((44, 60, 4), np.uint8)
    picture.move_pointer((4, 4), drawn(BEAM))
    shown_after(picture, frame)
    picture.move_pointer((15, 15), drawn(BEAM))
    assert sum(area.area for area, _ in shown_after(picture, frame)) < 70
    picture.move_pointer((15, 15), picture._shape)
    assert not picture.has_dirty


def test_a_shape_ends_at_the_edge_of_the_picture():
    """It may point at the last pixel."""
    frame = np.full((4, 4, 4), 100, np.uint8)
    for x, y in ((0, 0), (3, 3), (0, 3)):
        lay_over(frame, drawn(ARROW), x, y)
    assert frame.min() == 0
    before = frame.copy()
    lay_over(frame, drawn(ARROW), 50, 50)
    assert (frame == before).all()
