"""A list of keys that cannot be typed here because something else takes them."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList

from p2p_remote.tui.special_keys import SpecialKey


class SpecialKeysScreen(ModalScreen[SpecialKey | None]):
    """Answers the key that was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close", show=False)
    ]

    def __init__(self, keys: Sequence[SpecialKey]) -> None:
        """Offer these keys."""
        super().__init__()
        self._keys = tuple(keys)

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog narrow"):
            yield OptionList(*(key.label for key in self._keys), markup=False)

    def on_mount(self) -> None:
        """Begin in the list."""
        dialog = self.query_one(".dialog")
        dialog.border_title = "Press on their side"
        dialog.border_subtitle = "Esc closes"
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def on_chosen(self, event: OptionList.OptionSelected) -> None:
        """Answer with the key."""
        self.dismiss(self._keys[event.option_index])
