"""Mouse of the terminal -> position and buttons on the remote screen."""

from dataclasses import dataclass
from typing import Protocol

from p2p_remote.wire.input import BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT

# Buttons as terminals count them. The wheel arrives as scroll events, and more
# buttons than three are not passed on.
_BUTTONS = {1: BUTTON_LEFT, 2: BUTTON_MIDDLE, 3: BUTTON_RIGHT}


class Rectangle(Protocol):
    """Position and size, x to the right and y down."""

    @property
    def x(self) -> int: ...
    @property
    def y(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


@dataclass(frozen=True, slots=True)
class PointerMap:
    """From mouse positions in the widget to remote pixels.

    `place` is where the picture lies in the widget, in sub-pixels; a cell has
    `sub_columns` x `sub_rows` of them; `region` is the part of the remote screen shown.
    """

    region: Rectangle
    place: Rectangle
    sub_columns: int
    sub_rows: int
    exact: bool = False  # the terminal reports the mouse in pixels, not in cells

    def to_remote(self, x: float, y: float) -> tuple[int, int]:
        """Remote pixel under the mouse; beside the picture, the nearest one.

        Args:
            x: Column in the widget: a whole number from terminals that report cells
                (the middle of the cell is meant), a fraction where the mouse is
                reported in pixels.
            y: Row, likewise.

        """
        if not self.exact and x == int(x) and y == int(y):
            x += 0.5
            y += 0.5
        across = (x * self.sub_columns - self.place.x) / self.place.width
        down = (y * self.sub_rows - self.place.y) / self.place.height
        return (
            self.region.x + _step(across, self.region.width),
            self.region.y + _step(down, self.region.height),
        )

    def contains(self, x: float, y: float) -> bool:
        """Whether a mouse position lies on the picture; a cell at its edge does."""
        left, top = (
            x * self.sub_columns - self.place.x,
            y * self.sub_rows - self.place.y,
        )
        return (
            -self.sub_columns < left < self.place.width
            and -self.sub_rows < top < self.place.height
        )


def _step(fraction: float, length: int) -> int:
    """Pixel at a fraction of a length, from 0 to `length` - 1."""
    return min(max(int(fraction * length), 0), length - 1)


@dataclass(slots=True)
class HeldButtons:
    """Which buttons are down, as the bit mask of pointer messages."""

    mask: int = 0

    def press(self, button: int) -> bool:
        """Note a button (1 left, 2 middle, 3 right); whether anything changed."""
        return self._set(self.mask | _BUTTONS.get(button, 0))

    def release(self, button: int) -> bool:
        """Note that a button is up; whether anything changed."""
        return self._set(self.mask & ~_BUTTONS.get(button, 0))

    def release_all(self) -> bool:
        """Let go of all; whether any was down."""
        return self._set(0)

    def _set(self, mask: int) -> bool:
        changed, self.mask = mask != self.mask, mask
        return changed
