"""A modal question that may also be ended from outside."""

from typing import ClassVar, Generic, TypeVar

from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class PromptScreen(ModalScreen[Answer], Generic[Answer]):
    """Can be finished at any time, also while another screen lies on it."""

    GUARD_SECONDS: ClassVar[float] = 0.8
    """s that no yes is taken: the finger was on its way elsewhere."""

    _finished = False
    _answer: Answer | None = None

    def finish(self, answer: Answer | None) -> None:
        """Close with an answer, now or as soon as this screen is on top again."""
        if not self._finished:
            self._finished, self._answer = True, answer
            self._close_if_current()

    def on_screen_resume(self) -> None:
        """This screen is on top again."""
        self._close_if_current()

    def _close_if_current(self) -> None:
        if self._finished and self.is_current:
            self.dismiss(self._answer)
