"""A line of character cells for Textual's compositor, without a segment per cell.

Cells are cut, joined and rendered as array slices; real segments are made only where
somebody looks at them (screenshots, filters).
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as TextualColor
from textual.filter import LineFilter
from textual.strip import Strip

from p2p_remote.terminal.cells import GLYPHS, Cells
from p2p_remote.terminal.colors import ColorDepth, rgb_of
from p2p_remote.terminal.encoder import encode_row


class FastStrip(Strip):
    """One row of cells.

    Args:
        cells: Exactly one row; must not change while the strip is in use.
        depth: How colours are told to the terminal.

    """

    __slots__ = ["_cells", "_depth", "_made_segments"]

    def __init__(self, cells: Cells, depth: ColorDepth) -> None:
        self._made_segments: list[Segment] | None = None
        self._cells = cells
        self._depth = depth
        super().__init__((), cells.columns)

    @property
    def _segments(self) -> list[Segment]:
        """Segments of runs of equal cells, made when first looked at."""
        if self._made_segments is None:
            self._made_segments = list(_segments_of(self._cells))
        return self._made_segments

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        """Ignore the empty list that the constructor of `Strip` sets."""

    @property
    def text(self) -> str:
        """Characters of the row."""
        return "".join(GLYPHS[code] for code in self._cells.glyph[0])

    @property
    def link_ids(self) -> set[str]:
        """No links in a picture."""
        return set()

    @property
    def cell_count(self) -> int:
        """Cells in the row: every glyph is one column wide."""
        return self._cells.columns

    def __bool__(self) -> bool:
        return self._cells.columns > 0

    def __iter__(self) -> Iterator[Segment]:
        # Without a list: a look at the first segments makes no others.
        return iter(self._made_segments or _segments_of(self._cells))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FastStrip):
            return (
                self._cells.columns == other._cells.columns
                and not self._cells.changed(other._cells).any()
            )
        return super().__eq__(other)

    def render(self, console: Console) -> str:
        """Escape codes of the row; colours are reset at its end."""
        if self._render_cache is None:
            self._render_cache = encode_row(self._cells, self._depth)
        return self._render_cache

    def crop(self, start: int, end: int | None = None) -> Strip:
        """Cells from `start` to before `end`."""
        stop = self._cells.columns if end is None else min(end, self._cells.columns)
        start = max(start, 0)
        if start == 0 and stop == self._cells.columns:
            return self
        return FastStrip(self._cells.part(start, 0, max(stop, start), 1), self._depth)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """Cut at the given columns; what follows the last cut is left out."""
        pieces: list[Strip] = []
        start = 0
        for cut in cuts:
            if cut <= self._cells.columns:
                pieces.append(self.crop(start, cut))
                start = cut
        return pieces

    def adjust_cell_length(self, cell_length: int, style: Style | None = None) -> Strip:
        """Cut, or fill with blanks in `style`."""
        missing = cell_length - self._cells.columns
        if missing <= 0:
            return self.crop(0, cell_length)
        return Strip.join([self, Strip([Segment(" " * missing, style)], missing)])

    def extend_cell_length(self, cell_length: int, style: Style | None = None) -> Strip:
        """Fill with blanks in `style` if shorter."""
        if cell_length <= self._cells.columns:
            return self
        return self.adjust_cell_length(cell_length, style)

    def simplify(self) -> Strip:
        """Runs of equal cells are joined already."""
        return self

    def apply_style(self, style: Style) -> Strip:
        """A picture keeps its colours."""
        return self

    def apply_filter(self, filter: LineFilter, background: TextualColor) -> Strip:  # noqa: A002
        """Colours through one of Textual's filters (monochrome, dim)."""
        segments = filter.apply(self._segments, background)
        return Strip(segments, self._cells.columns)

    def apply_offsets(self, x: int, y: int) -> Strip:
        """No text to select in a picture."""
        return self


def _segments_of(cells: Cells) -> Iterator[Segment]:
    """Segments of runs of cells with the same colours."""
    text = ""
    style: tuple[int, int] | None = None
    for foreground, background, code in zip(
        cells.foreground[0].tolist(),
        cells.background[0].tolist(),
        cells.glyph[0].tolist(),
        strict=True,
    ):
        if style is not None and style != (foreground, background):
            yield _segment(text, style)
            text = ""
        style = (foreground, background)
        text += GLYPHS[code]
    if style is not None:
        yield _segment(text, style)


def _segment(text: str, colors: tuple[int, int]) -> Segment:
    foreground, background = colors
    return Segment(text, Style.from_color(_color(foreground), _color(background)))


@lru_cache(maxsize=4096)
def _color(index: int) -> Color:
    return Color.from_rgb(*rgb_of(index))
