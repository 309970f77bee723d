"""Capture, encode, send: the newest state of the screen, never an old one.

A frame is captured only when the line has room for it, so nothing old waits in a
queue. A worker thread captures and encodes (`screen_coder`); the loop of the network
only hands the results over and gathers hints for the next turn.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from p2p_remote.desktop.base import PointerState, ScreenSource
from p2p_remote.errors import PermissionNotGrantedError
from p2p_remote.screen.geometry import Rect
from p2p_remote.services.screen_coder import QUIET_WAIT, Hints, ScreenCoder, Step
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.roles import State
from p2p_remote.wire.control import Viewport
from p2p_remote.wire.input import InputMessage, PointerInput, ScrollInput
from p2p_remote.wire.screen import CursorPosition

_LOG = logging.getLogger(__name__)
MINIMUM_ROOM = 256  # bytes; less is not worth a capture
MINIMUM_INTERVAL = 0.02  # s between captures: nobody sees more than 50 a second
ROOM_POLL = 0.25  # s; a safety net, the event usually comes first
FAST_LINE = 6_250_000  # bytes/s; from here on exact pictures beat quick ones
FOCUS_WIDTH, FOCUS_HEIGHT = 512, 256  # pixels around the last input, sent first


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
        self._coder = ScreenCoder(session.grants, source, reopen, clock)
        self._clock = clock
        self._poke = poke
        self._room = asyncio.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="screen")
        self._key_frame = False
        self._takes_jpeg = False
        self._view: Rect | None = None
        self._focus: Rect | None = None
        self._dragged: tuple[int, int] | None = None
        self._drag_from: tuple[int, int] | None = None
        self._pointer: PointerState | None = None
        self._sequence = -1
        self._quiet_since: float | None = None

    def room_available(self) -> None:
        """Tell that the line has room again."""
        self._room.set()

    def request_key_frame(self) -> None:
        """Start again from nothing with the next update."""
        self._key_frame = True
        self._coder.wake()

    def allow_jpeg(self) -> None:
        """The technician can decode JPEG: photographs may come soon first."""
        self._takes_jpeg = True
        self._coder.wake()

    def look_at(self, viewport: Viewport) -> None:
        """Send what the technician looks at; the rest waits until it is in view."""
        self._view = Rect(viewport.x, viewport.y, viewport.width, viewport.height)
        self._coder.wake()

    def note_input(self, message: InputMessage) -> None:
        """Remember where the technician works and what is being dragged."""
        if not isinstance(message, PointerInput | ScrollInput):
            return
        x, y = message.x, message.y
        self._focus = Rect.from_edges(
            max(x - FOCUS_WIDTH // 2, 0),
            max(y - FOCUS_HEIGHT // 2, 0),
            x + FOCUS_WIDTH // 2,
            y + FOCUS_HEIGHT // 2,
        )
        if isinstance(message, PointerInput) and message.buttons:
            if self._drag_from is None:
                self._drag_from = (x, y)
            self._dragged = (x - self._drag_from[0], y - self._drag_from[1])
        else:
            self._drag_from = None

    async def run(self) -> None:
        """Send until the session ends.

        Raises:
            RemoteSupportError: the screen is gone.

        """
        loop = asyncio.get_running_loop()
        captured_at = -MINIMUM_INTERVAL
        try:
            while self._session.state is State.ACTIVE:
                room = self._session.screen_room(self._clock())
                if room < MINIMUM_ROOM:
                    self._room.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(ROOM_POLL):
                            await self._room.wait()
                    continue
                early = captured_at + MINIMUM_INTERVAL - self._clock()
                if early > 0:
                    await asyncio.sleep(early)
                hints = self._hints(room)
                step = await loop.run_in_executor(self._worker, self._coder.step, hints)
                if step.updates:
                    captured_at = self._clock()
                self._send(step)
        except PermissionNotGrantedError:
            _LOG.info("the screen is no longer shared")
        finally:
            self._coder.wake()
            self._worker.shutdown(wait=False, cancel_futures=True)

    def _hints(self, room: int) -> Hints:
        rate: float | None = None
        if self._session.path_kind != "lan":
            rate = self._session.statistics().rate
        motion, self._dragged = self._dragged, None
        if motion is not None and self._drag_from is not None:
            x, y = self._drag_from
            self._drag_from = (x + motion[0], y + motion[1])
        key_frame, self._key_frame = self._key_frame, False
        return Hints(
            room,
            link_rate=rate,
            lossy=self._takes_jpeg and rate is not None and rate < FAST_LINE,
            focus=self._focus,
            motion=motion if motion != (0, 0) else None,
            view=self._view,
            key_frame=key_frame,
            quiet=self._quiet_since is not None,
        )

    def _send(self, step: Step) -> None:
        """Loop: hand the results to the session."""
        now = self._clock()
        if step.resized is not None:
            self._view = None
            self._session.resize_display(*step.resized, now)
        for update in step.updates:
            self._session.send_screen(update, now)
            self._sequence = update.sequence
        if step.shape is not None:
            self._session.send_cursor(step.shape, now)
        self._send_pointer(step.pointer, now)
        if step.updates or not step.is_complete:
            self._quiet_since = now
        elif (
            self._quiet_since is not None
            and self._sequence >= 0
            and now - self._quiet_since >= QUIET_WAIT * 0.9
        ):
            self._quiet_since = None
            self._session.send_settled(self._sequence, now)
        self._poke()

    def _send_pointer(self, pointer: PointerState, now: float) -> None:
        before, self._pointer = self._pointer, pointer
        if before is not None and (before.x, before.y, before.visible) == (
            pointer.x,
            pointer.y,
            pointer.visible,
        ):
            return
        x, y = max(pointer.x, 0), max(pointer.y, 0)
        self._session.send_cursor(CursorPosition(x, y, int(pointer.visible)), now)
