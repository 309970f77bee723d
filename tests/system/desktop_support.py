"""Real X servers and programs for the desktop tests."""

import contextlib
import struct
import time
from pathlib import Path

import numpy as np

from p2p_remote.desktop.mss_screen import MssScreen, open_mss
from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_screen import X11Screen
from tests.system.displays import Display
from tests.system.programs import Programs

CJK = "".join(chr(0x4E00 + 37 * index) for index in range(40))
TEXT = f'Grüße 12€ ß Ж "Zitat" ÄÖÜ @\\|{{}}[]~<>\n{CJK}\nнебо 😀 ok\tTab\n'
CAPS_LOCK = 0xFFE5
PATIENCE = 10.0  # s for another program to do what it was told


def until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what()}"
        time.sleep(0.02)


class Notes:
    """An xterm that writes what is typed into it to a file."""

    def __init__(self, programs: Programs, display: Display, place: Path, stty: str):
        self._file = place / "typed"
        self._file.write_bytes(b"")
        self._seen = 0
        programs.start(
            "xterm",
            *("-geometry", "80x24+0+0", "-T", "notes"),
            *("-e", "sh", "-c", f"stty {stty}; exec cat > {self._file}"),
            env={**display.env, "LC_ALL": "C.UTF-8"},
        )
        display.run("xdotool", "search", "--sync", "--name", "^notes$")
        display.run("xdotool", "mousemove", "200", "100")
        until(self._answers(display), lambda: "xterm to take keys")

    def _answers(self, display: Display):
        def typed() -> bool:
            display.run("xdotool", "key", "x", "Return")
            time.sleep(0.1)
            self._seen = self._file.stat().st_size
            return self._seen > 0

        return typed

    def expect(self, expected: str | bytes) -> None:
        """Wait until just this was typed since the last call."""
        if isinstance(expected, str):
            expected = expected.encode()

        def news() -> bytes:
            return self._file.read_bytes()[self._seen :]

        until(lambda: len(news()) >= len(expected), news)
        time.sleep(0.05)  # for what must not come
        got = news()
        self._seen += len(got)
        assert got.decode("utf-8", "replace") == expected.decode()


def reference(display: Display) -> np.ndarray:
    """The screen as mss sees it, BGR."""
    with contextlib.closing(MssScreen(open_mss(display.name), lambda: None)) as opened:
        return opened.capture().frame[..., :3].copy()


def settled(screen: X11Screen) -> np.ndarray:
    """The picture once nothing has changed for half a second."""
    frame = screen.capture().frame
    while screen.wait(0.5):
        frame = screen.capture().frame
    return frame.copy()


def keys_down(display: Display) -> list[int]:
    with contextlib.closing(X11Connection(display.name)) as connection:
        answer = connection.call(request(44, 0))  # QueryKeymap
    return [key for key in range(256) if answer[8 + key // 8] >> key % 8 & 1]


def buttons_down(display: Display) -> int:
    with contextlib.closing(X11Connection(display.name)) as connection:
        answer = connection.call(request(38, 0, struct.pack("<I", connection.root)))
    mask: int = struct.unpack_from("<H", answer, 24)[0]
    return mask >> 8 & 7


def empty_keycodes(display: Display) -> list[int]:
    with contextlib.closing(X11Connection(display.name)) as connection:
        answer = connection.call(request(101, 0, struct.pack("<BBxx", 8, 248)))
    row = 4 * answer[1]
    return [
        8 + index
        for index in range(248)
        if not any(answer[32 + row * index : 32 + row * (index + 1)])
    ]
