"""A text to be typed on the other side, as it stands."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static, TextArea


class TextScreen(ModalScreen[str | None]):
    """Answers the text, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("f5", "type", "Type it there", show=False),
    ]

    def compose(self) -> ComposeResult:
        """A field of several lines, and two buttons."""
        with Vertical(classes="dialog"):
            yield Static(
                "Write or paste; every character arrives as it is.", markup=False
            )
            yield TextArea(id="text")
            with Horizontal(classes="buttons"):
                yield Button("Type it there (F5)", id="type", variant="primary")
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """Begin in the field."""
        self.query_one(".dialog").border_title = "Text for the other side"
        self.query_one(TextArea).focus()

    @on(Button.Pressed, "#type")
    def action_type(self) -> None:
        """Answer with the text."""
        self.dismiss(self.query_one(TextArea).text)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Answer with nothing."""
        self.dismiss(None)
