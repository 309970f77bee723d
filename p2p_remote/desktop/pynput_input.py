"""Keyboard, pointer and hotkey of Windows and macOS, by pynput.

Windows takes text by SendInput with KEYEVENTF_UNICODE, macOS by CGEvent with a Unicode
string; macOS asks the person to allow Accessibility for the terminal first. pynput is
not used on X11, where it makes up events that many programs ignore.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from p2p_remote.desktop.base import HOTKEY_END, HOTKEY_REVOKE, LOCAL_INPUT, permit_all
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.input.held_keys import HeldKeys, KeyStep
from p2p_remote.input.keysyms import F11, F12, character_of, keysym_of, name_of
from p2p_remote.wire.input import BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT

_LOCAL_INTERVAL: Final = 0.1  # s between two signs of local input
_BUTTONS: Final = {
    BUTTON_LEFT: "left",
    BUTTON_MIDDLE: "middle",
    BUTTON_RIGHT: "right",
}
# Keysym name: name of the member of pynput.keyboard.Key.
_KEYS: Final = {
    "BackSpace": "backspace",
    "Tab": "tab",
    "Return": "enter",
    "KP_Enter": "enter",
    "Pause": "pause",
    "Scroll_Lock": "scroll_lock",
    "Escape": "esc",
    "Home": "home",
    "Left": "left",
    "Up": "up",
    "Right": "right",
    "Down": "down",
    "Page_Up": "page_up",
    "Page_Down": "page_down",
    "End": "end",
    "Print": "print_screen",
    "Insert": "insert",
    "Menu": "menu",
    "Num_Lock": "num_lock",
    "Shift_L": "shift_l",
    "Shift_R": "shift_r",
    "Control_L": "ctrl_l",
    "Control_R": "ctrl_r",
    "Caps_Lock": "caps_lock",
    "Alt_L": "alt_l",
    "Alt_R": "alt_r",
    "ISO_Level3_Shift": "alt_gr",
    "Super_L": "cmd_l",
    "Super_R": "cmd_r",
    "Delete": "delete",
    "space": "space",
    "XF86AudioMute": "media_volume_mute",
    "XF86AudioLowerVolume": "media_volume_down",
    "XF86AudioRaiseVolume": "media_volume_up",
    "XF86AudioPlay": "media_play_pause",
    "XF86AudioPrev": "media_previous",
    "XF86AudioNext": "media_next",
    **{f"F{number}": f"f{number}" for number in range(1, 25)},
}


class PynputInput:
    """Input sink by pynput's controllers; methods may be called by any thread.

    `keyboard` and `mouse` are the modules of pynput.
    """

    def __init__(
        self,
        keyboard: Any,
        mouse: Any,
        *,
        ledger: InjectionLedger | None = None,
    ) -> None:
        self._keyboard, self._mouse = keyboard, mouse
        self._ledger = ledger
        self._keys = keyboard.Controller()
        self._pointer = mouse.Controller()
        self._held = HeldKeys()
        self._buttons = 0
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._permit: Callable[[], None] = permit_all

    def guard(self, permit: Callable[[], None]) -> None:
        self._permit = permit

    def text(self, text: str) -> None:
        with self._lock:
            for sign in text.replace("\r\n", "\n"):
                if self._stop.is_set():
                    return
                if keysym_of(sign) is not None:
                    self._permit()
                    with self._translated():
                        self._keys.type(sign)

    def key(self, keysym: int, modifiers: int, action: int) -> None:
        with self._lock:
            if not self._stop.is_set():
                self._perform(self._held.apply(keysym, modifiers, action))

    def pointer(self, x: int, y: int, buttons: int) -> None:
        with self._lock:
            if not self._stop.is_set():
                self._permit()
                with self._translated():
                    self._move(x, y)
                    self._set_buttons(buttons)

    def scroll(self, x: int, y: int, dx: int, dy: int) -> None:
        with self._lock:
            if not self._stop.is_set():
                self._permit()
                with self._translated():
                    self._move(x, y)
                    self._pointer.scroll(dx, -dy)  # pynput's positive is up

    def release_all(self) -> None:
        self._stop.set()
        with self._lock:
            try:
                self._perform(self._held.release_all())
                with self._translated():
                    self._set_buttons(0)
            finally:
                self._stop.clear()

    def close(self) -> None:
        with contextlib.suppress(MissingCapabilityError):
            self.release_all()

    def _perform(self, steps: list[KeyStep]) -> None:
        if any(step.down for step in steps):
            self._permit()
        with self._translated():
            for step in steps:
                key = self._key(step.keysym)
                if key is None:
                    continue
                if step.down:
                    if self._ledger is not None:
                        self._ledger.sending(step.keysym)
                    self._keys.press(key)
                else:
                    self._keys.release(key)

    def _key(self, keysym: int) -> Any:
        """Return pynput's name for a keysym, None for keys it does not know."""
        member = _KEYS.get(name_of(keysym))
        if member is not None:
            return getattr(self._keyboard.Key, member, None)  # not each system has all
        character = character_of(keysym)
        return self._keyboard.KeyCode.from_char(character) if character else None

    def _move(self, x: int, y: int) -> None:
        self._pointer.position = (x, y)

    def _set_buttons(self, buttons: int) -> None:
        for bit, name in _BUTTONS.items():
            if (buttons ^ self._buttons) & bit:
                button = getattr(self._mouse.Button, name)
                if buttons & bit:
                    self._pointer.press(button)
                else:
                    self._pointer.release(button)
                self._buttons ^= bit

    @contextlib.contextmanager
    def _translated(self) -> Any:
        """Turn whatever the library's backends raise into one error."""
        try:
            yield
        except Exception as error:
            raise MissingCapabilityError(
                f"The system refused the input: {error}"
            ) from error


