"""Text that came from a peer, made safe to keep and to show.

Everything unprintable becomes U+FFFD, so no escape sequence, bidirectional override
or line break survives; combining marks are limited because terminals (and emulators
used for recording) slow down quadratically on long runs of them.
"""

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MAX_MARKS = 2  # combining marks kept per base character


def clean(text: str, limit: int) -> str:
    """Return `text` in NFC, printable, at most `limit` characters."""
    text = text[: limit * 4]
    if text.isascii() and text.isprintable():
        return text[:limit]
    out: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        if unicodedata.category(character).startswith("M"):
            marks += 1
            if marks > _MAX_MARKS:
                continue
        else:
            marks = 0
        out.append(character if character.isprintable() else _REPLACEMENT)
    return "".join(out[:limit])


def clean_bytes(data: bytes, limit: int) -> str:
    """Decode UTF-8 leniently, then `clean`."""
    return clean(data[: limit * 4].decode("utf-8", "replace"), limit)
