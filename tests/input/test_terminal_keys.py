"""Names of terminal keys -> text or keysyms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.input.keysyms import keysym_named
from p2p_remote.input.terminal_keys import (
    TypedKey,
    TypedText,
    held_keysym,
    is_modifier,
    split_key,
    translate_key,
)

SHIFT, CONTROL, ALT, SUPER = 1, 2, 4, 8


@pytest.mark.parametrize(
    ("key", "character", "text"),
    [
        ("a", "a", "a"),
        ("A", "A", "A"),
        ("space", " ", " "),
        ("shift+space", " ", " "),
        ("exclamation_mark", "!", "!"),
        ("ß", "ß", "ß"),
        ("euro_sign", "€", "€"),
        ("Ж", "Ж", "Ж"),
        ("日", "日", "日"),
        ("grinning_face", "😀", "😀"),
        ("slash", "/", "/"),
        ("space", None, " "),
    ],
)
def test_characters_are_text(key, character, text):
    """Whatever the layout made of the key arrives as it is."""
    assert translate_key(key, character) == TypedText(text)


@pytest.mark.parametrize(
    ("key", "character", "name", "modifiers"),
    [
        ("ctrl+a", None, "a", CONTROL),
        ("ctrl+c", "\x03", "c", CONTROL),
        ("ctrl+shift+a", None, "a", CONTROL | SHIFT),
        ("alt+a", "a", "a", ALT),
        ("alt+shift+a", "A", "a", ALT | SHIFT),
        ("alt+A", "A", "a", ALT | SHIFT),
        ("alt+full_stop", ".", "period", ALT),
        ("super+r", None, "r", SUPER),
        ("meta+x", None, "x", ALT),
        ("ctrl+alt+ä", None, "adiaeresis", CONTROL | ALT),
        ("ctrl+right_square_bracket", "\x1d", "bracketright", CONTROL),
        ("ctrl+backslash", "\x1c", "backslash", CONTROL),
        ("ctrl+underscore", "\x1f", "underscore", CONTROL),
        ("ctrl+circumflex_accent", "\x1e", "asciicircum", CONTROL),
        ("ctrl+slash", None, "slash", CONTROL),
        ("ctrl+plus", None, "plus", CONTROL),
        ("ctrl+minus", None, "minus", CONTROL),
        ("ctrl+@", "\x00", "space", CONTROL),
        ("ctrl+space", None, "space", CONTROL),
        ("ctrl+1", None, "1", CONTROL),
        ("enter", "\r", "Return", 0),
        ("shift+enter", None, "Return", SHIFT),
        ("tab", "\t", "Tab", 0),
        ("shift+tab", None, "Tab", SHIFT),
        ("ctrl+i", None, "i", CONTROL),
        ("escape", "\x1b", "Escape", 0),
        ("backspace", "\x7f", "BackSpace", 0),
        ("ctrl+backspace", None, "BackSpace", CONTROL),
        ("delete", None, "Delete", 0),
        ("insert", None, "Insert", 0),
        ("left", None, "Left", 0),
        ("ctrl+shift+right", None, "Right", CONTROL | SHIFT),
        ("up", None, "Up", 0),
        ("down", None, "Down", 0),
        ("home", None, "Home", 0),
        ("end", None, "End", 0),
        ("pageup", None, "Page_Up", 0),
        ("pagedown", None, "Page_Down", 0),
        ("f1", None, "F1", 0),
        ("f12", None, "F12", 0),
        ("f24", None, "F24", 0),
        ("alt+f4", None, "F4", ALT),
        ("ctrl+shift+f10", None, "F10", CONTROL | SHIFT),
        ("print_screen", None, "Print", 0),
        ("pause", None, "Pause", 0),
        ("menu", None, "Menu", 0),
        ("mute_volume", None, "XF86AudioMute", 0),
    ],
)
def test_keys_are_keysyms_with_modifiers(key, character, name, modifiers):
    """Shortcuts and keys without a character are pressed as keys."""
    assert translate_key(key, character) == TypedKey(keysym_named(name), modifiers)


@pytest.mark.parametrize(
    "key",
    [
        "left_shift",
        "right_control",
        "left_alt",
        "left_super",
        "iso_level3_shift",
        "caps_lock",
        "num_lock",
        "ctrl+left_control",
    ],
)
def test_modifiers_alone_are_dropped(key):
    """A key message carries its modifiers."""
    assert translate_key(key, None) is None
    assert is_modifier(key)


@pytest.mark.parametrize("key", ["<ignore>", "<scroll-up>", "", "no_such_key", "ctrl+"])
def test_unknown_keys_are_dropped(key):
    """Nothing is sent for what has no keysym."""
    assert translate_key(key, None) is None
    assert not is_modifier(key)


def test_every_named_key_has_a_keysym():
    """The table of names has no entry that the table of keysyms lacks."""
    from p2p_remote.input.terminal_keys import _NAMED_KEYS

    for key in _NAMED_KEYS:
        assert isinstance(translate_key(key, None), TypedKey), key


def test_a_key_to_be_held_is_never_text():
    """Letters are keys while keys are held."""
    assert held_keysym("w", "w") == TypedKey(ord("w"), 0)
    assert held_keysym("left", None) == TypedKey(keysym_named("Left"), 0)
    assert held_keysym("left_shift", None) is None


def test_modifiers_are_split_from_the_key():
    """Order does not matter and unknown modifiers are left out."""
    assert split_key("shift+ctrl+alt+super+x") == (15, "x")
    assert split_key("hyper+odd+x") == (SUPER, "x")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["ctrl", "alt", "shift", "super", "x"]), max_size=3),
    st.text(max_size=12),
    st.none() | st.text(max_size=2),
)
def test_any_name_is_answered(modifiers, base, character):
    """Terminals may send anything; the answer fits the wire."""
    meaning = translate_key("+".join([*modifiers, base]), character)
    if isinstance(meaning, TypedKey):
        assert 1 <= meaning.keysym <= 0x1FFFFFFF
        assert 0 <= meaning.modifiers <= 15
    elif meaning is not None:
        assert meaning.text.isprintable()
        assert meaning.text
