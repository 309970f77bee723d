"""A question with No as the answer to everything but a clear yes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from p2p_remote.services.names import quoted, size
from p2p_remote.tui.safe_text import safe
from p2p_remote.tui.screens.prompt import PromptScreen
from p2p_remote.tui.widgets.countdown import Countdown

_MAX_FILE_NAME = 60  # characters in a question


class Reply(IntEnum):
    """The answer to a question; only No is false."""

    NO = 0
    YES = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `text` may hold what others wrote.

    `all` is a yes to this and to all of its kind that follow; empty for none.
    """

    title: str
    text: str
    yes: str
    no: str = "No"
    all: str = ""
    seconds: int = 0


def file_question(who: str, file: dict[str, Any], seconds: int) -> Question:
    """Ask about one file: which one, how large, and where it would go."""
    name = quoted(_middle_out(str(file.get("name") or "")))
    if file.get("direction") == "in":
        amount = size(int(file.get("size") or 0))
        text = f"{who} wants to send you {name}, {amount}. Nobody has checked it for "
        text += "viruses. It would be stored in your downloads. Take it? All means "
        text += "every file that they send until the session ends."
        title = "A file for you"
    else:
        text = f"{who} wants to have this file of yours: {name}. Send it? All means "
        text += "every file that they ask for until the session ends, whichever it is."
        title = "They ask for a file"
    return Question(title, text, "This one", all="All", seconds=seconds)


def _middle_out(text: str) -> str:
    """Shorten a long name where it says least: both ends are read."""
    if len(text) <= _MAX_FILE_NAME:
        return text
    return f"{text[: _MAX_FILE_NAME // 3]}…{text[-2 * _MAX_FILE_NAME // 3 :]}"


class QuestionScreen(PromptScreen[Reply]):
    """Enter, Escape and silence are No."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "No", show=False),
        Binding("left", "app.focus_previous", "Before", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
    ]

    def __init__(
        self, question: Question, clock: Callable[[], float] | None = None
    ) -> None:
        """Ask; a `clock` is needed only with `question.seconds`."""
        super().__init__()
        self._question = question
        self._clock = clock

    def compose(self) -> ComposeResult:
        """The question, the time left, No, yes, and yes to all."""
        question = self._question
        with Vertical(classes="dialog"):
            yield Static(safe(question.text), classes="line")
            if question.seconds and self._clock is not None:
                yield Countdown(question.seconds, self._clock)
            with Horizontal(classes="buttons"):
                yield Button(question.no, id="no")
                yield Button(question.yes, id="yes", variant="primary", disabled=True)
                if question.all:
                    yield Button(question.all, id="all", disabled=True)

    def on_mount(self) -> None:
        """No has the focus."""
        self.query_one(".dialog").border_title = self._question.title
        self.set_focus(self.query_one("#no"))

    def run_until(self, deadline: float) -> None:
        """Leave more time, to this moment of the clock."""
        for countdown in self.query(Countdown):
            countdown.run_until(deadline)

    def take_yes(self) -> None:
        """The hands are at rest."""
        for button in self.query("#yes, #all"):
            button.disabled = False

    @on(Button.Pressed, "#yes")
    def on_yes(self) -> None:
        """A clear yes."""
        self.finish(Reply.YES)

    @on(Button.Pressed, "#all")
    def on_all(self) -> None:
        """Yes to this one and to all that follow."""
        self.finish(Reply.ALL)

    @on(Button.Pressed, "#no")
    @on(Countdown.Expired)
    def action_no(self) -> None:
        """Everything else."""
        self.finish(Reply.NO)
