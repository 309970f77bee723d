"""The field for the other side's ID: groups 3-3-3 while typing, takes any paste."""

from textual import events
from textual.message import Message
from textual.widgets import Input

from p2p_remote.wire.peer_id import ID_DIGITS, group_partial


class IdInput(Input):
    """Keeps only digits, at most nine, and shows them in groups."""

    class Completed(Message):
        """Enter was pressed; `digits` may be fewer than nine."""

        def __init__(self, digits: str) -> None:
            """Carry the digits typed."""
            self.digits = digits
            super().__init__()

    def __init__(self, **kwargs: object) -> None:
        """Make an empty field."""
        super().__init__(
            placeholder="ID of the other side",
            select_on_focus=False,
            **kwargs,  # type: ignore[arg-type]
        )

    @property
    def digits(self) -> str:
        """Digits typed so far."""
        return _digits(self.value)

    def validate_value(self, value: str) -> str:
        """Show whatever was typed or pasted as groups of digits."""
        return group_partial(_digits(value))

    def insert(self, text: str, start: int, end: int | None = None) -> None:
        """Insert text and keep the cursor behind the digits it brought."""
        stop = start if end is None else end
        before = _digits(self.value[:start]) + _digits(text)
        after = _digits(self.value[stop:])
        self.value = before + after
        self.cursor_position = len(group_partial(before[:ID_DIGITS]))

    def _on_paste(self, event: events.Paste) -> None:
        """Take a pasted number whatever separates its digits."""
        start, end = self.selection
        self.insert(event.text, min(start, end), max(start, end))
        event.stop()
        event.prevent_default()

    async def action_submit(self) -> None:
        """Enter: pass the digits on."""
        self.post_message(self.Completed(self.digits))


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isdigit())[:ID_DIGITS]
