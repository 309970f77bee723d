"""Screen updates to pixels: everything is checked before anything takes effect."""

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import effort, layout, side
from p2p_remote.screen.arrays import Frame, Pixels, frame_of
from p2p_remote.screen.geometry import Rect, merged
from p2p_remote.screen.layout import Body
from p2p_remote.screen.packing import History, unpack
from p2p_remote.screen.scan import expand, scatter_all
from p2p_remote.screen.tile_cache import (
    TileSlots,
    carry_out_copies,
    check_copies,
)
from p2p_remote.screen.vp8 import Streams
from p2p_remote.wire.constants import MAX_SCREEN_PIXELS, MAX_SCREEN_SIDE
from p2p_remote.wire.screen import PACKER_LZ4, PACKER_RAW, ScreenUpdate

_SEQUENCE_LIMIT = 1 << 32
_MIN_BODY = 2  # bytes: flags and a rectangle count of 0
_MAX_CHANGED = 64  # rectangles reported per update
_PREPARED = 1 << 20  # pixels of a new display that are prepared in one step
_PAGE = 1024  # pixels of memory that the system gives at least


class Decoder:
    """Framebuffer of one display, fed by its updates in order."""

    def __init__(
        self, max_pixels: int = MAX_SCREEN_PIXELS, *, takes_vp8: bool = False
    ) -> None:
        """`max_pixels` bounds the display, and with it memory (4 bytes per pixel).

        VP8 is refused unless this side `takes_vp8`, which it must have told.
        """
        self._streams = Streams(is_allowed=takes_vp8)
        self._max_pixels = max_pixels
        self._pixels: Pixels = np.zeros((0, 0), np.uint32)
        self._slots = TileSlots(0, 0)
        self._history = History()
        self._next_sequence: int | None = None
        self.work = 0
        """Effort of all updates so far (units), for the caller's bound per second.

        Those that were refused count too.
        """
        self._unprepared = 0  # pixels, from the end

    @property
    def width(self) -> int:
        """Width of the display in pixels; 0 before the first key frame."""
        return int(self._pixels.shape[1])

    @property
    def height(self) -> int:
        """Height of the display in pixels; 0 before the first key frame."""
        return int(self._pixels.shape[0])

    @property
    def pixels(self) -> Pixels:
        """The picture as one number per pixel, (height, width); not to be written.

        A key frame replaces it by a new array.
        """
        return self._pixels

    @property
    def framebuffer(self) -> Frame:
        """The picture, (height, width, 4) BGRX with any X; a view, not a copy.

        A key frame replaces it by a new array.
        """
        return frame_of(self._pixels)

    def prepare(self) -> bool:
        """Take some of a new display's memory; returns whether there is more to take.

        The system gives memory when it is first written to, and that takes as long as
        a whole update when it is much. So a caller that must never wait for long calls
        this before each update until it returns False. No pixel changes.
        """
        start = self._pixels.size - self._unprepared
        pages = self._pixels.reshape(-1)[start : start + _PREPARED : _PAGE]
        np.bitwise_or(pages, 0, out=pages)
        self._unprepared = max(self._unprepared - _PREPARED, 0)
        return self._unprepared > 0

    def apply(self, update: ScreenUpdate) -> list[Rect]:
        """Carry out `update`; returns the rectangles that may have changed.

        Raises:
            MalformedMessageError: the update breaks a bound or does not follow the one
                before; nothing has taken effect then, and only a key frame helps.

        """
        self.work += effort.of_message(update)
        if not _MIN_BODY <= update.raw_length <= layout.MAX_BODY:
            raise MalformedMessageError("body length out of bounds")
        raw = unpack(update.packer, update.body, update.raw_length, self._history)
        body = layout.parse(raw)
        width, height = self._check_start(update, body)
        slots = TileSlots(width, height) if body.size else self._slots
        work = self._check_body(body, slots, width, height)
        parsed = side.parse(update.side, width, height) if update.side else None
        if parsed is not None:
            work += parsed.effort(width, height)
            effort.require_affordable(work)
        self.work += work
        photo = None
        if parsed is not None:
            photo = (parsed, side.decode_picture(parsed, width, height, self._streams))
        # From here on nothing can fail.
        if body.size:
            self._begin(width, height, slots)
        self._next_sequence = (update.sequence + 1) % _SEQUENCE_LIMIT
        if body.remember:
            self._history.remember(raw)
        changed = self._operate(body)
        if photo is not None:
            side.paste(*photo, self._pixels)
            changed.append(photo[0].area(width, height))
        changed.extend(self._fill(body))
        if body.size:
            return [Rect(0, 0, width, height)]
        return merged(changed, _MAX_CHANGED)

    def _check_start(self, update: ScreenUpdate, body: Body) -> tuple[int, int]:
        """Size of the display for this update."""
        if body.size is None:
            if self._next_sequence is None:
                raise MalformedMessageError("screen update before a key frame")
            if update.sequence != self._next_sequence:
                raise MalformedMessageError("screen update out of order")
            return self.width, self.height
        if update.packer not in (PACKER_RAW, PACKER_LZ4):
            raise MalformedMessageError("key frame that needs the history")
        width, height = body.size
        if not (1 <= width <= MAX_SCREEN_SIDE and 1 <= height <= MAX_SCREEN_SIDE):
            raise MalformedMessageError("display size out of bounds")
        if width * height > self._max_pixels:
            raise MalformedMessageError("display is too large")
        if len(body.copies) or len(body.stores) or len(body.hits):
            raise MalformedMessageError("key frame with operations")
        return width, height

    @staticmethod
    def _check_body(body: Body, slots: TileSlots, width: int, height: int) -> int:
        """Effort of a body that can be carried out."""
        check_copies(body.copies, width, height)
        work = effort.of_body(body)
        effort.require_affordable(work)
        slots.check(body.stores, body.hits)
        rectangles = body.rectangles
        if (rectangles[:, 0] + rectangles[:, 2] > width).any() or (
            rectangles[:, 1] + rectangles[:, 3] > height
        ).any():
            raise MalformedMessageError("rectangle outside of the display")
        return work

    def _begin(self, width: int, height: int, slots: TileSlots) -> None:
        # Zeros take no memory yet; see `prepare`.
        self._pixels = np.zeros((height, width), np.uint32)
        self._slots = slots
        self._history.clear()
        self._streams.clear()
        self._unprepared = width * height
        self.work += self._unprepared

    def _operate(self, body: Body) -> list[Rect]:
        """Stores and copy sources read the old picture; then copies, then hits."""
        for tile, slot in body.stores.tolist():
            self._slots.store(tile, slot, self._pixels)
        changed = carry_out_copies(self._pixels, body.copies)
        changed.extend(
            self._slots.show(tile, slot, self._pixels)
            for tile, slot in body.hits.tolist()
        )
        return changed

    def _fill(self, body: Body) -> list[Rect]:
        scanned = expand(body.changes, body.values)
        scatter_all(scanned, self._pixels, body.rectangles)
        return [Rect(*row[:4]) for row in body.rectangles.tolist()]
