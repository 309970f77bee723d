"""Which way the session runs, how fast, and why."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from p2p_remote.tui import words
from p2p_remote.tui.call_state import CallState
from p2p_remote.tui.screens.facts import facts


class PathScreen(ModalScreen[None]):
    """Stays up to date while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", "Close", show=False)
    ]

    def __init__(self, state: CallState) -> None:
        """Show the path of this session."""
        super().__init__()
        self._state = state

    def compose(self) -> ComposeResult:
        """Facts and Close."""
        with Vertical(classes="dialog"):
            yield Static(id="facts")
            yield Button("Close", id="close")

    def on_mount(self) -> None:
        """Begin to show."""
        self.query_one(".dialog").border_title = "Path"
        self.set_interval(0.5, self._show)
        self._show()

    def _show(self) -> None:
        state = self._state
        rtt = "not known yet" if state.rtt_ms is None else f"{state.rtt_ms:.1f} ms"
        verified = "yes, by the customer" if state.verified else "no: view only"
        rows = (
            ("Way", words.PATH_NAMES.get(state.path_kind, state.path_kind)),
            ("", words.PATH_HELP.get(state.path_kind, "")),
            ("Why", state.path_why or "nothing better was found, or needed"),
            ("Round trip", rtt),
            ("Received", f"{state.kbit_s:.0f} kbit/s"),
            ("Pictures", f"{state.fps:.0f} a second"),
            ("You are verified", verified),
            ("Allowed", ", ".join(sorted(state.grants)) or "nothing"),
            *(("Note", trouble) for trouble in state.troubles[-3:]),
        )
        self.query_one("#facts", Static).update(facts(rows))

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close."""
        self.dismiss()
