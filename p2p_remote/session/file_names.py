"""Names of files that a peer has chosen, made safe to be written to any disk.

A name from the wire is a label: it never says where a file goes. What comes out of
`safe_name` is one path component that every usual file system takes as it is.
"""

import re
import unicodedata
from pathlib import PurePosixPath

MAX_NAME_BYTES = 200  # UTF-8; room for " (2)" and for the ending of a partial file
FALLBACK = "file"

_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])\Z")
_FORBIDDEN = frozenset(':*?"<>|')
_MAX_SUFFIX_BYTES = 20  # an ending that is longer is part of the name


def safe_name(name: str) -> str:
    """One safe path component for a name, however hostile.

    Takes the last component (of both kinds of separators), in NFC; what is unprintable,
    reserved somewhere or invisible becomes an underscore; nothing begins with a dot or
    a dash, nothing ends with a dot or a space; device names of Windows get an
    underscore in front; at most 200 bytes of UTF-8, the ending kept.
    """
    last = re.split(r"[/\\]", name)[-1]
    text = "".join(
        "_" if each in _FORBIDDEN or not each.isprintable() else each
        for each in unicodedata.normalize("NFC", last)
    )
    text = text.strip(" ").rstrip(". ")
    if text.startswith((".", "-")):
        text = "_" + text[1:]
    stem = text.partition(".")[0].rstrip(" ")
    if _RESERVED.match(stem.upper()):
        text = "_" + text
    return _shorten(text) or FALLBACK


def numbered(name: str, number: int) -> str:
    """`report (2).pdf` for `report.pdf` and 2; 1 is the name itself."""
    if number == 1:
        return name
    stem, suffix = _split(name)
    return f"{stem} ({number}){suffix}"


def _split(name: str) -> tuple[str, str]:
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > _MAX_SUFFIX_BYTES:
        suffix = ""
    return name[: len(name) - len(suffix)], suffix


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, suffix = _split(name)
    room = MAX_NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + suffix
