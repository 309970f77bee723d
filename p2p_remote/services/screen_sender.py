"""Capture, encode, send: the newest state of the screen, never an old one.

A frame is encoded only when the line has room for it, so nothing old waits in a queue.
Shortly after input the screen is looked at without room as well: what the input changed
goes ahead as a hot patch. A worker thread captures and encodes (`screen_coder`); the
loop of the network only hands the results over and gathers hints for the next turn.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from p2p_remote.desktop.base import PointerState, ScreenSource
from p2p_remote.errors import PermissionNotGrantedError
from p2p_remote.screen.geometry import Rect
from p2p_remote.services.screen_coder import (
    IDLE_WAIT,
    QUIET_WAIT,
    Haste,
    Hints,
    Leave,
    ScreenCoder,
    Step,
)
from p2p_remote.session.customer import CustomerSession
from p2p_remote.session.roles import State
from p2p_remote.wire.constants import CHANNEL_HOT, CHANNEL_SCREEN
from p2p_remote.wire.control import Viewport
from p2p_remote.wire.input import InputMessage, PointerInput, ScrollInput
from p2p_remote.wire.screen import CursorPosition, HotPatch

_LOG = logging.getLogger(__name__)
MINIMUM_ROOM = 256  # bytes; less is not worth a capture
MINIMUM_INTERVAL = 0.02  # s between captures: nobody sees more than 50 a second
ANSWER_TIME = 0.5  # s after input in which what changes may be its answer
WORK_TIME = 2.0  # s after input in which more of it is to be expected
HOLD_TIME = 0.03  # s after a key in which updates that would only wait are not made
HOLD_INTERVAL = 0.1  # s at least from one such pause to the next
LOOK_INTERVAL = 0.003  # s between captures meanwhile
LOOK_WAIT = 0.05  # s to wait for the answer while the line has no room
PATCH_TIME = 0.01  # s of the line that a hot patch may take
SLOW_TIME = 0.01  # s of the line after which an update comes late
STEP_TIME = 0.01  # s of the line that one step may fill while an answer may be due,
STEP_BYTES = 12_000  # or so many bytes: the next look is when these have been encoded
MINIMUM_PATCH, MAXIMUM_PATCH = 1_000, 16_000  # bytes of a patch, whatever the line
HOT_BACKLOG = 4_096  # bytes of patches that wait; more say that nothing gets through
LOSSY = 0.002  # share of losses from which an update may be held up by one before it
LEAVE_ROOM = 2_048  # bytes; with less the line is asked again when something changes
ROOM_POLL = 0.25  # s; a safety net, the event usually comes first
FAST_LAN = 1_250_000  # bytes/s; a local network that carries less is no fast line
ABILITIES_WAIT = 0.5  # s for the technician to say what a first picture may be made of
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
        self._coder = ScreenCoder(
            session.grants, source, reopen, clock, self._take_patch
        )
        self._clock = clock
        self._poke = poke
        self._loop = asyncio.get_running_loop()
        self._stir = asyncio.Event()  # there is room or input
        self._patches = 0
        self._is_looking = False  # while there is no room
        self._input_at = -ANSWER_TIME
        self._captured_at = -MINIMUM_INTERVAL
        self._looked_at = -LOOK_INTERVAL
        self._is_serving = False  # the worker steps by itself while it has leave
        self._held_at = -HOLD_INTERVAL
        self._hold_until = 0.0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="screen")
        self._key_frame = False
        self._takes_jpeg = self._takes_vp8 = False
        self._is_told = False  # what the technician can do
        self._view: Rect | None = None
        self._focus: Rect | None = None
        self._dragged: tuple[int, int] | None = None
        self._drag_from: tuple[int, int] | None = None
        self._pointer: PointerState | None = None
        self._sequence = -1
        self._quiet_since: float | None = None

    def room_available(self) -> None:
        """Tell that the line has room again."""
        self._stir.set()
        if self._is_looking:
            self._coder.wake()
        elif self._is_serving:
            self._give_leave()

    def request_key_frame(self) -> None:
        """Start again from nothing with the next update."""
        self._key_frame = True
        self._coder.leave = None
        self._coder.wake()

    def take_abilities(self, *, jpeg: bool, vp8: bool = False) -> None:
        """What the technician decodes that is smaller than what all can."""
        self._takes_jpeg, self._takes_vp8 = jpeg, vp8
        self._is_told = True
        self._coder.leave = None
        self._stir.set()
        self._coder.wake()

    def look_at(self, viewport: Viewport) -> None:
        """Send what the technician looks at; the rest waits until it is in view."""
        self._view = Rect(viewport.x, viewport.y, viewport.width, viewport.height)
        self._coder.leave = None
        self._coder.wake()

    def note_input(self, message: InputMessage) -> None:
        """Look for the answer; remember where the technician works and drags."""
        now = self._input_at = self._clock()
        self._coder.leave = None
        self._session.expect_work(now + WORK_TIME)
        is_motion = isinstance(message, PointerInput)
        if not is_motion and now >= self._held_at + HOLD_INTERVAL:
            self._held_at, self._hold_until = now, now + HOLD_TIME
        self._stir.set()
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
        if not self._is_told:
            await self._pause(ABILITIES_WAIT)
        try:
            while self._session.state is State.ACTIVE:
                now = self._clock()
                hurried = now < self._input_at + ANSWER_TIME
                has_room = self._room(now) > 0
                if not (has_room or hurried):
                    await self._pause(ROOM_POLL)
                    continue
                if hurried or not self._is_calm():
                    step = await self._turn(hurried=hurried, has_room=has_room)
                else:
                    step = await self._calm_turn()
                if step is None:
                    continue
                if step.updates or not has_room:
                    self._captured_at = self._clock()
                self._send(step)
        except PermissionNotGrantedError:
            _LOG.info("the screen is no longer shared")
        finally:
            _LOG.info("%d hot patches went ahead of the updates", self._patches)
            self._coder.leave = None
            self._coder.wake()
            self._worker.shutdown(wait=False, cancel_futures=True)

    def _is_calm(self) -> bool:
        """Whether only a change of the screen gives us anything to do."""
        return (
            self._dragged is None
            and not self._key_frame
            and self._coder.needs_change(self._view)
        )

    async def _calm_turn(self) -> Step | None:
        """Let the worker wait and step by itself: every word to it wakes two threads.

        If meanwhile something has come between, or a change came too soon, the step
        is made anew: what has ended the wait does not end the next one.
        """
        seconds = QUIET_WAIT if self._quiet_since is not None else IDLE_WAIT
        self._give_leave()
        self._is_serving = True
        try:
            step = await self._loop.run_in_executor(
                self._worker, self._coder.serve, seconds, self._deliver
            )
        finally:
            self._is_serving = False
            self._coder.leave = None
        if step is not None:
            return step
        await self._be_late(self._captured_at + MINIMUM_INTERVAL)
        self._looked_at = self._clock()
        return await self._loop.run_in_executor(
            self._worker, self._coder.step, self._hints()
        )

    def _give_leave(self) -> None:
        """Let the worker make an update by itself, if there is nothing to tell it."""
        now = self._clock()
        told = self._key_frame or self._dragged is not None
        leave = None
        if not told and now >= self._input_at + ANSWER_TIME:
            hints = self._hints()
            if hints.room >= LEAVE_ROOM:
                leave = Leave(hints, self._captured_at + MINIMUM_INTERVAL)
        self._coder.leave = leave

    def _deliver(self, step: Step) -> None:
        """Worker: let the loop send what has come of its leave."""
        self._loop.call_soon_threadsafe(self._take_step, step)

    def _take_step(self, step: Step) -> None:
        if step.updates:
            self._captured_at = self._clock()
        self._send(step)
        if self._is_serving:
            self._give_leave()

    async def _turn(self, *, hurried: bool, has_room: bool) -> Step | None:
        """Wait and step with new hints between; None if it was too soon."""
        if hurried:
            is_early = await self._be_late(self._looked_at + LOOK_INTERVAL)
        else:
            is_early = await self._be_late(self._captured_at + MINIMUM_INTERVAL)
        if is_early:
            return None
        await self._wait_for_change(has_room=has_room)
        self._looked_at = self._clock()
        return await self._loop.run_in_executor(
            self._worker, self._coder.step, self._hints()
        )

    async def _be_late(self, until: float) -> bool:
        """Pause until then, except for the first look after input; False if not."""
        early = until - self._clock()
        if early <= 0 or self._looked_at <= self._input_at:
            return False
        await self._pause(early)
        return True

    async def _pause(self, seconds: float) -> None:
        """Wait until there is room or input."""
        self._stir.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stir.wait()

    async def _wait_for_change(self, *, has_room: bool) -> None:
        """Let the worker wait where there is nothing to do without a change."""
        needs_change = self._coder.needs_change(self._view) and not self._key_frame
        if has_room and not needs_change:
            return
        held = self._hold_until - self._clock()
        seconds = min(held, LOOK_WAIT) if held > 0 else LOOK_WAIT
        if has_room:
            seconds = QUIET_WAIT if self._quiet_since is not None else IDLE_WAIT
        self._is_looking = not has_room
        await self._loop.run_in_executor(self._worker, self._coder.wait, seconds)
        self._is_looking = False

    def _room(self, now: float) -> int:
        """Bytes of updates that may be made now; 0 = wait.

        Right after a key its answer comes first: what is made now would stand in the
        way of looking for it, and line up behind updates that wait already.
        """
        room = self._session.screen_room(now)
        if room < MINIMUM_ROOM:
            return 0
        if now >= self._hold_until:
            return room
        statistics = self._session.statistics()
        return 0 if statistics.channels[CHANNEL_SCREEN].bytes_waiting > 0 else room

    def _haste(self, now: float) -> Haste | None:
        """How much hurry the next step is in; None without input of late."""
        if now >= self._input_at + ANSWER_TIME:
            return None
        statistics = self._session.statistics()
        if statistics.channels[CHANNEL_HOT].bytes_waiting > HOT_BACKLOG:
            return None
        rate = statistics.rate
        waiting = statistics.channels[CHANNEL_SCREEN].bytes_waiting
        held_up = statistics.loss > LOSSY and statistics.bytes_in_flight > 0
        limit = int(min(max(rate * PATCH_TIME, MINIMUM_PATCH), MAXIMUM_PATCH))
        is_behind = waiting > 0 or held_up
        return Haste(limit, is_behind, int(rate * SLOW_TIME), now < self._hold_until)

    def _take_patch(self, patch: HotPatch) -> None:
        """Worker: let the loop send a patch."""
        self._loop.call_soon_threadsafe(self._send_patch, patch)

    def _send_patch(self, patch: HotPatch) -> None:
        self._patches += 1
        # That was quick: the next key may have such a pause at once.
        self._held_at, self._hold_until = -HOLD_INTERVAL, 0.0
        self._session.send_hot(patch, self._clock())
        self._poke()

    def _hints(self) -> Hints:
        now = self._clock()
        room = self._room(now)
        known = self._session.statistics().rate
        is_fast = self._session.path_kind == "lan" and known >= FAST_LAN
        rate = None if is_fast else known
        haste = self._haste(now)
        if haste is not None:
            room = min(room, max(int(known * STEP_TIME), STEP_BYTES))
        motion = None
        if room > 0:
            motion, self._dragged = self._dragged, None
        if motion is not None and self._drag_from is not None:
            x, y = self._drag_from
            self._drag_from = (x + motion[0], y + motion[1])
        key_frame, self._key_frame = self._key_frame, False
        return Hints(
            room,
            link_rate=rate,
            lossy=rate is not None and rate < FAST_LINE,
            takes_jpeg=self._takes_jpeg,
            takes_vp8=self._takes_vp8,
            focus=self._focus,
            motion=motion if motion != (0, 0) else None,
            view=self._view,
            key_frame=key_frame,
            haste=haste,
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
        if step.is_tick:
            self._quiet_since = None
            self._session.send_settled(self._sequence, now)
        elif step.updates or not step.is_complete:
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
