"""Which part of the remote screen is shown, and where it lies in the output.

The output is a grid of sub-pixels (halves of cells, sixths, or real pixels). A zoom of
`z` shows z remote pixels along one sub-pixel; 1 is one to one, larger is further away.
"""

from typing import TypeVar

from p2p_remote.screen.geometry import Rect

STEPS = (0.25, 1 / 3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""Zooms that `zoom_in` and `zoom_out` step through; fit ends the row."""

READING = (3.0, 2.0, 1.0)
"""Zooms that `next_zoom` steps through: large print, print, one to one."""

_APART = 1.3  # a step of `next_zoom` is nearer by at least this factor
_EQUAL = 1.001  # zooms nearer than this factor are the same step


class Viewport:
    """Geometry of the technician's view; begins with the whole screen (fit)."""

    def __init__(
        self,
        display_width: int,
        display_height: int,
        output_width: int,
        output_height: int,
        aspect: float = 1.0,
    ) -> None:
        """Sizes in remote pixels and in sub-pixels; all are at least 1.

        `aspect` is the width of a sub-pixel divided by its height.
        """
        self._display = Rect(0, 0, max(display_width, 1), max(display_height, 1))
        self._output = (max(output_width, 1), max(output_height, 1))
        self._aspect = aspect
        self._zoom: float | None = None
        self._centre = (display_width / 2, display_height / 2)

    @property
    def display(self) -> Rect:
        """All pixels of the remote screen."""
        return self._display

    @property
    def is_fit(self) -> bool:
        """Whether the whole screen is shown."""
        return self._zoom is None

    @property
    def zoom(self) -> float:
        """Remote pixels along one sub-pixel."""
        return self._fit_zoom() if self._zoom is None else self._zoom

    @property
    def region(self) -> Rect:
        """Remote pixels that are shown; never empty, always inside the display."""
        width, height = self._region_size()
        x = _clamp(round(self._centre[0] - width / 2), self._display.width - width, 0)
        y = _clamp(
            round(self._centre[1] - height / 2), self._display.height - height, 0
        )
        return Rect(x, y, width, height)

    @property
    def placement(self) -> Rect:
        """Sub-pixels of the output that the region fills, centred."""
        region = self.region
        across, down = self._scales()
        width = _clamp(round(region.width / across), self._output[0], 1)
        height = _clamp(round(region.height / down), self._output[1], 1)
        return Rect(
            (self._output[0] - width) // 2,
            (self._output[1] - height) // 2,
            width,
            height,
        )

    def fit(self) -> None:
        """Show the whole screen."""
        self._zoom = None

    def one_to_one(self) -> None:
        """Show one remote pixel per sub-pixel, around the same place."""
        self._set_zoom(1.0)

    def next_zoom(self) -> None:
        """From fit through the steps for reading to one to one, then fit again."""
        nearer = [step for step in READING if step * _APART < self.zoom]
        if nearer:
            self._set_zoom(nearer[0])
        elif self.is_fit:
            self.one_to_one()
        else:
            self.fit()

    def zoom_in(self) -> None:
        """Take the next nearer step, around the same place."""
        nearer = [step for step in STEPS if step * _EQUAL < self.zoom]
        if nearer:
            self._set_zoom(nearer[-1])

    def zoom_out(self) -> None:
        """Take the next further step; beyond the last one comes fit."""
        further = [step for step in STEPS if step > self.zoom * _EQUAL]
        self._set_zoom(further[0] if further else self._fit_zoom())

    def pan(self, dx: int, dy: int) -> None:
        """Move the region by remote pixels, as far as the display goes."""
        region = self.region
        self.center_on(
            region.x + region.width / 2 + dx, region.y + region.height / 2 + dy
        )

    def center_on(self, x: float, y: float) -> None:
        """Bring a remote pixel as near to the middle as the display allows."""
        width, height = self._region_size()
        self._centre = (
            _clamp(x, self._display.width - width / 2, width / 2),
            _clamp(y, self._display.height - height / 2, height / 2),
        )

    def show(self, place: Rect) -> None:
        """Bring the middle of `place` to the middle, or its top left if it is larger.

        As near as the display allows; `place` is in remote pixels.
        """
        width, height = self._region_size()
        self.center_on(
            place.x + min(place.width, width) / 2,
            place.y + min(place.height, height) / 2,
        )

    def follow(self, x: int, y: int, margin: int = 0) -> bool:
        """Pan just so far that a remote pixel is inside; returns whether it moved."""
        region = self.region
        margin = min(margin, (min(region.width, region.height) - 1) // 2)
        dx = min(x - region.x - margin, 0) + max(x - region.right + 1 + margin, 0)
        dy = min(y - region.y - margin, 0) + max(y - region.bottom + 1 + margin, 0)
        self.pan(dx, dy)
        return self.region != region

    def resize(self, output_width: int, output_height: int) -> None:
        """Set the size of the output in sub-pixels; zoom and place stay."""
        self._output = (max(output_width, 1), max(output_height, 1))
        self._keep_inside()

    def resize_display(self, width: int, height: int) -> None:
        """Set the size of the remote screen in pixels; zoom and place stay."""
        self._display = Rect(0, 0, max(width, 1), max(height, 1))
        self._keep_inside()

    def to_remote(self, x: int, y: int) -> tuple[int, int]:
        """Remote pixel under a sub-pixel; beside the picture, the nearest one."""
        region, placement = self.region, self.placement
        column = _clamp(x - placement.x, placement.width - 1, 0)
        row = _clamp(y - placement.y, placement.height - 1, 0)
        return (
            region.x + (2 * column + 1) * region.width // (2 * placement.width),
            region.y + (2 * row + 1) * region.height // (2 * placement.height),
        )

    def from_remote(self, x: int, y: int) -> tuple[int, int] | None:
        """Sub-pixel that shows a remote pixel; None when it is out of view."""
        region, placement = self.region, self.placement
        if not region.contains(Rect(x, y, 1, 1)):
            return None
        column, row = x - region.x, y - region.y
        return (
            placement.x + (2 * column + 1) * placement.width // (2 * region.width),
            placement.y + (2 * row + 1) * placement.height // (2 * region.height),
        )

    def _scales(self) -> tuple[float, float]:
        """Remote pixels per sub-pixel across and down.

        Where sub-pixels are not square, the zoom is that of their longer side.
        """
        zoom = self.zoom
        return zoom * min(self._aspect, 1.0), zoom / max(self._aspect, 1.0)

    def _fit_zoom(self) -> float:
        return max(
            self._display.width / self._output[0] / min(self._aspect, 1.0),
            self._display.height / self._output[1] * max(self._aspect, 1.0),
        )

    def _set_zoom(self, zoom: float) -> None:
        """Use `zoom`; one to one may be further away than fit, no other may."""
        is_near = zoom * _EQUAL < self._fit_zoom()
        self._zoom = zoom if is_near or zoom == 1.0 else None
        self.center_on(*self._centre)

    def _region_size(self) -> tuple[int, int]:
        across, down = self._scales()
        return (
            _clamp(round(self._output[0] * across), self._display.width, 1),
            _clamp(round(self._output[1] * down), self._display.height, 1),
        )

    def _keep_inside(self) -> None:
        if self._zoom is not None:
            self._set_zoom(self._zoom)
        self.center_on(*self._centre)


_Number = TypeVar("_Number", int, float)


def _clamp(value: _Number, most: _Number, least: _Number) -> _Number:
    return max(least, min(value, most))
