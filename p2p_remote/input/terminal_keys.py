"""Keys as terminals name them -> text to type, or a keysym with modifiers.

Names are those of Textual key events: modifiers in front, joined by "+", then the key
("ctrl+shift+left", "alt+full_stop", "f5", "ä"). Text and keys stay apart: text arrives
unchanged whatever the layouts are, keys are pressed as keys.
"""

import unicodedata
from dataclasses import dataclass

from p2p_remote.input.keysyms import keysym_named, keysym_of
from p2p_remote.wire.input import (
    ACTION_PRESS,
    ACTION_RELEASE,
    ACTION_TAP,
    MODIFIER_ALT,
    MODIFIER_CONTROL,
    MODIFIER_SHIFT,
    MODIFIER_SUPER,
)

__all__ = [
    "ACTION_PRESS",
    "ACTION_RELEASE",
    "ACTION_TAP",
    "TypedKey",
    "TypedText",
    "held_keysym",
    "is_modifier",
    "split_key",
    "translate_key",
]


@dataclass(frozen=True, slots=True)
class TypedText:
    """Characters to be typed as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class TypedKey:
    """A key by its X11 keysym, and the bits of the modifiers held with it."""

    keysym: int
    modifiers: int


_MODIFIERS = {
    "shift": MODIFIER_SHIFT,
    "ctrl": MODIFIER_CONTROL,
    "alt": MODIFIER_ALT,
    "meta": MODIFIER_ALT,
    "super": MODIFIER_SUPER,
    "hyper": MODIFIER_SUPER,
}

# Names of keys without a character, to names of keysyms.
_NAMED_KEYS = {
    "enter": "Return",
    "return": "Return",
    "tab": "Tab",
    "escape": "Escape",
    "backspace": "BackSpace",
    "delete": "Delete",
    "insert": "Insert",
    "left": "Left",
    "right": "Right",
    "up": "Up",
    "down": "Down",
    "home": "Home",
    "end": "End",
    "pageup": "Page_Up",
    "pagedown": "Page_Down",
    "print_screen": "Print",
    "pause": "Pause",
    "menu": "Menu",
    "scroll_lock": "Scroll_Lock",
    "kp_begin": "KP_Begin",
    "decimal": "KP_Decimal",
    "divide": "KP_Divide",
    "multiply": "KP_Multiply",
    "subtract": "KP_Subtract",
    "add": "KP_Add",
    "equal": "KP_Equal",
    "separator": "KP_Separator",
    "media_play": "XF86AudioPlay",
    "media_play_pause": "XF86AudioPlay",
    "media_pause": "XF86AudioPause",
    "media_stop": "XF86AudioStop",
    "media_track_next": "XF86AudioNext",
    "media_track_previous": "XF86AudioPrev",
    "lower_volume": "XF86AudioLowerVolume",
    "raise_volume": "XF86AudioRaiseVolume",
    "mute_volume": "XF86AudioMute",
    **{f"f{number}": f"F{number}" for number in range(1, 36)},
}

# Modifiers and locks on their own are not sent: a key message carries its modifiers,
# and the local lock has already had its effect on the text.
_DROPPED = frozenset(
    {
        f"{side}_{modifier}"
        for side in ("left", "right")
        for modifier in ("shift", "control", "alt", "super", "hyper", "meta")
    }
    | {"caps_lock", "num_lock", "iso_level3_shift", "iso_level5_shift"}
)

# Names of signs that are not the lower-case Unicode name with underscores.
_SIGNS = {
    "space": " ",
    "slash": "/",
    "backslash": "\\",
    "at": "@",
    "minus": "-",
    "plus": "+",
    "underscore": "_",
}


def translate_key(key: str, character: str | None) -> TypedText | TypedKey | None:
    """What a key of the terminal means for the remote side.

    Args:
        key: Name of the key with its modifiers.
        character: What it types, if the terminal said so.

    Returns:
        Text for a printable character without Control, Alt or Super; else a key; None
        for what is not sent (modifiers on their own, unknown keys).

    """
    modifiers, base = split_key(key)
    if base in _DROPPED:
        return None
    if (
        character
        and character.isprintable()
        and not modifiers & ~MODIFIER_SHIFT
        and base not in _NAMED_KEYS
    ):
        return TypedText(character)
    keysym = _keysym_of_base(base)
    if keysym is None:
        return None
    if len(base) == 1 and base.isupper():
        modifiers |= MODIFIER_SHIFT
        keysym = keysym_of(base.lower()) or keysym
    if not modifiers & ~MODIFIER_SHIFT and base in _SIGNS:
        return TypedText(_SIGNS[base])
    return TypedKey(keysym, modifiers)


def held_keysym(key: str, character: str | None) -> TypedKey | None:
    """The key itself, for pressing and releasing it apart; None if it has none.

    Unlike `translate_key` this never gives text: in games and drawing programs a
    letter is a key that is held.
    """
    meaning = translate_key(key, character)
    if isinstance(meaning, TypedText):
        keysym = keysym_of(meaning.text) if len(meaning.text) == 1 else None
        return None if keysym is None else TypedKey(keysym, 0)
    return meaning


def is_modifier(key: str) -> bool:
    """Whether this is a modifier or a lock on its own."""
    return split_key(key)[1] in _DROPPED


def split_key(key: str) -> tuple[int, str]:
    """Modifier bits and name of the key alone; unknown modifiers are left out."""
    *names, base = key.split("+")
    modifiers = 0
    for name in names:
        modifiers |= _MODIFIERS.get(name, 0)
    if key == "ctrl+@":  # what terminals send for Control and the space bar
        base = "space"
    return modifiers, base


def _keysym_of_base(base: str) -> int | None:
    """Keysym of a key name without modifiers."""
    name = _NAMED_KEYS.get(base)
    if name is not None:
        return keysym_named(name)
    character = _SIGNS.get(base) or _character_named(base)
    return keysym_of(character) if character else None


def _character_named(base: str) -> str | None:
    """Character of "ä" or of a Unicode name in lower case with underscores."""
    if len(base) == 1:
        return base
    for name in (base.replace("_", " "), base.replace("_", "-")):
        try:
            return unicodedata.lookup(name.upper())
        except KeyError:
            continue
    return None
