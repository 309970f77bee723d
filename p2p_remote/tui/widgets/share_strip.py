"""The line that says on every screen that somebody sees this machine's screen."""

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

_FIXED = 60  # cells of everything but the name


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
        if state is None or not self.display or not self.is_mounted:
            return
        who = shorten(state.who, max(self.app.size.width - _FIXED, 10))
        since = duration(now - state.started) if state.started is not None else ""
        control = "ON" if state.control else "off"
        self.query_one("#strip-text", Static).update(
            Text(
                f" {words.WARN} {who} sees your screen {since} │ control: {control}",
                no_wrap=True,
                overflow="ellipsis",
            )
        )

    def on_click(self, event: events.Click) -> None:
        """A click on the sentence shows the session."""
        event.stop()
        self.post_message(ToolButton.Pressed("show_sharing"))
