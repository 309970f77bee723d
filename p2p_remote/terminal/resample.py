"""Box-average scaling of parts of a frame to sub-pixels.

Every sub-pixel is the exact mean of the source pixels in its box, so a part scaled on
its own equals the same part of the whole: only what is damaged has to be scaled.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.colors import Pixels


@dataclass(frozen=True)
class BoxScaler:
    """Scales `region` of a frame to `width` x `height` sub-pixels.

    Boxes have whole-pixel edges; where there are more sub-pixels than pixels, pixels
    are repeated.
    """

    region: Rect
    width: int
    height: int

    @cached_property
    def _columns(self) -> NDArray[np.intp]:
        """Left edges of the boxes and the right edge of the last, frame columns."""
        return _edges(self.region.x, self.region.width, self.width)

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        """Upper edges of the boxes and the lower edge of the last, frame rows."""
        return _edges(self.region.y, self.region.height, self.height)

    def touched(self, damage: Rect) -> Rect:
        """Sub-pixels whose boxes meet `damage` (frame pixels); empty if none does."""
        part = damage.intersection(self.region)
        if not part:
            return Rect(0, 0, 0, 0)
        left, right = _covering(self._columns, part.x, part.right)
        top, bottom = _covering(self._rows, part.y, part.bottom)
        return Rect.from_edges(left, top, right, bottom)

    def source(self, part: Rect) -> Rect:
        """Frame pixels that the sub-pixels of `part` show; `part` is not empty."""
        columns, rows = self._columns, self._rows
        left, top = int(columns[part.x]), int(rows[part.y])
        right = max(int(columns[part.right]), int(columns[part.right - 1]) + 1)
        bottom = max(int(rows[part.bottom]), int(rows[part.bottom - 1]) + 1)
        return Rect.from_edges(left, top, right, bottom)

    def moved(self, across: int, down: int) -> "BoxScaler":
        """The same boxes of a frame that lies elsewhere."""
        return BoxScaler(self.region.moved(across, down), self.width, self.height)

    def scale(self, frame: Pixels, part: Rect) -> Pixels:
        """Sub-pixels of `part`, shape (part.height, part.width, 4).

        Args:
            frame: Shape (height, width, 4); `region` lies inside.
            part: Rectangle inside `width` x `height`, not empty.

        """
        columns = self._columns[part.x : part.right + 1]
        rows = self._rows[part.y : part.bottom + 1]
        # The last box may be empty; it shows the pixel at its edge.
        left, right = int(columns[0]), max(int(columns[-1]), int(columns[-2]) + 1)
        source = frame[:, left:right]
        widths, heights = np.diff(columns), np.diff(rows)
        if widths.max() <= 1 and heights.max() <= 1:
            return source[rows[:-1, None], columns[None, :-1] - left]
        # 257 x 255 is the most that 16 bits hold; they add at twice the speed.
        dtype = np.uint16 if heights.max() <= 257 else np.uint32
        sums = np.empty((part.height, right - left, 4), dtype)
        # A loop over rows of boxes: each step adds whole lines, which is several times
        # faster than np.add.reduceat along this axis.
        for index in range(part.height):
            top = int(rows[index])
            bottom = max(int(rows[index + 1]), top + 1)
            np.add.reduce(source[top:bottom], axis=0, dtype=dtype, out=sums[index])
        totals = np.add.reduceat(sums, columns[:-1] - left, axis=1, dtype=np.uint32)
        counts = np.maximum(heights, 1)[:, None] * np.maximum(widths, 1)
        means = totals // counts.astype(np.uint32)[..., None]
        return means.astype(np.uint8)


def _edges(start: int, length: int, count: int) -> NDArray[np.intp]:
    """`count` + 1 edges that divide `length` pixels from `start` on."""
    return start + np.arange(count + 1, dtype=np.intp) * length // count


def _covering(edges: NDArray[np.intp], first: int, beyond: int) -> tuple[int, int]:
    """Range of boxes that meet the pixels from `first` to before `beyond`.

    An empty box (more sub-pixels than pixels) shows the pixel at its edge, so boxes
    that begin at `first` count as well.
    """
    left = int(np.searchsorted(edges, first, side="left"))
    if left == edges.size or edges[left] > first:
        left -= 1
    right = int(np.searchsorted(edges[:-1], beyond, side="left"))
    return left, right
