"""Everything there is to do, from the one table of actions."""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from p2p_remote.tui.actions import (
    ANYWHERE,
    HOME,
    PREFIX_SHOWN,
    SESSION,
    SHARING,
    Action,
)

_GROUPS: tuple[tuple[str, str, tuple[Action, ...]], ...] = (
    ("Everywhere", "Tab moves on, Enter presses, the mouse works too.", ANYWHERE),
    ("Start", "", HOME),
    (
        "While somebody sees your screen",
        "These work at once, whatever is shown here.",
        SHARING,
    ),
    (
        "While you see another screen",
        f"First {PREFIX_SHOWN}, then the key. Everything else goes to the other side.",
        SESSION,
    ),
)
_SIGNS = (
    ("●", "works, or is on"),
    ("○", "off, or waiting"),
    ("▲", "needs your attention"),
    ("✖", "does not work"),
)


class HelpScreen(ModalScreen[None]):
    """Keys and what they do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,f1", "close", "Close", show=False)
    ]

    def compose(self) -> ComposeResult:
        """The table and Close."""
        with Vertical(classes="dialog tall"):
            with VerticalScroll(id="help"):
                yield Static(help_text())
            yield Button("Close", id="close")

    def on_mount(self) -> None:
        """Arrows scroll at once."""
        self.query_one(".dialog").border_title = "Help"
        self.query_one("#help").focus()

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close."""
        self.dismiss()


def help_text() -> Text:
    """All actions by place, and what the signs mean."""
    text = Text()
    for title, hint, actions in _GROUPS:
        text.append(f"{title}\n", "bold underline")
        if hint:
            text.append(f"{hint}\n", "italic")
        for action in actions:
            text.append(f"  {action.shown:<8}", "bold")
            text.append(f"{action.label:<22} ")
            text.append(f"{action.help}\n")
        text.append("\n")
    text.append("Signs\n", "bold underline")
    for sign, meaning in _SIGNS:
        text.append(f"  {sign:<8}", "bold")
        text.append(f"{meaning}\n")
    return text
