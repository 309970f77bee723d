"""A display to measure on: windows of our own and real terminals.

Windows keep their content in pixmaps of the server, so a step costs the painter next
to nothing and moves pixels as programs do: by CopyArea, or by moving the window.
"""

import os
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_remote.desktop.x11_connection import X11Connection, request
from tests.system.displays import Display

Picture = NDArray[np.uint8]  # (height, width, 4) BGRX
_BAND = 200_000  # bytes of one PutImage
_CREATE_WINDOW, _MAP, _CONFIGURE = 1, 8, 12
_CREATE_PIXMAP, _CREATE_GC, _COPY_AREA, _PUT_IMAGE = 53, 55, 62, 72


class Stage:
    """Paints on one display; waits until what it did has been drawn."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self._connection = X11Connection(display.name)
        self._gc = self._connection.new_id()
        # Graphics exposures would fill the queue of events.
        self._send(_CREATE_GC, "IIII", self._gc, self._connection.root, 1 << 16, 0)
        self._programs: list[subprocess.Popen[Any]] = []

    def _send(self, opcode: int, layout: str, *fields: int, data: int = 0) -> None:
        self._connection.send(request(opcode, data, struct.pack(f"<{layout}", *fields)))

    def picture(self, pixels: Picture) -> int:
        """Pixmap with this content."""
        height, width = pixels.shape[:2]
        pixmap = self._connection.new_id()
        root = self._connection.root
        self._send(_CREATE_PIXMAP, "IIHH", pixmap, root, width, height, data=24)
        self.paint(pixmap, pixels, 0, 0)
        return pixmap

    def paint(self, drawable: int, pixels: Picture, x: int, y: int) -> None:
        """Put pixels into a window or pixmap."""
        height, width = pixels.shape[:2]
        step = max(_BAND // (4 * width), 1)
        for top in range(0, height, step):
            band = np.ascontiguousarray(pixels[top : top + step])
            head = struct.pack(
                "<IIHHhhBBxx",
                *(drawable, self._gc, width, len(band), x, y + top, 0, 24),
            )
            self._connection.send(request(_PUT_IMAGE, 2, head + band.tobytes()))

    def window(self, x: int, y: int, pixels: Picture) -> int:
        """Mapped window that the server repaints by itself from its pixmap."""
        height, width = pixels.shape[:2]
        pixmap = self.picture(pixels)
        window = self._connection.new_id()
        root, mask = self._connection.root, 1 | 1 << 9  # background, no manager
        self._send(
            *(_CREATE_WINDOW, "IIhhHHHHIIII", window, root, x, y, width, height),
            *(0, 1, 0, mask, pixmap, 1),
        )
        self._send(_MAP, "I", window)
        self._connection.sync()  # it lies below what is opened after it
        return window

    def move(self, window: int, x: int, y: int) -> None:
        self._send(_CONFIGURE, "IHxxii", window, 3, x, y)

    def raise_window(self, window: int) -> None:
        self._send(_CONFIGURE, "IHxxI", window, 1 << 6, 0)

    def show(
        self, pixmap: int, window: int, source_y: int, size: tuple[int, int]
    ) -> None:
        """Copy the part of a pixmap from row `source_y` on to the whole window."""
        self._send(
            *(_COPY_AREA, "IIIhhhhHH", pixmap, window, self._gc),
            *(0, source_y, 0, 0, *size),
        )

    def settle(self, seconds: float = 0.0) -> None:
        """Wait until the server has drawn everything, and programs had `seconds`."""
        self._connection.sync()
        if seconds:
            time.sleep(seconds)
            self._connection.sync()
        for _ in self._connection.events():
            pass

    def run(self, *arguments: str) -> None:
        """Start a program on the display."""
        self._programs.append(
            subprocess.Popen(
                arguments,
                env={**os.environ, **self.display.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def close(self) -> None:
        """End the programs and the windows."""
        for program in self._programs:
            program.terminate()
            program.wait()
        self._connection.close()


class Terminal:
    """An xterm whose shell is a pipe: what is written appears as it is."""

    def __init__(self, stage: Stage, folder: Path, geometry: str, *more: str) -> None:
        pipe = folder / f"pipe{time.monotonic_ns()}"
        os.mkfifo(pipe)
        stage.run(
            *("xterm", "-geometry", geometry, "-bw", "0", "-fa", "monospace"),
            *("-fs", "11", "-b", "4", *more, "-e", "sh", "-c", f"exec cat {pipe}"),
        )
        self._pipe = pipe.open("wb", buffering=0)

    def write(self, text: str) -> None:
        self._pipe.write(text.encode())

    def close(self) -> None:
        self._pipe.close()
