"""What the remote view asks of a driver, and the choice of the driver."""

import os
import sys
from typing import Protocol, runtime_checkable

from textual.driver import Driver

from p2p_remote.terminal.capabilities import Capabilities

# Asks the terminal where its cursor is, with the cursor on the second row: reports of
# the first row look like F3 with modifiers. The answer comes when everything before
# the question has been digested.
ASK_FOR_SIGN = "\x1b[2;1H\x1b[6n"


class FrameListener(Protocol):
    """What a driver tells; always called on the event loop of the App."""

    def terminal_answered(self) -> None:
        """The terminal has come to the next `ASK_FOR_SIGN`."""

    def terminal_restarted(self) -> None:
        """The terminal is ours again after a suspension; its content is gone."""

    def key_released(self, key: str, character: str | None) -> None:
        """A key was let go; told in order with the key presses."""


@runtime_checkable
class FrameDriver(Protocol):
    """A driver that takes frames past the compositor."""

    capabilities: Capabilities

    def write_now(self, text: str) -> None:
        """Write escape codes, in order with what Textual writes; never blocks."""

    def listen(self, listener: FrameListener) -> None:
        """Tell this listener from now on."""

    def forget(self, listener: FrameListener) -> None:
        """Tell this listener no more; another one stays."""


def choose_driver_class(capabilities: Capabilities) -> type[Driver] | None:
    """Driver class for `App(driver_class=...)`; None for Textual's own choice.

    Textual chooses on Windows, and where TEXTUAL_DRIVER names a driver (the web).
    """
    if sys.platform == "win32" or os.environ.get("TEXTUAL_DRIVER"):
        return None
    from p2p_remote.tui.driver import remote_driver_class

    return remote_driver_class(capabilities)
