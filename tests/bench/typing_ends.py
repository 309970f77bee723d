"""The technician of the typing benchmark, in a process of its own.

    python -m tests.bench.typing_ends ours SERVER ID X,Y,WIDTH,HEIGHT [PICTURE]
    python -m tests.bench.typing_ends vnc HOST PORT X,Y,WIDTH,HEIGHT [PICTURE]

Prints events: `digits` when it rings, `ready` when the first picture is whole, and for
each line "SECONDS" on standard input the `delays` from keys to the pixels that they
change in the place given. The next key is pressed when the last one has shown.

With a PICTURE (a file of numpy, (height, width, 4) BGRX) there is only one event,
`first`: the `seconds` from the start of the session until a view of 200x60 half-block
cells looks like it; with `vnc` until the first update is whole.
"""

import asyncio
import contextlib
import json
import math
import random
import select
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from p2p_remote.screen.geometry import Rect
from p2p_remote.services import events as se
from p2p_remote.services.running_node import passing_options
from p2p_remote.services.technician import TechnicianService
from p2p_remote.wire.control import Viewport
from p2p_remote.wire.input import TextInput
from tests.bench.rfb import TIGHT, RfbClient, encodings

LONGEST = 5.0  # s to wait for a key to show
GAP = (0.05, 0.12)  # s between a letter and the next key
CELLS = (200, 120)  # sub-pixels of the view
ALIKE = 30.0  # dB between cells
_QUALITY = 6  # of Tight's JPEG
_QUIET = 0.3  # s without an update: the first picture is whole


def say(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def cells(
    pixels: np.ndarray[Any, np.dtype[np.uint8]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What half-block cells show of BGRX pixels, (120, 200, 3)."""
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, :3]))
    return np.asarray(image.resize(CELLS, Image.Resampling.BOX), np.float64)


def likeness(
    one: np.ndarray[Any, np.dtype[np.float64]],
    other: np.ndarray[Any, np.dtype[np.float64]],
) -> float:
    """Peak signal-to-noise ratio in dB."""
    error = float(np.mean((one - other) ** 2))
    return 10 * math.log10(255**2 / max(error, 1e-9))


class Program:
    """The program's technician."""

    def __init__(
        self, server: str, number: str, place: Rect, picture: str = ""
    ) -> None:
        self._service = TechnicianService(passing_options(server, "bench"), self._take)
        self._number = int(number)
        self._goal = cells(np.load(picture)) if picture else None
        self._begin = 0.0
        self._place = place
        self._before = np.zeros(0, np.uint8)
        self._seen = asyncio.Event()
        self._started = asyncio.Event()

    def _take(self, event: se.ServiceEvent) -> None:
        match event:
            case se.Ringing(digits=digits):
                say("digits", digits=digits)
            case se.Started(width=width, height=height):
                self._begin = time.monotonic()
                self._service.send_viewport(Viewport(0, 0, width, height, *CELLS))
                self._started.set()
            case se.Frame() if self._goal is not None:
                if likeness(cells(self._service.framebuffer), self._goal) >= ALIKE:
                    say("first", seconds=time.monotonic() - self._begin)
                    self._goal = None
            case se.Frame():
                if not np.array_equal(self._look(), self._before):
                    self._seen.set()
            case se.Failed(error=error):
                raise SystemExit(str(error))
            case _:
                pass

    def _look(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        place = self._place
        shown = self._service.framebuffer
        return shown[place.y : place.bottom, place.x : place.right].copy()

    async def run(self) -> None:
        await self._service.start()
        await self._service.call(self._number)
        await self._started.wait()
        await self._service.snapshot(wait_settled=True)
        say("ready")
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            say("delays", delays=await self._type(float(line)))
        await self._service.close()

    async def _type(self, seconds: float) -> list[float]:
        delays = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(*GAP))
            self._before = self._look()
            self._seen.clear()
            begin = time.monotonic()
            self._service.send_input([TextInput(0, random.choice("abcdefgh"))])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST):
                    await self._seen.wait()
            delays.append(time.monotonic() - begin)
        return delays


class Vnc:
    """A VNC client that asks for the next update as soon as it has one."""

    def __init__(self, host: str, port: str, place: Rect) -> None:
        wanted = encodings(TIGHT, _QUALITY)
        self._client = RfbClient(int(port), wanted, host=host)
        self._place = place

    def run(self, *, first: bool) -> None:
        begin = time.monotonic()
        while self._client.update(_QUIET):
            if first:
                say("first", seconds=time.monotonic() - begin)
                return
        say("ready")
        while True:
            while not select.select([sys.stdin], [], [], 0)[0]:
                self._client.update(0.05)
            line = sys.stdin.readline()
            if not line:
                return
            say("delays", delays=self._type(float(line)))

    def _read_until(self, end: float, is_over: Callable[[], bool]) -> bool:
        while not is_over():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._client.update(left)
        return True

    def _shows(self) -> bool:
        return any(self._place.intersects(Rect(*each)) for each in self._client.places)

    def _type(self, seconds: float) -> list[float]:
        delays = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._read_until(time.monotonic() + random.uniform(*GAP), lambda: False)
            self._client.places = []
            begin = time.monotonic()
            keysym = ord(random.choice("abcdefgh"))
            for down in (1, 0):
                self._client.send(struct.pack(">BBxxI", 4, down, keysym))
            self._read_until(begin + LONGEST, self._shows)
            delays.append(time.monotonic() - begin)
        return delays


def main() -> None:
    kind, where, which, place, *picture = sys.argv[1:]
    rect = Rect(*(int(part) for part in place.split(",")))
    if kind == "vnc":
        Vnc(where, which, rect).run(first=bool(picture))
        return

    async def run() -> None:
        await Program(where, which, rect, *picture).run()

    asyncio.run(run())


if __name__ == "__main__":
    main()
