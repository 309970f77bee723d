"""Half-blocks: two sub-pixels above each other in a cell, both in their own colour."""

from dataclasses import dataclass

import numpy as np

from p2p_remote.terminal.cells import SPACE, UPPER_HALF, Cells
from p2p_remote.terminal.colors import ColorDepth, Pixels, palette_snap, quantise


@dataclass(frozen=True, slots=True)
class HalfBlockRenderer:
    """Exact: no colour is approximated beyond the colour depth. Drawn everywhere."""

    name: str = "half"
    sub_columns: int = 1
    sub_rows: int = 2

    def fit(self, pixels: Pixels, depth: ColorDepth) -> Cells:
        """Upper sub-pixel as foreground, lower one as background."""
        colors = quantise(pixels)
        if depth is ColorDepth.PALETTE:
            colors = palette_snap()[colors]
        upper, lower = colors[0::2], colors[1::2]
        glyph = np.full(upper.shape, UPPER_HALF, np.uint16)
        glyph[upper == lower] = SPACE
        return Cells(upper, lower, glyph)
