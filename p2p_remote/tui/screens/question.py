"""A question with No as the answer to everything but a clear yes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from p2p_remote.tui.safe_text import safe
from p2p_remote.tui.screens.prompt import PromptScreen
from p2p_remote.tui.widgets.countdown import Countdown


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; `text` may hold what others wrote."""

    title: str
    text: str
    yes: str
    no: str = "No"
    seconds: int = 0


class QuestionScreen(PromptScreen[bool]):
    """Answers True for yes; Enter, Escape and silence are No."""

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
        """The question, the time left, No and yes."""
        question = self._question
        with Vertical(classes="dialog"):
            yield Static(safe(question.text), classes="line")
            if question.seconds and self._clock is not None:
                yield Countdown(question.seconds, self._clock)
            with Horizontal(classes="buttons"):
                yield Button(question.no, id="no")
                yield Button(question.yes, id="yes", variant="primary", disabled=True)

    def on_mount(self) -> None:
        """No has the focus."""
        self.query_one(".dialog").border_title = self._question.title
        self.set_focus(self.query_one("#no"))

    def take_yes(self) -> None:
        """The hands are at rest."""
        self.query_one("#yes").disabled = False

    @on(Button.Pressed, "#yes")
    def on_yes(self) -> None:
        """A clear yes."""
        self.finish(True)

    @on(Button.Pressed, "#no")
    @on(Countdown.Expired)
    def action_no(self) -> None:
        """Everything else."""
        self.finish(False)
