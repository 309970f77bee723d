"""What the desktop gives to the floors above: screen, input and the global keys.

One object belongs to one thread at a time unless its method says otherwise: a screen
source lives in the capture thread, an input sink in the injecting thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from p2p_remote.errors import MissingCapabilityError, RemoteSupportError
from p2p_remote.screen.geometry import Rect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

HOTKEY_REVOKE = "F11"
HOTKEY_END = "F12"
LOCAL_INPUT = "local_input"


class ScreenResizedError(RemoteSupportError):
    """The screen has another size now, or something else of it is shared."""


class WaylandError(MissingCapabilityError):
    """This desktop runs on Wayland, which does not let this program see the screen.

    Log out, choose an X11 session ("on Xorg") at the login screen, and try again.
    """

    def __str__(self) -> str:
        """Return the text on one line."""
        return " ".join(super().__str__().split())


@dataclass(frozen=True, slots=True)
class PointerState:
    """The pointer of the person at the machine, in pixels of the screen source.

    `shape_serial` changes with the shape; `ScreenSource.cursor_shape` gives its image.
    """

    x: int
    y: int
    visible: bool
    shape_serial: int


@dataclass(frozen=True, slots=True)
class CursorImage:
    """A pointer shape: `pixels` are BGRA rows, colours multiplied by alpha."""

    serial: int
    width: int
    height: int
    hot_x: int
    hot_y: int
    pixels: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """One look at the screen.

    `frame` (height, width, 4) is BGRX and read-only. It may be the same memory at each
    capture, updated in place: it is valid until the next `capture()`.
    `damage` covers every pixel that changed since the capture before it; None means
    that nothing is known.
    """

    frame: Frame
    damage: list[Rect] | None
    pointer: PointerState


class ScreenSource(Protocol):
    """A picture that can be shared. The pointer is never painted into it."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def name(self) -> str: ...

    def wait(self, timeout_s: float) -> bool:
        """Block until picture or pointer may have changed; False after the timeout."""
        ...

    def capture(self) -> Capture:
        """Take the present picture.

        Raises ScreenResizedError when the screen has another size now (make a new
        source through the same chooser) and MissingCapabilityError when it is gone.
        """
        ...

    def cursor_shape(self) -> CursorImage | None:
        """Return the present pointer shape, None where the system does not tell."""
        ...

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the input sink's position for a pixel of the picture.

        None where what lies there is not shared. Only the injecting thread.
        """
        ...

    def takes_keys(self) -> bool:
        """Whether what is typed now goes where it is shared. Only the same thread."""
        ...

    def wake(self) -> None:
        """End the present or the next `wait` at once. Any thread."""
        ...

    def retire(self) -> None:
        """Make `capture` raise ScreenResizedError: something else is shared now.

        Any thread.
        """
        ...

    def expect_change(self) -> None:
        """Input was injected, so look again soon. Any thread."""
        ...

    def close(self) -> None:
        """Give the screen back. Any thread."""
        ...


def permit_all() -> None:
    """Permit every event: what a sink does that nobody guards."""


class InputSink(Protocol):
    """Keyboard and pointer of the shared desktop.

    Modifiers, actions and buttons are the constants of `p2p_remote.wire.input`,
    positions are what `ScreenSource.locate` returns. Every method raises
    MissingCapabilityError when the desktop is gone.
    """

    def guard(self, permit: Callable[[], None]) -> None:
        """Call `permit` directly before each event that presses, moves or types.

        After whatever else has to be waited for; what it raises ends the method that
        was called. Letting go needs no permit.
        """
        ...

    def text(self, text: str) -> None:
        """Type Unicode text as it is; a line feed is Return."""
        ...

    def key(self, keysym: int, modifiers: int, action: int) -> None: ...

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """Move the pointer, then make the held buttons equal `buttons`."""
        ...

    def scroll(self, x: int, y: int, dx: int, dy: int) -> None:
        """Turn the wheel at a position; positive is right and down."""
        ...

    def release_all(self) -> None:
        """Stop text that is being typed, let go of all keys and buttons. Any thread."""
        ...

    def close(self) -> None:
        """Release everything, undo what the desktop lent. Any thread."""
        ...


class Hotkey(Protocol):
    """Keys that work wherever the focus is, and a sign of the person's own input."""

    def start(self, on_event: Callable[[str], None]) -> None:
        """Call `on_event` from a thread of its own with "F11", "F12", "local_input"."""
        ...

    def hear(self) -> None:
        """Call `on_event` here and now for all that the system has told until now.

        Any thread, after `start`. Raises MissingCapabilityError when nothing is heard
        any more.
        """
        ...

    def close(self) -> None: ...
