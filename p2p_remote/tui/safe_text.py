"""Text from elsewhere on its way to a widget: never markup, never control codes."""

from typing import Any

from rich.text import Text

from p2p_remote.services.names import MAX_SHOWN, quoted
from p2p_remote.wire.text import clean

__all__ = ["duration", "quoted", "safe"]


def safe(value: Any) -> Text:
    """Text of a value from a peer or a process, as plain cells."""
    return Text(clean(str(value), MAX_SHOWN))


def duration(seconds: float) -> str:
    """`04:12`, or `1:04:12` from an hour on."""
    whole = max(int(seconds), 0)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{second:02d}"
    return f"{minutes:02d}:{second:02d}"
