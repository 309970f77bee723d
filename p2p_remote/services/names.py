"""Self-chosen names of the other side, on their way into a sentence of ours."""

import unicodedata
from itertools import groupby

from p2p_remote.wire.text import clean

MAX_SHOWN = 200  # characters
_STEP = 1000  # from one unit to the next
_MORE_QUOTES = frozenset("\"'`´ʹʺʻʼʽˈˊˋ˝′″‴‵‶‷⁗＂＇｀＇„‚〝〞〟❛❜❝❞〃״׳")


def quoted(name: str) -> str:
    """A self-chosen name in quotes that it cannot close itself, or words for none."""
    kept = []
    for is_quote, run in groupby(clean(name, MAX_SHOWN), _is_quote):
        kept.append("'" if is_quote else "".join(run))
    shown = "".join(kept).strip()
    return f"“{shown}”" if shown else "somebody without a name"


def _is_quote(character: str) -> bool:
    return character in _MORE_QUOTES or unicodedata.category(character) in ("Pi", "Pf")


def size(count: int) -> str:
    """Bytes for people: `0 B`, `999 B`, `1.5 kB`, `1.1 GB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < _STEP:
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= _STEP
    return f"{value:.1f} TB"
