"""Which 32x32 blocks are photographic."""

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.arrays import BLOCK, SEGMENT, Bits, Pixels
from p2p_remote.screen.geometry import Rect

_ROW_STEP = 4  # every fourth row is looked at
_MOSTLY = 0.7  # of a block's segments; with fewer, the pixels that differ cost less
_SMALL_CHANGE = 10  # of green, between neighbours


def changed_blocks(segments: Bits) -> Bits:
    """Blocks (rows, columns) with a segment that differs."""
    height, width = segments.shape
    rows = np.logical_or.reduceat(segments, np.arange(0, height, BLOCK), axis=0)
    return np.logical_or.reduceat(rows, np.arange(0, width, BLOCK // SEGMENT), axis=1)


def changed_near(box: Rect, segments: Bits, shape: tuple[int, ...]) -> Bits:
    """Blocks with a segment that differs, all inside `box` (segments and rows)."""
    changed = np.zeros(shape, np.bool_)
    per_block = BLOCK // SEGMENT
    top, bottom = box.y // BLOCK, -(-box.bottom // BLOCK)
    left, right = box.x // per_block, -(-box.right // per_block)
    part = segments[top * BLOCK : bottom * BLOCK, left * per_block : right * per_block]
    changed[top:bottom, left:right] = changed_blocks(part)
    return changed


def photo_blocks(current: Pixels, changed: Bits) -> Bits:
    """Those `changed` blocks that look like a photograph.

    A photograph changes colour at most pixels, mostly by little; text and user
    interfaces are flat with sharp edges.
    """
    result = np.zeros_like(changed)
    rows = np.flatnonzero(changed.any(axis=1))
    if not len(rows):
        return result
    columns = np.flatnonzero(changed.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    bottom, right = int(rows[-1]) + 1, int(columns[-1]) + 1
    block = current[top * BLOCK : bottom * BLOCK, left * BLOCK : right * BLOCK]
    block = np.ascontiguousarray(block[::_ROW_STEP])
    differs = np.zeros(block.shape, np.bool_)
    np.not_equal(block[:, 1:], block[:, :-1], out=differs[:, 1:])
    green = np.ascontiguousarray(block.view(np.uint8)[:, 1::4])
    steps = np.zeros(block.shape, np.uint8)
    one, two = green[:, 1:], green[:, :-1]
    np.subtract(np.maximum(one, two), np.minimum(one, two), out=steps[:, 1:])
    small = differs & (steps <= _SMALL_CHANGE)
    pixels = _block_sizes(block.shape[0], BLOCK // _ROW_STEP)[:, None]
    pixels = pixels * _block_sizes(block.shape[1], BLOCK)
    changes = _block_sums(differs)
    smalls = _block_sums(small)
    is_photo = ((2 * changes >= pixels) & (10 * smalls > 3 * changes)) | (
        (100 * changes >= 12 * pixels) & (10 * smalls >= 7 * changes)
    )
    inner = slice(top, bottom), slice(left, right)
    result[inner] = is_photo & changed[inner]
    return result


def _block_sizes(length: int, per_block: int) -> NDArray[np.int32]:
    """How much of `length` lies in each block; the last may be smaller."""
    starts = np.arange(0, length, per_block, dtype=np.int32)
    return np.minimum(length - starts, per_block)


def _block_sums(bits: Bits) -> NDArray[np.int32]:
    """How many are set per block; rows first, which adds bytes along memory."""
    per_block = BLOCK // _ROW_STEP
    ones = bits.view(np.uint8)
    down = ones[::per_block].copy()
    for row in range(1, per_block):
        part = ones[row::per_block]
        down[: len(part)] += part
    columns = np.arange(0, bits.shape[1], BLOCK)
    return np.add.reduceat(down, columns, axis=1, dtype=np.int32)


def mostly_changed(segments: Bits, blocks: Bits) -> Bits:
    """Those `blocks` of which nearly all segments differ, in squares of 2x2 blocks."""
    height, width = segments.shape
    rows = np.add.reduceat(
        segments, np.arange(0, height, BLOCK), axis=0, dtype=np.int32
    )
    counts = np.add.reduceat(rows, np.arange(0, width, BLOCK // SEGMENT), axis=1)
    whole: Bits = blocks & (counts >= _MOSTLY * BLOCK * BLOCK // SEGMENT)
    squares = whole[1:, 1:] & whole[:-1, 1:] & whole[1:, :-1] & whole[:-1, :-1]
    result = np.zeros_like(whole)
    for down in (0, 1):
        for across in (0, 1):
            result[
                down : down + squares.shape[0], across : across + squares.shape[1]
            ] |= squares
    return result


def clear_blocks(segments: Bits, blocks: Bits) -> None:
    """Take the segments of `blocks` out of the map of what differs."""
    per_block = BLOCK // SEGMENT
    for row in np.flatnonzero(blocks.any(axis=1)).tolist():
        columns = blocks[row].repeat(per_block)[: segments.shape[1]]
        segments[row * BLOCK : (row + 1) * BLOCK, columns] = False
