"""What an update costs its decoder, counted before anything is done.

One unit is the worst that a pixel of a rectangle or a picture costs, some 25 ns in
numpy. What is done once per thing, in Python, counts as so many pixels.
"""

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import Table
from p2p_remote.screen.layout import MAX_BODY, Body
from p2p_remote.wire.screen import (
    PACKER_DEFLATE,
    PACKER_HUFFMAN,
    HotPatch,
    ScreenUpdate,
)

BUDGET = 1 << 20
"""Units of one update; about 25 ms."""

_MESSAGE = 2000  # whatever it holds
_DEFLATED = 2  # per byte; a stream may be nothing but headers of blocks
_RAW_BYTES = 2  # of a body per unit, to unpack and to parse them
_RECTANGLE = 400
_TILE = 400  # stored or shown
_COPY = 160
_COPIED = 16  # pixels of a copy per unit: they are moved, not decoded


def of_message(message: ScreenUpdate | HotPatch) -> int:
    """Units until the body of a message is known, or refused."""
    is_deflated = message.packer in (PACKER_DEFLATE, PACKER_HUFFMAN)
    packed = _DEFLATED * len(message.body) if is_deflated else 0
    return _MESSAGE + packed + min(message.raw_length, MAX_BODY) // _RAW_BYTES


def area_of(copies: Table) -> int:
    """Pixels of all copies; rows as in `Body.copies`, each of them valid."""
    left, top, right, bottom = copies.T[:4]
    return int(((right - left) * (bottom - top)).sum())


def of_operations(body: Body) -> int:
    """Units of copies, stores and hits."""
    tiles = len(body.stores) + len(body.hits)
    copied = area_of(body.copies) // _COPIED + _COPY * len(body.copies)
    return _TILE * tiles + copied


def of_body(body: Body) -> int:
    """Units of everything in a body whose copies are valid."""
    pixels = int(np.prod(body.rectangles[:, 2:4], axis=1).sum())
    return of_operations(body) + _RECTANGLE * len(body.rectangles) + pixels


def require_affordable(units: int) -> None:
    """Refuse what takes too long.

    Raises:
        MalformedMessageError: more than the budget of an update.

    """
    if units > BUDGET:
        raise MalformedMessageError("screen update takes too long to decode")
