"""Scaling parts of a frame."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.resample import BoxScaler


def reference(frame, scaler):
    """Every sub-pixel as the mean of its box, one by one."""
    region, width, height = scaler.region, scaler.width, scaler.height
    result = np.zeros((height, width, 4), np.uint8)
    for row in range(height):
        top = region.y + row * region.height // height
        bottom = max(region.y + (row + 1) * region.height // height, top + 1)
        for column in range(width):
            left = region.x + column * region.width // width
            right = max(region.x + (column + 1) * region.width // width, left + 1)
            box = frame[top:bottom, left:right].astype(int)
            result[row, column] = box.sum(axis=(0, 1)) // box[..., 0].size
    return result


@st.composite
def scalings(draw):
    """A frame size, a region in it, an output size and a part of the output."""
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    region = Rect(
        x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y))
    )
    out = (draw(st.integers(1, 30)), draw(st.integers(1, 30)))
    left, top = draw(st.integers(0, out[0] - 1)), draw(st.integers(0, out[1] - 1))
    part = Rect(
        left,
        top,
        draw(st.integers(1, out[0] - left)),
        draw(st.integers(1, out[1] - top)),
    )
    return (width, height), BoxScaler(region, *out), part


@settings(max_examples=60, deadline=None, derandomize=True)
@given(scalings(), st.integers(0, 2**32 - 1))
def test_any_part_equals_the_same_part_of_the_exact_whole(scaling, seed):
    """Means are exact, up and down, and a part does not depend on its surroundings."""
    (width, height), scaler, part = scaling
    random = np.random.default_rng(seed)
    frame = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
    expected = reference(frame, scaler)
    got = scaler.scale(frame, part)
    assert (got == expected[part.y : part.bottom, part.x : part.right]).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(scalings(), st.data())
def test_touched_is_exactly_what_a_changed_pixel_can_change(scaling, data):
    """Sub-pixels outside stay as they were, and every edge of the range is needed."""
    (width, height), scaler, _ = scaling
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    damage = Rect(
        x,
        y,
        data.draw(st.integers(1, width - x)),
        data.draw(st.integers(1, height - y)),
    )
    before = np.zeros((height, width, 4), np.uint8)
    after = before.copy()
    # Large enough that it shows in the mean of any box.
    after[damage.y : damage.bottom, damage.x : damage.right] = 255
    whole = Rect(0, 0, scaler.width, scaler.height)
    sums = np.zeros((scaler.height, scaler.width), bool)
    touched = scaler.touched(damage)
    sums[touched.y : touched.bottom, touched.x : touched.right] = True
    changed = (reference(before, scaler) != reference(after, scaler)).any(axis=2)
    assert not (changed & ~sums).any()
    if touched:
        assert (scaler.scale(after, whole)[sums] > 0).any() or not changed.any()
    else:
        assert not changed.any()


def test_tall_boxes_do_not_overflow():
    """White stays white when a box is taller than 16 bits can add."""
    frame = np.full((600, 4, 4), 255, np.uint8)
    scaler = BoxScaler(Rect(0, 0, 4, 600), 2, 2)
    assert (scaler.scale(frame, Rect(0, 0, 2, 2)) == 255).all()


def test_damage_outside_the_region_touches_nothing():
    """What is not shown is not scaled."""
    scaler = BoxScaler(Rect(10, 10, 20, 20), 10, 10)
    assert not scaler.touched(Rect(0, 0, 10, 50))
    assert scaler.touched(Rect(0, 0, 11, 11)) == Rect(0, 0, 1, 1)
    assert scaler.touched(Rect(12, 14, 3, 2)) == Rect(1, 2, 2, 1)
