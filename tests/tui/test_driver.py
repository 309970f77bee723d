"""The driver on a real pseudo-terminal."""

import os
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.tui.frame_driver import choose_driver_class
from tests.support.emulator import emulator


def test_choice_of_the_driver(monkeypatch):
    """Ours on a terminal, Textual's for the web and where it is named."""
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    chosen = choose_driver_class(Capabilities(sync=True))
    assert chosen is not None
    assert chosen.capabilities.sync
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    assert choose_driver_class(Capabilities()) is None


APP = """
import sys
import numpy as np
from textual.app import App
from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.tui.frame_driver import choose_driver_class
from p2p_remote.tui.widgets.remote_view import RemoteView

class ViewApp(App):
    def compose(self):
        yield RemoteView()

    def on_mount(self):
        view = self.query_one(RemoteView)
        view.control_enabled = True
        view.focus()
        self.frame = np.zeros((240, 400, 4), np.uint8)
        self.frame[:] = (200, 100, 50, 0)
        view.update_frame(self.frame, [])
        self.log_file = open(sys.argv[1], "w", buffering=1)
        print("started", file=self.log_file)

    def on_remote_text(self, message):
        print("text", message.text, file=self.log_file)
        if message.text == "q":
            self.exit()
        self.frame[0:40, 0:40] = (0, 0, 255, 0)
        self.query_one(RemoteView).update_frame(self.frame, [Rect(0, 0, 40, 40)])

    def on_remote_key(self, message):
        print("key", message.keysym, message.modifiers, message.action,
              file=self.log_file)

    def on_remote_pointer(self, message):
        print("pointer", message.x, message.y, message.buttons, file=self.log_file)

    def on_release_all(self, message):
        print("release all", file=self.log_file)

found = Capabilities(
    name="XTerm(1)", sync=True, kitty_keyboard=True, pixel_mouse=True,
    cell_pixels=(10, 20), truecolor=True,
)
app = ViewApp(driver_class=choose_driver_class(found))
app.run()
"""


class Terminal:
    """A pseudo-terminal of 80x24 cells with an App in it, shown by an emulator."""

    def __init__(self, log):
        self.log = log
        self.screen, self._feed = emulator(80, 24)
        self.raw = b""
        self.answering = True
        self.master, slave = os.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        self.before = termios.tcgetattr(slave)
        self._slave = slave
        self.process = subprocess.Popen(
            [sys.executable, "-c", APP, str(log)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
        )

    def read(self, seconds):
        """Let the terminal read, and answer cursor questions."""
        end = time.monotonic() + seconds
        while (wait := end - time.monotonic()) > 0:
            if not select.select([self.master], [], [], wait)[0]:
                return
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data
            self._feed(data.decode("utf-8", "replace"))
            if self.answering:
                self.write(b"\x1b[2;1R" * data.count(b"\x1b[6n"))

    def write(self, data):
        if data:
            os.write(self.master, data)

    def wait_for(self, condition, seconds=60.0):
        """Wait for a condition; long, since others may use the machine too."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.lines(), self.raw[-300:])
            self.read(0.05)

    def hang_up(self):
        """Take the other side of the terminal away; no signal tells of it."""
        os.close(self.master)
        self.master = -1

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for descriptor in {self.master, self._slave} - {-1}:
            os.close(descriptor)


@pytest.fixture
def terminal(tmp_path):
    """An App with our driver in a terminal."""
    opened = Terminal(tmp_path / "log")
    yield opened
    opened.close()


def background(terminal, column, row):
    return terminal.screen.buffer[row][column].bg


def test_whole_way_on_a_real_terminal(terminal):
    """Frames, keys, releases, pixel mouse and the end, through a pseudo-terminal."""
    terminal.wait_for(lambda: background(terminal, 40, 12) == "3165ce")
    assert b"\x1b[=31;1u" in terminal.raw
    assert b"\x1b[?1016h" in terminal.raw
    assert b"\x1b[?1036s\x1b[?1036h" in terminal.raw

    # A key press, its release and a shortcut, as kitty sends them.
    terminal.write(b"\x1b[97;;97u\x1b[97;1:3u\x1b[113;5u\x1b[1;2R")
    terminal.wait_for(lambda: len(terminal.lines()) >= 4)
    assert terminal.lines() == [
        "started",
        "text a",
        "key 113 2 0",
        "key 65472 1 0",
    ]
    # The text handler painted a red square; 400x240 pixels are 80x24 cells of 5x10.
    terminal.wait_for(lambda: background(terminal, 0, 0) == "ff0000")
    assert background(terminal, 7, 3) == "ff0000"
    assert background(terminal, 8, 3) == "3165ce"

    # Mouse in pixels: 10x20 pixels a cell, so a pixel is half a remote pixel.
    terminal.write(b"\x1b[<0;402;201M\x1b[<0;402;201m\x1b[<128;10;10M")
    terminal.wait_for(lambda: len(terminal.lines()) >= 6)
    assert terminal.lines()[4:] == ["pointer 200 100 1", "pointer 200 100 0"]

    # The window of the terminal loses the focus.
    terminal.write(b"\x1b[O")
    terminal.wait_for(lambda: terminal.lines()[-1] == "release all")
    terminal.write(b"\x1b[I\x1b[113;;113u")
    terminal.wait_for(lambda: terminal.process.poll() is not None)
    assert terminal.process.returncode == 0
    terminal.wait_for(lambda: b"\x1b[?1016l" in terminal.raw)
    assert b"\x1b[?1036r" in terminal.raw
    assert termios.tcgetattr(terminal._slave) == terminal.before


def test_a_terminal_that_stands_still_holds_up_nothing(terminal):
    """Without answers two frames go out; keys still work, and then the newest state."""
    terminal.answering = False
    terminal.wait_for(lambda: background(terminal, 40, 12) == "3165ce")
    for number in range(5):
        terminal.write(b"b")
        terminal.wait_for(lambda seen=number: terminal.lines().count("text b") > seen)
    assert terminal.raw.count(b"\x1b[6n") <= 2
    terminal.write(b"\x1b[2;1R")
    terminal.wait_for(lambda: background(terminal, 0, 0) == "ff0000")


def test_the_end_of_the_terminal_ends_the_program(terminal):
    """Also where the kernel tells another process of the session, not this one."""
    terminal.wait_for(lambda: background(terminal, 40, 12) == "3165ce")
    terminal.hang_up()
    assert terminal.process.wait(60.0) == -signal.SIGHUP
