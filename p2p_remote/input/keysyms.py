"""X11 keysyms: numbers, names and Unicode.

Source: X11 protocol, appendix A "KEYSYM encoding", and the names of keysymdef.h
without their XK_ prefix. Where an older keysym set equals a standard character set, a
codec of Python is the table.
"""

import codecs
import unicodedata

from p2p_remote.input.keysym_names import FUNCTION_KEYS, LATIN_1_NAMES

UNICODE_BASE = 0x0100_0000  # keysym of a character beyond Latin-1: base + code point
MAX_CODE_POINT = 0x10FFFF

BACKSPACE = 0xFF08
TAB = 0xFF09
RETURN = 0xFF0D
ESCAPE = 0xFF1B
HOME = 0xFF50
LEFT = 0xFF51
UP = 0xFF52
RIGHT = 0xFF53
DOWN = 0xFF54
END = 0xFF57
DELETE = 0xFFFF
F1 = 0xFFBE
F11 = F1 + 10
F12 = F1 + 11
SHIFT_L = 0xFFE1
SHIFT_R = 0xFFE2
CONTROL_L = 0xFFE3
CONTROL_R = 0xFFE4
ALT_L = 0xFFE9
ALT_R = 0xFFEA
SUPER_L = 0xFFEB
SUPER_R = 0xFFEC

_TYPED_CONTROLS = {"\n": RETURN, "\r": RETURN, "\t": TAB}

# High byte of an older keysym set: the character set that its low byte comes from.
_CHARACTER_SETS = {
    0x01: "iso8859_2",
    0x02: "iso8859_3",
    0x03: "iso8859_4",
    0x05: "iso8859_6",
    0x07: "iso8859_7",
    0x0C: "iso8859_8",
    0x0D: "tis_620",
    0x12: "iso8859_14",
    0x13: "iso8859_15",
}

# What the character sets do not say: (first keysym, characters from there on), where
# a space is a keysym without a character.
_OTHERS = (
    (0x03A2, "ĸ"),
    (0x04A1, "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソ"),
    (0x04BF, "ソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜"),
    (0x06A1, "ђѓёєѕіїјљњћќґўџ№ЂЃЁЄЅІЇЈЉЊЋЌҐЎЏ"),
    (0x06C0, "юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ"),
    (0x07A1, "ΆΈΉΊΪ ΌΎΫ Ώ  ΅― άέήίϊΐόύϋΰώ     "),
    (0x07D2, "Σ"),
    (0x07F2, "σς"),
    (0x08A4, "⌠⌡"),
    (0x08BC, "≤≠≥∫"),
    (0x08CF, "≡"),
    (0x08D6, "√"),
    (0x08FB, "←↑→↓"),
    (0x0AA9, "—–"),
    (0x0AAE, "…"),
    (0x0AC9, "™"),
    (0x0AD0, "‘’“”"),
    (0x0AD5, "‰"),
    (0x0AF1, "†‡"),
    (0x0AFD, "‚„"),
    (0x20AC, "€"),
)
# The keypad's own keysyms for characters that another key has as well.
_KEYPAD = {0xFFAA + offset: sign for offset, sign in enumerate("*+,-./0123456789")}


def _older_sets() -> dict[int, str]:
    table: dict[int, str] = {}
    for high, name in _CHARACTER_SETS.items():
        decode = codecs.lookup(name).decode
        for low in range(0xA1, 0x100):
            character, _ = decode(bytes([low]), "ignore")
            if character and ord(character) > 0xFF:
                table[high << 8 | low] = character
    for first, characters in _OTHERS:
        for offset, character in enumerate(characters):
            table.pop(first + offset, None)
            if character != " ":
                table[first + offset] = character
    return table


_OLDER = _older_sets()
_NAME_TO_KEYSYM = {
    **{name: 0x20 + index for index, name in enumerate(LATIN_1_NAMES[:95])},
    **{name: 0xA0 + index for index, name in enumerate(LATIN_1_NAMES[95:])},
    **FUNCTION_KEYS,
    **{f"F{number}": F1 + number - 1 for number in range(1, 36)},
    **{f"KP_{digit}": 0xFFB0 + digit for digit in range(10)},
    "EuroSign": 0x20AC,
}
_KEYSYM_TO_NAME = {keysym: name for name, keysym in _NAME_TO_KEYSYM.items()}


def keysym_of(character: str) -> int | None:
    """Return the keysym that types `character`; None when nothing can type it.

    Line feed and carriage return are Return, a tab is Tab; other control characters,
    surrogates and non-characters have no keysym.
    """
    point = ord(character)
    if 0x20 <= point <= 0x7E or 0xA0 <= point <= 0xFF:
        return point
    if point < 0x20:
        return _TYPED_CONTROLS.get(character)
    if unicodedata.category(character) in {"Cc", "Cs"} or point & 0xFFFE == 0xFFFE:
        return None
    return UNICODE_BASE + point


def character_of(keysym: int) -> str | None:
    """Return the character that a keysym stands for; None for keys without one."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if UNICODE_BASE + 0x100 <= keysym <= UNICODE_BASE + MAX_CODE_POINT:
        return chr(keysym - UNICODE_BASE)
    return _OLDER.get(keysym) or _KEYPAD.get(keysym)


def canonical(keysym: int) -> int:
    """Return the one keysym of those that stand for the same character.

    Layouts carry older keysyms (Cyrillic_zhe), text asks for Unicode ones (U0436).
    The keypad stays apart: its keys mean something else without Num Lock.
    """
    if keysym in _KEYPAD:
        return keysym
    character = character_of(keysym)
    return (keysym_of(character) or keysym) if character else keysym


def keysym_named(name: str) -> int | None:
    """Return the keysym of a name ("Return", "adiaeresis", "U20AC") or character."""
    if len(name) == 1:
        return keysym_of(name)
    known = _NAME_TO_KEYSYM.get(name)
    if known is not None:
        return known
    if name[0:1] == "U" and 4 <= len(name) - 1 <= 6:
        try:
            point = int(name[1:], 16)
        except ValueError:
            return None
        return keysym_of(chr(point)) if point <= MAX_CODE_POINT else None
    return None


def name_of(keysym: int) -> str:
    """Return the name of a keysym, "U0436" for other characters, hexadecimal else."""
    known = _KEYSYM_TO_NAME.get(keysym)
    if known is not None:
        return known
    character = character_of(keysym)
    return f"U{ord(character):04X}" if character else f"0x{keysym:x}"


def is_known(keysym: int) -> bool:
    """Whether a keysym is a character or a key of the table.

    What is left out, such as ending the X server or switching its console, is nothing
    that a peer may press.
    """
    return keysym in _KEYSYM_TO_NAME or character_of(keysym) is not None
