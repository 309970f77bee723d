"""A grey picture, for the time in which nothing is left to be shared."""

import threading

import numpy as np

from p2p_remote.desktop.base import (
    Capture,
    CursorImage,
    PointerState,
    ScreenResizedError,
)
from p2p_remote.screen.geometry import Rect

GREY = 0x60  # of every channel; what is not shared looks like this


class BlankScreen:
    """Shows grey until something else is chosen. All methods may be called anywhere."""

    name = "nothing"

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._frame = np.full((height, width, 4), GREY, np.uint8)
        self._frame.flags.writeable = False
        self._woken = threading.Event()
        self._seen = self._retired = False

    def wait(self, timeout_s: float) -> bool:
        """Nothing ever changes here."""
        self._woken.wait(timeout_s)
        self._woken.clear()
        return self._retired

    def capture(self) -> Capture:
        """Return the same grey each time."""
        if self._retired:
            raise ScreenResizedError
        damage = [] if self._seen else [Rect(0, 0, self.width, self.height)]
        self._seen = True
        pointer = PointerState(0, 0, visible=False, shape_serial=0)
        return Capture(self._frame, damage, pointer)

    def cursor_shape(self) -> CursorImage | None:
        """There is no pointer."""
        return None

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Nothing here can be pointed at."""
        del x, y
        return None

    def takes_keys(self) -> bool:
        """Nothing here can be typed into."""
        return False

    def wake(self) -> None:
        self._woken.set()

    def retire(self) -> None:
        self._retired = True
        self._woken.set()

    def expect_change(self) -> None:
        """Nothing can be injected."""

    def close(self) -> None:
        """Nothing is held."""
