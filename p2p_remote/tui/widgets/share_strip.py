"""The line that says on every screen that somebody sees this machine's screen."""

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from p2p_remote.tui import words
from p2p_remote.tui.customer_state import CustomerState, Stage
from p2p_remote.tui.safe_text import duration
from p2p_remote.tui.widgets.status_line import shorten
from p2p_remote.tui.widgets.tool_button import ToolButton

_BUTTONS = 27  # cells of both
_MIN_NAME = 5  # cells


class ShareStrip(Horizontal):
    """`▲ "Anna" sees your screen 04:12 │ control: on │ F11 … │ F12 …`; else hidden."""

    def compose(self) -> ComposeResult:
        """The sentence and the two ways to stop."""
        yield Static("", markup=False, id="strip-text")
        yield ToolButton(
            "F11 stop control",
            "stop_control",
            "Take mouse and keyboard back at once",
            "strip-button",
        )
        yield ToolButton(
            "F12 end", "end_sharing", "End the session at once", "strip-button"
        )

    def show(self, state: CustomerState | None, now: float) -> None:
        """Show the session, or nothing when there is none."""
        self.display = state is not None and state.stage is Stage.SHARING
        if state is None or not self.display:
            return
        since = duration(now - state.started) if state.started is not None else ""
        control = "ON" if state.control else "off"
        room = self.app.size.width - _BUTTONS
        forms = (
            f" {words.WARN} {{}} sees your screen {since} │ control: {control}",
            f" {words.WARN} {{}} sees you {since}",
        )
        if not state.is_seen:
            forms = (
                f" {words.WARN} {{}} is here for files, sees nothing {since}",
                f" {words.WARN} {{}}: files {since}",
            )
        text = _sentence(state.who, forms, room) or f" {words.WARN} {since}"
        self.query_one("#strip-text", Static).update(Text(text, no_wrap=True))

    def on_click(self, event: events.Click) -> None:
        """A click on the sentence shows the session."""
        event.stop()
        self.post_message(ToolButton.Pressed("show_sharing"))


def _sentence(who: str, forms: tuple[str, ...], room: int) -> str:
    """Fit the name, which gives way first, into `room` cells, or return nothing."""
    for form in forms:
        left = room - cell_len(form.format(""))
        if left >= _MIN_NAME:
            return form.format(shorten(who, left))
    return ""
