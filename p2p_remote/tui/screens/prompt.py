"""A modal question that may also be ended from outside."""

import asyncio
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.screen import ModalScreen

if TYPE_CHECKING:
    from p2p_remote.tui.app import RemoteApp

Answer = TypeVar("Answer")

_LOOK_AGAIN = 0.01  # s, at least: rounded times must not make a busy loop


class PromptScreen(ModalScreen[Answer], Generic[Answer]):
    """Can be finished at any time, also while another screen lies on it."""

    GUARD_SECONDS: ClassVar[float] = 0.8
    """s without any key before a yes is taken: the hands were busy elsewhere."""

    guarded = True
    _finished = False
    _answer: Answer | None = None

    def on_mount(self) -> None:
        """A yes has to wait a moment."""
        self.set_timer(self.GUARD_SECONDS, self.try_yes)

    def try_yes(self) -> None:
        """Take a yes from now on, or look again when it may be time."""
        quiet = asyncio.get_running_loop().time() - self._last_key()
        if quiet >= self.GUARD_SECONDS:
            self.guarded = False
            self.take_yes()
        else:
            left = self.GUARD_SECONDS - quiet
            self.set_timer(max(left, _LOOK_AGAIN), self.try_yes)

    def _last_key(self) -> float:
        """When a key was last pressed, in s of the loop."""
        return cast("RemoteApp", self.app).last_key

    def take_yes(self) -> None:
        """From now on a yes is taken."""

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