class PynputHotkey:
    """F11, F12 and local input by pynput's listeners.

    The systems mark injected events, so those of other programs count for F11 and F12
    and only real devices count as local input.
    """

    def __init__(
        self, keyboard: Any, mouse: Any, ledger: InjectionLedger | None = None
    ) -> None:
        self._keyboard, self._mouse = keyboard, mouse
        self._ledger = ledger or InjectionLedger()
        self._ledger.watch((F11, F12))
        self._names = {
            keyboard.Key.f11: (HOTKEY_REVOKE, F11),
            keyboard.Key.f12: (HOTKEY_END, F12),
        }
        self._last_local = -_LOCAL_INTERVAL
        self._listeners: list[Any] = []

    def start(self, on_event: Callable[[str], None]) -> None:
        def pressed(key: Any, injected: bool) -> None:  # noqa: FBT001 - pynput's order
            known = self._names.get(key)
            if known is not None:
                name, keysym = known
                if not (injected and self._ledger.claim(keysym)):
                    on_event(name)
            else:
                local(injected)

        def local(injected: bool) -> None:  # noqa: FBT001 - likewise
            now = time.monotonic()
            if not injected and now - self._last_local >= _LOCAL_INTERVAL:
                self._last_local = now
                on_event(LOCAL_INPUT)

        self._listeners = [
            self._keyboard.Listener(on_press=pressed),
            self._mouse.Listener(
                on_move=lambda _x, _y, injected: local(injected),
                on_click=lambda _x, _y, _button, _pressed, injected: local(injected),
                on_scroll=lambda _x, _y, _dx, _dy, injected: local(injected),
            ),
        ]
        for listener in self._listeners:
            listener.daemon = True
            listener.start()

    def hear(self) -> None:
        """Nothing waits here: the system asks the listeners before a key goes on.

        It asks them in turn, so a key injected after F11 is asked about after F11.
        """

    def close(self) -> None:
        for listener in self._listeners:
            listener.stop()
        self._listeners = []
