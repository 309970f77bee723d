"""Types and views of pixel arrays, and constants that several files share."""

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""Shape (height, width, 4), C-contiguous; bytes are B, G, R and one that is ignored."""

Pixels = NDArray[np.uint32]
"""Shape (height, width) or (n,): a pixel as one little-endian number 0xXXRRGGBB."""

Bits = NDArray[np.bool_]

Table = NDArray[np.int64]
"""Rows of numbers."""

OPAQUE = np.uint32(0xFF000000)
COLOUR = np.uint32(0x00FFFFFF)

SEGMENT = 16  # pixels; unit of comparison, one row high
BLOCK = 32  # pixels; side of a photo block
TILE = 64  # pixels; side of a tile of the cache
SMALL = 65_536  # pixels of a changed box that is sent as it is: one rectangle


def pixels_of(frame: Frame) -> Pixels:
    """One number per pixel, without a copy; `frame` must be C-contiguous."""
    view: Pixels = frame.view("<u4")[:, :, 0]
    return view


def frame_of(pixels: Pixels) -> Frame:
    """Four bytes per pixel, without a copy; `pixels` must be C-contiguous."""
    height, width = pixels.shape
    view: Frame = pixels.view(np.uint8).reshape(height, width, 4)
    return view
