"""Smaller pictures for previews: the mean of each square of pixels."""

import numpy as np

from p2p_remote.screen.arrays import Pixels

_RED_BLUE = np.uint32(0x00FF00FF)
_GREEN = np.uint32(0x000000FF)
_BYTE = np.uint32(8)


def reduced(pixels: Pixels, shift: int) -> Pixels:
    """`pixels` (height, width) 2^shift times smaller; sides are rounded up.

    Squares at the right and lower edge repeat its last pixels. Colours are added in
    halves of 16 bits, so that three numbers of a pixel take two additions.
    """
    step = 1 << shift
    height, width = pixels.shape
    short = (-height % step, -width % step)
    if any(short):
        pixels = np.pad(pixels, ((0, short[0]), (0, short[1])), "edge")
    red_blue = _sums(pixels & _RED_BLUE, step) >> np.uint32(2 * shift)
    green = _sums((pixels >> _BYTE) & _GREEN, step) >> np.uint32(2 * shift)
    small: Pixels = (red_blue & _RED_BLUE) | (green & _GREEN) << _BYTE
    return small


def _sums(lanes: Pixels, step: int) -> Pixels:
    """Sums of squares, rows first: that runs along memory."""
    rows = sum((lanes[row::step] for row in range(1, step)), lanes[::step])
    columns = (rows[:, column::step] for column in range(1, step))
    total: Pixels = sum(columns, rows[:, ::step])
    return total
