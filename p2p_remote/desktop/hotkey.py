"""F11 and F12 wherever the focus is, and a sign of the person's own input.

On X11 raw events tell which device a key came from: a key of a real device always
counts, one that a program injected counts unless our own injector has just sent it.
"""

import logging
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from p2p_remote.desktop.base import HOTKEY_END, HOTKEY_REVOKE, LOCAL_INPUT
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.x11_connection import MAPPING_NOTIFY, X11Connection, request
from p2p_remote.desktop.x11_raw_input import (
    RAW_BUTTON_PRESS,
    RAW_KEY_PRESS,
    RAW_MOTION,
    RawEvent,
    RawInput,
)
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.input.keysyms import F11, F12

_LOG = logging.getLogger(__name__)

LOCAL_INPUT_INTERVAL: Final = 0.1  # s between two signs of local input
_NAMES: Final = {F11: HOTKEY_REVOKE, F12: HOTKEY_END}
_ALL_KINDS: Final = (RAW_KEY_PRESS, RAW_BUTTON_PRESS, RAW_MOTION)
_WITHOUT_MOTION: Final = (RAW_KEY_PRESS, RAW_BUTTON_PRESS)


class X11Hotkey:
    """Hotkeys of an X11 display (default: $DISPLAY), in a thread of its own.

    Raises MissingCapabilityError where the display is missing or lacks XInput 2.1.
    `on_lost` is called once, from that thread, if the display dies later.
    """

    def __init__(
        self,
        display: str | None = None,
        ledger: InjectionLedger | None = None,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self._ledger = ledger or InjectionLedger()
        self._on_lost = on_lost
        self._connection = X11Connection(display)
        self._lock = threading.Lock()  # of the connection, but for waiting
        self._on_event: Callable[[str], None] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._last_local = -LOCAL_INPUT_INTERVAL
        self._motion_again: float | None = None  # when to ask for motion again
        self._keys: dict[int, str] = {}  # keycode: what it stands for
        try:
            self._raw = self._open()
        except BaseException:
            self._connection.close()
            raise

    def _open(self) -> RawInput:
        raw = RawInput(self._connection)
        self._read_keys()
        if not self._keys:
            raise MissingCapabilityError("This keyboard has neither F11 nor F12.")
        raw.select(_ALL_KINDS)
        self._connection.sync()
        return raw

    def start(self, on_event: Callable[[str], None]) -> None:
        """Listen from now on; events that came since the construction count too."""
        self._on_event = on_event
        self._thread = threading.Thread(target=self._run, name="hotkey", daemon=True)
        self._thread.start()

    def hear(self) -> None:
        """Report all that the server has told until now, in the calling thread.

        The server tells of a key before it takes another program's next request. So
        who waits for the answer to a request, then calls this, knows of every key
        that was pressed before the answer.
        """
        with self._lock:
            while self._on_event is not None and self._connection.has_more():
                for event in self._connection.events():
                    self._report(event, self._on_event)

    def close(self) -> None:
        """Stop listening. Any thread, the listening one included."""
        self._closed = True
        self._connection.shut_down()
        if self._thread is None:
            self._connection.close()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._closed:
                self._connection.wait_for_more(self._until_motion())
                self.hear()
        except MissingCapabilityError as error:
            if not self._closed:
                _LOG.warning("F11 and F12 are no longer heard: %s", error)
        finally:
            self._connection.close()
            if not self._closed and self._on_lost is not None:
                self._on_lost()

    def _until_motion(self) -> float:
        """Ask for motion again when it is time to; return seconds until then."""
        if self._motion_again is None:
            return 3600.0
        remaining = self._motion_again - time.monotonic()
        if remaining > 0:
            return remaining
        self._motion_again = None
        with self._lock:
            self._raw.select(_ALL_KINDS)
        return 3600.0

    def _report(self, event: bytes, on_event: Callable[[str], None]) -> None:
        if event[0] == MAPPING_NOTIFY:
            self._read_keys()
            return
        raw = self._raw.parse(event)
        name = self._meaning(raw) if raw is not None else None
        if name is not None:
            try:
                on_event(name)
            except Exception:  # noqa: BLE001 - F11 stays heard whatever happens
                _LOG.exception("the answer to %s failed", name)

    def _meaning(self, event: RawEvent) -> str | None:
        injected = self._raw.is_injected(event.source)
        if event.kind == RAW_KEY_PRESS and event.detail in self._keys:
            if injected and self._ledger.claim(event.detail):
                return None
            return self._keys[event.detail]
        if injected:
            return None
        now = time.monotonic()
        may_select = threading.current_thread() is self._thread  # and again later
        if event.kind == RAW_MOTION and may_select and self._motion_again is None:
            # A mouse may move a thousand times a second; ten signs are enough.
            self._raw.select(_WITHOUT_MOTION)
            self._motion_again = now + LOCAL_INPUT_INTERVAL
        if now - self._last_local < LOCAL_INPUT_INTERVAL:
            return None
        self._last_local = now
        return LOCAL_INPUT

    def _read_keys(self) -> None:
        """Learn which keycodes are F11 and F12 in the present layout."""
        setup = self._connection.setup
        count = setup.max_keycode - setup.min_keycode + 1
        answer = self._connection.call(
            request(101, 0, struct.pack("<BBxx", setup.min_keycode, count))
        )
        width = answer[1]
        keys = {}
        for index in range(count):
            row = struct.unpack_from(f"<{width}I", answer, 32 + 4 * width * index)
            for keysym, name in _NAMES.items():
                if keysym in row:
                    keys[setup.min_keycode + index] = name
        self._keys = keys
        self._ledger.watch(keys)
