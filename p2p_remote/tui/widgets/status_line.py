"""One line that says what is going on; the least important parts go first."""

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widgets import Static

from p2p_remote.tui import words
from p2p_remote.tui.call_state import CallState
from p2p_remote.tui.safe_text import duration
from p2p_remote.wire import peer_id

_GAP = "  "
_MAX_NAME = 24  # cells
_MAX_SHARED = 28
_MAX_FILE = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the line; the smaller its `rank`, the more important it is."""

    text: str
    rank: int
    style: str = ""


def fit_parts(parts: list[Part], width: int) -> Text:
    """Join parts in their order; the most important ones that fit are kept."""
    kept: list[Part] = []
    room = width
    for part in sorted(parts, key=lambda part: part.rank):
        needed = cell_len(part.text) + len(_GAP)
        if part.text and needed <= room:
            kept.append(part)
            room -= needed
    text = Text(no_wrap=True)
    for part in parts:
        if part in kept:
            text.append(_GAP if text else " ")
            text.append(part.text, part.style)
    return text


def shorten(text: str, width: int) -> str:
    """Text in at most `width` cells, with an ellipsis where it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def session_parts(state: CallState, now: float, view: tuple[str, str]) -> list[Part]:
    """The technician's line. `view` is the renderer and the zoom, in words."""
    path = words.PATH_NAMES.get(state.path_kind, state.path_kind)
    if state.rtt_ms is not None:
        path += f" {state.rtt_ms:.0f} ms"
    return [
        Part(peer_id.grouped(state.target), 3, "bold"),
        Part(shorten(state.who, _MAX_NAME), 4),
        Part(_mode(state, now), 0, "bold"),
        Part(shorten(state.shared, _MAX_SHARED), 4),
        Part(shorten(state.moving, _MAX_FILE), 2),
        Part(path, 2),
        Part(f"{state.fps:.0f} fps", 6),
        Part(f"{state.kbit_s:.0f} kbit/s", 5),
        Part(view[0], 8),
        Part(view[1], 7 if view[1] == "fit" else 2),
        Part(_elapsed(state, now), 1),
        Part(_left(state, now), 9),
    ]


def _mode(state: CallState, now: float) -> str:
    """What input does at the moment."""
    if state.silent_since is not None:
        return f"{words.WARN} silent {state.silent(now):.0f} s"
    if not state.control_granted:
        return f"{words.OFF} view only"
    if state.own_view_only:
        return f"{words.OFF} view only (yours)"
    if state.paused:
        return f"{words.WARN} paused"
    return f"{words.GOOD} control"


def _elapsed(state: CallState, now: float) -> str:
    return "" if state.started is None else duration(now - state.started)


def _left(state: CallState, now: float) -> str:
    return "" if state.expires is None else f"{duration(state.expires - now)} left"


class StatusLine(Static):
    """Shows parts in the width that there is."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 -- Textual's name
        """Begin empty."""
        super().__init__(id=id)
        self._parts: list[Part] = []

    def show(self, parts: list[Part]) -> None:
        """Show these parts."""
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def render(self) -> Text:
        """Whatever fits."""
        return fit_parts(self._parts, self.size.width)
