"""What the remote view posts: input for the remote side, and wishes for the App."""

from textual.message import Message

from p2p_remote.screen.geometry import Rect


class RemoteText(Message):
    """Text to be typed on the remote side."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class RemoteKey(Message):
    """A key for the remote side: keysym, modifier bits, and tap, press or release."""

    def __init__(self, keysym: int, modifiers: int, action: int) -> None:
        super().__init__()
        self.keysym = keysym
        self.modifiers = modifiers
        self.action = action


class RemotePointer(Message):
    """The pointer in remote pixels, and the buttons held (bit mask).

    `moved` says that no button changed: only such a message may be left out when the
    next one is there already.
    """

    def __init__(self, x: int, y: int, buttons: int, *, moved: bool = False) -> None:
        super().__init__()
        self.x = x
        self.y = y
        self.buttons = buttons
        self.moved = moved

    def can_replace(self, message: Message) -> bool:
        """Whether `message`, which follows this one, makes it superfluous."""
        return self.moved and isinstance(message, RemotePointer)


class RemoteScroll(Message):
    """Wheel steps at a remote pixel; positive is right and down."""

    def __init__(self, x: int, y: int, dx: int, dy: int) -> None:
        super().__init__()
        self.x = x
        self.y = y
        self.dx = dx
        self.dy = dy


class RemotePaste(Message):
    """Text that was pasted into the terminal."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class ReleaseAll(Message):
    """Everything held on the remote side is to be let go: the view lost its focus."""


class ViewportChanged(Message):
    """Another region of the remote screen is shown, or in other detail."""

    def __init__(self, region: Rect, output_width: int, output_height: int) -> None:
        super().__init__()
        self.region = region
        self.output_width = output_width
        self.output_height = output_height

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, ViewportChanged)


class PrefixKey(Message):
    """The key after the prefix key: a command for the App."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class CommandMode(Message):
    """The prefix key was pressed (`active`), or its command was given or given up."""

    def __init__(self, *, active: bool) -> None:
        super().__init__()
        self.active = active
