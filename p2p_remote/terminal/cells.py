"""Character cells: what a terminal shows, or should show, as three numpy arrays.

A colour is an RGB565 index (`p2p_remote.terminal.colors`), a glyph is an index into
`GLYPHS`. Glyph 32 to 126 are the ASCII characters themselves; the block elements of
the renderers follow from 128 on. Every glyph is one column wide.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

ColorArray = NDArray[np.uint16]
GlyphArray = NDArray[np.uint16]

SPACE = 32  # only the background shows; the foreground is not looked at
UPPER_HALF = 128
POINTER = 129
QUADRANTS = 130  # 16 glyphs; bits in reading order of 2 columns and 2 rows
SEXTANTS = 146  # 64 glyphs; bits in reading order of 2 columns and 3 rows

_QUADRANT_TEXT = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"


def _sextant(mask: int) -> str:
    """Character of a 2x3 mask: Unicode 13 "Symbols for Legacy Computing".

    U+1FB00 to U+1FB3B hold the masks in order without the four that are older
    characters: empty, left half, right half and full block.
    """
    older = {0: " ", 0b010101: "▌", 0b101010: "▐", 0b111111: "█"}
    if mask in older:
        return older[mask]
    skipped = 1 + (mask > 0b010101) + (mask > 0b101010)
    return chr(0x1FB00 + mask - skipped)


GLYPHS: tuple[str, ...] = (
    *(" " * 32),
    *(chr(code) for code in range(32, 127)),
    " ",
    "▀",
    "◤",
    *_QUADRANT_TEXT,
    *(_sextant(mask) for mask in range(64)),
)


@cache
def glyph_column() -> NDArray[np.object_]:
    """`GLYPHS` as an object array, for look-ups by index array."""
    return np.array(GLYPHS, dtype=object)


@dataclass(slots=True)
class Cells:
    """A rectangle of cells; arrays of one shape (rows, columns).

    Cells that look the same are equal in all three arrays: where the glyph is `SPACE`,
    the foreground equals the background.
    """

    foreground: ColorArray
    background: ColorArray
    glyph: GlyphArray

    @classmethod
    def blank(cls, rows: int, columns: int, color: int = 0) -> Self:
        """Empty cells of one colour (RGB565 index)."""
        shape = (rows, columns)
        return cls(
            np.full(shape, color, np.uint16),
            np.full(shape, color, np.uint16),
            np.full(shape, SPACE, np.uint16),
        )

    @property
    def rows(self) -> int:
        """Height in cells."""
        return int(self.glyph.shape[0])

    @property
    def columns(self) -> int:
        """Width in cells."""
        return int(self.glyph.shape[1])

    def part(self, left: int, top: int, right: int, bottom: int) -> "Cells":
        """View (not a copy) of the cells between edges; right and bottom excluded."""
        area = (slice(top, bottom), slice(left, right))
        return Cells(self.foreground[area], self.background[area], self.glyph[area])

    def copy(self) -> "Cells":
        """Cells of their own with the same content."""
        return Cells(self.foreground.copy(), self.background.copy(), self.glyph.copy())

    def assign(self, other: "Cells") -> None:
        """Take over the content of `other`, which has the same shape."""
        self.foreground[...] = other.foreground
        self.background[...] = other.background
        self.glyph[...] = other.glyph

    def changed(self, other: "Cells") -> NDArray[np.bool_]:
        """Where the two look different, as a mask of the common shape."""
        difference: NDArray[np.bool_] = self.foreground != other.foreground
        difference |= self.background != other.background
        difference |= self.glyph != other.glyph
        return difference

    def write_text(
        self, row: int, column: int, text: str, colors: tuple[int, int]
    ) -> None:
        """Put printable ASCII text over a row, clipped to it.

        Args:
            row: Row; outside the cells nothing happens.
            column: First column, may be negative.
            text: Anything but printable ASCII is shown as a question mark.
            colors: Foreground and background (RGB565 indexes).

        """
        if not 0 <= row < self.rows:
            return
        for position, character in self._visible(column, text):
            code = ord(character)
            printable = 32 <= code < 127
            self.glyph[row, position] = code if printable else ord("?")
            blank = character == " "
            self.foreground[row, position] = colors[1] if blank else colors[0]
            self.background[row, position] = colors[1]

    def _visible(self, column: int, text: str) -> Iterator[tuple[int, str]]:
        """Columns and characters of the part of `text` inside the cells."""
        for position, character in enumerate(text, column):
            if 0 <= position < self.columns:
                yield position, character
