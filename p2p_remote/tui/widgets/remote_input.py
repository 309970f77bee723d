"""Keys and mouse of the technician -> messages of the remote view.

No widget: the view feeds it and posts what it answers.
"""

from textual.message import Message

from p2p_remote.input.pointer import HeldButtons
from p2p_remote.input.terminal_keys import (
    ACTION_PRESS,
    ACTION_RELEASE,
    ACTION_TAP,
    TypedText,
    held_keysym,
    is_modifier,
    split_key,
    translate_key,
)
from p2p_remote.tui.widgets.remote_messages import (
    CommandMode,
    PrefixKey,
    ReleaseAll,
    RemoteKey,
    RemotePaste,
    RemotePointer,
    RemoteScroll,
    RemoteText,
)

DEFAULT_PREFIX_KEY = "ctrl+right_square_bracket"  # Ctrl+]


class RemoteInput:
    """What is held, and whether the next key is a local command.

    Keys are sent as taps, one for the press and one for each repeat: a key that is
    held over a line that stalls must not go on repeating on the remote side. With
    `hold_keys`, for games and drawing programs, presses and releases are sent as such
    where the terminal reports them, and the remote side repeats.
    """

    def __init__(self) -> None:
        self.control_enabled = False
        self.hold_keys = False
        self.releases_reported = False
        self.prefix_key = DEFAULT_PREFIX_KEY
        self.local_keys: frozenset[str] = frozenset()
        self.command_mode = False
        self._buttons = HeldButtons()
        self._held: dict[str, int] = {}  # name without modifiers: keysym

    @property
    def buttons(self) -> int:
        """Bit mask of the buttons held."""
        return self._buttons.mask

    def consumes(self, key: str) -> bool:
        """Whether a key is for the view, so that bindings of the App do not get it."""
        if self.command_mode or key == self.prefix_key:
            return True
        return self.control_enabled and key not in self.local_keys

    def key(
        self, key: str, character: str | None, *, repeated: bool = False
    ) -> list[Message] | None:
        """Messages of a key press or repeat; None if it is not for the view."""
        if not self.consumes(key):
            return None
        if self.command_mode:
            if is_modifier(key):
                return []
            return self._command(key, character)
        if key == self.prefix_key:
            self.command_mode = True
            return [CommandMode(active=True)]
        return self._remote_key(key, character, repeated=repeated)

    def key_released(self, key: str) -> list[Message]:
        """Messages of a key release."""
        keysym = self._held.pop(split_key(key)[1].lower(), None)
        return [] if keysym is None else [RemoteKey(keysym, 0, ACTION_RELEASE)]

    def paste(self, text: str) -> list[Message]:
        """Messages of a paste into the terminal."""
        return [RemotePaste(text)] if self.control_enabled and text else []

    def moved(self, position: tuple[int, int]) -> list[Message]:
        """Messages of a mouse move to a remote pixel."""
        if not self.control_enabled:
            return []
        return [RemotePointer(*position, self._buttons.mask, moved=True)]

    def button(
        self, position: tuple[int, int], button: int, *, pressed: bool
    ) -> list[Message]:
        """Messages of a button (1 left, 2 middle, 3 right)."""
        if not self.control_enabled:
            return []
        change = self._buttons.press if pressed else self._buttons.release
        return [RemotePointer(*position, self._buttons.mask)] if change(button) else []

    def scrolled(self, position: tuple[int, int], dx: int, dy: int) -> list[Message]:
        """Messages of wheel steps."""
        return [RemoteScroll(*position, dx, dy)] if self.control_enabled else []

    def let_go(self) -> list[Message]:
        """Messages for the loss of focus or of control."""
        messages: list[Message] = []
        if self.command_mode:
            self.command_mode = False
            messages.append(CommandMode(active=False))
        self._held.clear()
        self._buttons.release_all()
        if self.control_enabled:
            messages.append(ReleaseAll())
        return messages

    def _command(self, key: str, character: str | None) -> list[Message]:
        """The key after the prefix key; Escape gives up, twice sends it through."""
        self.command_mode = False
        messages: list[Message] = [CommandMode(active=False)]
        if key == self.prefix_key:
            if self.control_enabled:
                messages += self._remote_key(key, character, repeated=False)
        elif key != "escape":
            messages.append(PrefixKey(key))
        return messages

    def _remote_key(
        self, key: str, character: str | None, *, repeated: bool
    ) -> list[Message]:
        """A key for the remote side."""
        if self.hold_keys and self.releases_reported:
            return self._hold(key, character, repeated=repeated)
        meaning = translate_key(key, character)
        if meaning is None:
            return []
        if isinstance(meaning, TypedText):
            return [RemoteText(meaning.text)]
        return [RemoteKey(meaning.keysym, meaning.modifiers, ACTION_TAP)]

    def _hold(
        self, key: str, character: str | None, *, repeated: bool
    ) -> list[Message]:
        """Press a key until its release comes."""
        held = held_keysym(key, character)
        name = split_key(key)[1].lower()
        if held is None or (repeated and name in self._held):
            return []
        self._held[name] = held.keysym
        return [RemoteKey(held.keysym, held.modifiers, ACTION_PRESS)]
