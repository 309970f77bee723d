"""What the practice desktop looks like: windows painted into a BGRX frame."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from p2p_remote.desktop.stroke_font import (
    CELL_HEIGHT,
    CELL_WIDTH,
    line_alpha,
    text_width,
)
from p2p_remote.screen.geometry import Rect

if TYPE_CHECKING:
    from p2p_remote.desktop.base import Frame

WIDTH: Final = 1280
HEIGHT: Final = 800
LOG_LINES: Final = 200
_Colour = tuple[int, int, int]  # red, green, blue

_INK: Final = (32, 38, 46)
_FAINT: Final = (110, 120, 132)
_PAPER: Final = (252, 252, 250)
_FRAME: Final = (226, 230, 235)
_TITLE: Final = (44, 82, 116)
_WHITE: Final = (255, 255, 255)
_ACCENT: Final = (24, 122, 92)
_PRESSED: Final = (14, 84, 62)
_BAR: Final = (24, 30, 38)
_SKY_TOP, _SKY_BOTTOM = (52, 94, 128), (142, 174, 176)

_BAR_HEIGHT: Final = 32
TITLE_HEIGHT: Final = 28
SHADOW: Final = 4
_MARGIN: Final = 14
_NOTES_SCALE: Final = 2
_LINE: Final = CELL_HEIGHT * _NOTES_SCALE
LOG_LINE: Final = CELL_HEIGHT + 4


@dataclass(slots=True)
class Scene:
    """Everything that can be seen, apart from the pointer."""

    text: str = ""
    caret: int = 0
    last_key: str = ""
    clicks: int = 0
    pressed: bool = False
    scrolled: int = 0  # lines of the log above its window
    seconds: int = 0  # of the day
    notes: Rect = field(default_factory=lambda: Rect(48, 72, 712, 400))
    counter: Rect = field(default_factory=lambda: Rect(800, 72, 432, 184))
    log: Rect = field(default_factory=lambda: Rect(800, 288, 432, 464))

    @property
    def button(self) -> Rect:
        """Where a click counts."""
        inside = _inside(self.counter)
        return Rect(inside.x + 24, inside.y + 44, 200, 72)

    @property
    def clock(self) -> Rect:
        """Where the large clock stands on the background."""
        return Rect(64, 540, text_width("00:00:00", 5), CELL_HEIGHT * 5)

    @property
    def log_rows(self) -> int:
        """Lines of the log that fit."""
        return (_inside(self.log).height - _MARGIN) // LOG_LINE


def background() -> "Frame":
    """Return the empty desktop: a gradient and a bar."""
    mix = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]
    colours = np.array([_SKY_TOP, _SKY_BOTTOM], np.float32)[:, ::-1]
    rows = colours[0] * (1 - mix) + colours[1] * mix
    frame = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    frame[:, :, :3] = rows.astype(np.uint8)[:, None, :]
    bar = Rect(0, 0, WIDTH, _BAR_HEIGHT)
    _fill(frame, bar, _BAR)
    _write(frame, (16, 8), "Practice desktop", _WHITE, bold=True)
    hint = "drawn by p2p-remote: nothing here can break"
    _write(frame, (WIDTH - 16 - text_width(hint), 8), hint, (150, 162, 176))
    return frame


def paint_clock(frame: "Frame", scene: Scene, empty: "Frame") -> Rect:
    """Paint the time of day on the background and return what was painted."""
    area = scene.clock
    _part(frame, area)[:] = _part(empty, area)
    minutes, seconds = divmod(scene.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    _write(
        frame,
        (area.x, area.y),
        f"{hours:02}:{minutes:02}:{seconds:02}",
        _WHITE,
        scale=5,
    )
    return area


def paint_notes(frame: "Frame", scene: Scene) -> Rect:
    """Paint the text field with its caret and the last key below."""
    inside = _window(frame, scene.notes, "Notes: type here")
    field_area = Rect(
        inside.x + 1, inside.y + 1, inside.width - 2, inside.height - 2 - LOG_LINE - 6
    )
    _fill(frame, field_area, _PAPER)
    columns = (field_area.width - 2 * _MARGIN) // (CELL_WIDTH * _NOTES_SCALE)
    rows = (field_area.height - _MARGIN) // _LINE
    lines, (caret_row, caret_column) = wrap(scene.text, scene.caret, columns)
    first = max(0, caret_row - rows + 1)
    left, top = field_area.x + _MARGIN, field_area.y + _MARGIN // 2
    for row, line in enumerate(lines[first : first + rows]):
        _write(frame, (left, top + row * _LINE), line, _INK, scale=_NOTES_SCALE)
    caret = Rect(
        left + caret_column * CELL_WIDTH * _NOTES_SCALE,
        top + (caret_row - first) * _LINE + 2,
        2,
        _LINE - 4,
    )
    _fill(frame, caret, _ACCENT)
    status = f"Last key: {scene.last_key}" if scene.last_key else "No key yet"
    _write(frame, (left, inside.bottom - CELL_HEIGHT - 6), status, _FAINT)
    return scene.notes


def paint_counter(frame: "Frame", scene: Scene) -> Rect:
    """Paint the button and how often it was clicked."""
    inside = _window(frame, scene.counter, "Counter")
    button = scene.button
    _fill(frame, button, _PRESSED if scene.pressed else _ACCENT)
    label = "Click me"
    place = (
        button.x + (button.width - text_width(label, 2)) // 2,
        button.y + (button.height - CELL_HEIGHT * 2) // 2 + int(scene.pressed),
    )
    _write(frame, place, label, _WHITE, scale=2)
    _write(frame, (inside.x + 24, inside.y + 14), "Clicks so far", _FAINT)
    _write(frame, (button.right + 40, button.y + 12), str(scene.clicks), _INK, scale=3)
    return scene.counter


def paint_log(frame: "Frame", scene: Scene) -> Rect:
    """Paint the part of a long list that the wheel has scrolled to."""
    inside = _window(frame, scene.log, "List: scroll here")
    _fill(frame, inside, _PAPER)
    for row in range(scene.log_rows):
        number = scene.scrolled + row
        if number >= LOG_LINES:
            break
        y = inside.y + _MARGIN // 2 + row * LOG_LINE
        text = f"{number + 1:03}  line of a long list"
        _write(frame, (inside.x + _MARGIN, y), text, _INK if number % 5 else _TITLE)
    track = Rect(inside.right - 10, inside.y, 10, inside.height)
    _fill(frame, track, _FRAME)
    size = max(track.height * scene.log_rows // LOG_LINES, 16)
    span = max(LOG_LINES - scene.log_rows, 1)
    y = track.y + (track.height - size) * scene.scrolled // span
    _fill(frame, Rect(track.x + 2, y, 6, size), _FAINT)
    return scene.log


def wrap(text: str, caret: int, columns: int) -> tuple[list[str], tuple[int, int]]:
    """Break text into lines of `columns` cells; also return row and column of a place.

    A tab is shown as one space.
    """
    lines = [""]
    place = (0, 0)
    for index, character in enumerate(text):
        if len(lines[-1]) == columns and character != "\n":
            lines.append("")
        if index == caret:
            place = (len(lines) - 1, len(lines[-1]))
        if character == "\n":
            lines.append("")
        else:
            lines[-1] += " " if character == "\t" else character
    if caret >= len(text):
        place = (len(lines) - 1, len(lines[-1]))
    return lines, place


def _window(frame: "Frame", area: Rect, title: str) -> Rect:
    """Paint a window with its title and shadow; return the area inside."""
    shadow = area.moved(SHADOW, SHADOW)
    for edge in (
        Rect(area.right, shadow.y, SHADOW, shadow.height),
        Rect(shadow.x, area.bottom, shadow.width - SHADOW, SHADOW),
    ):
        _fill(frame, edge, (46, 66, 80))
    _fill(frame, area, _FRAME)
    _fill(frame, Rect(area.x, area.y, area.width, TITLE_HEIGHT), _TITLE)
    _write(frame, (area.x + 12, area.y + 6), title, _WHITE, bold=True)
    return _inside(area)


def _inside(area: Rect) -> Rect:
    return Rect(
        area.x + 2,
        area.y + TITLE_HEIGHT,
        area.width - 4,
        area.height - TITLE_HEIGHT - 2,
    )


def _part(frame: "Frame", area: Rect) -> "Frame":
    return frame[area.y : area.bottom, area.x : area.right]


def _fill(frame: "Frame", area: Rect, colour: _Colour) -> None:
    _part(frame, area)[..., :3] = colour[::-1]


def _write(
    frame: "Frame",
    place: tuple[int, int],
    text: str,
    colour: _Colour,
    *,
    scale: int = 1,
    bold: bool = False,
) -> None:
    """Blend a line of text over what is there, cut at the frame's edges."""
    x, y = place
    alpha = line_alpha(text, scale, bold=bold)
    target = frame[y : y + alpha.shape[0], x : x + alpha.shape[1], :3]
    alpha = alpha[: target.shape[0], : target.shape[1], None]
    ink = np.array(colour[::-1], np.float32)
    target[:] = (target * (1 - alpha) + ink * alpha + 0.5).astype(np.uint8)
