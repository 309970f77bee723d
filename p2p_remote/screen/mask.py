"""The change mask on the wire: columns of strips that begin with a byte.

A letter has the same bytes wherever it stands in its strip, so what was sent of it
before is found again.
"""

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import Bits, Table
from p2p_remote.screen.scan import strip_runs

_TALL = 8  # rows of a strip, from which its columns begin with a byte


def _runs(rectangles: Table) -> list[tuple[int, int]]:
    """How often, and how many bits run on before the next byte begins."""
    runs = []
    for _, _, width, height, pitch, phase in rectangles.tolist():
        for _, strips, rows in strip_runs(height, pitch, phase):
            columns = strips * width
            runs.append((columns, rows) if rows >= _TALL else (1, columns * rows))
    return runs


def mask_bytes(rectangles: Table) -> int:
    """Length of the mask of rectangles with rows as in `Body.rectangles`."""
    return sum(count * -(-run // 8) for count, run in _runs(rectangles))


def pack_mask(changes: Bits, rectangles: Table) -> bytes:
    """Mask of the pixels of `rectangles`, which `changes` has in scan order."""
    parts = []
    start = 0
    for count, run in _runs(rectangles):
        end = start + count * run
        part = changes[start:end]
        if count > 1 and run % 8:
            # Padding first and packing all at once is faster than column by column.
            padded = np.zeros((count, -(-run // 8) * 8), np.bool_)
            padded[:, :run] = part.reshape(count, run)
            part = padded.ravel()
        parts.append(np.packbits(part).tobytes())
        start = end
    return b"".join(parts)


def unpack_mask(packed: bytes, rectangles: Table) -> Bits:
    """`changes` of a mask, which has `mask_bytes` bytes.

    Raises:
        MalformedMessageError: a bit that only fills a byte is set.

    """
    data = np.frombuffer(packed, np.uint8)
    parts = [np.zeros(0, np.bool_)]
    start = 0
    for count, run in _runs(rectangles):
        end = start + count * -(-run // 8)
        bits = np.unpackbits(data[start:end].reshape(count, -1), axis=1).view(np.bool_)
        if bits[:, run:].any():
            raise MalformedMessageError("padding of the change mask is not zero")
        parts.append(bits[:, :run].ravel())
        start = end
    return np.concatenate(parts)
