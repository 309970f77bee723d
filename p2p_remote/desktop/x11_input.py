"""Keyboard and pointer of an X11 display, by the XTEST extension alone.

Programs take XTEST events for real ones; made-up events (SendEvent) are ignored by
many. Sources: xtest.txt and XKBproto of xorgproto.
"""

import contextlib
import struct
import threading
from collections.abc import Callable
from typing import Final

from p2p_remote.desktop.base import permit_all
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.x11_connection import SYNC, X11Connection, request
from p2p_remote.desktop.x11_keyboard import CORE_KEYBOARD, KeyPlace, X11Keyboard
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.input.held_keys import HeldKeys, KeyStep
from p2p_remote.input.keysyms import (
    SHIFT_L,
    SHIFT_R,
    character_of,
    is_known,
    keysym_of,
)
from p2p_remote.wire.input import BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT

_KEY_PRESS, _KEY_RELEASE, _BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 2, 3, 4, 5, 6
_BUTTONS: Final = {BUTTON_LEFT: 1, BUTTON_MIDDLE: 2, BUTTON_RIGHT: 3}
_WHEEL_UP, _WHEEL_DOWN, _WHEEL_LEFT, _WHEEL_RIGHT = 4, 5, 6, 7
_MAX_WHEEL: Final = 32  # steps of one message
_LOCK: Final = 2  # Caps Lock in modifier masks
_SHIFTS: Final = (SHIFT_L, SHIFT_R)
_MAX_POSITION: Final = 32767  # pixels; positions are 16-bit and signed


