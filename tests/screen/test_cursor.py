"""Pointer shapes: there and back, and nothing that a peer makes up."""

import lz4.block
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.cursor import (
    PointerShape,
    lay_over,
    pack_shape,
    unpack_shape,
)
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.screen import CursorShape

PIXELS = bytes(range(240))


def test_a_shape_arrives_as_it_was() -> None:
    """Pixels, sides and hot spot."""
    shape = unpack_shape(CursorShape(10, 6, 3, 5, pack_shape(PIXELS)))
    assert shape.pixels.shape == (6, 10, 4)
    assert shape.pixels.tobytes() == PIXELS
    assert shape.area(20, 20) == Rect(17, 15, 10, 6)


@pytest.mark.parametrize(
    "shape",
    [
        CursorShape(10, 6, 10, 0, pack_shape(PIXELS)),
        CursorShape(10, 6, 0, 6, pack_shape(PIXELS)),
        CursorShape(10, 5, 0, 0, pack_shape(PIXELS)),
        CursorShape(10, 7, 0, 0, pack_shape(PIXELS)),
        CursorShape(10, 6, 0, 0, b""),
        CursorShape(1, 1, 0, 0, lz4.block.compress(bytes(1 << 20), store_size=False)),
    ],
)
def test_what_does_not_fit_together_is_refused(shape: CursorShape) -> None:
    """A hot spot outside, too little, too much, nothing, a bomb."""
    with pytest.raises(MalformedMessageError):
        unpack_shape(shape)


@settings(max_examples=200, derandomize=True)
@given(
    st.integers(1, 256),
    st.integers(1, 256),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=300),
)
def test_any_bytes_are_a_shape_or_malformed(
    width: int, height: int, hot_x: int, hot_y: int, image: bytes
) -> None:
    """Nothing else comes of them."""
    try:
        shape = unpack_shape(CursorShape(width, height, hot_x, hot_y, image))
    except MalformedMessageError:
        return
    assert shape.pixels.shape == (height, width, 4)


def test_opacity_mixes_and_wrong_colours_stay_in_range() -> None:
    """A peer may send colours that are brighter than their opacity lets them be."""
    picture = np.full((1, 3, 4), 200, np.uint8)
    pixels = np.array([[[0, 0, 0, 0], [0, 0, 0, 128], [255, 255, 255, 1]]], np.uint8)
    lay_over(picture, PointerShape(pixels, 0, 0), 0, 0)
    assert picture[0, :, 0].tolist() == [200, 100, 255]
