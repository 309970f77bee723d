"""What others may see: everything, one monitor, or some windows."""

from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from p2p_remote.tui import words
from p2p_remote.tui.customer_state import CustomerState
from p2p_remote.tui.screens.prompt import PromptScreen

_TEXT = (
    "Enter chooses everything or a monitor; windows are marked first. What is not "
    "chosen is grey for them. Dialogs and menus belong to their window; its program "
    "can still open other files and programs."
)


class ScopeScreen(PromptScreen[None]):
    """Sends the choice by `send`; closes by itself when something was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False)
    ]

    def __init__(self, state: CustomerState, send: Callable[..., Any]) -> None:
        """Offer what `state` knows of; the list is asked for anew."""
        super().__init__()
        self._state = state
        self._send = send
        self._marked: set[int] = set()
        self._shown: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        """The list, and what to do with the marked windows."""
        with Vertical(classes="dialog"):
            yield Static(_TEXT, markup=False, classes="line muted roomy")
            yield OptionList(markup=False, id="scope")
            with Horizontal(classes="buttons"):
                yield Button("Close", id="close")
                yield Button("Share marked", id="marked", disabled=True)

    def on_mount(self) -> None:
        """Begin in the list."""
        super().on_mount()
        dialog = self.query_one(".dialog")
        dialog.border_title = "What may they see?"
        self._send("screens")
        self.show_list()
        self.query_one("#scope").focus()

    def show_list(self) -> None:
        """Show what there is now; what is marked and still there stays marked."""
        state = self._state
        self._marked &= {window.number for window in state.windows}
        rows = [("everything", "Everything on this screen")]
        rows += [(f"m{one.name}", one.label) for one in state.monitors]
        for window in state.windows:
            sign = words.GOOD if window.number in self._marked else words.OFF
            rows.append((f"w{window.number}", f"{sign} {window.label}"))
        if rows != self._shown:
            self._shown = rows
            options = self.query_one("#scope", OptionList)
            place = options.highlighted
            options.clear_options()
            options.add_options(Option(Text(label)) for _key, label in rows)
            options.highlighted = min(place or 0, len(rows) - 1)
        self.query_one("#marked").disabled = not self._marked

    @on(OptionList.OptionSelected)
    def on_selected(self, event: OptionList.OptionSelected) -> None:
        """Mark a window, or share the rest at once."""
        key, _label = self._shown[event.option_index]
        if key.startswith("w"):
            self._marked ^= {int(key[1:])}
            self.show_list()
        elif self.guarded:
            return
        elif key.startswith("m"):
            self._share(monitor=key[1:])
        else:
            self._share(everything=True)

    @on(Button.Pressed, "#marked")
    def on_marked(self) -> None:
        """Share the marked windows and nothing else."""
        self._share(windows=sorted(self._marked))

    def _share(self, **what: Any) -> None:
        self._send("share", **what)
        self.finish(None)

    @on(Button.Pressed, "#close")
    def action_leave(self) -> None:
        """Leave it as it is."""
        self.finish(None)