class X11Input:
    """Input sink of a display (default: $DISPLAY). Methods may be called by any thread.

    Raises MissingCapabilityError when the display is missing, lacks XTEST or XKB, or
    has died.
    """

    def __init__(
        self, display: str | None = None, ledger: InjectionLedger | None = None
    ) -> None:
        self._ledger = ledger
        self._connection = X11Connection(display)
        self._lock = threading.RLock()
        self._stop = threading.Event()  # set while somebody wants typing to end
        self._permit: Callable[[], None] = permit_all
        self._echo: int | None = None  # request behind the last event; has an answer
        self._held = HeldKeys()
        self._down: dict[int, int] = {}  # keysym: keycode it went down with
        self._buttons = 0
        self._closed = False
        try:
            self._open()
        except BaseException:
            self._connection.close()
            raise

    def guard(self, permit: Callable[[], None]) -> None:
        self._permit = permit

    def text(self, text: str) -> None:
        """Type text; characters that no keyboard can carry are left out."""
        keysyms = [
            keysym
            for character in text.replace("\r\n", "\n")
            if (keysym := keysym_of(character)) is not None
        ]
        with self._lock:
            group, caps = self._state()
            try:
                self._set_caps(on=False, if_on=caps)
                for run in self._keyboard.runs(keysyms, group, self._stop):
                    for place in run:
                        if self._stop.is_set():
                            return
                        self._type(place)
                self._settle()
            finally:
                self._set_caps(on=True, if_on=caps)
                self._connection.flush()

    def key(self, keysym: int, modifiers: int, action: int) -> None:
        """Tap, press or release a key with its modifiers."""
        with self._lock:
            if not self._stop.is_set():
                self._perform(self._held.apply(keysym, modifiers, action))

    def pointer(self, x: int, y: int, buttons: int) -> None:
        with self._lock:
            if self._stop.is_set():
                return
            self._begin()
            self._move(x, y)
            self._set_buttons(buttons)
            self._end()

    def scroll(self, x: int, y: int, dx: int, dy: int) -> None:
        with self._lock:
            for steps, back, forth in (
                (dy, _WHEEL_UP, _WHEEL_DOWN),
                (dx, _WHEEL_LEFT, _WHEEL_RIGHT),
            ):
                for _ in range(min(abs(steps), _MAX_WHEEL)):
                    if self._stop.is_set():
                        return
                    self._begin()
                    self._move(x, y)
                    self._fake(_BUTTON_PRESS, forth if steps > 0 else back)
                    self._fake(_BUTTON_RELEASE, forth if steps > 0 else back)
                    self._end()

    def release_all(self) -> None:
        """End what is being typed and let go of everything, before returning."""
        self._stop.set()
        with self._lock:
            try:
                self._held.release_all()
                for keysym in reversed(list(self._down)):
                    self._fake(_KEY_RELEASE, self._down.pop(keysym))
                self._set_buttons(0)
                self._end()
                self._settle()
            finally:
                self._stop.clear()

    def close(self) -> None:
        """Release everything and give borrowed keycodes back."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                with contextlib.suppress(MissingCapabilityError):
                    self.release_all()
                    self._keyboard.give_back()
            finally:
                self._connection.close()

    def _open(self) -> None:
        connection = self._connection
        self._xtest = connection.required("XTEST").opcode
        self._xkb = connection.required("XKEYBOARD").opcode
        connection.refuse_wayland()
        connection.call(request(self._xtest, 0, struct.pack("<H", 2)))
        # Our events pass while another program has grabbed the server.
        connection.send(request(self._xtest, 3, b"\1"))
        self._keyboard = X11Keyboard(connection)

    def _state(self) -> tuple[int, bool]:
        """Bring the keyboard map up to date; return active group and Caps Lock."""
        answer = self._connection.call(
            request(self._xkb, 4, struct.pack("<H", CORE_KEYBOARD))
        )
        self._keyboard.update()
        return answer[12], bool(answer[11] & _LOCK)

    def _set_caps(self, *, on: bool, if_on: bool) -> None:
        """Turn Caps Lock off for typing and on again after, if it was on.

        No key event is needed for that, so no program sees a key.
        """
        if if_on:
            self._connection.send(
                request(
                    self._xkb,
                    5,  # LatchLockState
                    struct.pack("<HBB8x", CORE_KEYBOARD, _LOCK, _LOCK if on else 0),
                )
            )

    def _begin(self) -> None:
        """Wait until the last event is done, then ask whether there may be another.

        So at most one event is ever on its way to the server, and what was pressed
        before it got there is known to whoever is asked.
        """
        self._settle()
        self._permit()

    def _end(self) -> None:
        """Send an event that `_begin` began."""
        self._settle()
        self._echo = self._connection.send(SYNC, answered=True)
        self._connection.flush()

    def _settle(self) -> None:
        """Wait until the server has carried out what was sent."""
        echo, self._echo = self._echo, None
        if echo is not None:
            self._connection.reply(echo)

    def _type(self, place: KeyPlace) -> None:
        shift = self._shift_keycode() if place.shift else None
        # Text says itself what is big, so a Shift that is held is let go of for it.
        lifted = [self._down[keysym] for keysym in _SHIFTS if keysym in self._down]
        self._begin()
        for keycode in lifted:
            self._fake(_KEY_RELEASE, keycode)
        if shift is not None:
            self._fake(_KEY_PRESS, shift)
        self._fake(_KEY_PRESS, place.keycode)
        self._fake(_KEY_RELEASE, place.keycode)
        if shift is not None:
            self._fake(_KEY_RELEASE, shift)
        for keycode in lifted:
            self._fake(_KEY_PRESS, keycode)
        self._end()
        self._keyboard.pressed(place.keycode)

    def _perform(self, steps: list[KeyStep]) -> None:
        downs = [step.keysym for step in steps if step.down]
        places: dict[int, KeyPlace] = {}
        caps = False
        if downs:
            group, caps = self._state()
            for keysym in filter(is_known, downs):
                for run in self._keyboard.runs([keysym], group, self._stop):
                    places.update((keysym, place) for place in run)
            self._begin()
        for step in steps:
            if not step.down:
                self._release(step.keysym)
            elif step.keysym in places and step.keysym not in self._down:
                self._press(step.keysym, places[step.keysym], caps=caps)
        self._end()

    def _press(self, keysym: int, place: KeyPlace, *, caps: bool) -> None:
        """Press a key so that programs see just this keysym, and keep it down."""
        needs_shift = place.shift and not any(one in self._down for one in _SHIFTS)
        shift = self._shift_keycode() if needs_shift else None
        caps = caps and character_of(keysym) is not None
        self._set_caps(on=False, if_on=caps)
        if shift is not None:
            self._fake(_KEY_PRESS, shift)
        self._fake(_KEY_PRESS, place.keycode)
        self._down[keysym] = place.keycode
        self._keyboard.pressed(place.keycode)
        if shift is not None:
            self._fake(_KEY_RELEASE, shift)
        self._set_caps(on=True, if_on=caps)

    def _release(self, keysym: int) -> None:
        keycode = self._down.pop(keysym, None)
        if keycode is not None:
            self._fake(_KEY_RELEASE, keycode)

    def _shift_keycode(self) -> int | None:
        place = self._keyboard.find(SHIFT_L, 0)
        return place.keycode if place else None

    def _move(self, x: int, y: int) -> None:
        self._fake(_MOTION, 0, min(max(x, 0), _MAX_POSITION), min(y, _MAX_POSITION))

    def _set_buttons(self, buttons: int) -> None:
        for bit, number in _BUTTONS.items():
            if (buttons ^ self._buttons) & bit:
                kind = _BUTTON_PRESS if buttons & bit else _BUTTON_RELEASE
                self._fake(kind, number)
        self._buttons = buttons & sum(_BUTTONS)

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        if kind == _KEY_PRESS and self._ledger is not None:
            self._ledger.sending(detail)
        self._connection.send(
            request(
                self._xtest,
                2,  # FakeInput
                struct.pack(
                    "<BBxxII8xhh8x", kind, detail, 0, self._connection.root, x, y
                ),
            )
        )
