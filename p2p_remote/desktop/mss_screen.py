"""The screen through mss: on Windows and macOS, and where the X11 source cannot work.

The system does not say what changed, so the picture is looked at again and again: 20
times a second while something moves, 4 times a second while nothing does.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from p2p_remote.desktop.base import (
    Capture,
    CursorImage,
    PointerState,
    ScreenResizedError,
)
from p2p_remote.desktop.selection import Monitor, SelectionGoneError
from p2p_remote.desktop.x11_connection import X11Connection
from p2p_remote.desktop.x11_pointer import ask_position, told_position
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.text import clean

if TYPE_CHECKING:
    from p2p_remote.desktop.base import Frame

BUSY_INTERVAL: Final = 0.05  # s between two looks
IDLE_INTERVAL: Final = 0.22
_BUSY_FOR: Final = 1.0  # s after the last change
MAX_NAME: Final = 64  # characters of a monitor's name
_SIZE_INTERVAL: Final = 2.0  # s between two looks at the size of the screen


class MssScreen:
    """All monitors together, or the one of the name `monitor`.

    `open_grabber` returns a `mss.MSS` or what behaves like one; `position` tells where
    the pointer is in the system's coordinates, None when it cannot; `on_close` ends
    what it needed. Raises MissingCapabilityError with the reason when no picture can be
    taken.
    """

    name = "screen by mss"

    def __init__(
        self,
        open_grabber: Callable[[], Any],
        position: Callable[[], tuple[int, int] | None],
        on_close: Callable[[], None] = lambda: None,
        monitor: str = "",
    ) -> None:
        self._on_close = on_close
        self._monitor = monitor
        self._retired = False
        self._open_grabber, self._position = open_grabber, position
        self._hurry = threading.Event()
        self._woken = False
        self._closed = False
        self._frame: Frame | None = None
        self._unseen = False  # whether the frame was not captured yet
        self._busy_until = self._next_look = self._next_size = 0.0
        try:
            self._grabber = open_grabber()
            self._area = self._find_area(self._grabber)
            self._look(time.monotonic())
        except MissingCapabilityError:
            raise
        except Exception as error:  # whatever the library's backends raise
            raise MissingCapabilityError(
                f"No picture of the screen: {error}"
            ) from error

    @property
    def width(self) -> int:
        return int(self._picture().shape[1])

    @property
    def height(self) -> int:
        return int(self._picture().shape[0])

    @property
    def origin(self) -> tuple[int, int]:
        """Position of the picture's first pixel in the system's coordinates."""
        return int(self._area["left"]), int(self._area["top"])

    @property
    def scale(self) -> float:
        """Pixels of the picture per unit of the system's coordinates."""
        return self.width / int(self._area["width"])

    def wait(self, timeout_s: float) -> bool:
        """Look until the picture differs or the time is over."""
        deadline = time.monotonic() + timeout_s
        while not self._closed:
            now = time.monotonic()
            if self._unseen or (now >= self._next_look and self._look(now)):
                return True
            if now >= deadline:
                return False
            if self._hurry.wait(max(min(self._next_look, deadline) - now, 0.0)):
                self._hurry.clear()
                if self._woken:
                    self._woken = False
                    return False
                now = time.monotonic()
                self._busy_until = now + _BUSY_FOR
                self._next_look = min(self._next_look, now + BUSY_INTERVAL / 2)
        return False

    def capture(self) -> Capture:
        if self._closed:
            raise MissingCapabilityError("The screen is closed.")
        if self._retired:
            raise ScreenResizedError
        if not self._unseen:
            self._look(time.monotonic())
        self._unseen = False
        return Capture(self._picture(), None, self._pointer())

    def cursor_shape(self) -> CursorImage | None:
        """The systems that need this source do not tell the shape."""
        return None

    def wake(self) -> None:
        """End the present or the next `wait` at once. Any thread."""
        self._woken = True
        self._hurry.set()

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the system's position of a pixel, or of the nearest in the picture."""
        left, top = self.origin
        x, y = min(max(x, 0), self.width - 1), min(max(y, 0), self.height - 1)
        return left + int(x / self.scale), top + int(y / self.scale)

    def takes_keys(self) -> bool:
        """Keys go to where the focus is, also on another monitor."""
        return True

    def retire(self) -> None:
        """Have the next `capture` raise ScreenResizedError. Any thread."""
        self._retired = True
        self.wake()

    def expect_change(self) -> None:
        """Look often from now on."""
        self._hurry.set()

    def close(self) -> None:
        self._closed = True
        self._hurry.set()
        self._grabber.close()
        self._on_close()

    def _picture(self) -> "Frame":
        if self._frame is None:
            raise MissingCapabilityError("There is no picture of the screen.")
        return self._frame

    def _look(self, now: float) -> bool:
        """Take a picture; True when it is a new one."""
        if now >= self._next_size:
            self._next_size = now + _SIZE_INTERVAL
            self._check_size()
        try:
            shot = self._grabber.grab(self._area)
        except Exception as error:
            self._check_size()
            raise MissingCapabilityError(f"The screen is gone: {error}") from error
        frame = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        before, self._frame = self._frame, frame
        changed = before is None or not _equal(before, frame)
        if changed:
            self._busy_until = now + _BUSY_FOR
            self._unseen = True
        busy = now < self._busy_until
        self._next_look = now + (BUSY_INTERVAL if busy else IDLE_INTERVAL)
        return changed

    def _find_area(self, grabber: Any) -> dict[str, Any]:
        if not self._monitor:
            return dict(grabber.monitors[0])
        for name, found in named_monitors(grabber):
            if name == self._monitor:
                return found
        raise SelectionGoneError(f"There is no monitor {self._monitor}.")

    def _check_size(self) -> None:
        """Raise ScreenResizedError if the screen has another size or place now."""
        try:
            with self._open_grabber() as fresh:
                area = self._find_area(fresh)
        except SelectionGoneError:
            raise ScreenResizedError from None
        except Exception as error:
            raise MissingCapabilityError(f"The screen is gone: {error}") from error
        if any(area[side] != self._area[side] for side in _SIDES):
            raise ScreenResizedError

    def _pointer(self) -> PointerState:
        place = self._position()
        if place is None:
            return PointerState(0, 0, visible=False, shape_serial=0)
        left, top = self.origin
        x = int((place[0] - left) * self.scale)
        y = int((place[1] - top) * self.scale)
        return PointerState(
            min(max(x, 0), self.width - 1),
            min(max(y, 0), self.height - 1),
            visible=0 <= x < self.width and 0 <= y < self.height,
            shape_serial=0,
        )


