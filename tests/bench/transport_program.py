"""A busy screen as the program itself sends it, from input to the technician's pixels.

The customer's `ScreenSender`, the sessions and the technician's `Picture` are those of
the program, on its driver; the screen is painted by the benchmark: a video of noise
that is more than the line carries, and a tile for each key, right when the key arrives.
`ours-one-stream` is the same without hot patches.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from p2p_remote.net.driver import Driver
from p2p_remote.net.udp_socket import open_udp_sockets
from p2p_remote.screen.geometry import Rect
from p2p_remote.services import screen_sender
from p2p_remote.services.picture import Picture
from p2p_remote.services.running_node import SWITCH_INTERVAL
from p2p_remote.services.screen_sender import ScreenSender
from p2p_remote.session import events as ev
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.session import Session
from p2p_remote.session.technician import TechnicianSession
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.input import TextInput
from tests.bench.transport_workloads import ANSWER, ASK, FILL, ONE_STREAM, Workload
from tests.support.drawn_screen import DrawnScreen
from tests.support.handshakes import RELAY, ringing

WIDTH, HEIGHT = 1024, 768
VIDEO = Rect(100, 100, 240, 140)  # of noise: 100 kB a frame
FRAMES = 25.0  # a second
_ROWS = 16  # of a tile
_TILES = 24  # places for tiles, taken in turns


class ProgramWire:
    """One side of an approved session between the two addresses."""

    def __init__(
        self,
        name: str,
        workload: Workload,
        local: tuple[str, int],
        remote: tuple[str, int],
        *,
        is_customer: bool,
    ) -> None:
        self.on_message: Callable[[int, bytes], None]
        self.on_room: Callable[[], None]
        if name == ONE_STREAM:
            screen_sender.ANSWER_TIME = screen_sender.HOLD_TIME = 0.0
        pair = ringing()
        pair.release()
        pair.exchange()
        called, caller = pair.results()[::-1]
        assert caller.path == RELAY
        now = time.monotonic()
        path = Endpoint(*remote)
        self.session: Session
        if is_customer:
            session = CustomerSession(
                replace(called, path=path), os.urandom, now, known=True
            )
            session.approve(["view", "control"], (WIDTH, HEIGHT), now)
            self.session = session
        else:
            self.session = TechnicianSession(
                replace(caller, path=path), os.urandom, now
            )
        sys.setswitchinterval(SWITCH_INTERVAL)  # as where a node runs
        sockets = open_udp_sockets(local[1], local[0])
        self._driver: Driver[Any] = Driver(self.session, sockets, self._on_event)
        self._workload = workload
        self._tasks: list[asyncio.Task[None]] = []
        self._started = asyncio.Event()

    async def start(self) -> None:
        await self._driver.start()
        if isinstance(self.session, CustomerSession):
            self._screen = DrawnScreen(WIDTH, HEIGHT)
            self._sender = ScreenSender(
                self.session,
                self._screen,
                self._screen.reopen,
                time.monotonic,
                self._driver.poke,
            )
            self._sender.take_abilities(jpeg=False)
            self._spawn(self._sender.run())
            return
        self._answers = [-1] * _TILES
        self._picture = Picture(time.monotonic, self._on_frame, self._on_broken)
        self._spawn(self._picture.run())
        async with asyncio.timeout(10.0):
            await self._started.wait()

    def _spawn(self, work: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    def _on_event(self, event: object) -> None:
        match event:
            case ev.SessionApproved():
                self._started.set()
            case ev.RoomForScreen():
                self._sender.room_available()
            case ev.InputArrived(message=TextInput(text=text) as message):
                if len(self._tasks) == 1 and self._workload.fill:
                    self._spawn(self._play())
                self._sender.note_input(message)
                self.on_message(ASK, int(text).to_bytes(8, "little"))
            case ev.ScreenArrived(update=update):
                self.on_message(FILL, update.body + update.side)
                self._picture.put(update)
            case ev.PatchArrived(patch=patch):
                self._picture.put_patch(patch)
            case ev.SessionEnded(reason=reason):
                raise SystemExit(f"the session has ended: {reason}")
            case _:
                pass

    def has_room(self) -> bool:
        """Nothing else fills the line than the screen."""
        return False

    def send(self, kind: int, data: bytes) -> None:
        number = int.from_bytes(data[:8], "little")
        if kind == ANSWER:
            self._paint(number, len(data))
        elif isinstance(self.session, TechnicianSession):
            self.session.send_input(TextInput(0, str(number)), time.monotonic())
            self._driver.poke()

    def _paint(self, number: int, size: int) -> None:
        """A tile of about `size` bytes that tells its number in its first pixel."""
        place = _tile(number)
        columns = max(size // 3 // _ROWS, 1)
        pixels = np.frombuffer(os.urandom(_ROWS * columns * 4), np.uint8)
        tile = pixels.reshape(_ROWS, columns, 4).copy()
        tile[0, 0, :3] = list(number.to_bytes(3, "little"))
        self._screen.paint(Rect(place.x, place.y, columns, _ROWS), tile)

    async def _play(self) -> None:
        """The video."""
        random = np.random.default_rng(1)
        while True:
            shape = (VIDEO.height, VIDEO.width, 4)
            self._screen.paint(VIDEO, random.integers(0, 256, shape, np.uint8))
            await asyncio.sleep(1 / FRAMES)

    def _on_frame(self, _damage: list[Rect]) -> None:
        shown = self._picture.framebuffer
        if not shown.size:
            return
        for slot in range(_TILES):
            place = _tile(slot)
            number = int.from_bytes(bytes(shown[place.y, place.x, :3]), "little")
            if number > self._answers[slot]:
                self._answers[slot] = number
                self.on_message(ANSWER, number.to_bytes(8, "little"))

    def _on_broken(self, why: str) -> None:
        raise SystemExit(f"the picture is broken: {why}")

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._driver.close()


def _tile(number: int) -> Rect:
    """Where the tile of a question goes."""
    return Rect(400 + 20 * (number % _TILES), 400, 15, _ROWS)
