"""The line at the bottom: which keys do something at the moment."""

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widgets import Static


@dataclass(frozen=True, slots=True)
class _Key:
    name: str  # as Textual names it
    shown: str
    label: str


class KeyLine(Static, can_focus=False):
    """`F1 Help  Ctrl+P Commands …`; a click on a word presses its key.

    Textual's own footer is a widget for each key, made again whenever anything is
    focused. This is one widget that is drawn again when its words change.
    """

    COMPONENT_CLASSES = {"key-line--key"}  # noqa: RUF012 -- as Textual declares it

    def __init__(self) -> None:
        """Begin empty; the screen tells when its keys are known."""
        super().__init__()
        self._keys: tuple[_Key, ...] = ()

    def on_mount(self) -> None:
        """Hear of every change of the keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._on_bindings)

    def _on_bindings(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        keys: dict[str, _Key] = {}
        for _, binding, enabled, _ in screen.active_bindings.values():
            if binding.show and enabled and binding.action not in keys:
                shown = self.app.get_key_display(binding)
                keys[binding.action] = _Key(binding.key, shown, binding.description)
        if tuple(keys.values()) != self._keys:
            self._keys = tuple(keys.values())
            self.refresh()

    def render(self) -> Text:
        """Keys and what they do, cut where the line ends."""
        line = Text(no_wrap=True, overflow="ellipsis")
        accent = self.get_component_rich_style("key-line--key", partial=True)
        for key in self._keys:
            press = Style(meta={"key": key.name})
            line.append(f" {key.shown}", accent + press)
            line.append(f" {key.label} ", press)
        return line

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        event.stop()
        key = event.style.meta.get("key")
        if key is not None:
            self.app.simulate_key(key)
