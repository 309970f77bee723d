"""The field for the other side's ID: groups 3-3-3 while typing, takes any paste."""

from textual.message import Message

from p2p_remote.tui.widgets.grouped_input import GroupedInput
from p2p_remote.wire.peer_id import ID_DIGITS

_DASHES = "-.\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{MINUS SIGN}"
NOT_AN_ID = "An ID has nine digits, nothing else but spaces, dots and dashes."


class IdInput(GroupedInput):
    """Keeps only digits, at most nine; what else could be no ID is not taken."""

    class Refused(Message):
        """Something was typed or pasted that is no part of an ID."""

    def replace(self, text: str, start: int, end: int) -> None:
        """Take digits and what may stand between them, as a whole or not at all."""
        if all(c.isspace() or c in _DASHES or "0" <= c <= "9" for c in text):
            super().replace(text, start, end)
        else:
            self.post_message(self.Refused())

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 -- Textual's name
        """Make an empty field."""
        super().__init__(ID_DIGITS, "Their nine digits", id)


def problem_of(digits: str, own_id: int) -> str:
    """What is wrong with a typed ID, in words; empty if it can be called."""
    if not digits:
        return "Type the nine digits that they read to you."
    missing = ID_DIGITS - len(digits)
    if missing:
        return f"{missing} more digit{'s' * (missing > 1)}: an ID has nine."
    if digits[0] == "0":
        return "An ID never begins with 0. Ask for the number again."
    if int(digits) == own_id:
        return "This is your own ID. Type the one of the other machine."
    return ""
