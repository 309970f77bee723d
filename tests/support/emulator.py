"""A terminal emulator (pyte) that judges what we draw."""

import re
from collections.abc import Callable

import pyte

from p2p_remote.terminal.cells import GLYPHS, SPACE, Cells
from p2p_remote.terminal.colors import ColorDepth, palette_of, rgb_of

# Saving and restoring private modes (xterm), the kitty keyboard protocol.
_NOT_KNOWN = re.compile(r"\x1b\[(?:\?\d+[sr]|[<=>][\d;]*u)")


def emulator(columns: int, rows: int) -> tuple[pyte.Screen, Callable[[str], None]]:
    """A blank screen and what to call with the text for it."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.Stream(screen)

    def feed(text: str) -> None:
        stream.feed(_NOT_KNOWN.sub("", text))

    return screen, feed


def shown_color(index: int, depth: ColorDepth) -> str:
    """How pyte names a colour that was drawn."""
    if depth is ColorDepth.TRUECOLOR:
        return "{:02x}{:02x}{:02x}".format(*rgb_of(index))
    name: str = pyte.graphics.FG_BG_256[int(palette_of()[index])]
    return name


def wrong_cells(
    screen: pyte.Screen,
    cells: Cells,
    depth: ColorDepth,
    origin: tuple[int, int] = (0, 0),
) -> int:
    """How many cells of the screen differ from what was to be drawn."""
    left, top = origin
    wrong = 0
    for row in range(cells.rows):
        line = screen.buffer[row + top]
        for column in range(cells.columns):
            shown = line[column + left]
            glyph = int(cells.glyph[row, column])
            background = shown_color(int(cells.background[row, column]), depth)
            foreground = shown_color(int(cells.foreground[row, column]), depth)
            right = shown.data == GLYPHS[glyph] and shown.bg == background
            if glyph != SPACE:
                right = right and shown.fg == foreground
            wrong += not right
    return wrong
