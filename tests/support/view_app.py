"""An App around one remote view, a pretended driver, and pictures for them."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Static

from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.tui.frame_driver import FrameListener
from p2p_remote.tui.widgets import remote_messages as rm
from p2p_remote.tui.widgets.remote_view import RemoteView
from tests.support.emulator import emulator
from tests.support.simulated_loop import loop_time

SIZE = (80, 24)
FRAME = (480, 800, 4)  # an 80x24 view of half-blocks fits it with margins
RED, GREEN = (0, 0, 255, 0), (0, 255, 0, 0)  # B, G, R, X


class ViewApp(App[None]):
    """A view between two lines of text, and a list of what it posted."""

    BINDINGS: ClassVar = [
        Binding("ctrl+q", "boast", priority=True),
        Binding("f2", "boast"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[object] = []
        self.boasts = 0

    def compose(self) -> ComposeResult:
        yield Static("above", id="above")
        yield RemoteView(id="view")
        yield Static("below", id="below")

    @property
    def view(self) -> RemoteView:
        return self.query_one(RemoteView)

    def action_boast(self) -> None:
        self.boasts += 1

    def on_mount(self) -> None:
        self.query_one("#above").styles.height = 1
        self.query_one("#below").styles.height = 1
        self.view.focus()

    def take(self, *kinds: type[Any]) -> list[Any]:
        """What was posted of these kinds since the last time."""
        taken = [message for message in self.posted if isinstance(message, kinds)]
        self.posted.clear()
        return taken


def _recorder(name: str) -> Callable[[ViewApp, Message], None]:
    def record(self: ViewApp, message: Message) -> None:
        self.posted.append(message)

    record.__name__ = name
    return record


for kind in (
    rm.RemoteText,
    rm.RemoteKey,
    rm.RemotePointer,
    rm.RemoteScroll,
    rm.RemotePaste,
    rm.ReleaseAll,
    rm.ViewportChanged,
    rm.PrefixKey,
    rm.CommandMode,
):
    setattr(ViewApp, kind.handler_name, _recorder(kind.handler_name))


class PretendedDriver:
    """Stands where our driver would; writes into an emulator."""

    def __init__(self, **capabilities: Any) -> None:
        self.capabilities = Capabilities(cell_pixels=(8, 16), **capabilities)
        self.screen, self._feed = emulator(*SIZE)
        self.written: list[str] = []
        self.listener: FrameListener | None = None

    def write_now(self, text: str) -> None:
        self.written.append(text)
        self._feed(text)

    def listen(self, listener: FrameListener) -> None:
        self.listener = listener

    def forget(self, listener: FrameListener) -> None:
        self.listener = None


def picture(color: tuple[int, int, int, int] = RED) -> NDArray[np.uint8]:
    frame = np.zeros(FRAME, np.uint8)
    frame[:] = color
    return frame


def with_driver(app: ViewApp, driver: PretendedDriver) -> RemoteView:
    """Let the view take the pretended driver for that of the App."""
    view = app.view
    view.output.driver = driver
    view.output.clock = loop_time
    view._capabilities = driver.capabilities
    view.input.releases_reported = driver.capabilities.kitty_keyboard
    driver.listen(view)
    return view


def painted_color(view: RemoteView, x: int, y: int) -> tuple[int, int]:
    shown = view.picture.shown
    return int(shown.foreground[y, x]), int(shown.background[y, x])
