"""Order in which the pixels of a rectangle are read.

A rectangle is cut into strips: `phase` rows, then strips of `pitch` rows, then what is
left. Within a strip pixels are read column by column, so a glyph of a text line that
is one strip high is one run of bytes.
"""

import numpy as np

from p2p_remote.screen.arrays import OPAQUE, Bits, Pixels, Table

_SMOOTH_VALUES = 256  # fewer are not worth it
_SMOOTH_SAMPLE = 2048  # pairs looked at, about
_SMALL_STEP = 12  # of green, between neighbours


def strip_runs(height: int, pitch: int, phase: int) -> list[tuple[int, int, int]]:
    """Runs of equal strips as (first row, strips, rows per strip)."""
    head = min(phase, height)
    whole = (height - head) // pitch
    tail = height - head - whole * pitch
    parts = ((0, 1, head), (head, whole, pitch), (height - tail, 1, tail))
    return [part for part in parts if part[1] and part[2]]


def strip_rows(height: int, pitch: int, phase: int) -> list[int]:
    """Row numbers at which strips end."""
    ends = list(range(min(phase, height), height, pitch)) if phase else []
    if not phase:
        ends = list(range(pitch, height, pitch))
    return [*ends, height]


def gather(block: Pixels, pitch: int, phase: int, out: Pixels) -> None:
    """Write the pixels of `block` (height, width) into `out` (n,) in scan order."""
    height, width = block.shape
    for row, strips, rows in strip_runs(height, pitch, phase):
        source = block[row : row + strips * rows].reshape(strips, rows, width)
        target = out[row * width : (row + strips * rows) * width]
        target.reshape(strips, width, rows)[...] = source.transpose(0, 2, 1)


def scatter(scanned: Pixels, block: Pixels, pitch: int, phase: int) -> None:
    """Write `scanned` (n,) into `block` (height, width): the inverse of `gather`."""
    height, width = block.shape
    for row, strips, rows in strip_runs(height, pitch, phase):
        source = scanned[row * width : (row + strips * rows) * width]
        target = block[row : row + strips * rows].reshape(strips, rows, width)
        target[...] = source.reshape(strips, width, rows).transpose(0, 2, 1)


def scatter_all(scanned: Pixels, frame: Pixels, rectangles: Table) -> None:
    """Fill all rectangles from pixels in scan order."""
    offset = 0
    for x, y, width, height, pitch, phase in rectangles.tolist():
        end = offset + width * height
        block = frame[y : y + height, x : x + width]
        scatter(scanned[offset:end], block, pitch, phase)
        offset = end


def changes_of(scanned: Pixels) -> Bits:
    """Whether each pixel differs from the one before; the first: from 0."""
    changes = np.empty(scanned.shape, np.bool_)
    if len(scanned):
        changes[0] = scanned[0] != 0
        np.not_equal(scanned[1:], scanned[:-1], out=changes[1:])
    return changes


def expand(changes: Bits, values: Pixels) -> Pixels:
    """Opaque pixels in scan order from the change mask and the changed values."""
    starts = np.flatnonzero(changes)
    lengths = np.diff(starts, append=len(changes))
    head = int(starts[0]) if len(starts) else len(changes)
    pixels = np.empty(len(changes), np.uint32)
    pixels[:head] = OPAQUE
    pixels[head:] = np.repeat(values | OPAQUE, lengths)
    return pixels


def is_smooth(changes: Bits, values: Pixels) -> bool:
    """Whether the values are those of a photograph: nearly all change, by little."""
    count = len(values)
    if count < _SMOOTH_VALUES or 2 * count < len(changes):
        return False
    step = max(count // _SMOOTH_SAMPLE, 2)
    pairs = values[: count // step * step].reshape(-1, step)
    green = (pairs[:, :2] >> 8).astype(np.uint8).astype(np.int16)
    steps = np.abs(green[:, 1] - green[:, 0])
    return 2 * int(np.count_nonzero(steps <= _SMALL_STEP)) > len(steps)
