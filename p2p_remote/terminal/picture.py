"""The remote picture as cells: what of it is out of date, and what goes over it.

Holds two layers: the picture fitted to cells, and what is shown, which is the picture
with the remote pointer, or dimmed with a notice on it.
"""

import numpy as np

from p2p_remote.screen.geometry import Rect, merged
from p2p_remote.terminal.cells import POINTER, UPPER_HALF, Cells
from p2p_remote.terminal.colors import ColorDepth, Pixels, dimmed, rgb565, rgb_of
from p2p_remote.terminal.renderer import CellRenderer
from p2p_remote.terminal.resample import BoxScaler

MAX_RECTANGLES = 8  # rectangles of cells that are drawn apart in one frame

_BESIDE = rgb565(24, 24, 24)  # colour beside the picture
_NOTICE = (rgb565(255, 255, 255), rgb565(160, 60, 0))
_LIGHT, _DARK = rgb565(255, 255, 255), 0


class CellPicture:
    """Cells of a widget of `columns` x `rows` cells."""

    def __init__(self, renderer: CellRenderer, depth: ColorDepth) -> None:
        self.renderer = renderer
        self.depth = depth
        self.shown = Cells.blank(0, 0)
        self.notice: str = ""
        self.pointer: tuple[int, int] | None = None
        self._picture = Cells.blank(0, 0)
        self._place = Rect(0, 0, 0, 0)  # sub-pixels that the picture fills
        self._scaler: BoxScaler | None = None
        self._dirty: list[Rect] = []

    @property
    def bounds(self) -> Rect:
        """All cells."""
        return Rect(0, 0, self.shown.columns, self.shown.rows)

    @property
    def has_dirty(self) -> bool:
        """Whether anything is out of date."""
        return bool(self._dirty)

    def resize(self, columns: int, rows: int) -> None:
        """Take a new size; there is no picture until it is placed."""
        if (columns, rows) != (self.shown.columns, self.shown.rows):
            self.shown = Cells.blank(rows, columns, _BESIDE)
        self._picture = Cells.blank(rows, columns, _BESIDE)
        self._scaler = None
        self._mark(self.bounds)

    def place(self, region: Rect, place: Rect) -> None:
        """Show `region` of the frame in the sub-pixels `place` of the widget.

        `shown` keeps its content: it goes on telling what is on the terminal.
        """
        self._place = place
        self._scaler = None
        if region and place:
            self._scaler = BoxScaler(region, place.width, place.height)
        self._picture = Cells.blank(self.shown.rows, self.shown.columns, _BESIDE)
        self._mark(self.bounds)

    def damage(self, rectangles: list[Rect]) -> None:
        """Note that pixels of the frame have changed."""
        if self._scaler is None:
            return
        for rectangle in rectangles:
            touched = self._scaler.touched(rectangle)
            if touched:
                self._mark(self._cells_of(touched))

    def move_pointer(self, position: tuple[int, int] | None) -> None:
        """Show the remote pointer at a frame pixel, or nowhere."""
        before = self._pointer_cell()
        self.pointer = position
        after = self._pointer_cell()
        if before != after:
            for cell in (before, after):
                if cell is not None:
                    self._mark(Rect(*cell, 1, 1))

    def show_notice(self, text: str) -> None:
        """Dim the picture under a line of text; an empty one shows it plainly."""
        if text == self.notice:
            return
        if bool(text) != bool(self.notice):
            self._mark(self.bounds)
        self.notice = text
        self._mark(Rect(0, self.shown.rows // 2, self.shown.columns, 1))

    def paint(self, frame: Pixels | None) -> list[tuple[Rect, Cells]]:
        """What is out of date, as rectangles of cells and their new content.

        The caller draws the content and assigns it to the same part of `shown`.
        """
        rectangles, self._dirty = self._dirty, []
        painted: list[tuple[Rect, Cells]] = []
        for rectangle in rectangles:
            part = rectangle.intersection(self.bounds)
            if part:
                if frame is not None:
                    self._fit(frame, part)
                painted.append((part, self._compose(part)))
        return painted

    def _mark(self, cells: Rect) -> None:
        """Note cells that are out of date; few rectangles, none inside another."""
        cells = cells.intersection(self.bounds)
        if not cells or any(known.contains(cells) for known in self._dirty):
            return
        rest = [known for known in self._dirty if not cells.contains(known)]
        self._dirty = merged([*rest, cells], MAX_RECTANGLES)

    def _cells_of(self, sub_pixels: Rect) -> Rect:
        """Cells that hold any of the sub-pixels (given inside the place)."""
        inside = sub_pixels.moved(self._place.x, self._place.y)
        across, down = self.renderer.sub_columns, self.renderer.sub_rows
        return Rect.from_edges(
            inside.x // across,
            inside.y // down,
            -(-inside.right // across),
            -(-inside.bottom // down),
        )

    def _fit(self, frame: Pixels, part: Rect) -> None:
        """Bring the picture layer up to date inside `part`."""
        if self._scaler is None or not _covers(frame, self._scaler.region):
            return  # a new place is on its way
        across, down = self.renderer.sub_columns, self.renderer.sub_rows
        wanted = Rect(
            part.x * across, part.y * down, part.width * across, part.height * down
        )
        inside = wanted.intersection(self._place)
        if not inside:
            return
        pixels = self._scaler.scale(frame, inside.moved(-self._place.x, -self._place.y))
        if inside != wanted:
            margin = np.empty((wanted.height, wanted.width, 4), np.uint8)
            margin[...] = (*rgb_of(_BESIDE)[::-1], 0)
            top, left = inside.y - wanted.y, inside.x - wanted.x
            margin[top : top + inside.height, left : left + inside.width] = pixels
            pixels = margin
        fitted = self.renderer.fit(pixels, self.depth)
        self._part(self._picture, part).assign(fitted)

    def _compose(self, part: Rect) -> Cells:
        """The picture with what goes over it, inside `part`."""
        cells = self._part(self._picture, part).copy()
        if self.notice:
            cells.foreground = dimmed()[cells.foreground]
            cells.background = dimmed()[cells.background]
            text = f" {self.notice} "
            column = (self.shown.columns - len(text)) // 2 - part.x
            cells.write_text(self.shown.rows // 2 - part.y, column, text, _NOTICE)
            return cells
        pointer = self._pointer_cell()
        if pointer is not None:
            self._draw_pointer(cells, pointer[0] - part.x, pointer[1] - part.y)
        return cells

    def _pointer_cell(self) -> tuple[int, int] | None:
        """Cell of the remote pointer, if it is in view."""
        if self.pointer is None or self._scaler is None:
            return None
        touched = self._scaler.touched(Rect(*self.pointer, 1, 1))
        if not touched:
            return None
        cell = self._cells_of(touched)
        return cell.x, cell.y

    @staticmethod
    def _draw_pointer(cells: Cells, column: int, row: int) -> None:
        """A mark in a colour that stands out from what is under it."""
        if not (0 <= column < cells.columns and 0 <= row < cells.rows):
            return
        under = int(cells.background[row, column])
        if cells.glyph[row, column] == UPPER_HALF:
            # The mark covers the upper half; its surroundings keep one colour.
            under = int(cells.foreground[row, column])
        red, green, blue = rgb_of(under)
        bright = red * 3 + green * 6 + blue > 1275
        cells.glyph[row, column] = POINTER
        cells.foreground[row, column] = _DARK if bright else _LIGHT
        cells.background[row, column] = under

    @staticmethod
    def _part(cells: Cells, rectangle: Rect) -> Cells:
        return cells.part(rectangle.x, rectangle.y, rectangle.right, rectangle.bottom)


def _covers(frame: Pixels, region: Rect) -> bool:
    """Whether the region lies in the frame."""
    return Rect(0, 0, frame.shape[1], frame.shape[0]).contains(region)
