"""Which file goes, or comes, and where to."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from p2p_remote.tui.safe_text import quoted, safe
from p2p_remote.tui.widgets.line_input import LineInput


def _not_sendable(path: str) -> str:
    """Why a file of this machine cannot be sent; empty if it seems that it can."""
    try:
        file = Path(path).expanduser()
        if file.is_dir():
            return f"{quoted(path)} is a folder. Send its files one by one."
        if not file.is_file():
            return f"{quoted(path)} is not there, or is no file."
        readable = os.access(file, os.R_OK)
    except (OSError, ValueError, RuntimeError):  # the last: no such person's ~
        readable = False
    return "" if readable else f"{quoted(path)} cannot be read."


def _not_a_place(path: str) -> str:
    """Why nothing can be stored there; empty if it seems that it can."""
    try:
        place = Path(path).expanduser()
        folder = place if place.is_dir() else place.parent
        usable = folder.is_dir() and os.access(folder, os.W_OK)
    except (OSError, ValueError, RuntimeError):
        usable = False
    return "" if usable else f"Nothing can be stored in {quoted(path)}."


@dataclass(frozen=True, slots=True)
class FileForm:
    """Words of the form; one field for each of `labels`, with what stands in it.

    `problem` is asked about the last field, a path of this machine.
    """

    title: str
    note: str
    labels: tuple[str, ...]
    values: tuple[str, ...]
    yes: str
    problem: Callable[[str], str]


SEND = FileForm(
    "Send a file",
    "The customer is asked; it goes to their downloads.",
    ("File on this machine",),
    ("",),
    "Send",
    _not_sendable,
)
GET = FileForm(
    "Get a file",
    "The customer is asked. A path that does not begin with / is in their home folder.",
    ("Path on their machine", "Folder or name here"),
    ("", "."),
    "Get",
    _not_a_place,
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
                yield LineInput(value)
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
        """Answer, once every field has something in it that can be used."""
        values = tuple(field.value for field in self.query(Input))
        missing = [
            f"{label}: missing"
            for label, value in zip(self._form.labels, values, strict=True)
            if not value
        ]
        problem = missing[0] if missing else self._form.problem(values[-1])
        self.query_one("#missing", Static).update(safe(problem))
        if not problem:
            self.dismiss(values)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Answer with nothing."""
        self.dismiss(None)
