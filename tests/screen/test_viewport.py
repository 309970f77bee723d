"""Geometry of the technician's view."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.viewport import STEPS, Viewport

sides = st.integers(1, 4000)


def test_begins_with_the_whole_screen():
    """Fit shows everything, centred in the output, with its proportions kept."""
    view = Viewport(1920, 1080, 200, 120)
    assert view.is_fit
    assert view.region == Rect(0, 0, 1920, 1080)
    assert view.placement == Rect(0, 4, 200, 112)


def test_one_to_one_shows_a_pixel_per_sub_pixel():
    """At 1:1 region and placement have one size, and mapping is a shift."""
    view = Viewport(1920, 1080, 200, 120)
    view.one_to_one()
    assert view.region == Rect(860, 480, 200, 120)
    assert view.placement == Rect(0, 0, 200, 120)
    assert view.to_remote(3, 7) == (863, 487)
    assert view.from_remote(863, 487) == (3, 7)


def test_one_to_one_of_a_small_screen_is_not_enlarged():
    """A screen smaller than the output lies in its middle at 1:1."""
    view = Viewport(100, 50, 200, 120)
    assert view.placement == Rect(0, 10, 200, 100)
    view.one_to_one()
    assert view.region == Rect(0, 0, 100, 50)
    assert view.placement == Rect(50, 35, 100, 50)


def test_zoom_steps_go_in_and_out_again():
    """Each step is one entry of the table, and the way out ends at fit."""
    view = Viewport(1920, 1080, 200, 120)
    zooms = []
    for _ in range(20):
        view.zoom_in()
        zooms.append(view.zoom)
    assert zooms[0] == 8.0
    assert zooms[-1] == STEPS[0]
    for _ in range(20):
        view.zoom_out()
    assert view.is_fit


def test_zoom_keeps_the_centre():
    """Zooming in and out again returns to the same region."""
    view = Viewport(1920, 1080, 200, 120)
    view.one_to_one()
    view.center_on(300, 200)
    before = view.region
    view.zoom_in()
    view.zoom_out()
    assert view.region == before


def test_pan_stops_at_the_edges():
    """Panning never leaves the display, and the way back starts at once."""
    view = Viewport(1920, 1080, 200, 120)
    view.one_to_one()
    view.pan(-5000, -5000)
    assert view.region == Rect(0, 0, 200, 120)
    view.pan(10, 20)
    assert view.region == Rect(10, 20, 200, 120)
    view.pan(5000, 5000)
    assert view.region == Rect(1720, 960, 200, 120)


def test_follow_moves_just_so_far():
    """A pixel inside the margin moves nothing; one outside comes to the margin."""
    view = Viewport(1920, 1080, 200, 120)
    view.one_to_one()
    view.center_on(500, 500)
    region = view.region
    assert not view.follow(region.x + 30, region.y + 30, 10)
    assert view.follow(region.right + 5, region.y + 30, 10)
    assert view.region.right - 1 - 10 == region.right + 5
    assert view.region.y == region.y


def test_resize_keeps_zoom_and_place():
    """A larger terminal shows more around the same centre."""
    view = Viewport(1920, 1080, 200, 120)
    view.one_to_one()
    view.resize(300, 160)
    assert view.zoom == 1.0
    assert view.region == Rect(810, 460, 300, 160)


def test_new_display_size_keeps_the_region_inside():
    """When the remote screen shrinks, the view stays on it."""
    view = Viewport(1920, 1080, 200, 120)
    view.one_to_one()
    view.center_on(1900, 1000)
    view.resize_display(800, 600)
    assert Rect(0, 0, 800, 600).contains(view.region)


@pytest.mark.parametrize(("aspect", "size"), [(0.5, (100, 120)), (2.0, (200, 60))])
def test_sub_pixels_that_are_not_square(aspect, size):
    """At 1:1 the longer side of a sub-pixel shows one pixel, the other less."""
    view = Viewport(1920, 1080, 200, 120, aspect)
    view.one_to_one()
    assert (view.region.width, view.region.height) == size
    assert view.placement == Rect(0, 0, 200, 120)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(sides, sides, st.integers(1, 900), st.integers(1, 900), st.data())
def test_region_stays_inside_and_mapping_is_consistent(
    width, height, across, down, data
):
    """After any moves the region is inside, and pixels map into it and back."""
    view = Viewport(width, height, across, down)
    display = Rect(0, 0, width, height)
    moves = {
        "in": view.zoom_in,
        "out": view.zoom_out,
        "fit": view.fit,
        "one": view.one_to_one,
        "pan": lambda: view.pan(
            data.draw(st.integers(-5000, 5000)), data.draw(st.integers(-5000, 5000))
        ),
        "follow": lambda: view.follow(
            data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        ),
    }
    for move in data.draw(st.lists(st.sampled_from(sorted(moves)), max_size=6)):
        moves[move]()
        region, placement = view.region, view.placement
        assert region
        assert display.contains(region)
        assert Rect(0, 0, across, down).contains(placement)
        x = data.draw(st.integers(0, across - 1))
        y = data.draw(st.integers(0, down - 1))
        remote = view.to_remote(x, y)
        assert region.contains(Rect(*remote, 1, 1))
        shown = view.from_remote(*remote)
        if region.width >= placement.width and region.height >= placement.height:
            inside = placement.contains(Rect(x, y, 1, 1))
            assert shown == (x, y) if inside else shown is not None


def test_a_place_is_shown_by_its_middle_or_its_top_left():
    """What fits is centred; of what is larger the beginning is shown."""
    view = Viewport(1920, 1080, 200, 100)
    view.one_to_one()
    view.show(Rect(1000, 500, 20, 10))
    assert view.region == Rect(910, 455, 200, 100)
    view.show(Rect(600, 300, 900, 700))
    assert view.region == Rect(600, 300, 200, 100)
    view.show(Rect(0, 0, 1, 1))
    assert view.region == Rect(0, 0, 200, 100)


def test_next_zoom_goes_in_readable_steps_to_one_to_one_and_back():
    """Steps that would show hardly less than the one before are left out."""
    view = Viewport(1920, 1080, 120, 60)
    zooms = []
    for _ in range(4):
        view.next_zoom()
        zooms.append(view.zoom)
    assert zooms[:3] == [3.0, 2.0, 1.0]
    assert view.is_fit
    small = Viewport(330, 180, 110, 60)
    small.next_zoom()
    assert small.zoom == 2.0
    tiny = Viewport(50, 40, 120, 60)
    tiny.next_zoom()
    assert tiny.zoom == 1.0
    tiny.next_zoom()
    assert tiny.is_fit
