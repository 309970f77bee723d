"""Mouse positions in the view -> remote pixels."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.input.pointer import HeldButtons, PointerMap
from p2p_remote.screen.geometry import Rect

FULL_HD = Rect(0, 0, 1920, 1080)


def half_block_map(**changes):
    """200x60 cells of half-blocks; the picture lies in rows 2 to 57."""
    place = Rect(0, 4, 200, 112)
    fields = {"region": FULL_HD, "place": place, "sub_columns": 1, "sub_rows": 2}
    return PointerMap(**{**fields, **changes})


def test_whole_cells_mean_their_middle():
    """Cell 0 of 200 is remote pixels 0 to 9."""
    pointer = half_block_map()
    assert pointer.to_remote(0, 2) == (4, 9)
    assert pointer.to_remote(199, 57) == (1915, 1070)


def test_pixels_are_told_apart():
    """With a mouse in pixels every remote pixel can be reached."""
    pointer = half_block_map(exact=True)
    reached = {pointer.to_remote(10 + step / 10, 30)[0] for step in range(10)}
    assert reached == set(range(96, 105))
    assert pointer.to_remote(0.0, 2.0) == (0, 0)


def test_beside_the_picture_the_nearest_pixel_counts():
    """A drag may leave the picture on every side."""
    pointer = half_block_map()
    assert pointer.to_remote(-5, -5) == (0, 0)
    assert pointer.to_remote(300, 70) == (1919, 1079)


def test_contains_counts_cells_that_show_a_part_of_the_picture():
    """The margin of the letterbox is outside, the cell at its edge inside."""
    pointer = half_block_map(place=Rect(3, 5, 100, 40), sub_columns=2)
    assert not pointer.contains(0, 10)
    assert pointer.contains(1, 10)
    assert pointer.contains(51, 10)
    assert not pointer.contains(52, 10)
    assert not pointer.contains(10, 1)
    assert pointer.contains(10, 2)
    assert pointer.contains(10, 22)
    assert not pointer.contains(10, 23)


def test_zoomed_region_is_where_it_is():
    """The position counts from the corner of the region."""
    pointer = half_block_map(region=Rect(500, 300, 200, 112))
    assert pointer.to_remote(0, 2) == (500, 301)
    assert pointer.to_remote(100, 30) == (600, 357)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.floats(-10, 400, allow_nan=False),
    st.floats(-10, 100, allow_nan=False),
    st.sampled_from([(1, 2), (2, 2), (2, 3)]),
    st.booleans(),
)
def test_every_position_is_inside_the_region(x, y, sub_pixels, exact):
    """Whatever the terminal reports."""
    region = Rect(100, 50, 640, 480)
    place = Rect(7, 3, 150, 90)
    pointer = PointerMap(region, place, *sub_pixels, exact=exact)
    remote = Rect(*pointer.to_remote(x, y), 1, 1)
    assert region.contains(remote)


@pytest.mark.parametrize(("button", "bit"), [(1, 1), (2, 2), (3, 4)])
def test_buttons_are_bits(button, bit):
    """Left 1, middle 2, right 4; the same again changes nothing."""
    held = HeldButtons()
    assert held.press(button)
    assert held.mask == bit
    assert not held.press(button)
    assert held.release(button)
    assert held.mask == 0
    assert not held.release(button)


def test_further_buttons_do_nothing_and_all_can_be_let_go():
    """Only three buttons go over the wire."""
    held = HeldButtons()
    assert not held.press(8)
    held.press(1)
    held.press(3)
    assert held.mask == 5
    assert held.release_all()
    assert held.mask == 0
    assert not held.release_all()
