"""The drawn font: every character can be seen and told from its neighbours."""

import numpy as np
import pytest

from p2p_remote.desktop.stroke_font import (
    CELL_HEIGHT,
    CELL_WIDTH,
    line_alpha,
    text_width,
)
from p2p_remote.desktop.stroke_font_table import ALIKE, GLYPHS

WRITTEN = "Grüße 12€ ß Ж éÅÇøłžий"
ASCII = [chr(point) for point in range(0x21, 0x7F)]


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_line_is_as_large_as_its_cells(scale):
    alpha = line_alpha("äöü", scale)

    assert alpha.shape == (CELL_HEIGHT * scale, text_width("äöü", scale))
    assert alpha.dtype == np.float32
    assert alpha.min() >= 0.0
    assert alpha.max() == 1.0


def test_an_empty_line_has_no_width():
    assert line_alpha("").shape == (CELL_HEIGHT, 0)


def test_all_printable_ascii_is_drawn():
    assert set(ASCII) <= set(GLYPHS)


def test_no_two_characters_look_the_same():
    """Apart from those that look alike in print too."""
    pictures = {}
    for character in GLYPHS:
        if character not in " ’‘—–“”":
            pictures.setdefault(line_alpha(character, 2).tobytes(), []).append(
                character
            )

    twins = [group for group in pictures.values() if len(group) > 1]
    assert twins == [[",", "‚"], ["3", "З"]]


@pytest.mark.parametrize("character", WRITTEN.replace(" ", ""))
def test_letters_with_accents_are_drawn_and_not_boxed(character):
    """A box has its four corners inked."""
    alpha = line_alpha(character, 2)
    box = line_alpha("日", 2)

    assert alpha.any()
    assert not np.array_equal(alpha, box)
    assert np.count_nonzero(alpha) < np.count_nonzero(box) * 1.5


def test_an_accent_changes_the_letter():
    assert not np.array_equal(line_alpha("ä"), line_alpha("a"))
    assert not np.array_equal(line_alpha("Й"), line_alpha("И"))


@pytest.mark.parametrize("character", ["日", "😀", "\u0378", "\x07", "\ufffd"])
def test_what_has_no_strokes_is_a_box_with_its_own_code_point(character):
    """So nothing that is typed is invisible, and signs can be told apart."""
    alpha = line_alpha(character, 2)

    assert alpha[2, :CELL_WIDTH].any()
    assert not np.array_equal(alpha, line_alpha("本", 2))


def test_letters_shared_with_latin_are_the_same_strokes():
    for cyrillic, latin in ALIKE.items():
        assert np.array_equal(line_alpha(cyrillic), line_alpha(latin))
