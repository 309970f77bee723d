"""The worker's half of sharing a screen: wait for damage, capture, encode.

What an input changed goes out as a hot patch, before and beside the stream of updates,
whenever the stream would take it there late (`screen.hot`).

It lives in one thread; numpy, lz4 and the capture calls release the interpreter lock.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from p2p_remote.desktop.base import (
    Capture,
    CursorImage,
    PointerState,
    ScreenResizedError,
    ScreenSource,
)
from p2p_remote.screen.arrays import pixels_of
from p2p_remote.screen.cursor import pack_shape
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.hot_patcher import HotPatcher
from p2p_remote.session.permissions import Grants
from p2p_remote.wire.screen import (
    MAX_CURSOR_SIDE,
    CursorShape,
    HotPatch,
    ScreenUpdate,
)

_SMALL_DAMAGE = 65_536  # pixels; takes no time to encode and to send
IDLE_WAIT = 60.0  # s to wait for a change; `wake` ends it sooner
QUIET_WAIT = 0.1  # s to wait while something may still be refined or told
TICK_GAP = (
    0.25  # s without an update before one that stands alone, like a cursor's blink
)
TICK_BYTES = 256  # of such an update; it has one packet with what is said of it
OPENING_FRAMES = 2  # captures at the start that do not wait for damage


@dataclass(frozen=True, slots=True)
class Haste:
    """There was input just now, so its answer must not wait.

    `limit`: bytes of a hot patch. `is_behind`: updates wait, so one from now would come
    late. `slow`: bytes of updates that take too long even if none wait. `is_awaited`:
    the answer will be there in a moment, if it is not.
    """

    limit: int
    is_behind: bool
    slow: int
    is_awaited: bool = False


@dataclass(frozen=True, slots=True)
class Hints:
    """What the line and the technician want of the next update.

    `room`: bytes that may be sent now; 0 = hot patches only. `link_rate`: bytes/s,
    None = as fast as memory. `lossy`: photographs may go lossy first; `takes_jpeg`: as
    JPEG; `takes_vp8`: films as VP8. `focus`: where the last input went. `motion`: how
    far the pointer was dragged since the last update. `view`: what the technician
    looks at; None = everything.
    """

    room: int
    link_rate: float | None = None
    lossy: bool = False
    takes_jpeg: bool = True
    takes_vp8: bool = False
    focus: Rect | None = None
    motion: tuple[int, int] | None = None
    view: Rect | None = None
    key_frame: bool = False
    haste: Haste | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to make the updates of one step, whenever something changes.

    The loop gives it before it is needed, as the line is then, so that nobody has to
    be asked when something changes. `not_before`: s of the clock.
    """

    hints: Hints
    not_before: float


@dataclass(frozen=True, slots=True)
class Step:
    """What one turn of the worker has brought.

    `is_tick`: a small update that stands alone, after which nothing is left to send.
    """

    updates: tuple[ScreenUpdate, ...]
    pointer: PointerState
    shape: CursorShape | None
    is_complete: bool
    resized: tuple[int, int] | None
    is_tick: bool = False


