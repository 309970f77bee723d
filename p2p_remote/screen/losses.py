"""How lossy each block is at the viewer, followed through everything that moves it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import BLOCK, TILE, Bits
from p2p_remote.screen.geometry import Rect

_EXACT = 0
_WORST = 100


@dataclass(frozen=True, slots=True)
class _Range:
    """Blocks that a range of pixels touches, and those it covers."""

    touched: slice
    covered: slice


def _range(start: int, end: int, size: int) -> _Range:
    last = -(-end // BLOCK)
    # The last block of the display ends with it.
    whole_end = last if end == size else end // BLOCK
    return _Range(slice(start // BLOCK, last), slice(-(-start // BLOCK), whole_end))


class LossMap:
    """How much of each block the viewer lacks: 0 exact, else 100 - JPEG quality.

    Everything that moves pixels at the viewer moves loss too.
    """

    def __init__(self, width: int, height: int) -> None:
        """Nothing is lossy at first."""
        self._size = width, height
        self.loss = np.zeros((-(-height // BLOCK), -(-width // BLOCK)), np.uint8)
        # Blocks with exact pixels too: they are made exact, never sent as JPEG.
        self._mixed = np.zeros(self.loss.shape, np.bool_)

    @property
    def is_exact(self) -> bool:
        """Whether the viewer has every pixel that was sent."""
        return not self.loss.any()

    def set(self, box: Rect, chosen: Bits, quality: int) -> None:
        """The `chosen` blocks of `box` were sent as JPEG; quality 100 is lossless."""
        part = self.loss[box.y : box.bottom, box.x : box.right]
        part[chosen] = _WORST - quality
        self._mixed[box.y : box.bottom, box.x : box.right][chosen] = False

    def set_rect(self, rect: Rect, quality: int) -> None:
        """Pixels of `rect` were sent as JPEG; what stands beside them is as it was."""
        width, height = self._size
        across = _range(rect.x, rect.right, width)
        down = _range(rect.y, rect.bottom, height)
        touched = down.touched, across.touched
        covered = down.covered, across.covered
        loss = np.uint8(_WORST - quality)
        self.loss[touched] = np.maximum(self.loss[touched], loss)
        self.loss[covered] = loss
        self._mixed[touched] = True
        self._mixed[covered] = False

    def fill(self, rect: Rect) -> None:
        """Pixels of `rect` were sent exactly."""
        width, height = self._size
        across = _range(rect.x, rect.right, width)
        down = _range(rect.y, rect.bottom, height)
        self.loss[down.covered, across.covered] = _EXACT

    def copy(self, rect: Rect, dx: int, dy: int) -> None:
        """Pixels were moved: a block takes the worst of the blocks it came from."""
        if self.is_exact:
            return
        width, height = self._size
        across = _range(rect.x, rect.right, width)
        down = _range(rect.y, rect.bottom, height)
        source = self._moved(rect, dx, dy)
        old = self.loss[down.touched, across.touched].copy()
        self.loss[down.touched, across.touched] = np.maximum(old, source)
        inner = source[
            down.covered.start - down.touched.start :,
            across.covered.start - across.touched.start :,
        ]
        target = self.loss[down.covered, across.covered]
        target[...] = inner[: target.shape[0], : target.shape[1]]

    def _moved(self, rect: Rect, dx: int, dy: int) -> NDArray[np.uint8]:
        """Worst source of every block that `rect` touches."""
        rows = np.arange(rect.y // BLOCK, -(-rect.bottom // BLOCK))
        columns = np.arange(rect.x // BLOCK, -(-rect.right // BLOCK))
        first_row = (np.maximum(rows * BLOCK, rect.y) + dy) // BLOCK
        last_row = (np.minimum(rows * BLOCK + BLOCK, rect.bottom) - 1 + dy) // BLOCK
        first = (np.maximum(columns * BLOCK, rect.x) + dx) // BLOCK
        last = (np.minimum(columns * BLOCK + BLOCK, rect.right) - 1 + dx) // BLOCK
        down = np.maximum(self.loss[first_row], self.loss[last_row])
        worst: NDArray[np.uint8] = np.maximum(down[:, first], down[:, last])
        return worst

    def worse_than(self, quality: int) -> Bits:
        """Blocks to be sent again at `quality`, because the viewer has them at less."""
        worse: Bits = self.loss > _WORST - quality
        return worse if quality == _WORST else worse & ~self._mixed


def exact_tiles(loss: NDArray[np.uint8]) -> Bits:
    """Tiles, in their order, of which no block of `loss` is lossy."""
    per_tile = TILE // BLOCK
    down = np.maximum.reduceat(loss, np.arange(0, loss.shape[0], per_tile), axis=0)
    worst = np.maximum.reduceat(down, np.arange(0, loss.shape[1], per_tile), axis=1)
    exact: Bits = worst.ravel() == _EXACT
    return exact
