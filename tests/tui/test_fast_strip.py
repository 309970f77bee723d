"""Lines of cells that behave like Textual's strips."""

import numpy as np
from rich.console import Console
from rich.style import Style
from textual.color import Color
from textual.filter import Monochrome
from textual.strip import Strip

from p2p_remote.terminal.cells import Cells
from p2p_remote.terminal.colors import ColorDepth, rgb_of
from p2p_remote.terminal.renderer import RENDERERS
from p2p_remote.tui.widgets.fast_strip import FastStrip
from tests.support.emulator import emulator, wrong_cells

CONSOLE = Console(color_system="truecolor", force_terminal=True, width=200)


def row(columns=12, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 4, (2, columns, 4)) * 80
    return RENDERERS["half"].fit(pixels.astype(np.uint8), ColorDepth.TRUECOLOR)


def drawn(strip, columns=20):
    screen, feed = emulator(columns, 1)
    feed(strip.render(CONSOLE))
    return screen


def test_rendered_line_shows_every_cell():
    """Also after cutting it in pieces and putting them together again."""
    cells = row()
    strip = FastStrip(cells, ColorDepth.TRUECOLOR)
    assert wrong_cells(drawn(strip), cells, ColorDepth.TRUECOLOR) == 0
    pieces = strip.divide([3, 3, 9, 12, 15])
    assert [piece.cell_length for piece in pieces] == [3, 0, 6, 3]
    again = Strip.join(pieces)
    assert wrong_cells(drawn(again), cells, ColorDepth.TRUECOLOR) == 0


def test_segments_say_the_same():
    """Screenshots and filters look at segments."""
    cells = row()
    strip = FastStrip(cells, ColorDepth.TRUECOLOR)
    segments = list(strip)
    assert "".join(segment.text for segment in segments) == strip.text
    assert sum(segment.cell_length for segment in segments) == strip.cell_length
    first = segments[0].style
    assert first.bgcolor.triplet == rgb_of(int(cells.background[0, 0]))
    assert list(Strip(segments)) == list(strip)


def test_crop_and_adjust():
    """Cut on both sides, filled with blanks, or left as it is."""
    strip = FastStrip(row(), ColorDepth.TRUECOLOR)
    assert strip.crop(0, 12) is strip
    assert strip.crop(4, 7).text == strip.text[4:7]
    assert strip.crop(8).text == strip.text[8:]
    assert not strip.crop(7, 3)
    assert strip.adjust_cell_length(5).text == strip.text[:5]
    longer = strip.adjust_cell_length(15, Style(bgcolor="red"))
    assert longer.cell_length == 15
    assert longer.text == strip.text + "   "
    assert strip.extend_cell_length(3) is strip
    assert strip.extend_cell_length(14).cell_length == 14


def test_styles_and_offsets_change_nothing_and_filters_do():
    """A picture keeps its colours, unless all colours are taken away."""
    strip = FastStrip(row(), ColorDepth.TRUECOLOR)
    assert strip.apply_style(Style(bold=True)) is strip
    assert strip.apply_offsets(1, 1) is strip
    assert strip.simplify() is strip
    assert strip.link_ids == set()
    grey = strip.apply_filter(Monochrome(), Color(0, 0, 0))
    assert grey.cell_length == strip.cell_length
    for segment in grey:
        red, green, blue = segment.style.bgcolor.triplet
        assert red == green == blue


def test_equality_is_that_of_cells():
    """Equal cells are equal lines; an empty line is false."""
    one = FastStrip(row(seed=1), ColorDepth.TRUECOLOR)
    assert one == FastStrip(row(seed=1), ColorDepth.TRUECOLOR)
    assert one != FastStrip(row(seed=2), ColorDepth.TRUECOLOR)
    assert one != FastStrip(row(5, seed=1), ColorDepth.TRUECOLOR)
    assert not FastStrip(Cells.blank(1, 0), ColorDepth.TRUECOLOR)