class ScreenCoder:
    """One screen and its encoder."""

    def __init__(
        self,
        grants: Grants,
        source: ScreenSource,
        reopen: Callable[[], ScreenSource],
        clock: Callable[[], float],
        send_patch: Callable[[HotPatch], None] = lambda _: None,
    ) -> None:
        """Begin with a key frame; `grants` are asked before every capture.

        `send_patch` is called in the worker's thread, in the middle of a step.
        """
        self._grants = grants
        self._source = source
        self._reopen = reopen
        self._clock = clock
        self._send_patch = send_patch
        self._encoder = Encoder(source.width, source.height)
        self._patcher = HotPatcher(source.width, source.height)
        self._is_much = False  # what has changed since the last updates
        self._last_size = 0  # bytes of the last updates after much had changed
        self._goes_ahead = False  # an answer has put updates off
        self._shape_serial = -1
        self._opening = OPENING_FRAMES
        self._rest: Step | None = None  # of a turn without a change, if all is done
        self.leave: Leave | None = None  # set by the loop, taken by the worker
        self._changed_at = clock()
        self._video_at = self._updated_at = self._changed_at

    def wake(self) -> None:
        """End the wait for a change: there are new hints. Any thread."""
        self._source.wake()

    def needs_change(self, view: Rect | None) -> bool:
        """Whether the next step has nothing to do unless something changes."""
        if self._opening > 0:
            return False
        # What has come into view now is pending, so it does not wait for a change.
        self._encoder.view = view
        return not self._encoder.pending

    def wait(self, seconds: float) -> None:
        """Wait for a change."""
        self._source.wait(seconds)

    def serve(self, seconds: float, deliver: Callable[[Step], None]) -> Step | None:
        """Wait and step for as long as there is leave and only changes matter.

        Each step goes to `deliver`, in this thread, and uses the leave up; by the next
        change there should be another one. Returns the step after which there is more
        to do than to wait, or nothing at all; None if there was no leave for one.

        When the time passes without a change, and nothing was left to be done, it is
        not looked. Who ends the wait early wants to be looked at.
        """
        while True:
            begun = self._clock()
            changed = self._source.wait(seconds)
            now = self._clock()
            leave, self.leave = self.leave, None
            if leave is None or now < leave.not_before:
                return None
            is_quiet = not changed and now - begun >= seconds
            if is_quiet and self._rest is not None and seconds < IDLE_WAIT:
                return self._rest
            step = self.step(leave.hints)
            if step.resized or self._encoder.pending:
                return step
            if step.updates or not step.is_complete:
                seconds = IDLE_WAIT if step.is_tick else QUIET_WAIT
            deliver(step)

    def step(self, hints: Hints) -> Step:
        """Look, and encode what differs from what was sent.

        Raises:
            PermissionNotGrantedError: the screen is no longer shared.
            MissingCapabilityError: the screen is gone.

        """
        self._opening = max(self._opening - 1, 0)
        self._grants.check("view", None, self._clock())
        capture, resized = self._capture()
        encoder = self._encoder
        encoder.view = hints.view
        if hints.key_frame:
            encoder.reset()
            self._patcher.resize(encoder.width, encoder.height)
        updates: list[ScreenUpdate] = []
        if not self._answers_first(capture, hints):
            updates = self._encode(capture, hints)
        is_complete = not (
            encoder.pending or encoder.refinable or self._patcher.is_ahead
        )
        is_tick = self._stands_alone(updates) and is_complete and hints.haste is None
        pointer = capture.pointer
        self._rest = Step((), pointer, None, True, None) if is_complete else None
        shape = self._shape(pointer)
        return Step(tuple(updates), pointer, shape, is_complete, resized, is_tick)

    def _stands_alone(self, updates: list[ScreenUpdate]) -> bool:
        """Whether these are little, and the first for a while."""
        if not updates:
            return False
        before, self._updated_at = self._updated_at, self._clock()
        is_first = self._updated_at - before >= TICK_GAP
        return is_first and _size(updates) <= TICK_BYTES

    def _capture(self) -> tuple[Capture, tuple[int, int] | None]:
        """The screen, and its size if that is another one now."""
        try:
            return self._source.capture(), None
        except ScreenResizedError:
            self._source.close()
            self._source = self._reopen()
        size = (self._source.width, self._source.height)
        self._encoder = Encoder(*size)
        self._patcher.resize(*size)
        return self._source.capture(), size

    def _answers_first(self, capture: Capture, hints: Hints) -> bool:
        """Find what an input changed, and send it ahead if the updates come late.

        Whether there are to be no updates now: there is no room for them, or an answer
        is on its way to the loop, or awaited. Encoding takes far longer than a look.
        """
        haste, has_room = hints.haste, hints.room > 0
        was_ahead, self._goes_ahead = self._goes_ahead, False
        self._is_much |= not _is_small(capture.damage)
        if haste is None:
            if not has_room:
                self._encoder.differences(capture.frame, capture.damage)
            return not has_room
        if not (haste.is_behind or self._is_much):
            return not has_room  # so will be the update, and it leaves at once
        now = self._clock()
        found = self._patcher.look(
            pixels_of(capture.frame),
            self._encoder.sent,
            self._encoder.differences(capture.frame, capture.damage),
            capture.damage,
            hints.focus,
            now,
        )
        is_slow = haste.is_behind or self._last_size > haste.slow
        if not found:
            return not has_room or (is_slow and haste.is_awaited)
        if is_slow:
            self._send_found(haste, now)
            self._goes_ahead = not was_ahead
        return not has_room or self._goes_ahead

    def _send_found(self, haste: Haste, now: float) -> None:
        patch = self._patcher.make(haste.limit, now)
        if patch is not None:
            self._send_patch(patch)

    def _encode(self, capture: Capture, hints: Hints) -> list[ScreenUpdate]:
        """Updates of the stream, with leave to forget the patches that they follow."""
        encoder, patcher, haste = self._encoder, self._patcher, hints.haste
        encoder.link_rate = hints.link_rate
        encoder.lossy = hints.lossy
        encoder.photos.takes_jpeg = hints.takes_jpeg
        encoder.photos.takes_vp8 = hints.takes_vp8
        updates = encoder.encode(
            capture.frame,
            capture.damage,
            budget=hints.room,
            focus=hints.focus,
            motion=hints.motion,
        )
        now = self._clock()
        if updates:
            self._video_at = now
            if self._is_much:
                self._last_size = _size(updates)
        self._is_much = False
        if updates and not encoder.only_video:
            self._changed_at = now
        rest = hints.room - _size(updates)
        if self._changed_at != now and rest > 0 and not encoder.pending:
            updates += encoder.refine(
                rest, still=now - self._changed_at, video_still=now - self._video_at
            )
        if haste is not None and _size(updates) > haste.slow:
            self._send_found(haste, now)
        if patcher.is_ahead:
            retired = patcher.retire(pixels_of(capture.frame), encoder.sent, now)
            if retired:
                updates = updates or [encoder.nothing()]
                updates[-1] = replace(updates[-1], retires=retired)
        return updates

    def _shape(self, pointer: PointerState) -> CursorShape | None:
        """What the pointer looks like now; where it is not seen nobody else knows."""
        if not pointer.visible or pointer.shape_serial == self._shape_serial:
            return None
        self._shape_serial = pointer.shape_serial
        image = self._source.cursor_shape()
        return cursor_message(image) if image is not None else None


def _is_small(damage: list[Rect] | None) -> bool:
    return damage is not None and sum(rect.area for rect in damage) <= _SMALL_DAMAGE


def _size(updates: list[ScreenUpdate]) -> int:
    """Bytes, about."""
    return sum(len(update.body) + len(update.side) for update in updates)


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
