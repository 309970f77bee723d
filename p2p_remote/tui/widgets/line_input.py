"""A field of one line that keeps nothing a terminal could take for a command."""

from textual import events
from textual.widgets import Input


class LineInput(Input):
    """Takes the first line of a paste, without its control characters."""

    def _on_paste(self, event: events.Paste) -> None:
        """Paste what can be seen; an ESC in the text would only be in its way."""
        event.stop()
        event.prevent_default()
        line = next((line for line in event.text.splitlines() if line.strip()), "")
        self.replace(
            "".join(c for c in line if ord(c) >= 0x20 and not 0x7F <= ord(c) < 0xA0),
            *self.selection,
        )
