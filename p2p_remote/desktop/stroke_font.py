"""Text as pixels, from strokes: any size, smooth edges, no font file.

A cell is 8 wide and 16 high at scale 1. A character without strokes is shown as a box
with its code point in hexadecimal, so nothing that is typed is invisible.
"""

import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from p2p_remote.desktop.stroke_font_table import (
    ALIKE,
    GLYPHS,
    MARKS_ABOVE,
    MARKS_BELOW,
)

CELL_WIDTH: Final = 8  # pixels at scale 1
CELL_HEIGHT: Final = 16
_TOP: Final = 3  # rows above capitals
_THIN, _BOLD, _SMALL = (
    0.55,
    0.85,
    0.25,
)  # half the width of a stroke at scale 1, in pixels
_TALL = frozenset("bdfhkltßбф")

Alpha = NDArray[np.float32]
_Line = tuple[tuple[float, float], ...]
_FRAME: Final = ((0, -2), (6, -2), (6, 11), (0, 11), (0, -2))


def text_width(text: str, scale: int = 1) -> int:
    """Return the width of a line of text in pixels."""
    return len(text) * CELL_WIDTH * scale


def line_alpha(text: str, scale: int = 1, *, bold: bool = False) -> Alpha:
    """Return coverage 0 to 1 of a line of text, (16 scale, 8 scale len(text))."""
    if not text:
        return np.zeros((CELL_HEIGHT * scale, 0), np.float32)
    return np.hstack([_alpha(character, scale, bold=bold) for character in text])


@lru_cache(maxsize=2048)
def _alpha(character: str, scale: int, *, bold: bool) -> Alpha:
    """Coverage of one character by the distance of each pixel from its strokes."""
    height, width = CELL_HEIGHT * scale, CELL_WIDTH * scale
    lines = _lines_of(character)
    if not lines:
        return np.zeros((height, width), np.float32)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
    nearest = np.full((height, width), np.inf, np.float32)
    for line in lines:
        points = [((x + 0.5) * scale, (y + _TOP + 0.5) * scale) for x, y in line]
        for (x0, y0), (x1, y1) in pairwise(points):
            dx, dy = x1 - x0, y1 - y0
            along = ((columns - x0) * dx + (rows - y0) * dy) / (dx * dx + dy * dy or 1)
            along = np.clip(along, 0, 1)
            distance = np.hypot(columns - x0 - along * dx, rows - y0 - along * dy)
            nearest = np.minimum(nearest, distance)
    half = (_BOLD if bold else _THIN) * scale
    if lines[0] == _FRAME:
        half = _SMALL * scale
    coverage: Alpha = np.clip(half + 0.5 - nearest, 0, 1).astype(np.float32)
    return coverage


def _lines_of(character: str) -> list[_Line]:
    known = GLYPHS.get(ALIKE.get(character, character))
    if known is not None:
        return _parse(known)
    if not character.isprintable():
        return _box(character)
    base, *marks = list(unicodedata.normalize("NFD", character))
    strokes = GLYPHS.get(ALIKE.get(base, base))
    if strokes is None or not marks or not _MARKS.issuperset(marks):
        return [] if character.isspace() else _box(character)
    above = [mark for mark in marks if mark in MARKS_ABOVE]
    if above and base in "ijі":
        strokes = GLYPHS["ȷ" if base == "j" else "ı"]
    lines = _parse(strokes)
    lift = -3 if base.isupper() or base in _TALL else 0
    for mark in above:
        lines += _moved(_parse(MARKS_ABOVE[mark]), 0, lift)
    for mark in marks:
        lines += _parse(MARKS_BELOW.get(mark, ""))
    return lines


_MARKS = frozenset(MARKS_ABOVE) | frozenset(MARKS_BELOW)


def _box(character: str) -> list[_Line]:
    """Return a box with the code point in two rows of small digits."""
    digits = f"{ord(character):04X}"
    columns = (len(digits) + 1) // 2
    size = 0.42 if columns == 2 else 0.27
    lines: list[_Line] = [_FRAME]
    for index, digit in enumerate(digits):
        row, column = divmod(index, columns)
        left = 0.9 + column * 4.6 / columns
        for line in _parse(GLYPHS[digit]):
            points = [(left + x * size * 0.75, 6.2 * row + y * 0.5) for x, y in line]
            lines.append(tuple((x, y - 0.8) for x, y in points))
    return lines


def _moved(lines: list[_Line], dx: float, dy: float) -> list[_Line]:
    return [tuple((x + dx, y + dy) for x, y in line) for line in lines]


def _parse(strokes: str) -> list[_Line]:
    lines = []
    for group in strokes.split():
        digits = group.removeprefix("~")
        line: _Line = tuple(
            (int(digits[index], 13), int(digits[index + 1], 13))
            for index in range(0, len(digits), 2)
        )
        lines.append(_rounded(line) if group != digits else line)
    return lines


def _rounded(line: _Line) -> _Line:
    """Cut the corners three times (Chaikin), which tends to a quadratic spline."""
    closed = line[0] == line[-1]
    for _ in range(3):
        cut: list[tuple[float, float]] = [] if closed else [line[0]]
        for (x0, y0), (x1, y1) in pairwise(line):
            cut.append((0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1))
            cut.append((0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1))
        cut.append(cut[0] if closed else line[-1])
        line = tuple(cut)
    return line
