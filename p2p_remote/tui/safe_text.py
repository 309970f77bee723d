"""Text from elsewhere on its way to a widget: never markup, never control codes."""

from typing import Any

from rich.text import Text

from p2p_remote.wire.text import clean

MAX_SHOWN = 200  # characters


def safe(value: Any) -> Text:
    """Text of a value from a peer or a process, as plain cells."""
    return Text(clean(str(value), MAX_SHOWN))


def quoted(name: str) -> str:
    """A self-chosen name in quotes, or words for none."""
    shown = clean(name, MAX_SHOWN)
    return f"“{shown}”" if shown else "somebody without a name"


def duration(seconds: float) -> str:
    """`04:12`, or `1:04:12` from an hour on."""
    whole = max(int(seconds), 0)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{second:02d}"
    return f"{minutes:02d}:{second:02d}"
