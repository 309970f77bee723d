"""Rectangles."""

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.geometry import Rect, bounding, clipped, merged

rects = st.builds(
    Rect,
    st.integers(-50, 50),
    st.integers(-50, 50),
    st.integers(-3, 60),
    st.integers(-3, 60),
)


def pixels(rect):
    return {
        (x, y) for x in range(rect.x, rect.right) for y in range(rect.y, rect.bottom)
    }


@settings(derandomize=True, max_examples=60, deadline=None)
@given(rects, rects)
def test_set_operations_agree_with_sets_of_pixels(one, two):
    """Intersection, containment, area and union mean what they mean for pixels."""
    assert pixels(one.intersection(two)) == pixels(one) & pixels(two)
    assert one.intersects(two) == bool(pixels(one) & pixels(two))
    assert one.contains(two) == (pixels(two) <= pixels(one))
    assert one.area == len(pixels(one))
    assert pixels(one.union(two)) >= pixels(one) | pixels(two)


def test_distance_is_the_gap_on_the_wider_axis():
    """Touching rectangles have none."""
    assert Rect(0, 0, 10, 10).distance(Rect(10, 0, 5, 5)) == 0
    assert Rect(0, 0, 10, 10).distance(Rect(13, 30, 5, 5)) == 20


def test_moved_keeps_the_size():
    """Only the place changes."""
    assert Rect(1, 2, 3, 4).moved(10, -2) == Rect(11, 0, 3, 4)


def test_clipped_drops_what_lies_outside():
    """Parts inside remain, in order."""
    bounds = Rect(0, 0, 10, 10)
    assert clipped([Rect(-5, 0, 7, 3), Rect(20, 0, 5, 5)], bounds) == [Rect(0, 0, 2, 3)]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(rects, max_size=30), st.integers(1, 8))
def test_merged_covers_everything_with_few(many, limit):
    """However many come in, at most `limit` come out, and no pixel is lost."""
    few = merged(many, limit)
    assert len(few) <= limit
    for rect in many:
        if rect:
            assert any(other.contains(rect) for other in few)
    assert bounding(few) == bounding(rect for rect in many if rect)
