"""One interface for all ways to draw pixels with characters, and their choice."""

from typing import Protocol

from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.cells import Cells
from p2p_remote.terminal.colors import ColorDepth, Pixels
from p2p_remote.terminal.half_block import HalfBlockRenderer
from p2p_remote.terminal.split_block import QUADRANT, SEXTANT


class CellRenderer(Protocol):
    """Turns sub-pixels into cells of two colours and a glyph."""

    @property
    def name(self) -> str:
        """Word for the status line and the settings."""

    @property
    def sub_columns(self) -> int:
        """Sub-pixels side by side in a cell."""

    @property
    def sub_rows(self) -> int:
        """Sub-pixels above each other in a cell."""

    def fit(self, pixels: Pixels, depth: ColorDepth) -> Cells:
        """Cells nearest to the sub-pixels.

        Args:
            pixels: Shape (rows * sub_rows, columns * sub_columns, 3 or 4), BGR or BGRX.
            depth: Colours that the terminal will show; with a palette, colours that it
                cannot tell apart come out equal.

        """


HALF_BLOCK = HalfBlockRenderer()
RENDERERS: dict[str, CellRenderer] = {
    renderer.name: renderer for renderer in (HALF_BLOCK, QUADRANT, SEXTANT)
}


def choose_renderer(wanted: str, capabilities: Capabilities) -> CellRenderer:
    """Renderer by name, or for "auto" the finest that this terminal is known to draw.

    Glyph support cannot be asked for, so unknown terminals get half-blocks.
    """
    if wanted in RENDERERS:
        return RENDERERS[wanted]
    return SEXTANT if capabilities.sextants else HALF_BLOCK


def choose_depth(wanted: str, capabilities: Capabilities) -> ColorDepth:
    """Colour depth by name ("truecolor", "256"), or for "auto" the terminal's."""
    for depth in ColorDepth:
        if depth.value == wanted:
            return depth
    return ColorDepth.TRUECOLOR if capabilities.truecolor else ColorDepth.PALETTE
