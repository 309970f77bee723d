"""What the technician sees: the picture of the stream with hot patches over it."""

import numpy as np

from p2p_remote.screen import effort
from p2p_remote.screen.arrays import Frame, Pixels, frame_of
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.hot import MAX_PATCHES, Part, overlay, unpack_patch
from p2p_remote.wire.constants import MAX_SCREEN_PIXELS
from p2p_remote.wire.screen import HotPatch, ScreenUpdate


class HotView:
    """A decoder and the patches that are ahead of it.

    A patch is shown from its arrival until an update retires it, a key frame begins a
    new picture, or `MAX_PATCHES` newer ones have come; later patches lie above earlier
    ones. The decoder alone keeps the picture that updates refer to, so whatever happens
    to patches, the picture is that of the stream when the last of them has gone.
    """

    def __init__(self, max_pixels: int = MAX_SCREEN_PIXELS) -> None:
        """`max_pixels` bounds the display; memory is 8 bytes a pixel under patches."""
        self._decoder = Decoder(max_pixels, takes_vp8=True)
        self._shown: Pixels | None = None  # only while there are patches
        self._patches: list[tuple[int, list[Part]]] = []  # by serial
        self._newest = 0  # serial of the newest patch that came
        self._retired = 0
        self._work = 0

    @property
    def work(self) -> int:
        """Effort so far (units), for the caller's bound per second.

        What was refused counts too.
        """
        return self._decoder.work + self._work

    @property
    def framebuffer(self) -> Frame:
        """The newest pixels, (height, width, 4) BGRX with X = 255; a view, not a copy.

        It is another array whenever patches begin or end and after a key frame.
        """
        shown = self._shown
        return self._decoder.framebuffer if shown is None else frame_of(shown)

    @property
    def reference(self) -> Frame:
        """The picture of the stream alone, like `framebuffer`."""
        return self._decoder.framebuffer

    @property
    def patches(self) -> int:
        """How many patches are shown."""
        return len(self._patches)

    def show(self, patch: HotPatch) -> list[Rect]:
        """Put a patch over the picture; returns the rectangles that changed.

        One for a display of another size or one that is retired already changes
        nothing: the stream has, or will have, its pixels.

        Raises:
            MalformedMessageError: the patch breaks a bound; it has no effect then.

        """
        self._work += effort.of_message(patch)
        parts = unpack_patch(patch)
        picture = self._decoder.pixels
        if patch.serial <= max(self._newest, self._retired):
            return []
        self._newest = patch.serial
        if (patch.height, patch.width) != picture.shape:
            return []
        if self._shown is None:
            self._shown = picture.copy()
            self._work += picture.nbytes
        rects = [part.rect for part in parts]
        self._patches = [
            (serial, older)
            for serial, older in self._patches
            if not all(_is_covered(part.rect, rects) for part in older)
        ]
        self._patches.append((patch.serial, parts))
        if len(self._patches) > MAX_PATCHES:
            rects += [part.rect for part in self._patches.pop(0)[1]]
        self._compose(rects, picture, self._shown)
        return rects

    def prepare(self) -> bool:
        """See `Decoder.prepare`."""
        return self._decoder.prepare()

    def apply(self, update: ScreenUpdate) -> list[Rect]:
        """Carry out an update; returns the rectangles that may have changed.

        Raises:
            MalformedMessageError: see `Decoder.apply`.

        """
        before = self._decoder.pixels
        changed = self._decoder.apply(update)
        self._retired = max(self._retired, update.retires)
        shown = self._shown
        if shown is None:
            return changed
        picture = self._decoder.pixels
        if picture is not before:
            self._patches.clear()
            self._shown = None
            return changed
        while self._patches and self._patches[0][0] <= self._retired:
            changed += [part.rect for part in self._patches.pop(0)[1]]
        if self._patches:
            self._compose(changed, picture, shown)
        else:
            self._shown = None
        return changed

    def _compose(self, rects: list[Rect], picture: Pixels, shown: Pixels) -> None:
        """Bring `shown` up to date in some places.

        Another thread may be reading, so no pixel takes a value in between.
        """
        parts = [part for _, patch in self._patches for part in patch]
        for rect in rects:
            area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
            over = [part for part in parts if part.rect.intersects(rect)]
            if over:
                block = picture[area].copy()
                overlay(block, rect, over)
                shown[area] = block
            else:
                np.copyto(shown[area], picture[area])
            self._work += 4 * rect.area


def _is_covered(rect: Rect, rects: list[Rect]) -> bool:
    """Whether one of `rects` contains `rect`."""
    return any(other.contains(rect) for other in rects)
