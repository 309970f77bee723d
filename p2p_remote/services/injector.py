"""The one place where the technician's input reaches the operating system.

A thread of its own, because typing may wait for the keyboard map. Every single event
and every single character asks the grants directly before it goes to the system, so a
revoke stops even the middle of a long text. Before that the stop keys are listened to
in this same thread: F11 holds from the moment the system tells of it, whichever of our
threads runs next.
"""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from p2p_remote.desktop.base import InputSink
from p2p_remote.errors import (
    MissingCapabilityError,
    PermissionNotGrantedError,
    RemoteSupportError,
)
from p2p_remote.services.shortcuts import Shortcuts, keysym_of
from p2p_remote.session.permissions import Grants
from p2p_remote.wire import input as wire_input
from p2p_remote.wire.control import PERMISSIONS

_LOG = logging.getLogger(__name__)
_CONTROL = PERMISSIONS[1]
_SYSTEM_KEYS = "sys_keys"
_MAX_WAITING = 4096  # events; more than a person can make, so more is an attack


class Target(Protocol):
    """What is shared; asked from the injector's thread (see `ScreenSource`)."""

    def locate(self, x: int, y: int) -> tuple[int, int] | None: ...

    def takes_keys(self) -> bool: ...

    @property
    def guards_shortcuts(self) -> bool: ...

    def hear(self) -> None:
        """Act on each stop key that the system has told of until now."""
        ...

    def expect_change(self) -> None: ...


class Injector:
    """Injects what the grants allow; lets go of everything when told to stop."""

    def __init__(
        self,
        sink: InputSink,
        grants: Grants,
        clock: Callable[[], float],
        target: Target,
        on_failure: Callable[[RemoteSupportError], None],
    ) -> None:
        """Start the thread.

        Args:
            sink: where input goes.
            grants: asked before every event.
            clock: s, the clock of the grants.
            target: what is shared; nothing else is clicked at or typed into.
            on_failure: called from the thread when the sink is gone.

        """
        self._sink = sink
        self._grants = grants
        self._clock = clock
        self._target = target
        self._place: tuple[int, int] | None = None  # of the last press or motion
        self._buttons = 0
        self._shortcuts = Shortcuts()
        self._on_failure = on_failure
        self._waiting: deque[wire_input.InputMessage] = deque(maxlen=_MAX_WAITING)
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._lock = threading.Lock()  # of the two events above, taken together
        self._release = False
        self._closing = False
        self._message: wire_input.InputMessage = wire_input.ReleaseAll(0)  # in work
        sink.guard(self._permit)
        self._thread = threading.Thread(target=self._run, name="injector", daemon=True)
        self._thread.start()

    def submit(self, message: wire_input.InputMessage) -> None:
        """Queue one event."""
        self._waiting.append(message)
        self._call()

    def stop(self) -> None:
        """Drop everything queued and release every key and button held."""
        self._waiting.clear()
        self._release = True
        self._call()

    def drain(self, patience: float) -> bool:
        """Wait until everything queued is injected or dropped; False if it is not."""
        return self._idle.wait(patience)

    def finish(self) -> None:
        """Stop for good; the thread ends when everything is released."""
        self._closing = True
        self.stop()

    def join(self) -> None:
        """Wait for the end of the thread (blocks: not for the network's loop)."""
        self._thread.join(timeout=2.0)

    def _give_up(self, error: Exception) -> None:
        """The desktop failed: let go of what is held, if that still works."""
        self._closing = True
        with contextlib.suppress(Exception):
            self._sink.release_all()
        if not isinstance(error, RemoteSupportError):
            _LOG.exception("input failed")
            error = MissingCapabilityError("Mouse and keyboard cannot be used.")
        self._on_failure(error)

    def _call(self) -> None:
        with self._lock:
            self._idle.clear()
            self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 -- whatever it is, nobody controls
                self._give_up(error)
            with self._lock:
                if not self._wake.is_set():
                    self._idle.set()
            if self._closing:
                return

    def _work(self) -> None:
        while True:
            if self._release:
                self._release = False
                self._let_go()
            try:
                message = self._waiting.popleft()
            except IndexError:
                return
            try:
                self._inject(message)
                self._target.expect_change()
            except PermissionNotGrantedError as error:
                _LOG.info("input dropped: %s", error)

    def _check(self, message: wire_input.InputMessage) -> None:
        if self._release:
            raise PermissionNotGrantedError("Control was taken back.")
        self._grants.check(_CONTROL, message.serial, self._clock())

    def _permit(self) -> None:
        """Asked by the sink when nothing is left to be done but the event itself."""
        self._target.hear()
        self._check(self._message)

    def _check_keys(self) -> None:
        if not self._target.takes_keys():
            raise PermissionNotGrantedError("The focus is not on what is shared.")

    def _check_shortcut(self, keysym: int, modifiers: int = 0) -> None:
        """Where only windows are shared, keys for all of the desktop are not.

        Nobody presses those that lead away from it, and from F11, by mere control.
        """
        shortcuts = self._shortcuts
        is_guarded = shortcuts.leave_desktop(keysym, modifiers) or (
            self._target.guards_shortcuts and shortcuts.concern_all(keysym, modifiers)
        )
        if is_guarded and not self._grants.allowed(_SYSTEM_KEYS, self._clock()):
            raise PermissionNotGrantedError("System keys are not allowed.")

    def _let_go(self) -> None:
        self._buttons = 0
        self._shortcuts.clear()
        self._sink.release_all()

    def _point(self, message: wire_input.PointerInput) -> None:
        """Move and click where it is shared; elsewhere buttons can only be let go."""
        place = self._target.locate(message.x, message.y)
        if place is not None:
            self._place, self._buttons = place, message.buttons
            self._sink.pointer(*place, message.buttons)
            return
        kept = self._buttons & message.buttons
        if self._place is not None and kept != self._buttons:
            self._buttons = kept
            self._sink.pointer(*self._place, kept)
        raise PermissionNotGrantedError("Nothing is shared there.")

    def _inject(self, message: wire_input.InputMessage) -> None:
        self._message = message
        match message:
            case wire_input.TextInput(text=text):
                for character in text:
                    self._check(message)
                    self._check_keys()
                    self._check_shortcut(keysym_of(character))
                    self._sink.text(character)
            case wire_input.KeyInput():
                self._check(message)
                if message.action != wire_input.ACTION_RELEASE:
                    self._check_keys()
                    self._check_shortcut(message.keysym, message.modifiers)
                self._shortcuts.note(message)
                self._sink.key(message.keysym, message.modifiers, message.action)
            case wire_input.PointerInput():
                self._check(message)
                self._point(message)
            case wire_input.ScrollInput():
                self._check(message)
                place = self._target.locate(message.x, message.y)
                if place is None:
                    raise PermissionNotGrantedError("Nothing is shared there.")
                self._sink.scroll(*place, message.dx, message.dy)
            case wire_input.ReleaseAll():
                self._let_go()
