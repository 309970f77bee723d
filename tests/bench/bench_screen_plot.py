"""A plot of ratios as SVG: bars of two values per row, a mark at its goal."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LABEL, _PANEL, _VALUE, _GAP = 150, 300, 60, 24  # pixels across
_ROW, _BAR, _TOP = 36, 12, 64  # pixels down
_MOST = 1.5  # ratio at the right end of a panel
_COLOURS = ("#1f6f8b", "#99c1d0")
_GOAL, _LINE, _TEXT = "#c8553d", "#999999", "#222222"


@dataclass(frozen=True)
class Ratios:
    """One row of a panel: values beside a rival's, and what they should be at most."""

    values: tuple[float, float]
    goal: float


@dataclass(frozen=True)
class Panel:
    """One column of the plot; its rows are in the order of the labels."""

    title: str
    rows: Sequence[Ratios]


def _text(x: float, y: float, text: str, *, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {more}>{escape(text)}</text>'


def _rect(x: float, y: float, size: tuple[float, float], colour: str) -> str:
    width, height = size
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}" '
        f'fill="{colour}"/>'
    )


def _panel(panel: Panel, left: float, height: float) -> list[str]:
    scale = _PANEL / _MOST
    one = left + scale
    parts = [
        _text(left, _TOP - 30, panel.title, more='font-weight="bold"'),
        _rect(one, _TOP - 8, (1, height - _TOP), _LINE),
        _text(one, _TOP - 12, "x0 = 1", more='text-anchor="middle"'),
    ]
    for number, row in enumerate(panel.rows):
        top = _TOP + number * _ROW
        for turn, value in enumerate(row.values):
            y = top + turn * _BAR
            width = min(value, _MOST) * scale
            parts.append(_rect(left, y, (width, _BAR - 2), _COLOURS[turn]))
            label = f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
            parts.append(_text(left + width + 4, y + _BAR - 3, label))
        goal = left + min(row.goal, _MOST) * scale
        parts.append(_rect(goal, top - 3, (2, 2 * _BAR + 4), _GOAL))
    return parts


def svg(labels: Sequence[str], panels: Sequence[Panel], series: tuple[str, str]) -> str:
    """The picture, with a legend of the two `series` and the goal below."""
    width = _LABEL + len(panels) * (_PANEL + _VALUE + _GAP)
    height = _TOP + len(labels) * _ROW + 34
    parts = [_rect(0, 0, (width, height), "#ffffff")]
    for number, label in enumerate(labels):
        y = _TOP + number * _ROW + _BAR + 3
        parts.append(_text(_LABEL - 10, y, label, more='text-anchor="end"'))
    for number, panel in enumerate(panels):
        left = _LABEL + number * (_PANEL + _VALUE + _GAP)
        parts += _panel(panel, left, height - 40)
    x = float(_LABEL)
    for name, colour in zip((*series, "goal"), (*_COLOURS, _GOAL), strict=True):
        parts.append(_rect(x, height - 24, (10, 10), colour))
        parts.append(_text(x + 16, height - 15, name))
        x += 30 + 7 * len(name)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11" '
        f'fill="{_TEXT}">\n' + "\n".join(parts) + "\n</svg>\n"
    )
