"""The worker's half of sharing a screen: wait for damage, capture, encode.

It lives in one thread; numpy, lz4 and the capture calls release the interpreter lock.
"""

from collections.abc import Callable
from dataclasses import dataclass

from p2p_remote.desktop.base import (
    CursorImage,
    PointerState,
    ScreenResizedError,
    ScreenSource,
)
from p2p_remote.screen.cursor import pack_shape
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.session.permissions import Grants
from p2p_remote.wire.screen import MAX_CURSOR_SIDE, CursorShape, ScreenUpdate

IDLE_WAIT = 10.0  # s to wait for a change; `wake` ends it sooner
QUIET_WAIT = 0.1  # s to wait while something may still be refined or told
OPENING_FRAMES = 2  # captures at the start that do not wait for damage


@dataclass(frozen=True, slots=True)
class Hints:
    """What the line and the technician want of the next update.

    `room`: bytes that may be sent now. `link_rate`: bytes/s, None = as fast as memory.
    `lossy`: photographs may go as JPEG first. `focus`: where the last input went.
    `motion`: how far the pointer was dragged since the last update. `view`: what the
    technician looks at; None = everything.
    """

    room: int
    link_rate: float | None = None
    lossy: bool = False
    focus: Rect | None = None
    motion: tuple[int, int] | None = None
    view: Rect | None = None
    key_frame: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What one turn of the worker has brought."""

    updates: tuple[ScreenUpdate, ...]
    pointer: PointerState
    shape: CursorShape | None
    is_complete: bool
    resized: tuple[int, int] | None


class ScreenCoder:
    """One screen and its encoder."""

    def __init__(
        self,
        grants: Grants,
        source: ScreenSource,
        reopen: Callable[[], ScreenSource],
        clock: Callable[[], float],
    ) -> None:
        """Begin with a key frame; `grants` are asked before every capture."""
        self._grants = grants
        self._source = source
        self._reopen = reopen
        self._clock = clock
        self._encoder = Encoder(source.width, source.height)
        self._shape_serial = -1
        self._opening = OPENING_FRAMES
        self._changed_at = clock()

    def wake(self) -> None:
        """End the wait for a change: there are new hints. Any thread."""
        self._source.wake()

    def step(self, hints: Hints) -> Step:
        """Wait for a change, look, and encode what differs from what was sent.

        Raises:
            PermissionNotGrantedError: the screen is no longer shared.
            MissingCapabilityError: the screen is gone.

        """
        encoder = self._encoder
        # What has come into view now is pending, so it does not wait for a change.
        encoder.view = hints.view
        if self._opening > 0:
            self._opening -= 1
        elif not (encoder.pending or hints.key_frame):
            self._source.wait(QUIET_WAIT if hints.quiet else IDLE_WAIT)
        self._grants.check("view", None, self._clock())
        resized = None
        try:
            capture = self._source.capture()
        except ScreenResizedError:
            self._source.close()
            self._source = self._reopen()
            encoder = self._encoder = Encoder(self._source.width, self._source.height)
            resized = (self._source.width, self._source.height)
            capture = self._source.capture()
        if hints.key_frame:
            encoder.reset()
        encoder.link_rate = hints.link_rate
        encoder.lossy = hints.lossy
        updates = encoder.encode(
            capture.frame,
            capture.damage,
            budget=hints.room,
            focus=hints.focus,
            motion=hints.motion,
        )
        now = self._clock()
        if updates:
            self._changed_at = now
        elif encoder.refinable and not encoder.pending:
            updates = encoder.refine(hints.room, still=now - self._changed_at)
        return Step(
            tuple(updates),
            capture.pointer,
            self._shape(capture.pointer.shape_serial),
            not (encoder.pending or encoder.refinable),
            resized,
        )

    def _shape(self, serial: int) -> CursorShape | None:
        if serial == self._shape_serial:
            return None
        self._shape_serial = serial
        image = self._source.cursor_shape()
        return cursor_message(image) if image is not None else None


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
