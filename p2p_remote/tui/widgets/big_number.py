"""A number to read aloud: large where there is room, plain where there is not."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Digits, Static

from p2p_remote.wire.peer_id import group_partial


class BigNumber(Vertical):
    """Digits in groups of three, large; a plain line on narrow or low screens.

    Which of the two is shown is decided by the style sheet.
    """

    def __init__(self, digits: str, id: str | None = None) -> None:  # noqa: A002 -- Textual's name
        """Show `digits`."""
        super().__init__(id=id)
        self._text = group_partial(digits)

    def compose(self) -> ComposeResult:
        """Both forms."""
        yield Digits(self._text, classes="large")
        yield Static(self._text, markup=False, classes="plain")
