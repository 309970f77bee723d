"""Byte strings of terminals -> events, and the driver on a real pseudo-terminal."""

import os
import select
import signal
import subprocess
import sys
import termios
import time

import pytest
from textual import events
from textual.keys import Keys

from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.late_answers import LateAnswers
from p2p_remote.tui.frame_driver import (
    ASK_FOR_SIGN,
    choose_driver_class,
)
from p2p_remote.tui.terminal_parser import ReleasedKey, RemoteParser, RepeatedKey
from tests.support.emulator import emulator


def parsed(text, parser=None):
    """Events of a string, fed at once."""
    return list((parser or RemoteParser()).feed(text))


def keys(text):
    """(name, character) of the key events of a string."""
    return [(event.key, event.character) for event in parsed(text)]


@pytest.mark.parametrize(
    ("text", "key", "character", "kind"),
    [
        # kitty, flags 31
        ("\x1b[97;;97u", "a", "a", events.Key),
        ("\x1b[97;1:1;97u", "a", "a", events.Key),
        ("\x1b[97;1:2;97u", "a", "a", RepeatedKey),
        ("\x1b[97;1:3u", "a", None, ReleasedKey),
        ("\x1b[97:65;2:1;65u", "A", "A", events.Key),
        ("\x1b[97;5u", "ctrl+a", None, events.Key),
        ("\x1b[97;5:3u", "ctrl+a", None, ReleasedKey),
        ("\x1b[1089::99;5u", "ctrl+c", None, events.Key),
        ("\x1b[1089::99;;1089u", "с", "с", events.Key),
        ("\x1b[13;2:2u", "shift+enter", None, RepeatedKey),
        ("\x1b[1;1:2D", "left", None, RepeatedKey),
        ("\x1b[1;1:3D", "left", None, ReleasedKey),
        ("\x1b[3;5:1~", "ctrl+delete", None, events.Key),
        ("\x1b[57441;2:1u", "left_shift", None, events.Key),
        ("\x1b[57441;2:3u", "left_shift", None, ReleasedKey),
        ("\x1b[13;2~", "shift+f3", None, events.Key),
        ("\x1b[105;5u", "ctrl+i", None, events.Key),
        # xterm
        ("\x1b[1;2R", "shift+f3", None, events.Key),
        ("\x1b[1;5R", "ctrl+f3", None, events.Key),
        ("\x1b[1;6R", "ctrl+shift+f3", None, events.Key),
        ("\x1b[1;2P", "shift+f1", None, events.Key),
        ("\x1bOR", "f3", None, events.Key),
        ("\x1b[1;5D", "ctrl+left", None, events.Key),
        ("\x1ba", "alt+a", "a", events.Key),
    ],
)
def test_key_sequences(text, key, character, kind):
    """Names and characters are Textual's; repeats and releases are told apart."""
    (event,) = [
        found
        for parser in (RemoteParser(),)
        for found in [*parser.feed(text), *_timeout(parser)]
    ]
    assert type(event) is kind
    assert event.key == key
    if kind is not ReleasedKey:
        assert event.character == (key if len(key) == 1 else character)


def _timeout(parser):
    """What the parser makes of a sequence that does not go on."""
    if parser._timeout_time is None:
        return []
    parser._timeout_time = 0.0
    return list(parser.tick())


def test_repeats_are_keys_for_textual():
    """A handler `on_key` gets them, and bindings see a key."""
    (event,) = parsed("\x1b[97;1:2;97u")
    assert isinstance(event, events.Key)
    assert event.handler_name == "on_key"


def test_alt_is_kept_with_signs():
    """Alt and a full stop is not a full stop."""
    parser = RemoteParser()
    (event,) = [*parser.feed("\x1b."), *_timeout(parser)]
    assert (event.key, event.character) == ("alt+full_stop", ".")


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[99999999:1;2u",
        "\x1b[:::;u",
        "\x1b[97;1:2;1114112u",
        "\x1b[97;1:9:9u",
        "\x1b[97:65:66:67;1u",
    ],
)
def test_broken_key_sequences_are_ignored(text):
    """Nothing raises, and the key after it is read."""
    parser = RemoteParser()
    first = [event for event in parser.feed(text) if event.key != Keys.Ignore]
    assert not [event for event in first if not isinstance(event, events.Key)]
    assert [event.key for event in parser.feed("z")][-1] == "z"


