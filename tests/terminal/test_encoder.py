"""Cells -> escape codes, judged by a terminal emulator."""

import numpy as np
import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.terminal.cells import GLYPHS, SPACE, UPPER_HALF, Cells
from p2p_remote.terminal.colors import ColorDepth, palette_of, rgb_of
from p2p_remote.terminal.encoder import encode_diff, encode_row, wrap_update
from p2p_remote.terminal.renderer import RENDERERS
from tests.support.emulator import emulator, wrong_cells


def random_cells(random: np.random.Generator, rows: int, columns: int) -> Cells:
    """Cells with runs of equal colours, as pictures have them."""
    shape = (rows, columns)
    foreground = random.integers(0, 65536, 5).astype(np.uint16)[
        random.integers(0, 5, shape)
    ]
    background = random.integers(0, 65536, 4).astype(np.uint16)[
        random.integers(0, 4, shape)
    ]
    glyph = random.choice(
        np.array([SPACE, UPPER_HALF, ord("a"), 131, 150, 209], np.uint16), shape
    )
    foreground = np.where(glyph == SPACE, background, foreground)
    return Cells(foreground, background, glyph)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 6), st.integers(1, 30)),
    changes=st.floats(0, 1),
    depth=st.sampled_from(ColorDepth),
)
def test_diff_draws_exactly_what_is_wanted(seed, size, changes, depth):
    """Whole frame, then a random change: the emulator shows every wanted cell."""
    random = np.random.default_rng(seed)
    rows, columns = size
    first = random_cells(random, rows, columns)
    nothing = Cells.blank(rows, columns)
    nothing.glyph[:] = 0xFFFF  # differs from everything
    screen, feed = emulator(columns + 3, rows + 2)
    feed(wrap_update(encode_diff(nothing, first, depth, (3, 2)), sync=True))
    assert wrong_cells(screen, first, depth, (3, 2)) == 0

    second = random_cells(random, rows, columns)
    kept = random.random(size) >= changes
    for name in ("foreground", "background", "glyph"):
        getattr(second, name)[kept] = getattr(first, name)[kept]
    feed(wrap_update(encode_diff(first, second, depth, (3, 2)), sync=False))
    assert wrong_cells(screen, second, depth, (3, 2)) == 0


@pytest.mark.parametrize("name", RENDERERS)
def test_whole_pictures_are_drawn_without_a_wrong_cell(name):
    """A 40x12 picture of every renderer, whole and after a change of a third."""
    random = np.random.default_rng(7)
    renderer = RENDERERS[name]
    depth = ColorDepth.TRUECOLOR
    shape = (12 * renderer.sub_rows, 40 * renderer.sub_columns, 4)
    first = renderer.fit(random.integers(0, 256, shape, dtype=np.uint8), depth)
    screen, feed = emulator(40, 12)
    feed(wrap_update(encode_diff(Cells.blank(12, 40), first, depth), sync=True))
    assert wrong_cells(screen, first, depth) == 0
    second = first.copy()
    new = renderer.fit(random.integers(0, 256, shape, dtype=np.uint8), depth)
    second.part(10, 2, 30, 10).assign(new.part(10, 2, 30, 10))
    feed(wrap_update(encode_diff(first, second, depth), sync=True))
    assert wrong_cells(screen, second, depth) == 0


def test_nothing_changed_is_nothing_sent():
    """Equal cells give an empty string."""
    cells = random_cells(np.random.default_rng(1), 4, 9)
    assert encode_diff(cells, cells.copy(), ColorDepth.TRUECOLOR) == ""


def test_eight_changed_cells_fit_in_400_bytes():
    """Also with synchronisation, a report and eight cells of different colours."""
    random = np.random.default_rng(3)
    renderer = RENDERERS["half"]
    cells = renderer.fit(
        random.integers(100, 256, (120, 200, 4), dtype=np.uint8), ColorDepth.TRUECOLOR
    )
    shown = cells.copy()
    shown.part(150, 50, 158, 51).assign(Cells.blank(1, 8))
    body = encode_diff(shown, cells, ColorDepth.TRUECOLOR)
    frame = wrap_update(body, sync=True, report="\x1b[2;1H\x1b[6n")
    assert len(frame.encode()) <= 400


def test_a_row_alone_resets_its_colours():
    """Rows are joined with text of others, so no colour may leak."""
    cells = random_cells(np.random.default_rng(5), 1, 12)
    screen, feed = emulator(20, 1)
    feed(encode_row(cells, ColorDepth.TRUECOLOR) + "after")
    assert wrong_cells(screen, cells, ColorDepth.TRUECOLOR) == 0
    assert screen.buffer[0][12].fg == screen.buffer[0][12].bg == "default"
    assert encode_row(Cells.blank(1, 0), ColorDepth.TRUECOLOR) == ""


def test_every_glyph_is_one_column_wide():
    """The cursor stands where the next cell begins."""
    screen, feed = emulator(len(GLYPHS) + 1, 1)
    for count, glyph in enumerate(GLYPHS, 1):
        feed(glyph)
        assert screen.cursor.x == count


def test_palette_mode_names_the_nearest_palette_entry():
    """Pure colours and greys keep their place in the xterm palette."""
    assert palette_of()[0] == 16
    assert palette_of()[0xFFFF] == 231
    assert palette_of()[0xF800] == 196
    cells = Cells.blank(1, 1, 0xF800)
    shown = Cells.blank(1, 1, 0)
    assert encode_diff(shown, cells, ColorDepth.PALETTE) == "\x1b[1;1H\x1b[48;5;196m "
    assert rgb_of(0xF800) == (255, 0, 0)


def test_synchronised_update_keeps_cursor_and_colours():
    """The cursor and the colours of the application are as before a frame."""
    screen, feed = emulator(10, 3)
    feed("\x1b[2;5H\x1b[31m")
    cells = Cells.blank(1, 4, 0x07E0)
    body = encode_diff(Cells.blank(1, 4), cells, ColorDepth.TRUECOLOR)
    feed(wrap_update(body, sync=True))
    feed("x")
    assert screen.buffer[1][4].data == "x"
    assert screen.buffer[1][4].fg == "red"
    assert isinstance(screen, pyte.Screen)
