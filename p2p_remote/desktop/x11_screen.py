"""The screen of an X11 display: damage, shared memory, pointer apart."""

import contextlib
import socket
import struct
import threading
import time
from typing import Final

from p2p_remote.desktop.base import (
    Capture,
    CursorImage,
    PointerState,
    ScreenResizedError,
)
from p2p_remote.desktop.selection import SelectionGoneError
from p2p_remote.desktop.x11_connection import (
    CONFIGURE_NOTIFY,
    X11Connection,
    X11Error,
    request,
)
from p2p_remote.desktop.x11_damage import DamageTracker, row_bands
from p2p_remote.desktop.x11_image import open_reader
from p2p_remote.desktop.x11_monitors import X11Monitors
from p2p_remote.desktop.x11_raw_input import RAW_MOTION, RawInput
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.screen.geometry import Rect, clipped

MAX_CURSOR_SIDE: Final = 256  # pixels; larger shapes are cut around the hot spot
_BAND_GAP: Final = 16  # rows
_MONITOR_INTERVAL: Final = 2.0  # s between two looks at a shared monitor
_STRUCTURE_NOTIFY: Final = 1 << 17
_EVENT_MASK: Final = 1 << 11  # of ChangeWindowAttributes


class X11Screen:
    """The screen of a display (default: $DISPLAY), or one monitor of it.

    Raises SelectionGoneError without that monitor, MissingCapabilityError when the
    display is missing, is Wayland's XWayland (whose picture is black), or has a picture
    format of another age.
    """

    def __init__(self, display: str | None = None, monitor: str = "") -> None:
        self._connection = X11Connection(display)
        self.name = f"X11 {self._connection.display}"
        self._monitor = monitor
        self.slow_reason: str | None = None  # why shared memory is not used
        self._busy = threading.Lock()
        self._sleeper, self._waker = socket.socketpair()
        self._sleeper.setblocking(False)
        self._waker.setblocking(False)
        self._damaged = self._first = True
        self._resized = self._pointer_moved = self._watching = False
        self._raw: RawInput | None = None
        self._monitors: X11Monitors | None = None
        self._look_at_monitor = 0.0  # when to look whether it is where it was
        try:
            self._open()
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
            while not self._sort_events():
                remaining = deadline - time.monotonic()
                patience = remaining
                if self._monitors is not None:
                    patience = min(remaining, _MONITOR_INTERVAL)
                told = remaining > 0 and self._connection.wait(
                    patience, self._sleeper.fileno()
                )
                if self._was_woken() or (not told and patience == remaining):
                    return False
            return True

    def wake(self) -> None:
        """End the present or the next `wait` at once. Any thread."""
        # A full buffer wakes as well; after `close` there is nothing to wake.
        with contextlib.suppress(OSError):
            self._waker.send(b"w")

    def _was_woken(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return bool(self._sleeper.recv(4096))
        return False

    def capture(self) -> Capture:
        """Refresh the damaged rows in place; see ScreenSource."""
        with self._busy:
            self._sort_events()
            if self._resized:
                raise ScreenResizedError
            try:
                return Capture(self._frame, self._refresh(), self._pointer())
            except X11Error:
                if self._connection.root_size() != self._root_size:
                    raise ScreenResizedError from None
                raise

    def cursor_shape(self) -> CursorImage | None:
        """Return the present shape, cut to MAX_CURSOR_SIDE."""
        with self._busy:
            return self._shape()

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the position on the display; what is beyond the picture is its edge.

        Any thread.
        """
        area = self._area
        x, y = min(max(x, 0), area.width - 1), min(max(y, 0), area.height - 1)
        return area.x + x, area.y + y

    def takes_keys(self) -> bool:
        """Keys go to where the focus is, also on another monitor."""
        return True

    def retire(self) -> None:
        """Have the next `capture` raise ScreenResizedError. Any thread."""
        self._resized = True
        self.wake()

    def expect_change(self) -> None:
        """Damage comes by itself."""

    def close(self) -> None:
        """End the connection, which frees all that the server holds for it.

        A thread that is inside `wait` or `capture` gets MissingCapabilityError.
        """
        self._connection.shut_down()
        with self._busy:
            self._connection.close()
            self._sleeper.close()
            self._waker.close()

    def _refresh(self) -> list[Rect]:
        """Bring the frame up to date and return what was damaged."""
        if not self._damaged:
            return []
        self._damaged = False
        origin = self._area
        damage = [one.moved(-origin.x, -origin.y) for one in self._tracker.take(origin)]
        if self._first:
            damage = [Rect(0, 0, self.width, self.height)]
        self._reader.read(row_bands(damage, _BAND_GAP))
        self._first = False
        return damage

    def _shape(self) -> CursorImage | None:
        answer = self._connection.call(request(self._fixes.opcode, 4))  # GetCursorImage
        width, height, hot_x, hot_y, serial = struct.unpack_from("<HHHHI", answer, 12)
        if not width or not height:
            return None
        left = _cut(hot_x, width)
        top = _cut(hot_y, height)
        kept_width, kept_height = (
            min(width, MAX_CURSOR_SIDE),
            min(height, MAX_CURSOR_SIDE),
        )
        rows = (
            answer[32 + 4 * (row * width + left) :][: 4 * kept_width]
            for row in range(top, top + kept_height)
        )
        return CursorImage(
            serial=serial,
            width=kept_width,
            height=kept_height,
            hot_x=min(hot_x - left, kept_width - 1),
            hot_y=min(hot_y - top, kept_height - 1),
            pixels=b"".join(rows),
        )

    def _open(self) -> None:
        connection = self._connection
        connection.refuse_wayland()
        if not connection.setup.is_bgrx:
            raise MissingCapabilityError(
                f"The display has {connection.setup.depth}-bit colours; 24 are needed."
            )
        attributes = struct.pack(
            "<III", connection.root, _EVENT_MASK, _STRUCTURE_NOTIFY
        )
        connection.send(request(2, 0, attributes))  # ChangeWindowAttributes
        # From here on a change of size is noticed, so ask for it only now.
        self._root_size = connection.root_size()
        self._area = Rect(0, 0, *self._root_size)
        if self._monitor:
            self._monitors = X11Monitors(connection)
            self._area = self._monitor_area() or Rect(0, 0, 0, 0)
            if not self._area:
                raise SelectionGoneError(f"There is no monitor {self._monitor}.")
        self._tracker = DamageTracker(connection, connection.root)
        self._reader, self.slow_reason = open_reader(
            connection, connection.root, self._area
        )
        self._frame = self._reader.frame.view()
        self._frame.flags.writeable = False
        self._fixes = connection.required("XFIXES")
        select_cursor = struct.pack("<II", connection.root, 1)
        connection.send(request(self._fixes.opcode, 3, select_cursor))
        # Without XInput 2 the pointer is seen whenever something else is captured.
        with contextlib.suppress(MissingCapabilityError):
            self._raw = RawInput(connection)
        self._watch_pointer(on=True)
        self._see_shape()

    def _sort_events(self) -> bool:
        """Take note of what has arrived; True when there is something to capture."""
        for event in self._connection.events():
            kind = event[0]
            if self._tracker.is_notice(event):
                self._damaged = True
            elif kind == CONFIGURE_NOTIFY:
                size = struct.unpack_from("<HH", event, 20)
                self._resized |= size != self._root_size
            elif self._monitors is not None and self._monitors.is_notice(event):
                self._look_at_monitor = 0.0
            elif kind == self._fixes.first_event + 1:
                self._see_shape()
                self._pointer_moved = True
            elif self._raw is not None and self._raw.parse(event) is not None:
                self._pointer_moved = True
                self._watch_pointer(on=False)
        if self._monitors is not None and time.monotonic() >= self._look_at_monitor:
            # Monitors that a program has made come and go without an event.
            self._look_at_monitor = time.monotonic() + _MONITOR_INTERVAL
            self._resized |= self._monitor_area() != self._area
        return self._damaged or self._resized or self._pointer_moved

    def _monitor_area(self) -> Rect | None:
        """Where the shared monitor is now, as far as it lies on the screen."""
        if self._monitors is None:
            return None
        area = self._monitors.area(self._monitor)
        if area is None:
            return None
        whole = Rect(0, 0, *self._connection.root_size())
        return next(iter(clipped([area], whole)), None)

    def _watch_pointer(self, *, on: bool) -> None:
        """One event of motion between two captures is enough, so ask for no more."""
        if self._raw is not None and on != self._watching:
            self._watching = on
            self._raw.select((RAW_MOTION,) if on else ())

    def _pointer(self) -> PointerState:
        self._pointer_moved = False
        self._watch_pointer(on=True)
        x, y, inside = self._connection.pointer()
        area = self._area
        inside &= area.x <= x < area.right and area.y <= y < area.bottom
        return PointerState(
            x=min(max(x - area.x, 0), self.width - 1),
            y=min(max(y - area.y, 0), self.height - 1),
            visible=inside and self._shape_visible,
            shape_serial=self._shape_serial,
        )

    def _see_shape(self) -> None:
        """Learn the serial of the shape, and whether anything of it can be seen."""
        shape = self._shape()
        self._shape_serial = shape.serial if shape else 0
        self._shape_visible = shape is not None and any(shape.pixels[3::4])


def _cut(hot: int, size: int) -> int:
    """Return where to start cutting so that the hot spot stays inside."""
    return max(0, min(hot - MAX_CURSOR_SIDE // 2, size - MAX_CURSOR_SIDE))