def named_monitors(grabber: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the monitors with a name each; not every system gives them one."""
    found: dict[str, dict[str, Any]] = {}
    for number, monitor in enumerate(grabber.monitors[1:], 1):
        fields = dict(monitor)
        name = clean(str(fields.get("name") or ""), MAX_NAME)
        found[name if name and name not in found else f"monitor {number}"] = fields
    return list(found.items())


def list_monitors(grabber: Any) -> list[Monitor]:
    """Return the monitors, the primary one first."""
    monitors = [
        Monitor(
            name,
            Rect(*(int(fields[side]) for side in _SIDES)),
            bool(fields.get("is_primary")),
        )
        for name, fields in named_monitors(grabber)
    ]
    return sorted(monitors, key=lambda one: not one.is_primary)


_SIDES = ("left", "top", "width", "height")


def _equal(one: "Frame", other: "Frame") -> bool:
    return one.shape == other.shape and bool(
        np.array_equal(
            one.reshape(-1).view(np.uint32), other.reshape(-1).view(np.uint32)
        )
    )


def pynput_position() -> Callable[[], tuple[int, int] | None]:
    """Return a function that tells where the pointer is, by pynput."""
    try:
        from pynput.mouse import Controller

        controller = Controller()
    except Exception:  # noqa: BLE001 - the library raises what its backend does
        return lambda: None

    def read() -> tuple[int, int] | None:
        try:
            x, y = controller.position
        except Exception:  # noqa: BLE001 - likewise
            return None
        return int(x), int(y)

    return read


def x11_position(
    connection: X11Connection,
) -> Callable[[], tuple[int, int] | None]:
    """Return a function that asks the X server where the pointer is."""

    def read() -> tuple[int, int] | None:
        try:
            return told_position(connection, ask_position(connection))[:2]
        except MissingCapabilityError:
            return None

    return read


def open_mss(display: str | None = None) -> Callable[[], Any]:
    """Return a function that opens mss with the first backend that works here."""

    def open_grabber() -> Any:
        import sys

        import mss

        if not sys.platform.startswith("linux"):
            return mss.MSS()
        try:
            return mss.MSS(display=display)
        except mss.ScreenShotError:
            # A system without libxcb's extension libraries may have Xlib.
            return mss.MSS(backend="xlib", display=display)

    return open_grabber
