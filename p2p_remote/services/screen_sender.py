"""Capture, encode, send: the newest state of the screen, never an old one.

A frame is captured only when the line has room for it, so nothing old waits in a
queue. Capture and encoding run in one worker thread (numpy and lz4 release the GIL);
the loop of the network only hands over the results.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from p2p_remote.desktop.base import (
    CursorImage,
    PointerState,
    ScreenResizedError,
    ScreenSource,
)
from p2p_remote.errors import PermissionNotGrantedError
from p2p_remote.screen.cursor import pack_shape
from p2p_remote.screen.encoder import Encoder
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.roles import State
from p2p_remote.wire.screen import (
    MAX_CURSOR_SIDE,
    CursorPosition,
    CursorShape,
    ScreenUpdate,
)

_LOG = logging.getLogger(__name__)
MINIMUM_ROOM = 256  # bytes; less is not worth a capture
IDLE_WAIT = 1.0  # s a worker waits for a change; closing the screen ends it sooner
SETTLED_AFTER = 0.1  # s without damage until "settled" is told
ROOM_POLL = 0.25  # s; a safety net, the event usually comes first
OPENING_FRAMES = 2  # captures at the start that do not wait for damage


@dataclass(frozen=True, slots=True)
class _Step:
    """What one turn of the worker has brought."""

    updates: tuple[ScreenUpdate, ...]
    pointer: PointerState
    shape: CursorShape | None
    pending: bool
    resized: tuple[int, int] | None = None


class ScreenSender:
    """Sends one screen into one session until it ends."""

    def __init__(
        self,
        session: CustomerSession,
        source: ScreenSource,
        reopen: Callable[[], ScreenSource],
        clock: Callable[[], float],
        poke: Callable[[], None],
    ) -> None:
        """Prepare; `run` does the work.

        Args:
            session: where updates go; its grants are asked before every capture.
            source: the screen.
            reopen: opens the screen anew after a change of its size.
            clock: s.
            poke: tells the driver that there is something to send.

        """
        self._session = session
        self._source = source
        self._reopen = reopen
        self._clock = clock
        self._poke = poke
        self._room = asyncio.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="screen")
        self._encoder = Encoder(source.width, source.height)
        self._key_frame = False
        self._pointer: PointerState | None = None
        self._shape_serial = -1
        self._sequence = -1
        self._opening = OPENING_FRAMES
        self._quiet_since: float | None = None

    @property
    def source(self) -> ScreenSource:
        """The screen in use (another one after a change of size)."""
        return self._source

    def room_available(self) -> None:
        """Tell that the line has room again."""
        self._room.set()

    def request_key_frame(self) -> None:
        """Start again from nothing with the next update."""
        self._key_frame = True

    async def run(self) -> None:
        """Send until the session ends.

        Raises:
            RemoteSupportError: the screen is gone.

        """
        loop = asyncio.get_running_loop()
        try:
            while self._session.state is State.ACTIVE:
                room = self._session.screen_room(self._clock())
                if room < MINIMUM_ROOM:
                    self._room.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(ROOM_POLL):
                            await self._room.wait()
                    continue
                step = await loop.run_in_executor(self._worker, self._step, room)
                self._send(step)
        except PermissionNotGrantedError:
            _LOG.info("the screen is no longer shared")
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)

    def _step(self, room: int) -> _Step:
        """Worker: wait for damage, capture, encode."""
        if self._opening > 0:
            self._opening -= 1
        elif not (self._encoder.pending or self._key_frame):
            self._source.wait(
                SETTLED_AFTER if self._quiet_since is not None else IDLE_WAIT
            )
        self._session.grants.check("view", None, self._clock())
        resized = None
        try:
            capture = self._source.capture()
        except ScreenResizedError:
            self._source.close()
            self._source = self._reopen()
            self._encoder = Encoder(self._source.width, self._source.height)
            resized = (self._source.width, self._source.height)
            capture = self._source.capture()
        if self._key_frame:
            self._key_frame = False
            self._encoder.reset()
        updates = self._encoder.encode(capture.frame, capture.damage, budget=room)
        shape = None
        if capture.pointer.shape_serial != self._shape_serial:
            self._shape_serial = capture.pointer.shape_serial
            image = self._source.cursor_shape()
            shape = cursor_message(image) if image is not None else None
        return _Step(
            tuple(updates), capture.pointer, shape, self._encoder.pending, resized
        )

    def _send(self, step: _Step) -> None:
        """Loop: hand the results to the session."""
        now = self._clock()
        if step.resized is not None:
            self._session.resize_display(*step.resized, now)
        for update in step.updates:
            self._session.send_screen(update, now)
            self._sequence = update.sequence
        if step.shape is not None:
            self._session.send_cursor(step.shape, now)
        if self._pointer is None or (
            (step.pointer.x, step.pointer.y, step.pointer.visible)
            != (self._pointer.x, self._pointer.y, self._pointer.visible)
        ):
            self._pointer = step.pointer
            self._session.send_cursor(
                CursorPosition(
                    max(step.pointer.x, 0),
                    max(step.pointer.y, 0),
                    int(step.pointer.visible),
                ),
                now,
            )
        if step.updates or step.pending:
            self._quiet_since = now
        elif (
            self._quiet_since is not None
            and self._sequence >= 0
            and now - self._quiet_since >= SETTLED_AFTER * 0.9
        ):
            self._quiet_since = None
            self._session.send_settled(self._sequence, now)
        self._poke()


def cursor_message(image: CursorImage) -> CursorShape | None:
    """Message for a pointer shape; None for one that is too large to be told."""
    if not (
        0 < image.width <= MAX_CURSOR_SIDE
        and 0 < image.height <= MAX_CURSOR_SIDE
        and 0 <= image.hot_x < MAX_CURSOR_SIDE
        and 0 <= image.hot_y < MAX_CURSOR_SIDE
    ):
        return None
    return CursorShape(
        image.width, image.height, image.hot_x, image.hot_y, pack_shape(image.pixels)
    )
