"""Labels and values under each other, for the pages that state facts."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from p2p_remote.tui.safe_text import safe


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """A table of labels and values; values may be of others, so they are only text."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for label, value in rows:
        table.add_row(Text(label, "bold"), safe(value))
    return table
