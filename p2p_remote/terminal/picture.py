"""The remote picture as cells: what of it is out of date, and what goes over it.

Holds two layers: the picture fitted to cells, and what is shown, which is the picture
with the remote pointer, or dimmed with a notice on it.
"""

import numpy as np

from p2p_remote.screen.cursor import PointerShape, lay_over
from p2p_remote.screen.geometry import Rect, merged
from p2p_remote.terminal.cells import POINTER, UPPER_HALF, Cells
from p2p_remote.terminal.colors import ColorDepth, Pixels, dimmed, rgb565, rgb_of
from p2p_remote.terminal.renderer import CellRenderer
from p2p_remote.terminal.resample import BoxScaler

MAX_RECTANGLES = 8  # rectangles of cells that are drawn apart in one frame

_BESIDE = rgb565(24, 24, 24)  # colour beside the picture
_NOTICE = (rgb565(255, 255, 255), rgb565(160, 60, 0))
_READABLE = 0.5  # sub-pixels per pixel from which a pointer's shape can be made out
_LIGHT, _DARK = rgb565(255, 255, 255), 0


class CellPicture:
    """Cells of a widget of `columns` x `rows` cells."""

    def __init__(self, renderer: CellRenderer, depth: ColorDepth) -> None:
        self.renderer = renderer
        self.depth = depth
        self.shown = Cells.blank(0, 0)
        self.notice: str = ""
        self.pointer: tuple[int, int] | None = None
        self._shape: PointerShape | None = None  # of the pointer
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

    def move_pointer(
        self, position: tuple[int, int] | None, shape: PointerShape | None = None
    ) -> None:
        """Show the remote pointer at a frame pixel, or nowhere.

        It has its shape where that can be made out, else it is a mark in one cell.
        """
        if position == self.pointer and shape is self._shape:
            return
        before = self._pointer_cells()
        self.pointer, self._shape = position, shape
        for cells in (before, self._pointer_cells()):
            if cells:
                self._mark(cells)

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
                painted.append((part, self._compose(frame, part)))
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
        scaler = self._scaler
        if scaler is None or not _covers(frame, scaler.region):
            return  # a new place is on its way
        inside = self._inside(part)
        if inside:
            pixels = scaler.scale(frame, inside)
            self._part(self._picture, part).assign(self._cells(pixels, inside, part))

    def _sub_pixels(self, part: Rect) -> Rect:
        """Sub-pixels of the widget in cells."""
        across, down = self.renderer.sub_columns, self.renderer.sub_rows
        return Rect(
            part.x * across, part.y * down, part.width * across, part.height * down
        )

    def _inside(self, part: Rect) -> Rect:
        """Sub-pixels of the place in cells; may be empty."""
        place = self._place
        return self._sub_pixels(part).intersection(place).moved(-place.x, -place.y)

    def _cells(self, pixels: Pixels, inside: Rect, part: Rect) -> Cells:
        """Cells of sub-pixels `inside` the place, with what is beside it."""
        wanted = self._sub_pixels(part)
        inside = inside.moved(self._place.x, self._place.y)
        if inside != wanted:
            margin = np.empty((wanted.height, wanted.width, 4), np.uint8)
            margin[...] = (*rgb_of(_BESIDE)[::-1], 0)
            top, left = inside.y - wanted.y, inside.x - wanted.x
            margin[top : top + inside.height, left : left + inside.width] = pixels
            pixels = margin
        return self.renderer.fit(pixels, self.depth)

    def _compose(self, frame: Pixels | None, part: Rect) -> Cells:
        """The picture with what goes over it, inside `part`."""
        cells = self._part(self._picture, part).copy()
        if self.notice:
            cells.foreground = dimmed()[cells.foreground]
            cells.background = dimmed()[cells.background]
            text = f" {self.notice} "
            column = (self.shown.columns - len(text)) // 2 - part.x
            cells.write_text(self.shown.rows // 2 - part.y, column, text, _NOTICE)
            return cells
        over = self._pointer_cells().intersection(part)
        if not over:
            return cells
        own = over.moved(-part.x, -part.y)
        shape = self._readable_shape()
        if shape is None:
            self._draw_mark(cells, own.x, own.y)
        elif frame is not None and self._scaler and _covers(frame, self._scaler.region):
            self._part(cells, own).assign(self._with_pointer(frame, over, shape))
        return cells

    def _with_pointer(self, frame: Pixels, part: Rect, shape: PointerShape) -> Cells:
        """Cells of the frame with the pointer drawn into it."""
        inside = self._inside(part)
        if self.pointer is None or self._scaler is None or not inside:
            return self._part(self._picture, part)
        source = self._scaler.source(inside)
        piece = frame[source.y : source.bottom, source.x : source.right].copy()
        x, y = self.pointer
        lay_over(piece, shape, x - source.x, y - source.y)
        scaler = self._scaler.moved(-source.x, -source.y)
        return self._cells(scaler.scale(piece, inside), inside, part)

    def _readable_shape(self) -> PointerShape | None:
        """The pointer's shape, if the picture is large enough for it."""
        scaler = self._scaler
        if scaler is None or scaler.width < _READABLE * scaler.region.width:
            return None
        return self._shape

    def _pointer_cells(self) -> Rect:
        """Cells of the remote pointer; empty if it is not in view."""
        if self.pointer is None or self._scaler is None:
            return Rect(0, 0, 0, 0)
        shape = self._readable_shape()
        if shape is not None:
            area = shape.area(*self.pointer)
        else:
            area = Rect(*self.pointer, 1, 1)
        touched = self._scaler.touched(area)
        if not touched:
            return Rect(0, 0, 0, 0)
        cells = self._cells_of(touched)
        return cells if shape is not None else Rect(cells.x, cells.y, 1, 1)

    @staticmethod
    def _draw_mark(cells: Cells, column: int, row: int) -> None:
        """A mark in a colour that stands out from what is under it."""
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
