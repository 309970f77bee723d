"""Everything there is to do, from the one table of actions."""

from collections.abc import Iterable
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
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
                yield Static(help_table())
            yield Button("Close", id="close")

    def on_mount(self) -> None:
        """Arrows scroll at once."""
        self.query_one(".dialog").border_title = "Help"
        self.query_one("#help").focus()

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close."""
        self.dismiss()


def help_table() -> Group:
    """All actions by place, and what the signs mean."""
    parts: list[RenderableType] = []
    for title, hint, actions in _GROUPS:
        parts.append(Text(title, "bold underline"))
        if hint:
            parts.append(Text(hint, "italic"))
        parts.append(
            _table((action.shown, action.label, action.help) for action in actions)
        )
    parts.append(Text("Signs", "bold underline"))
    parts.append(_table((sign, meaning, "") for sign, meaning in _SIGNS))
    return Group(*parts)


def _table(rows: Iterable[tuple[str, str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", width=7)
    table.add_column(width=21)
    table.add_column()
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    table.add_row("", "", "")
    return table
