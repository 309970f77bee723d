"""Frames to screen updates, against an exact copy of what the decoder shows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from math import inf

import numpy as np

from p2p_remote.screen import effort
from p2p_remote.screen.arrays import (
    BLOCK,
    SEGMENT,
    SMALL,
    Bits,
    Frame,
    Pixels,
    pixels_of,
)
from p2p_remote.screen.chunks import Scanned, chunks
from p2p_remote.screen.damage import Stale, bounding_segments
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.items import Changed, items_of, taken_up
from p2p_remote.screen.layout import Body
from p2p_remote.screen.mirror import Mirror
from p2p_remote.screen.motion_search import Vector
from p2p_remote.screen.photo import (
    changed_blocks,
    changed_near,
    clear_blocks,
    mostly_changed,
    photo_blocks,
)
from p2p_remote.screen.photo_coder import LOSSLESS, PREVIEW, PhotoCoder, slices
from p2p_remote.screen.scan import changes_of, is_smooth
from p2p_remote.screen.video import VideoFinder, bands, block_range, lossy_strips
from p2p_remote.screen.writer import FAST_LINK, UpdateWriter
from p2p_remote.wire.screen import ScreenUpdate

RAW_LIMIT = 131_072  # bytes of an unpacked body, about; other channels go in between

_RAW_LIMIT_LOW = 8_192  # bytes; smaller updates than this pack badly
_RAW_PER_BUDGET = 4  # raw bytes per byte of budget
_MIN_PHOTO = 4  # blocks, and as many rows of them; fewer are sent exactly
_MEDIUM_LINK = 1_000_000  # bytes/s (8 Mbit/s)
_VIDEO_STILL = 0.3  # s without change after which a video has stopped
_RUNGS = ((3.0, LOSSLESS), (1.0, 85), (0.3, 70), (0.1, 30))  # s without change, quality


class Encoder:
    """One display of one viewer.

    Not for use by two threads at once; `encode` reads the frame only while it runs.
    """

    def __init__(self, width: int, height: int, *, display: int = 0) -> None:
        """Size in pixels; the first call of `encode` begins with a key frame."""
        self.width = width
        self.height = height
        self.lossy = False
        """Whether photographs may go lossy first; `refine` makes them exact."""
        self._mirror = Mirror(width, height)
        self._writer = UpdateWriter(display)
        self.photos = PhotoCoder()
        """Codes photographs; it is told what the viewer decodes."""
        self._video = VideoFinder(width, height)
        self._only_video = False
        self._stale = Stale(width, height)
        self._hidden = np.zeros(height, np.bool_)
        self._view: Rect | None = None
        self._is_key = True
        self._reached = 0  # row at which the last rectangle of the last update ended
        self._resume = 0  # row at which the next one goes on

    @property
    def pending(self) -> bool:
        """Whether something of the last frame is still to be sent by `encode`."""
        return self._is_key or bool(self._stale)

    @property
    def sent(self) -> Pixels:
        """What the viewer has when all updates have arrived; not to be written."""
        return self._mirror.pixels

    @property
    def refinable(self) -> bool:
        """Whether the viewer has photographs that `refine` would make better."""
        return not self._mirror.loss.is_exact

    @property
    def only_video(self) -> bool:
        """Whether the last updates of `encode` were nothing but video."""
        return self._only_video

    @property
    def link_rate(self) -> float | None:
        """Bytes per second that the path carries; None = fast."""
        return self._writer.link_rate

    @link_rate.setter
    def link_rate(self, rate: float | None) -> None:
        self._writer.link_rate = rate

    @property
    def view(self) -> Rect | None:
        """What the viewer looks at; nothing else is sent. None = the whole display."""
        return self._view

    @view.setter
    def view(self, view: Rect | None) -> None:
        if view == self._view:
            return
        self._view = view
        self._stale.mark_rows(self._hidden)
        self._hidden[:] = False

    def reset(self) -> None:
        """Begin the next call of `encode` with a key frame."""
        self._is_key = True

    def differences(self, frame: Frame, damage: Iterable[Rect] | None) -> Bits:
        """Segments inside the view where `frame` differs from what was sent.

        The damage (see `encode`) stays pending.
        """
        self._mark(damage)
        segments = self._mirror.segments(pixels_of(frame), self._stale)
        if self._view is not None:
            segments &= ~self._outside(self._view, segments)
        return segments

    def nothing(self) -> ScreenUpdate:
        """An update that changes no pixel."""
        return self._writer.write(Body())

    def encode(
        self,
        frame: Frame,
        damage: Iterable[Rect] | None,
        *,
        budget: int | None = None,
        focus: Rect | None = None,
        motion: Vector | None = None,
    ) -> list[ScreenUpdate]:
        """Updates that bring the viewer from what was sent to `frame`.

        `frame` is (height, width, 4) uint8 BGRX, C-contiguous. `damage` is where it
        may differ from the frame before; None = anywhere. With a `budget`, about
        that many bytes are returned and the rest stays `pending`; pixels inside
        `focus` go first. `motion` is how far something was probably dragged (dx, dy)
        since the last call. Empty when nothing differs.

        Raises:
            ValueError: the frame has another shape.

        """
        if frame.shape != (self.height, self.width, 4) or not frame.flags.c_contiguous:
            raise ValueError(f"frame of shape {frame.shape} for another display")
        current = pixels_of(frame)
        updates = [self._key_frame(current)] if self._is_key else []
        self._mark(damage)
        segments = self._mirror.segments(current, self._stale)
        videos, changed = self._moving_videos(current, segments)
        box = bounding_segments(segments, self._stale.near)
        operations, segments = self._mirror.operate(current, segments, box, motion)
        self._stale.clear()
        self._hide(segments)
        for region in videos:
            self._mirror.take_region(region, current, segments)
        if operations or videos:
            box = bounding_segments(segments)
        photo, edges = self._take_photos(current, segments, box)
        # What scrolling uncovers changes in every update too.
        if operations.copy is None and changed.any():
            self._video.note(changed, photo)
        items = items_of(
            Changed(current, self._mirror.pixels, segments, box), (photo, edges), focus
        )
        if self._resume:
            items = [taken_up(part, self._resume, focus) for part in items]
        if videos:
            loss = self._mirror.loss.loss
            items.insert(1, lossy_strips(self._video.beside, loss, current))
        # Until all is sent, these rows count as not sent.
        self._stale.mark(item.rect for part in items for item in part)
        if photo.any():
            self._stale.mark_rows(photo.any(axis=1).repeat(BLOCK)[: self.height])
        *heavy, body = operations.bodies() if operations else [Body()]
        updates += [self._writer.write(part) for part in heavy]
        others = self._updates(body, items, photo, current, budget)
        self._reached = 0
        is_whole = _fill(updates, others, budget)
        self._resume = 0 if is_whole else self._reached
        self._only_video = bool(videos) and not updates
        # Regions count as sent already.
        updates += self._video_updates(videos, current, budget)
        if is_whole:
            self._stale.clear()
        return updates

    def refine(
        self,
        budget: int | None = None,
        *,
        still: float = inf,
        video_still: float = inf,
    ) -> list[ScreenUpdate]:
        """Make photographs better that went as JPEG, about `budget` bytes of them.

        `still` is for how long (s) nothing has changed: quality rises with it, and
        from 3 s on the rest becomes exact. `video_still` is that of regions of video,
        which do not count for `still`. Empty when there is nothing to do (yet).
        """
        quality = next((rung for after, rung in _RUNGS if still >= after), None)
        if quality is None or self._is_key:
            return []
        blocks = self._mirror.loss.worse_than(quality)
        if self._view is not None:
            inside = np.zeros_like(blocks)
            inside[block_range(self._view)] = True
            blocks &= inside
        if video_still < _VIDEO_STILL:
            blocks &= ~self._video.blocks
        updates: list[ScreenUpdate] = []
        sent = self._mirror.pixels
        _fill(updates, self._photo_updates(blocks, quality, sent, budget), budget)
        return updates

    def _key_frame(self, current: Pixels) -> ScreenUpdate:
        """Forget everything on both ends."""
        self._is_key = False
        self._mirror.reset(current)
        self._mark(None)
        self.photos.begin_anew()
        self._hidden[:] = False
        return self._writer.write(Body(size=(self.width, self.height)))

    def _mark(self, damage: Iterable[Rect] | None) -> None:
        """Look at the damage with the next comparison."""
        everything = Rect(0, 0, self.width, self.height)
        self._stale.mark([everything] if damage is None else damage)

    def _hide(self, segments: Bits) -> None:
        """Put off what differs outside of the view."""
        if self._view is None:
            return
        outside = self._outside(self._view, segments)
        self._hidden |= outside.any(axis=1)
        segments &= ~outside

    def _outside(self, view: Rect, segments: Bits) -> Bits:
        """Those of `segments` that lie outside of the view."""
        view = view.intersection(Rect(0, 0, self.width, self.height))
        outside = segments.copy()
        rows = slice(view.y, max(view.bottom, view.y))
        across = slice(view.x // SEGMENT, max(-(-view.right // SEGMENT), 0))
        outside[rows, across] = False
        return outside

    def _moving_videos(
        self, current: Pixels, segments: Bits
    ) -> tuple[list[Rect], Bits]:
        """Regions to be sent as video, and the blocks that have changed.

        Regions are taken out of the map: no motion is looked for inside.
        """
        if not self.lossy:
            return [], np.zeros((0, 0), np.bool_)
        view = self._view or Rect(0, 0, self.width, self.height)
        changed = changed_blocks(segments)
        found = self._video.moving(segments, current, self._mirror.pixels)
        regions = [part for region in found if (part := region.intersection(view))]
        for rect in regions:
            across = slice(-(-rect.x // SEGMENT), rect.right // SEGMENT)
            segments[rect.y : rect.bottom, across] = False
        return regions, changed

    def _video_updates(
        self, regions: list[Rect], current: Pixels, budget: int | None
    ) -> Iterator[ScreenUpdate]:
        """Regions of video, each as one picture unless it is very large."""
        rate = self._writer.link_rate
        for region in regions:
            if stream := self.photos.encode_stream(current, region, budget, rate):
                self._mirror.loss.set_rect(region, PREVIEW)
                yield self._writer.write(Body(), stream)
                continue
            quality = self.photos.video_quality_for(region, budget, rate)
            for part in bands(region):
                side = self.photos.encode_region(current, part, quality)
                self._mirror.loss.set_rect(part, quality)
                yield self._writer.write(Body(), side)

    def _take_photos(
        self, current: Pixels, segments: Bits, box: Rect
    ) -> tuple[Bits, Bits]:
        """Blocks to be sent as photographs; their segments are taken out of the map.

        Where they would be exact, those with few changes are left to rectangles: the
        second map has these. `box` is around the segments.
        """
        edges = np.zeros((-(-self.height // BLOCK), -(-self.width // BLOCK)), np.bool_)
        part = segments[box.y : box.bottom, box.x : box.right]
        count = int(np.count_nonzero(part))
        is_text = box.area * SEGMENT <= SMALL and 2 * count < part.size
        if is_text or count < _MIN_PHOTO * BLOCK:
            return edges.copy(), edges
        changed = changed_near(box, segments, edges.shape)
        photo = photo_blocks(current, changed)
        if not self.lossy and photo.any():
            whole = mostly_changed(segments, photo)
            photo, edges = whole, photo & ~whole
        if np.count_nonzero(photo) < _MIN_PHOTO:
            photo[:] = False
        clear_blocks(segments, photo)
        return photo, edges

    def _updates(
        self,
        body: Body,
        items: list[list[Scanned]],
        photo: Bits,
        current: Pixels,
        budget: int | None,
    ) -> Iterator[ScreenUpdate]:
        """Operations with the first rectangles, more rectangles, photographs."""
        limit = RAW_LIMIT
        if budget is not None:
            limit = min(max(budget * _RAW_PER_BUDGET, _RAW_LIMIT_LOW), RAW_LIMIT)
        for chunk in chain.from_iterable(chunks(i, current, limit) for i in items):
            changes = changes_of(chunk.pixels)
            values = chunk.pixels[np.flatnonzero(changes)]
            for item in chunk.rectangles:
                self._mirror.take_rect(item.rect, current)
                self._reached = item.rect.bottom
            yield self._writer.write(
                replace(
                    body,
                    rectangles=chunk.table(),
                    changes=changes,
                    values=values,
                    smooth=is_smooth(changes, values),
                )
            )
            body = Body()
        if effort.of_operations(body):
            yield self._writer.write(body)
        if photo.any():
            quality = self._quality(int(np.count_nonzero(photo)), budget)
            yield from self._photo_updates(photo, quality, current, budget)

    def _quality(self, blocks: int, budget: int | None) -> int:
        """Quality at which photographs go first."""
        if not self.lossy:
            return LOSSLESS
        rate = self._writer.link_rate
        best = 85 if rate is None or rate >= FAST_LINK else 70
        if rate is not None and rate < _MEDIUM_LINK:
            best = 50
        return self.photos.quality_for(best, blocks, budget)

    def _photo_updates(
        self, blocks: Bits, quality: int, source: Pixels, budget: int | None
    ) -> Iterator[ScreenUpdate]:
        """Updates of nothing but photo blocks."""
        most = self.photos.blocks_for(quality, budget)
        for box, chosen in slices(blocks, most):
            side = self.photos.encode(source, box, chosen, quality)
            self._mirror.take_blocks(box, chosen, source, quality)
            yield self._writer.write(Body(), side)


def _fill(
    updates: list[ScreenUpdate], more: Iterable[ScreenUpdate], budget: int | None
) -> bool:
    """Add `more` up to about `budget` bytes; returns whether that was all."""
    used = 0
    for update in more:
        updates.append(update)
        used += len(update.body) + len(update.side)
        if budget is not None and used >= budget:
            return False
    return True
