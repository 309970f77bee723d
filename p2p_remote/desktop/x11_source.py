"""What the screen sources of X11 have in common: waiting, waking, the pointer."""

import contextlib
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from p2p_remote.desktop.base import (
    Capture,
    CursorImage,
    PointerState,
    ScreenResizedError,
)
from p2p_remote.desktop.x11_connection import (
    CONFIGURE_NOTIFY,
    X11Connection,
    X11Error,
    request,
)
from p2p_remote.desktop.x11_pointer import X11Pointer
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.screen.geometry import Rect

if TYPE_CHECKING:
    from p2p_remote.desktop.base import Frame

STRUCTURE_NOTIFY: Final = 1 << 17
EVENT_MASK: Final = 1 << 11  # of ChangeWindowAttributes


class X11Source(ABC):
    """A picture of a display. `_open` fills in `_frame` and `_area`.

    Raises MissingCapabilityError when the display is missing, is Wayland's XWayland
    (whose picture is black), or has a picture format of another age.
    """

    LOOK_INTERVAL: float | None = None
    """Seconds after which `_look` is called although nothing has been told."""

    _frame: "Frame"
    _area: Rect  # of the display that the picture shows

    def __init__(self, display: str | None) -> None:
        self._connection = X11Connection(display)
        self.name = f"X11 {self._connection.display}"
        self.slow_reason: str | None = None  # why shared memory is not used
        self._busy = threading.Lock()
        self._sleeper, self._waker = socket.socketpair()
        self._sleeper.setblocking(False)
        self._waker.setblocking(False)
        self._resized = False
        self._next_look = 0.0
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    @property
    def width(self) -> int:
        return self._area.width

    @property
    def height(self) -> int:
        return self._area.height

    def wait(self, timeout_s: float) -> bool:
        """Block until the picture, the pointer or its shape changed."""
        deadline = time.monotonic() + timeout_s
        with self._busy:
            # What has not been read yet ends the waiting at once.
            is_due = self._sort_events(self._connection.events_read())
            while not is_due:
                remaining = patience = deadline - time.monotonic()
                if self.LOOK_INTERVAL is not None:
                    patience = min(remaining, self.LOOK_INTERVAL)
                told = remaining > 0 and self._connection.wait(
                    patience, self._sleeper.fileno()
                )
                if self._was_woken() or (not told and patience == remaining):
                    return False
                is_due = self._sort_events(self._connection.events())
            return True

    def wake(self) -> None:
        """End the present or the next `wait` at once. Any thread."""
        # A full buffer wakes as well; after `close` there is nothing to wake.
        with contextlib.suppress(OSError):
            self._waker.send(b"w")

    def capture(self) -> Capture:
        """Refresh what is damaged in place; see ScreenSource."""
        with self._busy:
            self._sort_events(self._connection.events())
            if self._resized:
                raise ScreenResizedError
            # The answer comes with those about the picture: one wait for the server.
            self._pointer.ask()
            try:
                return Capture(self._frame, self._refresh(), self._see_pointer())
            except X11Error:
                if self._connection.root_size() != self._root_size:
                    raise ScreenResizedError from None
                raise

    def cursor_shape(self) -> CursorImage | None:
        """Return the present shape of the pointer."""
        with self._busy:
            return self._pointer.shape()

    def retire(self) -> None:
        """Have the next `capture` raise ScreenResizedError. Any thread."""
        self._resized = True
        self.wake()

    def expect_change(self) -> None:  # noqa: B027 -- damage comes by itself
        """Nothing has to be done."""

    def close(self) -> None:
        """End the connection, which frees all that the server holds for it.

        A thread that is inside `wait` or `capture` gets MissingCapabilityError.
        """
        self._connection.shut_down()
        with self._busy:
            self._connection.close()
            self._sleeper.close()
            self._waker.close()

    # What differs.

    @abstractmethod
    def _open(self) -> None:
        """Prepare `_frame` and, if not all of the display is shown, `_area`."""

    @abstractmethod
    def _refresh(self) -> list[Rect]:
        """Bring the frame up to date and return what was damaged."""

    @abstractmethod
    def _note(self, event: bytes) -> bool:
        """Take note of an event; whether the picture may have changed."""

    def _look(self) -> bool:
        """Look at what is never told; whether something else has to be opened."""
        return False

    def _see_pointer(self) -> PointerState:
        return self._pointer.state(self._area)

    # What is the same.

    def _begin(self) -> None:
        connection = self._connection
        connection.refuse_wayland()
        if not connection.setup.is_bgrx:
            raise MissingCapabilityError(
                f"The display has {connection.setup.depth}-bit colours; 24 are needed."
            )
        self._changed = True
        self._listen(STRUCTURE_NOTIFY)
        # From here on a change of size is noticed, so ask for it only now.
        self._root_size = connection.root_size()
        self._area = Rect(0, 0, *self._root_size)
        self._open()
        self._pointer = X11Pointer(connection)

    def _listen(self, events: int) -> None:
        """Hear of these events of the root window from now on."""
        attributes = struct.pack("<III", self._connection.root, EVENT_MASK, events)
        self._connection.send(request(2, 0, attributes))  # ChangeWindowAttributes

    def _sort_events(self, events: Iterable[bytes]) -> bool:
        """Take note of events; True when there is something to capture."""
        root = self._connection.root
        for event in events:
            self._changed |= self._note(event)
            if event[0] == CONFIGURE_NOTIFY:
                (window,) = struct.unpack_from("<I", event, 8)
                size = struct.unpack_from("<HH", event, 20)
                self._resized |= window == root and size != self._root_size
            else:
                self._pointer.note(event)
        now = time.monotonic()
        if self.LOOK_INTERVAL is not None and now >= self._next_look:
            self._next_look = now + self.LOOK_INTERVAL
            self._resized |= self._look()
        return self._changed or self._resized or self._pointer.has_moved

    def _was_woken(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return bool(self._sleeper.recv(4096))
        return False
