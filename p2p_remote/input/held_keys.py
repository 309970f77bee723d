"""What is held down on the remote desktop, so that all of it can be let go."""

from dataclasses import dataclass, field

from p2p_remote.input.keysyms import (
    ALT_L,
    ALT_R,
    CONTROL_L,
    CONTROL_R,
    SHIFT_L,
    SHIFT_R,
    SUPER_L,
    SUPER_R,
)
from p2p_remote.wire.input import (
    ACTION_PRESS,
    ACTION_RELEASE,
    MODIFIER_ALT,
    MODIFIER_CONTROL,
    MODIFIER_SHIFT,
    MODIFIER_SUPER,
)

# Modifier of the wire format: the keys that give it, the first one is pressed for it.
MODIFIER_KEYS = {
    MODIFIER_SHIFT: (SHIFT_L, SHIFT_R),
    MODIFIER_CONTROL: (CONTROL_L, CONTROL_R),
    MODIFIER_ALT: (ALT_L, ALT_R),
    MODIFIER_SUPER: (SUPER_L, SUPER_R),
}
MAX_HELD = 32  # keys; more than any hand holds, and a bound on what a peer can hold


@dataclass(frozen=True, slots=True)
class KeyStep:
    """One key to move: down or up."""

    keysym: int
    down: bool


@dataclass(slots=True)
class HeldKeys:
    """Turns key messages into steps and remembers what is down.

    A modifier that came with a key message is pressed for that key alone and let go
    with it, unless another held key needs it or it was pressed as a key itself.
    """

    _keys: dict[int, int] = field(default_factory=dict)  # keysym: its modifiers

    @property
    def held(self) -> tuple[int, ...]:
        """Keysyms that are down, in the order in which they went down."""
        return tuple(self._down(self._keys))

    def apply(self, keysym: int, modifiers: int, action: int) -> list[KeyStep]:
        """Return the steps of a key message; an unknown action is a tap."""
        if action == ACTION_PRESS:
            return self._press(keysym, modifiers)
        if action == ACTION_RELEASE:
            return self._release(keysym)
        return [
            *self._release(keysym),
            *self._press(keysym, modifiers),
            *self._release(keysym),
        ]

    def release_all(self) -> list[KeyStep]:
        """Return the steps that let go of everything, last pressed first."""
        return self._move({})

    def _press(self, keysym: int, modifiers: int) -> list[KeyStep]:
        if keysym in self._keys or len(self._keys) >= MAX_HELD:
            return []
        return self._move({**self._keys, keysym: modifiers})

    def _release(self, keysym: int) -> list[KeyStep]:
        rest = {key: bits for key, bits in self._keys.items() if key != keysym}
        return self._move(rest)

    def _move(self, keys: dict[int, int]) -> list[KeyStep]:
        before, after = self._down(self._keys), self._down(keys)
        self._keys = keys
        ups = [KeyStep(key, down=False) for key in reversed(before) if key not in after]
        downs = [KeyStep(key, down=True) for key in after if key not in before]
        return ups + downs

    @staticmethod
    def _down(keys: dict[int, int]) -> dict[int, None]:
        """Return all keysyms that are down for `keys`, as an ordered set."""
        down: dict[int, None] = {}
        for keysym, modifiers in keys.items():
            for modifier, keysyms in MODIFIER_KEYS.items():
                if modifiers & modifier and not any(key in keys for key in keysyms):
                    down[keysyms[0]] = None
            down[keysym] = None
        return down
