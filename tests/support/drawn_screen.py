"""A screen source that tests and benchmarks paint themselves."""

import threading

import numpy as np
from numpy.typing import NDArray

from p2p_remote.desktop.base import (
    Capture,
    CursorImage,
    PointerState,
    ScreenResizedError,
)
from p2p_remote.screen.geometry import Rect, clipped


class DrawnScreen:
    """Pixels that `paint` changes; tells its damage as X11 does."""

    name = "drawn screen"

    def __init__(self, width: int, height: int) -> None:
        self.pixels: NDArray[np.uint8] = np.zeros((height, width, 4), np.uint8)
        self.tells_damage = True
        self.pointer = PointerState(0, 0, visible=True, shape_serial=0)
        self.shape: CursorImage | None = None
        self._shown = self.pixels.copy()
        self._damage = [Rect(0, 0, width, height)]
        self._changed = threading.Condition()
        self._woken = False
        self._is_resized = False

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    def paint(self, rect: Rect, pixels: NDArray[np.uint8] | int) -> None:
        """Write (height, width, 4) pixels, or one number for all bytes. Any thread."""
        with self._changed:
            self.pixels[rect.y : rect.bottom, rect.x : rect.right] = pixels
            self._damage.append(rect)
            self._changed.notify_all()

    def resize(self, width: int, height: int) -> None:
        """Be another display from the next capture on."""
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self._is_resized = True

    def reopen(self) -> "DrawnScreen":
        """Open what the display has become."""
        self._is_resized = False
        self._shown = self.pixels.copy()
        self._damage = [Rect(0, 0, self.width, self.height)]
        return self

    # What a screen source does

    def wait(self, timeout_s: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._damage or self._woken, timeout_s)
            self._woken = False
            return bool(self._damage)

    def capture(self) -> Capture:
        with self._changed:
            if self._is_resized:
                raise ScreenResizedError
            damage, self._damage = self._damage, []
            damage = clipped(damage, Rect(0, 0, self.width, self.height))
            for rect in damage:
                area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
                self._shown[area] = self.pixels[area]
            told = damage if self.tells_damage else None
            return Capture(self._shown, told, self.pointer)

    def cursor_shape(self) -> CursorImage | None:
        return self.shape

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """All is shared."""
        return x, y

    def takes_keys(self) -> bool:
        """All is shared."""
        return True

    def retire(self) -> None:
        """Nothing else can be shared."""

    def expect_change(self) -> None:
        """Painting tells of itself."""

    def close(self) -> None:
        """Nothing is held."""
