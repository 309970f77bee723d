"""Mouse of the terminal -> position and buttons on the remote screen."""

from dataclasses import dataclass
from typing import Protocol

from p2p_remote.wire.input import BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT

# Buttons as terminals count them. The wheel arrives as scroll events, and more
# buttons than three are not passed on.
_BUTTONS = {1: BUTTON_LEFT, 2: BUTTON_MIDDLE, 3: BUTTON_RIGHT}


class CoordinateMap(Protocol):
    """Where a sub-pixel of the view lies on the remote screen."""

    def to_remote(self, x: float, y: float) -> tuple[int, int]:
        """Remote pixel under a sub-pixel position."""


@dataclass(frozen=True, slots=True)
class CellGeometry:
    """Where the picture lies in the widget, in cells, and what a cell holds."""

    left: int
    top: int
    columns: int
    rows: int
    sub_columns: int
    sub_rows: int


def sub_pixel(geometry: CellGeometry, x: float, y: float) -> tuple[float, float] | None:
    """Sub-pixel position of a mouse position; None beside the picture.

    Args:
        geometry: Place of the picture.
        x: Column in the widget: a whole number from terminals that report cells (the
            middle of the cell is meant), a fraction where the mouse is reported in
            pixels.
        y: Row, likewise.

    """
    column, row = x - geometry.left, y - geometry.top
    if not (0 <= column < geometry.columns and 0 <= row < geometry.rows):
        return None
    if x == int(x) and y == int(y):
        column += 0.5
        row += 0.5
    return column * geometry.sub_columns, row * geometry.sub_rows


def remote_position(
    viewport: CoordinateMap, geometry: CellGeometry, x: float, y: float
) -> tuple[int, int] | None:
    """Remote pixel under the mouse; None beside the picture."""
    position = sub_pixel(geometry, x, y)
    return None if position is None else viewport.to_remote(*position)


def clamped(geometry: CellGeometry, x: float, y: float) -> tuple[float, float]:
    """The nearest mouse position on the picture: a drag may leave it."""
    right = geometry.left + geometry.columns - 1 / 64
    bottom = geometry.top + geometry.rows - 1 / 64
    return min(max(x, geometry.left), right), min(max(y, geometry.top), bottom)


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
