"""Input commands of the NDJSON contract as messages of the wire."""

from collections.abc import Callable
from typing import Any

from p2p_remote.errors import UsageError
from p2p_remote.input import keysyms
from p2p_remote.wire import input as wire_input
from p2p_remote.wire.constants import MAX_SCREEN_SIDE

_BUTTONS = {
    "left": wire_input.BUTTON_LEFT,
    "middle": wire_input.BUTTON_MIDDLE,
    "right": wire_input.BUTTON_RIGHT,
}
_MODIFIERS = {
    "shift": wire_input.MODIFIER_SHIFT,
    "control": wire_input.MODIFIER_CONTROL,
    "ctrl": wire_input.MODIFIER_CONTROL,
    "alt": wire_input.MODIFIER_ALT,
    "super": wire_input.MODIFIER_SUPER,
}
_ACTIONS = {
    "tap": wire_input.ACTION_TAP,
    "press": wire_input.ACTION_PRESS,
    "release": wire_input.ACTION_RELEASE,
}
_MAX_STEPS = 32


def input_messages(name: str, command: dict[str, Any]) -> list[wire_input.InputMessage]:
    """Messages for one command.

    Raises:
        UsageError: unknown command, or a field that is missing or wrong.

    """
    build = _BUILDERS.get(name)
    if build is None:
        raise UsageError(f"unknown command '{name}'")
    return build(command)


def _text(command: dict[str, Any]) -> list[wire_input.InputMessage]:
    text = command.get("text")
    if not isinstance(text, str) or not text:
        raise UsageError('"text" is missing')
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError('"text" holds half a character')
    step = wire_input.MAX_TEXT
    return [
        wire_input.TextInput(0, text[start : start + step])
        for start in range(0, len(text), step)
    ]


def _key(command: dict[str, Any]) -> list[wire_input.InputMessage]:
    name = command.get("keysym")
    keysym = keysyms.keysym_named(name) if isinstance(name, str) else None
    if keysym is None:
        raise UsageError(f"unknown keysym {name!r}")
    names = command.get("modifiers", [])
    wanted = command.get("action", "tap")
    action = _ACTIONS.get(wanted) if isinstance(wanted, str) else None
    if not isinstance(names, list) or action is None:
        raise UsageError('"modifiers" is a list, "action" tap, press or release')
    modifiers = 0
    for modifier in names:
        bit = _MODIFIERS.get(str(modifier).lower())
        if bit is None:
            raise UsageError(f"unknown modifier {modifier!r}")
        modifiers |= bit
    return [wire_input.KeyInput(0, keysym, modifiers, action)]


def _position(command: dict[str, Any]) -> tuple[int, int]:
    x, y = command.get("x"), command.get("y")
    for value in (x, y):
        if type(value) is not int or not 0 <= value < MAX_SCREEN_SIDE:
            raise UsageError('"x" and "y" are pixels of the remote screen')
    return int(x), int(y)  # type: ignore[arg-type]


def _button(name: Any) -> int:
    bit = _BUTTONS.get(name) if isinstance(name, str) else None
    if bit is None:
        raise UsageError(f"unknown button {name!r}: left, middle or right")
    return bit


def _pointer(command: dict[str, Any]) -> list[wire_input.InputMessage]:
    x, y = _position(command)
    names = command.get("buttons", [])
    if not isinstance(names, list):
        raise UsageError('"buttons" is a list')
    held = 0
    for name in names:
        held |= _button(name)
    return [wire_input.PointerInput(0, x, y, held)]


def _click(command: dict[str, Any]) -> list[wire_input.InputMessage]:
    x, y = _position(command)
    button = _button(command.get("button", "left"))
    return [
        wire_input.PointerInput(0, x, y, 0),
        wire_input.PointerInput(0, x, y, button),
        wire_input.PointerInput(0, x, y, 0),
    ]


def _scroll(command: dict[str, Any]) -> list[wire_input.InputMessage]:
    x, y = _position(command)
    steps = [command.get("dx", 0), command.get("dy", 0)]
    for value in steps:
        if type(value) is not int or abs(value) > _MAX_STEPS:
            raise UsageError(f'"dx" and "dy" are steps, at most {_MAX_STEPS}')
    return [wire_input.ScrollInput(0, x, y, *steps)]


_BUILDERS: dict[str, Callable[[dict[str, Any]], list[wire_input.InputMessage]]] = {
    "text": _text,
    "key": _key,
    "pointer": _pointer,
    "click": _click,
    "scroll": _scroll,
}
