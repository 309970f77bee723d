"""Frames to screen updates, against an exact copy of what the decoder shows."""

from collections.abc import Iterable

import numpy as np

from p2p_remote.screen import layout
from p2p_remote.screen.arrays import OPAQUE, Bits, Frame, Pixels, pixels_of
from p2p_remote.screen.chunks import Chunk, Scanned, chunks, columns
from p2p_remote.screen.damage import Comparer, mark_rows, trimmed
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.layout import Body
from p2p_remote.screen.packing import History, pack_fast, pack_small
from p2p_remote.screen.rectangles import changed_rectangles
from p2p_remote.screen.scan import changes_of
from p2p_remote.wire.screen import ScreenUpdate

RAW_LIMIT = 131_072  # bytes of an unpacked body, about; other channels go in between
FAST_LINK = 6_250_000  # bytes/s (50 Mbit/s); from here on lz4 alone costs least time

_RAW_LIMIT_LOW = 8_192  # bytes; smaller updates than this pack badly
_RAW_PER_BUDGET = 4  # raw bytes per byte of budget and update
_REMEMBERED = 16_384  # bytes; larger bodies would push typing out of the history
_SMALL_BODY = 8_192  # bytes; packed at the highest level
_LEVEL_SMALL, _LEVEL = 9, 4
_SEQUENCE_LIMIT = 1 << 32


class Encoder:
    """One display of one viewer.

    Not for use by two threads at once; `encode` reads the frame only while it runs.
    """

    def __init__(self, width: int, height: int, *, display: int = 0) -> None:
        """Size in pixels; the first call of `encode` begins with a key frame."""
        self.width = width
        self.height = height
        self.link_rate: float | None = None
        """Bytes per second that the path carries; None = as fast as memory."""
        self._display = display
        self._sequence = 0
        self._reference: Pixels = np.zeros((height, width), np.uint32)
        self._stale = np.ones(height, np.bool_)
        self._comparer = Comparer(width, height)
        self._history = History()
        self._is_key = True

    @property
    def pending(self) -> bool:
        """Whether rows of the last frame are still to be sent."""
        return self._is_key or bool(self._stale.any())

    def reset(self) -> None:
        """Begin the next call of `encode` with a key frame."""
        self._is_key = True

    def encode(
        self,
        frame: Frame,
        damage: Iterable[Rect] | None,
        *,
        budget: int | None = None,
        focus: Rect | None = None,
    ) -> list[ScreenUpdate]:
        """Updates that bring the viewer from what was sent to `frame`.

        `frame` is (height, width, 4) uint8 BGRX, C-contiguous. `damage` is where it
        may differ from the frame before; None = anywhere. With a `budget`, about
        that many bytes are returned and the rest stays `pending`; pixels inside
        `focus` go first. Empty when nothing differs.

        Raises:
            ValueError: the frame has another shape.

        """
        if frame.shape != (self.height, self.width, 4) or not frame.flags.c_contiguous:
            raise ValueError(f"frame of shape {frame.shape} for another display")
        current = pixels_of(frame)
        updates = self._key_frame(current) if self._is_key else []
        rows = self._stale
        if damage is None:
            rows[:] = True
        else:
            mark_rows(rows, damage)
        segments = self._comparer.segments(current, self._reference, rows)
        rows[:] = False
        rectangles = changed_rectangles(segments, current, self._reference)
        if budget is not None and focus is not None:
            rectangles = _focus_first(rectangles, focus)
        items = self._items(rectangles, segments, current)
        return updates + self._send(items, current, budget)

    def _items(
        self, rectangles: list[Rect], segments: Bits, current: Pixels
    ) -> list[Scanned]:
        """Rectangles with their rhythm, each beginning with a row that differs.

        That row is what makes every call progress, however small its budget.
        """
        items = []
        for rect in rectangles:
            for column in columns(rect, 1):
                part = trimmed(column, segments, current, self._reference)
                if part:
                    items.append(Scanned(part, 1, 0))
        return items

    def _key_frame(self, current: Pixels) -> list[ScreenUpdate]:
        """Forget everything on both ends."""
        self._is_key = False
        self._history.clear()
        np.bitwise_and(current, OPAQUE, out=self._reference)
        self._stale[:] = True
        return [self._pack(Body(size=(self.width, self.height)))]

    def _send(
        self, items: list[Scanned], current: Pixels, budget: int | None
    ) -> list[ScreenUpdate]:
        """Updates of `items` in order until the budget is used up."""
        updates: list[ScreenUpdate] = []
        mark_rows(self._stale, (item.rect for item in items))
        limit = RAW_LIMIT
        if budget is not None:
            limit = min(max(budget * _RAW_PER_BUDGET, _RAW_LIMIT_LOW), RAW_LIMIT)
        used = 0
        complete = True
        for chunk in chunks(items, current, limit):
            if budget is not None and used >= budget:
                complete = False
                break
            updates.append(self._pack_chunk(chunk, current))
            used += len(updates[-1].body)
        if complete:
            self._stale[:] = False
        return updates

    def _pack_chunk(self, chunk: Chunk, current: Pixels) -> ScreenUpdate:
        changes = changes_of(chunk.pixels)
        body = Body(
            rectangles=chunk.table(), changes=changes, values=chunk.pixels[changes]
        )
        for item in chunk.rectangles:
            rect = item.rect
            area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
            self._reference[area] = current[area]
        return self._pack(body)

    def _pack(self, body: Body) -> ScreenUpdate:
        raw = layout.build(body)
        is_remembered = len(raw) <= _REMEMBERED
        if is_remembered:
            raw = bytes([raw[0] | layout.FLAG_REMEMBER]) + raw[1:]
        if self.link_rate is None or self.link_rate >= FAST_LINK or body.size:
            packer, packed = pack_fast(raw, self._history)
        else:
            level = _LEVEL_SMALL if len(raw) <= _SMALL_BODY else _LEVEL
            packer, packed = pack_small(raw, self._history, level)
        if is_remembered:
            self._history.remember(raw)
        sequence = self._sequence
        self._sequence = (sequence + 1) % _SEQUENCE_LIMIT
        return ScreenUpdate(self._display, sequence, packer, len(raw), packed, b"")


def _focus_first(rectangles: list[Rect], focus: Rect) -> list[Rect]:
    """The parts inside `focus`, then the others."""
    inside: list[Rect] = []
    outside: list[Rect] = []
    for rect in rectangles:
        common = rect.intersection(focus)
        if not common:
            outside.append(rect)
            continue
        inside.append(common)
        edges = Rect.from_edges
        around = (
            edges(rect.x, rect.y, rect.right, common.y),
            edges(rect.x, common.y, common.x, common.bottom),
            edges(common.right, common.y, rect.right, common.bottom),
            edges(rect.x, common.bottom, rect.right, rect.bottom),
        )
        outside.extend(part for part in around if part)
    return inside + outside
