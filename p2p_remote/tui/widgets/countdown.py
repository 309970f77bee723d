"""Seconds that run down to No, as words and as a line that gets shorter."""

from collections.abc import Callable

from rich.text import Text
from textual.message import Message
from textual.widget import Widget

_REFRESH = 0.25  # s


class Countdown(Widget):
    """Posts `Expired` once when the time is over."""

    class Expired(Message):
        """Nobody answered."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float],
        words: str = "no answer is a No",
    ) -> None:
        """Run from now on for `seconds` of `clock`."""
        super().__init__()
        self._clock = clock
        self._total = max(seconds, 0.001)
        self._deadline = clock() + seconds
        self._words = words
        self._expired = False

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(self._deadline - self._clock(), 0.0)

    def run_until(self, deadline: float) -> None:
        """Run on to this time of the clock, if that is later than until now."""
        if deadline > self._deadline and not self._expired:
            self._deadline = deadline
            self._total = max(self._total, self.left)
            self.refresh()

    def on_mount(self) -> None:
        """Begin to run."""
        self.set_interval(_REFRESH, self.tick)

    def tick(self) -> None:
        """Show what is left; tell when it is nothing."""
        self.refresh()
        if self.left <= 0 and not self._expired:
            self._expired = True
            self.post_message(self.Expired())

    def render(self) -> Text:
        """`━━━━━━───  58 s, no answer is a No`."""
        words = f" {self.left:.0f} s, {self._words}"
        room = max(self.size.width - len(words), 0)
        full = round(room * self.left / self._total)
        return Text.assemble(
            ("━" * full, "bold"), ("─" * (room - full), "dim"), words, no_wrap=True
        )
