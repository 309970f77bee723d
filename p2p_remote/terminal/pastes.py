"""Keep what is inside a bracketed paste from being taken for keys or answers.

A pasted text may hold escape sequences; between the two markers of a paste none of
them means anything, and every character is to arrive as it is, in its order.
"""

PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"
MASKED_ESCAPE = "\udc1b"  # decoded UTF-8 never holds a lone surrogate


def unmasked(text: str) -> str:
    """A pasted text as it came from the terminal."""
    return text.replace(MASKED_ESCAPE, "\x1b")


class Pastes:
    """Replaces ESC inside pastes by `MASKED_ESCAPE`, in a stream of characters.

    The markers pass as they are, the end marker in one piece; the stream may be cut
    anywhere.
    """

    def __init__(self) -> None:
        self._inside = False
        self._tail = ""  # outside: what may be the beginning of a marker; has passed
        self._held = ""  # inside: what may be the beginning of the end

    def filter(self, text: str) -> str:
        """The next piece of the stream, masked."""
        passed = []
        while text:
            step = self._leave if self._inside else self._enter
            done, text = step(text)
            passed.append(done)
        return "".join(passed)

    def flush(self) -> None:
        """Nothing came for a while: what has passed was no beginning of a marker."""
        self._tail = ""

    def _enter(self, text: str) -> tuple[str, str]:
        """Pass what comes up to a paste, with its marker."""
        seen = self._tail + text
        at = seen.find(PASTE_BEGIN)
        self._inside = at >= 0
        if not self._inside:
            self._tail = _beginning_of(PASTE_BEGIN, seen)
            return text, ""
        end = at + len(PASTE_BEGIN) - len(self._tail)
        self._tail = ""
        return text[:end], text[end:]

    def _leave(self, text: str) -> tuple[str, str]:
        """Mask what is pasted and pass it, with the end marker if that is here."""
        seen, self._held = self._held + text, ""
        at = seen.find(PASTE_END)
        self._inside = at < 0
        if self._inside:
            self._held = _beginning_of(PASTE_END, seen)
            end = len(seen) - len(self._held)
            return seen[:end].replace("\x1b", MASKED_ESCAPE), ""
        masked = seen[:at].replace("\x1b", MASKED_ESCAPE)
        return masked + PASTE_END, seen[at + len(PASTE_END) :]


def _beginning_of(marker: str, text: str) -> str:
    """The longest end of `text` that a marker may begin with; not all of it."""
    for size in range(min(len(marker) - 1, len(text)), 0, -1):
        if text.endswith(marker[:size]):
            return marker[:size]
    return ""
