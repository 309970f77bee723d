"""Keys that a terminal or a desktop takes for itself, to be chosen from a list."""

from dataclasses import dataclass

from p2p_remote.input.keysyms import keysym_named
from p2p_remote.wire.input import (
    ACTION_TAP,
    MODIFIER_ALT,
    MODIFIER_CONTROL,
    MODIFIER_SHIFT,
    MODIFIER_SUPER,
    KeyInput,
)


@dataclass(frozen=True, slots=True)
class SpecialKey:
    """A key with its modifiers, as people call it."""

    label: str
    keysym: str
    modifiers: int = 0

    def message(self) -> KeyInput:
        """The message that taps it; the serial is filled in below."""
        return KeyInput(0, keysym_named(self.keysym) or 0, self.modifiers, ACTION_TAP)


SPECIAL_KEYS = (
    SpecialKey("Ctrl + Alt + Del", "Delete", MODIFIER_CONTROL | MODIFIER_ALT),
    SpecialKey("Super (Windows key)", "Super_L"),
    SpecialKey("Super + R", "r", MODIFIER_SUPER),
    SpecialKey("Super + L", "l", MODIFIER_SUPER),
    SpecialKey("Alt + Tab", "Tab", MODIFIER_ALT),
    SpecialKey("Alt + F4", "F4", MODIFIER_ALT),
    SpecialKey("Ctrl + Esc", "Escape", MODIFIER_CONTROL),
    SpecialKey("Ctrl + Shift + Esc", "Escape", MODIFIER_CONTROL | MODIFIER_SHIFT),
    SpecialKey("F11", "F11"),
    SpecialKey("Print Screen", "Print"),
    SpecialKey("Ctrl + ]", "bracketright", MODIFIER_CONTROL),
)
