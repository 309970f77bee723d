"""Our own Textual driver for Unix: key releases, pixel mouse, frames of our own.

The App takes it by `App(driver_class=choose_driver_class(capabilities))`, see
`p2p_remote.tui.frame_driver`.
"""

import contextlib
import logging
import os
import selectors
import signal
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from textual import constants, events
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.late_answers import LateAnswers
from p2p_remote.terminal.pastes import Pastes
from p2p_remote.terminal.probe import window_size
from p2p_remote.tui.frame_driver import FrameListener
from p2p_remote.tui.terminal_parser import ReleasedKey, RemoteParser

if TYPE_CHECKING:
    from textual.app import App

logger = logging.getLogger(__name__)

_READ_SIZE = 4096  # bytes
_POLL_INTERVAL = 0.1  # s; how soon a lone ESC and the end of the App are noticed

# Kitty keyboard protocol, all five flags: disambiguate 1, event types 2, alternate keys
# 4, all keys as escape codes 8, associated text 16. Replaces those that Textual set.
_KITTY_FLAGS = "\x1b[=31;1u"
_PIXEL_MOUSE_ON, _PIXEL_MOUSE_OFF = "\x1b[?1016h", "\x1b[?1016l"
# xterm: Alt sends ESC and the key, not a letter with an accent; saved and restored.
_META_SENDS_ESCAPE = "\x1b[?1036s\x1b[?1036h"
_META_AS_BEFORE = "\x1b[?1036r"


class RemoteDriver(LinuxDriver):
    """`LinuxDriver` that is a `FrameDriver`; use `remote_driver_class`."""

    capabilities: Capabilities = Capabilities()

    def __init__(
        self,
        app: "App[Any]",
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._listener: tuple[FrameListener, Context] | None = None
        self._active = False
        self._file = _open_terminal() or self._file

    def write_now(self, text: str) -> None:
        """Write escape codes, in order with what Textual writes; never blocks.

        While the App is suspended nothing is written.
        """
        if self._active:
            self.write(text)

    def listen(self, listener: FrameListener) -> None:
        """Tell this listener of answers and released keys from now on."""
        self._listener = (listener, copy_context())

    def forget(self, listener: FrameListener) -> None:
        """Tell this listener no more; another one stays."""
        if self._listener is not None and self._listener[0] is listener:
            self._listener = None

    def start_application_mode(self) -> None:
        """Start as Textual does, then ask for what else the terminal offers."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is None:
            return
        # Textual's queue holds 30 writes, then writing blocks the event loop, and with
        # it the network, until the terminal has read. What we write ourselves is
        # limited by the frame gate, and Textual's own updates are small.
        self._writer_thread._queue.maxsize = 0  # noqa: SLF001
        if self.capabilities.kitty_keyboard and not constants.DISABLE_KITTY_KEY:
            self.write(_KITTY_FLAGS)
        if self._offers_pixel_mouse():
            self.write(_PIXEL_MOUSE_ON)
        if self._is_xterm():
            self.write(_META_SENDS_ESCAPE)
        self._active = True
        self._tell(lambda listener: listener.terminal_restarted())

    def stop_application_mode(self) -> None:
        """Leave the terminal as it was."""
        self._active = False
        if self._writer_thread is not None and self._is_xterm():
            self.write(_META_AS_BEFORE)
        super().stop_application_mode()

    def process_message(self, message: Message) -> None:
        """Take answers to frames and released keys; pass everything else on.

        Runs in the input thread.
        """
        if isinstance(message, events.CursorPosition):
            if (message.x, message.y) == (0, 1):
                self._tell(lambda listener: listener.terminal_answered())
        elif isinstance(message, ReleasedKey):
            self._tell_in_order(message)
        else:
            super().process_message(message)

    def run_input_thread(self) -> None:
        """Read the terminal until the App ends, or the terminal."""
        # Not epoll or kqueue: they refuse some terminals and redirected input.
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        decode = getincrementaldecoder("utf-8")("replace").decode
        pastes, late_answers = Pastes(), LateAnswers()
        parser = self._new_parser()
        try:
            while not self.exit_event.is_set():
                text = ""
                if selector.select(_POLL_INTERVAL):
                    data = self._read()
                    if not data:
                        _hang_up()
                        return
                    text = late_answers.filter(pastes.filter(decode(data)))
                else:
                    pastes.flush()
                    text = late_answers.flush()
                self._set_sizes(parser)
                try:
                    self._process_all(parser.feed(text) if text else ())
                    self._process_all(parser.tick())
                except Exception:
                    # A sequence that breaks the parser must not end all input.
                    logger.exception("Input of the terminal was not understood")
                    parser = self._new_parser()
        finally:
            selector.close()

    def _read(self) -> bytes:
        """What the terminal sent; nothing when it is gone."""
        try:
            return os.read(self.fileno, _READ_SIZE)
        except OSError:  # EIO: nobody holds its other side
            return b""

    def _new_parser(self) -> RemoteParser:
        parser = RemoteParser(self._debug)
        parser.mouse_pixels = self._offers_pixel_mouse()
        return parser

    def _process_all(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)

    def _set_sizes(self, parser: RemoteParser) -> None:
        """Tell the parser how large the terminal is, for the mouse in pixels.

        The size of a cell follows the font, which may change at any time.
        """
        if not self._offers_pixel_mouse():
            return
        columns, rows, pixels = window_size(self.fileno)
        cell = self.capabilities.cell_pixels or (1, 1)
        if pixels is not None and pixels[0] >= columns and pixels[1] >= rows:
            cell = (pixels[0] // columns, pixels[1] // rows)
        parser.terminal_size = (columns, rows)
        parser.terminal_pixel_size = (columns * cell[0], rows * cell[1])

    def _offers_pixel_mouse(self) -> bool:
        """Whether the mouse is reported in pixels; iTerm2 does it wrongly."""
        return self.capabilities.pixel_mouse and not self.capabilities.name.startswith(
            "iTerm2"
        )

    def _is_xterm(self) -> bool:
        return self.capabilities.name.startswith("XTerm")

    def _disable_mouse_support(self) -> None:
        if self._offers_pixel_mouse() and self._mouse:
            self.write(_PIXEL_MOUSE_OFF)
        super()._disable_mouse_support()

    def _tell(self, tell: Callable[[FrameListener], None]) -> None:
        """Tell the listener on the event loop, ahead of queued messages."""
        if self._listener is None:
            return
        listener, context = self._listener
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(tell, listener, context=context)

    def _tell_in_order(self, event: events.Key) -> None:
        """Tell of a released key behind the key presses that are queued in the App."""
        if self._listener is None:
            return
        listener, _ = self._listener

        def release() -> None:
            listener.key_released(event.key, event.character)

        self.send_message(events.Callback(release))


def remote_driver_class(capabilities: Capabilities) -> type[RemoteDriver]:
    """Driver class for one terminal: Textual makes the driver itself."""
    return type("RemoteDriver", (RemoteDriver,), {"capabilities": capabilities})


def _hang_up() -> None:
    """End the program as the kernel would that has lost its terminal.

    The kernel tells only the first process of the session, and those in front when
    that one dies: `make`, for example, waits for us instead.
    """
    os.kill(os.getpid(), signal.SIGHUP)


def _open_terminal() -> TextIOWrapper | None:
    """A file of our own for writing to the terminal; None without a terminal.

    Descriptor 2 may be turned to a log while the App runs, so it is not used as such.
    """
    for descriptor in (1, 2, 0):
        if os.isatty(descriptor):
            return os.fdopen(
                os.dup(descriptor), "w", encoding="utf-8", errors="replace", newline=""
            )
    return None
