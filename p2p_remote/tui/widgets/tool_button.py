"""Buttons of one row that never take the focus away from the remote picture."""

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Static

from p2p_remote.tui.actions import PREFIX_SHOWN, SESSION


class ToolButton(Static, can_focus=False):
    """A word to click."""

    class Pressed(Message):
        """The button of an action was clicked."""

        def __init__(self, action: str) -> None:
            """Carry the action's name."""
            self.action = action
            super().__init__()

    def __init__(self, label: str, action: str, tooltip: str, *classes: str) -> None:
        """Show `label`; run `action` when clicked."""
        super().__init__(f" {label} ", markup=False, classes=" ".join(classes))
        self._action = action
        self._tip = tooltip
        self.tooltip = tooltip

    def on_leave(self) -> None:
        """The mouse is elsewhere: explain again when it comes back."""
        self.tooltip = self._tip

    def on_click(self, event: events.Click) -> None:
        """Tell which action is wanted; what it answers must not be covered."""
        event.stop()
        self.tooltip = None
        self.post_message(self.Pressed(self._action))


class Toolbar(Horizontal):
    """The actions of a session that have a word for it."""

    def compose(self) -> ComposeResult:
        """One button for each."""
        for action in SESSION:
            if action.tool:
                tip = f"{action.help} ({PREFIX_SHOWN} {action.shown})"
                yield ToolButton(action.tool, action.name, tip, "tool")
        yield Static(PREFIX_SHOWN, markup=False, classes="tool-hint")
