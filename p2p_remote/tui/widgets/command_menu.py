"""What the next key does after the prefix key."""

from rich.text import Text
from textual.widgets import Static

from p2p_remote.tui.actions import PREFIX_SHOWN, SESSION

_COLUMN = 24  # cells of an entry


class CommandMenu(Static):
    """Shown while the view waits for the key of a command."""

    def render(self) -> Text:
        """All commands in as many columns as fit."""
        entries = _entries()
        width = max(self.size.width, _COLUMN)
        columns = max(width // _COLUMN, 1)
        rows = -(-len(entries) // columns)
        text = Text(no_wrap=True)
        text.append(f"{PREFIX_SHOWN} and then … ", "bold")
        text.append("Esc gives up", "dim")
        for row in range(rows):
            text.append("\n")
            for shown, label in entries[row::rows]:
                text.append(f"{shown:>5} ", "bold")
                text.append(f"{label:<{_COLUMN - 6}.{_COLUMN - 7}}")
        return text

    def get_content_height(
        self, container: object, viewport: object, width: int
    ) -> int:
        """Rows that the entries need."""
        columns = max(width // _COLUMN, 1)
        return 1 + -(-len(_entries()) // columns)


def _entries() -> list[tuple[str, str]]:
    """Key and label; the four arrows are one entry."""
    entries = [
        (action.shown, action.label)
        for action in SESSION
        if not action.name.startswith("pan(")
    ]
    entries.insert(4, ("←↑↓→", "Move the picture"))
    return entries
