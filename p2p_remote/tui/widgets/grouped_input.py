"""A field for digits that shows them in groups of three and takes any paste."""

from textual import events
from textual.message import Message
from textual.widgets import Input

from p2p_remote.wire.peer_id import group_partial


class GroupedInput(Input):
    """Keeps only digits, at most `count`, and shows them in groups."""

    class Completed(Message):
        """Enter was pressed; `digits` may be fewer than the field takes."""

        def __init__(self, field: "GroupedInput", digits: str) -> None:
            """Carry the digits typed."""
            self.field = field
            self.digits = digits
            super().__init__()

        @property
        def control(self) -> "GroupedInput":
            """The field, for handlers that select by it."""
            return self.field

    def __init__(self, count: int, placeholder: str, id: str | None = None) -> None:  # noqa: A002 -- Textual's name
        """Make an empty field for `count` digits."""
        self._count = count
        super().__init__(placeholder=placeholder, select_on_focus=False, id=id)

    @property
    def digits(self) -> str:
        """Digits typed so far."""
        return self._only_digits(self.value)

    @property
    def complete(self) -> bool:
        """Whether all digits are there."""
        return len(self.digits) == self._count

    def validate_value(self, value: str) -> str:
        """Show whatever was typed or pasted as groups of digits."""
        return group_partial(self._only_digits(value))

    def replace(self, text: str, start: int, end: int) -> None:
        """Put text in place of a part; the cursor stays behind the digits it brought.

        Typing, pasting and deleting all come through here.
        """
        first, last = sorted((max(start, 0), min(end, len(self.value))))
        before = self._only_digits(self.value[:first]) + self._only_digits(text)
        self.value = before + self._only_digits(self.value[last:])
        self.cursor_position = len(group_partial(before[: self._count]))

    def _on_paste(self, event: events.Paste) -> None:
        """Take a pasted number whatever separates its digits, line breaks too."""
        self.replace(event.text, *self.selection)
        event.stop()
        event.prevent_default()

    async def action_submit(self) -> None:
        """Enter: pass the digits on."""
        self.post_message(self.Completed(self, self.digits))

    def _only_digits(self, text: str) -> str:
        return "".join(c for c in text if c.isascii() and c.isdigit())[: self._count]
