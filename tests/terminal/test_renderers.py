"""Pixels -> cells."""

import numpy as np
import pytest

from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.cells import GLYPHS, SPACE, UPPER_HALF, Cells
from p2p_remote.terminal.colors import (
    ColorDepth,
    dimmed,
    palette_of,
    palette_snap,
    quantise,
    rgb565,
    rgb_of,
)
from p2p_remote.terminal.renderer import (
    HALF_BLOCK,
    RENDERERS,
    choose_depth,
    choose_renderer,
)

TRUECOLOR = ColorDepth.TRUECOLOR
WHITE, BLACK = 0xFFFF, 0


def picture(rows):
    """BGRX pixels from lines of "#" (white) and "." (black)."""
    bits = np.array([[sign == "#" for sign in row] for row in rows])
    return np.repeat(bits[..., None], 4, axis=2).astype(np.uint8) * 255


def test_half_blocks_are_exact():
    """Upper and lower sub-pixel become the two colours of a cell."""
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = (0, 0, 255, 0)  # B, G, R: red
    pixels[1, 0] = (255, 0, 0, 0)
    cells = HALF_BLOCK.fit(pixels, TRUECOLOR)
    assert rgb_of(int(cells.foreground[0, 0])) == (255, 0, 0)
    assert rgb_of(int(cells.background[0, 0])) == (0, 0, 255)
    assert cells.glyph.tolist() == [[UPPER_HALF, SPACE]]


@pytest.mark.parametrize(
    ("name", "rows", "glyph"),
    [
        ("quadrant", ["#.", ".."], "▘"),
        ("quadrant", [".#", "#."], "▞"),
        ("quadrant", ["##", ".#"], "▜"),
        ("sextant", ["#.", "..", ".."], "\U0001fb00"),
        ("sextant", ["#.", "#.", "#."], "▌"),
        ("sextant", [".#", ".#", ".#"], "▐"),
        ("sextant", [".#", "##", "##"], "\U0001fb3b"),
        ("sextant", ["..", "..", "##"], "\U0001fb2d"),
    ],
)
def test_black_and_white_shapes_become_their_glyph(name, rows, glyph):
    """Bright sub-pixels are the glyph, dark ones the background."""
    cells = RENDERERS[name].fit(picture(rows), TRUECOLOR)
    assert GLYPHS[cells.glyph[0, 0]] == glyph
    assert (cells.foreground[0, 0], cells.background[0, 0]) == (WHITE, BLACK)


@pytest.mark.parametrize("name", RENDERERS)
def test_one_colour_is_a_space(name):
    """Even cells need one colour only, and equal cells are equal in all arrays."""
    renderer = RENDERERS[name]
    pixels = np.full((renderer.sub_rows, renderer.sub_columns, 4), 77, np.uint8)
    cells = renderer.fit(pixels, TRUECOLOR)
    assert cells.glyph[0, 0] == SPACE
    assert cells.foreground[0, 0] == cells.background[0, 0] == rgb565(77, 77, 77)


@pytest.mark.parametrize("name", ["quadrant", "sextant"])
def test_groups_show_their_mean(name):
    """Sub-pixels of nearly one brightness share their mean colour."""
    renderer = RENDERERS[name]
    random = np.random.default_rng(2)
    shape = (renderer.sub_rows * 5, renderer.sub_columns * 7, 4)
    pixels = random.integers(0, 256, shape, dtype=np.uint8)
    cells = renderer.fit(pixels, TRUECOLOR)
    for row in range(5):
        for column in range(7):
            block = pixels[
                row * renderer.sub_rows : (row + 1) * renderer.sub_rows,
                column * renderer.sub_columns : (column + 1) * renderer.sub_columns,
                :3,
            ].reshape(-1, 3)
            weight = block.astype(int) @ (1, 6, 3)
            bright = weight > (weight.min() + weight.max()) // 2
            mean = block[bright].astype(int).sum(axis=0) // bright.sum()
            assert cells.foreground[row, column] == rgb565(*map(int, mean[::-1]))
            dark = block[~bright].astype(int).sum(axis=0) // (~bright).sum()
            assert cells.background[row, column] == rgb565(*map(int, dark[::-1]))


def test_palette_cells_differ_only_where_the_terminal_shows_it():
    """Two colours of one palette entry give equal cells."""
    one = np.full((2, 1, 4), 100, np.uint8)
    two = one + np.uint8(2)
    first, second = (
        HALF_BLOCK.fit(pixels, ColorDepth.PALETTE) for pixels in (one, two)
    )
    assert not first.changed(second).any()
    snap = palette_snap()
    assert (palette_of()[snap] == palette_of()).all()
    assert (snap[snap] == snap).all()


def test_every_palette_entry_is_the_nearest():
    """No entry of the palette is nearer to a colour than the one chosen."""
    levels = [0, 95, 135, 175, 215, 255]
    entries = [(r, g, b) for r in levels for g in levels for b in levels]
    entries += [(grey, grey, grey) for grey in range(8, 239, 10)]
    table = np.array(entries)
    for index in range(0, 65536, 997):
        errors = ((table - np.array(rgb_of(index))) ** 2).sum(axis=1)
        chosen = int(palette_of()[index]) - 16
        assert errors[chosen] == errors.min()


def test_dimming_keeps_the_colour_and_lowers_its_brightness():
    """A dimmed picture is darker everywhere, and black stays black."""
    table = dimmed()
    assert table[0] == 0
    red, green, blue = rgb_of(int(table[0xFFFF]))
    assert 90 <= min(red, green, blue) <= max(red, green, blue) <= 110


def test_quantise_ignores_the_fourth_byte():
    """BGR and BGRX pixels give the same index."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 4), dtype=np.uint8)
    assert (quantise(pixels) == quantise(pixels[..., :3])).all()


def test_choice_follows_wish_then_terminal():
    """A name wins; "auto" takes what the terminal is known to draw."""
    fine = Capabilities(sextants=True, truecolor=True)
    plain = Capabilities()
    assert choose_renderer("auto", fine).name == "sextant"
    assert choose_renderer("auto", plain).name == "half"
    assert choose_renderer("quadrant", plain).name == "quadrant"
    assert choose_depth("auto", fine) is ColorDepth.TRUECOLOR
    assert choose_depth("auto", plain) is ColorDepth.PALETTE
    assert choose_depth("truecolor", plain) is ColorDepth.TRUECOLOR


def test_text_over_cells_is_clipped_and_printable():
    """Labels never leave the row and show no control characters."""
    cells = Cells.blank(2, 5)
    cells.write_text(1, -1, "x\x1b[ab c", (WHITE, BLACK))
    assert [GLYPHS[code] for code in cells.glyph[1]] == list("?[ab ")
    cells.write_text(7, 0, "no", (WHITE, BLACK))
    assert (cells.glyph[0] == SPACE).all()
