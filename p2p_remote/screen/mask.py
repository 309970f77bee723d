"""The change mask on the wire: columns of strips that begin with a byte.

A letter has the same bytes wherever it stands in its strip, so what was sent of it
before is found again.
"""

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import Bits, Table

_TALL = 8  # rows of a strip, from which its columns begin with a byte


def _runs(rectangles: Table) -> tuple[Table, Table]:
    """How often, and how many bits run on before the next byte begins.

    Of each rectangle for its head, its whole strips and its tail.
    """
    width, height, pitch, phase = rectangles[:, 2:].T
    head = np.minimum(phase, height)
    whole = (height - head) // pitch
    tail = height - head - whole * pitch
    rows = np.stack((head, pitch, tail), axis=1)
    strips = np.stack((head > 0, whole, tail > 0), axis=1)
    columns = strips * width[:, None]
    is_tall = rows >= _TALL
    times = np.where(is_tall, columns, columns > 0)
    bits = np.where(is_tall, rows, rows * columns)
    return times.ravel(), bits.ravel()


def _places(rectangles: Table) -> Bits:
    """Which bits of the mask stand for a pixel; the others fill bytes."""
    times, bits = _runs(rectangles)
    filled = np.stack((bits, -bits % 8), axis=1).repeat(times, axis=0)
    is_pixel = np.zeros(filled.shape, np.bool_)
    is_pixel[:, 0] = True
    return is_pixel.ravel().repeat(filled.ravel())


def mask_bytes(rectangles: Table) -> int:
    """Length of the mask of rectangles with rows as in `Body.rectangles`."""
    times, bits = _runs(rectangles)
    return int((times * ((bits + 7) // 8)).sum())


def pack_mask(changes: Bits, rectangles: Table) -> bytes:
    """Mask of the pixels of `rectangles`, which `changes` has in scan order."""
    places = _places(rectangles)
    bits = np.zeros(len(places), np.bool_)
    bits[places] = changes
    return np.packbits(bits).tobytes()


def unpack_mask(packed: bytes, rectangles: Table) -> Bits:
    """`changes` of a mask, which has `mask_bytes` bytes.

    Raises:
        MalformedMessageError: a bit that only fills a byte is set.

    """
    bits = np.unpackbits(np.frombuffer(packed, np.uint8)).view(np.bool_)
    places = _places(rectangles)
    changes = bits[places]
    if np.count_nonzero(changes) != np.count_nonzero(bits):
        raise MalformedMessageError("padding of the change mask is not zero")
    return changes
