"""Which keys a window manager takes for itself, whatever window has the focus.

Window managers can be told to take any key; these are what the usual ones take as they
come (GNOME, KDE, Xfce, Cinnamon, Openbox, i3).
"""

from typing import Final

from p2p_remote.input.held_keys import HeldKeys
from p2p_remote.wire import input as wire_input

_CONTROL: Final = frozenset((0xFFE3, 0xFFE4))  # X11 keysyms, keysymdef.h
_ALT: Final = frozenset(range(0xFFE7, 0xFFEB))
"""Meta too: it is the same modifier on nearly all keyboards of X11."""
_SYSTEM: Final = frozenset((*range(0xFFE7, 0xFFE9), *range(0xFFEB, 0xFFEF), 0xFF61))
"""Meta, Super and Hyper; Print."""
_WITH_ALT: Final = frozenset((0xFF09, 0xFE20, 0xFF1B, 0xFF0D, 0x20))
"""Tab, Tab to the left, Escape, Return, space."""
_TYPED: Final = {"\t": 0xFF09, "\n": 0xFF0D, "\r": 0xFF0D, "\x1b": 0xFF1B}
_FUNCTION: Final = range(0xFFBE, 0xFFE1)  # F1 to F35
_MEDIA: Final = range(0x1008FF00, 0x10090000)  # XF86keysym.h
_CONSOLES: Final = range(0x1008FE01, 0x1008FE0D)  # XF86Switch_VT_1 to 12
_BACKSPACE: Final = 0xFF08


class Shortcuts:
    """Follows what is held, modifiers that came with another key included."""

    def __init__(self) -> None:
        """Nothing is held."""
        self._keys = HeldKeys()

    def clear(self) -> None:
        """Everything was let go."""
        self._keys.release_all()

    def note(self, message: wire_input.KeyInput) -> None:
        """Follow a key that was injected."""
        self._keys.apply(message.keysym, message.modifiers, message.action)

    def leave_desktop(self, keysym: int, modifiers: int = 0) -> bool:
        """Whether this key may lead to where our own stop keys are not heard.

        Ctrl+Alt with a function key shows a text console, with Backspace it ends the X
        server.
        """
        if keysym in _CONSOLES:
            return True
        is_one = keysym in _FUNCTION or keysym == _BACKSPACE
        return is_one and self._has_alt(modifiers) and self._has_control(modifiers)

    def concern_all(self, keysym: int, modifiers: int = 0) -> bool:
        """Whether this key, pressed now, may act on all of the desktop."""
        if keysym in _SYSTEM or keysym in _MEDIA:
            return True
        if modifiers & wire_input.MODIFIER_SUPER:
            return True
        if not self._has_alt(modifiers):
            return False
        if self._has_control(modifiers):
            return True
        return keysym in _WITH_ALT or keysym in _FUNCTION

    def _has_alt(self, modifiers: int) -> bool:
        is_told = bool(modifiers & wire_input.MODIFIER_ALT)
        return is_told or not _ALT.isdisjoint(self._keys.held)

    def _has_control(self, modifiers: int) -> bool:
        is_told = bool(modifiers & wire_input.MODIFIER_CONTROL)
        return is_told or not _CONTROL.isdisjoint(self._keys.held)


def keysym_of(character: str) -> int:
    """The key that types this character, for those above."""
    return _TYPED.get(character, ord(character))
