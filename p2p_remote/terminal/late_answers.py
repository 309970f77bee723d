"""Keep answers to the questions of the probe from being taken for keys.

A slow terminal answers after the wait is over, when keys are already read. Only
sequences that no key sends are taken out, so nothing that is typed is lost.
"""

import re

_ANSWER = re.compile(
    r"\x1bP(?:>\||[01]\$r)[^\x1b\x07]*(?:\x1b\\|\x07)"  # XTVERSION, DECRQSS
    r"|\x1b_G[^\x1b]*\x1b\\"  # kitty graphics
    r"|\x1b\[\?[\d;]*[cu]"  # DA1, kitty keyboard flags
    r"|\x1b\[[46];\d+;\d+t"  # sizes in pixels
)
# The beginning of an answer whose rest is still to come. A lone ESC or ESC and one
# letter may be keys, so they are not held back.
_BEGINNING = re.compile(
    r"\x1b(?:P(?:>\|?|[01](?:\$r?)?)[^\x1b\x07]*|_G[^\x1b]*|\[\?[\d;]*|\[[46](?:;[\d;]*)?)"
    r"\x1b?\Z"
)
MAX_HELD = 4096  # characters held back for the end of an answer


class LateAnswers:
    """Takes answers out of a stream of characters."""

    def __init__(self) -> None:
        self._held = ""

    def filter(self, text: str) -> str:
        """What remains of the next piece of the stream."""
        text = _ANSWER.sub("", self._held + text)
        self._held = ""
        beginning = _BEGINNING.search(text)
        if beginning and len(beginning[0]) <= MAX_HELD:
            self._held = beginning[0]
            return text[: beginning.start()]
        return text

    def flush(self) -> str:
        """What was held back, when nothing followed it for a while."""
        held, self._held = self._held, ""
        return held
