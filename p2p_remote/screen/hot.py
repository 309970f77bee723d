"""Hot patches: rectangles that refer to nothing, for a channel ahead of the stream.

What the last input changed must not wait behind updates that came first, and the stream
of updates must stay in order because each refers to those before. So a patch shows the
newest pixels of a small place over the picture of the stream until an update of the
stream says that this picture is as new there (`ScreenUpdate.retires`). The stream never
refers to a patch, so losing or dropping one costs nothing but time.
"""

from dataclasses import dataclass

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import layout
from p2p_remote.screen.arrays import COLOUR, OPAQUE, Pixels
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.layout import Body
from p2p_remote.screen.packing import History, pack_tiny, unpack
from p2p_remote.screen.rhythm import rhythm_of
from p2p_remote.screen.scan import changes_of, expand, gather, scatter
from p2p_remote.wire.screen import HotPatch

MAX_RECTANGLES = 8  # of one patch
MAX_PATCH_PIXELS = 65_536  # of all rectangles of one patch
MAX_PATCHES = 32  # that a viewer shows at a time; the oldest gives way
MAX_SERIAL = 2**32 - 1

_MIN_BODY = 2  # bytes: flags and a rectangle count


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A rectangle of a patch and its pixels, (height, width)."""

    rect: Rect
    pixels: Pixels


def _row(part: Part) -> tuple[int, int, int, int, int, int]:
    """Row of `Body.rectangles`."""
    rect = part.rect
    pitch, phase = rhythm_of(part.pixels)
    return rect.x, rect.y, rect.width, rect.height, pitch, phase


def pack_patch(
    parts: list[Part], serial: int, size: tuple[int, int], *, display: int = 0
) -> HotPatch:
    """The message of some parts, which are within the bounds above.

    `size` is that of the display; the bytes must fit `MAX_HOT_BODY`.
    """
    rows = [_row(part) for part in parts]
    scanned = np.empty(sum(part.rect.area for part in parts), np.uint32)
    offset = 0
    for part, (*_, pitch, phase) in zip(parts, rows, strict=True):
        end = offset + part.rect.area
        gather(part.pixels, pitch, phase, scanned[offset:end])
        offset = end
    scanned &= COLOUR
    changes = changes_of(scanned)
    body = Body(
        rectangles=np.array(rows, np.int64),
        changes=changes,
        values=scanned[changes],
    )
    raw = layout.build(body)
    packer, packed = pack_tiny(raw, History())
    return HotPatch(serial, *size, len(raw), packed, packer, display)


def unpack_patch(patch: HotPatch) -> list[Part]:
    """The parts of a message; everything about it is checked.

    Raises:
        MalformedMessageError: it breaks a bound.

    """
    if patch.raw_length < _MIN_BODY:
        raise MalformedMessageError("hot patch without a body")
    raw = unpack(patch.packer, patch.body, patch.raw_length, History())
    body = layout.parse(raw)
    if body.size is not None or body.remember:
        raise MalformedMessageError("hot patch that changes more than pixels")
    if len(body.copies) or len(body.stores) or len(body.hits):
        raise MalformedMessageError("hot patch that refers to something")
    table = body.rectangles
    if not 1 <= len(table) <= MAX_RECTANGLES or len(body.changes) > MAX_PATCH_PIXELS:
        raise MalformedMessageError("hot patch is too large")
    if (table[:, 0] + table[:, 2] > patch.width).any() or (
        table[:, 1] + table[:, 3] > patch.height
    ).any():
        raise MalformedMessageError("hot patch outside of the display")
    scanned = expand(body.changes, body.values)
    parts = []
    offset = 0
    for x, y, width, height, pitch, phase in table.tolist():
        end = offset + width * height
        pixels = np.empty((height, width), np.uint32)
        scatter(scanned[offset:end], pixels, pitch, phase)
        parts.append(Part(Rect(x, y, width, height), pixels))
        offset = end
    return parts


def overlay(block: Pixels, place: Rect, parts: list[Part]) -> None:
    """Write what `parts` have inside `place` into `block`, its pixels."""
    for part in parts:
        common = place.intersection(part.rect)
        if common:
            target = common.moved(-place.x, -place.y)
            source = common.moved(-part.rect.x, -part.rect.y)
            block[target.y : target.bottom, target.x : target.right] = (
                part.pixels[source.y : source.bottom, source.x : source.right] | OPAQUE
            )
