"""Which file goes, or comes, and where to."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from p2p_remote.tui.safe_text import safe


@dataclass(frozen=True, slots=True)
class FileForm:
    """Words of the form; one field for each of `labels`, with what stands in it."""

    title: str
    note: str
    labels: tuple[str, ...]
    values: tuple[str, ...]
    yes: str


SEND = FileForm(
    "Send a file",
    "The customer is asked; it goes to their downloads.",
    ("File on this machine",),
    ("",),
    "Send",
)
GET = FileForm(
    "Get a file",
    "The customer is asked. A path that does not begin with / is in their home folder.",
    ("Path on their machine", "Folder or name here"),
    ("", "."),
    "Get",
)


class FileScreen(ModalScreen[tuple[str, ...] | None]):
    """Answers what was typed into the fields, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False)
    ]

    def __init__(self, form: FileForm) -> None:
        """Ask with this form."""
        super().__init__()
        self._form = form

    def compose(self) -> ComposeResult:
        """Fields and two buttons."""
        form = self._form
        with Vertical(classes="dialog"):
            yield Static(form.note, markup=False, classes="line")
            for label, value in zip(form.labels, form.values, strict=True):
                yield Static(label, markup=False)
                yield Input(value)
            yield Static(id="missing", classes="line warning")
            with Horizontal(classes="buttons"):
                yield Button(form.yes, id="go", variant="primary")
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query_one(".dialog").border_title = self._form.title
        self.query(Input).first().focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#go")
    def go(self) -> None:
        """Answer, once every field has something in it."""
        values = tuple(field.value for field in self.query(Input))
        for label, value in zip(self._form.labels, values, strict=True):
            if not value:
                self.query_one("#missing", Static).update(safe(f"{label}: missing"))
                return
        self.dismiss(values)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Answer with nothing."""
        self.dismiss(None)