def test_cursor_reports_and_f3_are_told_apart():
    """Our questions are asked on the second row; the first row is F3."""
    (report,) = parsed("\x1b[2;1R")
    assert isinstance(report, events.CursorPosition)
    assert (report.x, report.y) == (0, 1)
    (far,) = parsed("\x1b[1;80R")
    assert isinstance(far, events.CursorPosition)
    assert ASK_FOR_SIGN.startswith("\x1b[2;1H")


@pytest.mark.parametrize("code", [128, 129, 130, 131, 160, 161])
def test_further_mouse_buttons_are_no_left_or_middle_button(code):
    """Buttons 8 to 11, pressed, released and moved with."""
    assert parsed(f"\x1b[<{code};10;10M\x1b[<{code};10;10m") == []


def test_mouse_buttons_and_wheel():
    """The three buttons, moves and the wheel arrive as Textual's events."""
    found = parsed("\x1b[<0;5;7M\x1b[<2;5;7m\x1b[<35;6;7M\x1b[<64;6;7M\x1b[<67;6;7M")
    assert [type(event) for event in found] == [
        events.MouseDown,
        events.MouseUp,
        events.MouseMove,
        events.MouseScrollUp,
        events.MouseScrollRight,
    ]
    assert [event.button for event in found[:3]] == [1, 3, 0]
    assert (found[0].x, found[0].y) == (4, 6)


def test_mouse_in_pixels_gives_fractions_of_cells():
    """One pixel of a cell of 8x16 is an eighth of a column."""
    parser = RemoteParser()
    parser.mouse_pixels = True
    parser.terminal_size = (100, 40)
    parser.terminal_pixel_size = (800, 640)
    first, second = parsed("\x1b[<35;298;161M\x1b[<35;299;161M", parser)
    assert first.pointer_x == 297 / 8
    assert second.pointer_x - first.pointer_x == 1 / 8
    assert first.pointer_y == 10.0


@pytest.mark.parametrize(
    "answer",
    [
        "\x1bP>|kitty(0.26.5)\x1b\\",
        "\x1b_Gi=31;OK\x1b\\",
        "\x1bP1$r0;48:2:1:2:3m\x1b\\",
        "\x1bP0$r\x1b\\",
        "\x1b[?62;4c",
        "\x1b[?0u",
        "\x1b[4;944;1600t",
    ],
)
def test_late_answers_are_no_keys(answer):
    """Whole or in two pieces, they vanish; keys around them stay."""
    for cut in range(3, len(answer)):
        late = LateAnswers()
        got = late.filter("a" + answer[:cut]) + late.filter(answer[cut:] + "b")
        assert got == "ab"


@pytest.mark.parametrize(
    "text", ["\x1bP", "\x1b_", "\x1b[A", "\x1b[?2026;2$y", "\x1b[<0;5;7M", "\x1b", "é"]
)
def test_what_is_no_answer_passes(text):
    """Alt+P, keys, mode reports and the mouse go through at once or after a while."""
    late = LateAnswers()
    assert late.filter(text) + late.flush() == text
    assert late.filter("x") == "x"


def test_held_back_text_is_bounded():
    """An answer without end is passed on, not kept."""
    late = LateAnswers()
    endless = "\x1b_G" + "x" * 5000
    assert late.filter(endless) == endless


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

    def wait_for(self, condition, seconds=20.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.log.read_text(), self.raw[-300:])
            self.read(0.05)

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)
        os.close(self._slave)


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
    terminal.read(0.2)
    assert terminal.process.returncode == 0
    assert b"\x1b[?1016l" in terminal.raw
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
