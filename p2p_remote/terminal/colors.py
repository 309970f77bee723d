"""Colours as RGB565 indexes, and tables from an index to the terminal's escape codes.

16 bits a colour make every look-up one table access: 65,536 ready strings a table,
about 100 ms to build once, and frames are encoded without formatting a number.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from p2p_remote.terminal.cells import ColorArray

Pixels = NDArray[np.uint8]  # (height, width, 3 or 4), channels in the order B, G, R

_COLORS = 65536


class ColorDepth(Enum):
    """How colours are told to the terminal."""

    TRUECOLOR = "truecolor"  # 24-bit SGR, from 16-bit colours
    PALETTE = "256"  # the xterm palette: a quarter of the bytes


@dataclass(frozen=True, slots=True)
class SgrTables:
    """Object arrays of 65,536 strings, indexed by RGB565.

    `foreground_open` has no final `m`: it is completed by `background_after`, or by an
    `m` of its own. `background_alone` is a whole sequence.
    """

    foreground_open: NDArray[np.object_]
    background_after: NDArray[np.object_]
    background_alone: NDArray[np.object_]


def rgb565(red: int, green: int, blue: int) -> int:
    """Index of a colour of 8 bits a channel."""
    return (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3


def rgb_of(index: int) -> tuple[int, int, int]:
    """Red, green and blue (0-255) of an index."""
    red, green, blue = index >> 11, index >> 5 & 63, index & 31
    return red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2


@cache
def _all_rgb() -> NDArray[np.int32]:
    """The colour of every index, shape (65536, 3), 0-255."""
    index = np.arange(_COLORS, dtype=np.int32)
    red, green, blue = index >> 11, index >> 5 & 63, index & 31
    return np.stack(
        [red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2], axis=1
    )


def quantise(pixels: Pixels) -> ColorArray:
    """RGB565 indexes of BGR or BGRX pixels, shape (height, width)."""
    index = (pixels[..., 2] >> 3).astype(np.uint16)
    index <<= 6
    index |= pixels[..., 1] >> 2
    index <<= 5
    index |= pixels[..., 0] >> 3
    return index


@cache
def palette_of() -> NDArray[np.uint8]:
    """Nearest entry (16-255) of the xterm palette for every index.

    Entries 16 to 231 are a 6x6x6 cube of the levels 0, 95, 135, 175, 215 and 255; 232
    to 255 are greys 8, 18, ... 238.
    """
    rgb = _all_rgb()
    levels = np.array([0, 95, 135, 175, 215, 255], np.int32)
    nearest = np.abs(np.arange(256)[:, None] - levels).argmin(axis=1).astype(np.int32)
    steps = nearest[rgb]
    cube = 16 + 36 * steps[:, 0] + 6 * steps[:, 1] + steps[:, 2]
    grey = np.clip((rgb.sum(axis=1) // 3 - 3) // 10, 0, 23)
    cube_error = ((levels[steps] - rgb) ** 2).sum(axis=1)
    grey_error = ((8 + 10 * grey[:, None] - rgb) ** 2).sum(axis=1)
    entries = np.where(grey_error < cube_error, 232 + grey, cube)
    return np.asarray(entries, np.uint8)


@cache
def palette_snap() -> ColorArray:
    """For every index the one index that stands for its palette entry.

    Colours that look the same in 256 colours become equal, so they are not sent again.
    """
    entries = palette_of()
    first = np.zeros(256, np.uint16)
    present, where = np.unique(entries, return_index=True)
    first[present] = where
    snapped: ColorArray = first[entries]
    return snapped


@cache
def dimmed() -> ColorArray:
    """For every index the same colour at 40 % brightness."""
    rgb = _all_rgb() * 2 // 5
    row: ColorArray = quantise(rgb[:, ::-1].astype(np.uint8)[None])[0]
    return row


@cache
def sgr_tables(depth: ColorDepth) -> SgrTables:
    """Tables of a colour depth; built once, about 100 ms for truecolor."""
    if depth is ColorDepth.TRUECOLOR:
        colors = [f"2;{r};{g};{b}" for r, g, b in _all_rgb().tolist()]
    else:
        entries = [f"5;{entry}" for entry in range(256)]
        colors = [entries[entry] for entry in palette_of().tolist()]

    def column(prefix: str, suffix: str) -> NDArray[np.object_]:
        known = {color: f"{prefix}{color}{suffix}" for color in set(colors)}
        return np.array([known[color] for color in colors], dtype=object)

    return SgrTables(
        column("\x1b[38;", ""), column(";48;", "m"), column("\x1b[48;", "m")
    )
