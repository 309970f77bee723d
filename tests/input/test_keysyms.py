"""Keysyms: names, numbers and characters agree with the X11 protocol."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.input.keysym_names import LATIN_1_NAMES
from p2p_remote.input.keysyms import (
    F11,
    canonical,
    character_of,
    is_known,
    keysym_named,
    keysym_of,
    name_of,
)

# keysymdef.h: name, number, character.
KNOWN = [
    ("space", 0x20, " "),
    ("asciitilde", 0x7E, "~"),
    ("A", 0x41, "A"),
    ("nobreakspace", 0xA0, "\u00a0"),
    ("adiaeresis", 0xE4, "ä"),
    ("ssharp", 0xDF, "ß"),
    ("ydiaeresis", 0xFF, "ÿ"),
    ("Return", 0xFF0D, None),
    ("Page_Up", 0xFF55, None),
    ("F11", 0xFFC8, None),
    ("F35", 0xFFE0, None),
    ("KP_7", 0xFFB7, "7"),
    ("Super_L", 0xFFEB, None),
    ("Delete", 0xFFFF, None),
    ("dead_acute", 0xFE51, None),
    ("XF86AudioMute", 0x1008FF12, None),
    ("EuroSign", 0x20AC, "€"),
]

# keysymdef.h: older keysyms that layouts still carry.
OLDER = [
    (0x01A1, "Ą"),
    (0x02B1, "ħ"),
    (0x03A2, "ĸ"),
    (0x04B1, "ア"),
    (0x05C7, "ا"),
    (0x06C1, "а"),
    (0x06D6, "ж"),
    (0x06F6, "Ж"),
    (0x06AD, "ґ"),
    (0x07A1, "Ά"),
    (0x07D2, "Σ"),
    (0x07F2, "σ"),
    (0x07F3, "ς"),
    (0x08FD, "→"),
    (0x0AAE, "…"),
    (0x0AFE, "„"),
    (0x0CE0, "א"),
    (0x0DA1, "ก"),
    (0x13BC, "Œ"),
]


@pytest.mark.parametrize(("name", "keysym", "character"), KNOWN)
def test_names_numbers_and_characters_agree(name, keysym, character):
    assert keysym_named(name) == keysym
    assert name_of(keysym) == name
    assert character_of(keysym) == character
    assert is_known(keysym)


@pytest.mark.parametrize(("keysym", "character"), OLDER)
def test_older_keysyms_stand_for_their_characters(keysym, character):
    """And they are the same key as the Unicode keysym that text asks for."""
    assert character_of(keysym) == character
    assert canonical(keysym) == keysym_of(character)


def test_the_table_of_latin_1_is_whole():
    assert len(LATIN_1_NAMES) == len(set(LATIN_1_NAMES)) == 95 + 96


@settings(max_examples=100, derandomize=True)
@given(st.characters(exclude_categories=["Cs", "Cc", "Cn"]))
def test_every_character_survives_the_way_through_its_keysym(character):
    keysym = keysym_of(character)

    assert keysym is not None
    assert character_of(keysym) == character
    assert keysym_named(name_of(keysym)) == keysym


@pytest.mark.parametrize("character", ["\n", "\r"])
def test_a_line_feed_is_typed_with_return(character):
    assert keysym_of(character) == keysym_named("Return")


@pytest.mark.parametrize(
    "character", ["\0", "\x1b", "\x7f", "\x9b", "\ud800", "\uffff"]
)
def test_what_is_no_text_has_no_keysym(character):
    assert keysym_of(character) is None


@pytest.mark.parametrize("name", ["", "Nothing", "U12", "UZZZZ", "U110000", "U001B"])
def test_unknown_names_have_no_keysym(name):
    assert keysym_named(name) is None


@pytest.mark.parametrize("keysym", [0, 0xFED5, 0x1008FE01, 0x1008FE20, 0x1FFFFFFF])
def test_keys_that_end_or_leave_the_server_are_not_known(keysym):
    assert not is_known(keysym)


def test_a_keypad_key_is_not_taken_for_the_digit_of_the_main_block():
    assert canonical(0xFFB1) == 0xFFB1 != keysym_of("1")


def test_function_keys_have_their_constants():
    assert keysym_named("F11") == F11
