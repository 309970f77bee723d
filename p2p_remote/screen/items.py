"""What differs as rectangles with the order in which their pixels are read."""

from dataclasses import dataclass

import numpy as np

from p2p_remote.screen.arrays import BLOCK, Bits, Pixels
from p2p_remote.screen.chunks import MAX_PITCH, Scanned, columns
from p2p_remote.screen.damage import trimmed
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.rectangles import changed_rectangles, focus_first
from p2p_remote.screen.rhythm import rhythm_of


@dataclass(frozen=True, slots=True, eq=False)
class Changed:
    """A picture, what the viewer has of it, and the segments that differ.

    No segment is set outside of `box`, in segments and rows.
    """

    current: Pixels
    reference: Pixels
    segments: Bits
    box: Rect


def items_of(
    changed: Changed, photos: tuple[Bits, Bits], focus: Rect | None
) -> list[list[Scanned]]:
    """Rectangles with their rhythm, then those of photographs.

    `photos` has the blocks that are sent otherwise, and those of photographs that are
    not. Each rectangle begins with a row that differs, which is what makes every call
    progress, however small its budget.
    """
    photo, edges = photos
    current, reference, segments = changed.current, changed.reference, changed.segments
    rectangles = changed_rectangles(
        segments, current, reference, photo | edges, changed.box
    )
    if focus is not None:
        rectangles = focus_first(rectangles, focus)
    items: list[Scanned] = []
    smooth: list[Scanned] = []
    for rect in rectangles:
        is_photo = _is_in(rect, edges)
        block = current[rect.y : rect.bottom, rect.x : rect.right]
        pitch, phase = (MAX_PITCH, 0) if is_photo else rhythm_of(block)
        parts = columns(rect, pitch)
        if focus is not None or len(parts) > 1:
            parts = [trimmed(part, segments, current, reference) for part in parts]
        for part in filter(None, parts):
            item = Scanned(part, pitch, (phase - (part.y - rect.y)) % pitch)
            if is_photo:
                smooth.append(item.for_photo())
            else:
                items.append(item)
    return [items, smooth]


def taken_up(items: list[Scanned], row: int, focus: Rect | None) -> list[Scanned]:
    """The same with what is at `row` and below before the rest.

    An update whose budget ended there goes on there: what changes all the time above
    does not hold up what is below. What touches `focus` stays first.
    """
    first: list[Scanned] = []
    below: list[Scanned] = []
    above: list[Scanned] = []
    for item in items:
        rows = _end_of_strip(item, row - item.rect.y)
        if focus is not None and item.rect.intersection(focus):
            first.append(item)
        elif rows >= item.rect.height:
            above.append(item)
        elif rows > 0:
            upper, lower = item.divided(rows)
            above.append(upper)
            below.append(lower)
        else:
            below.append(item)
    return first + below + above


def _end_of_strip(item: Scanned, rows: int) -> int:
    """Last end of a strip within the upper `rows` rows; 0 if there is none."""
    beyond = rows - item.phase
    return item.phase + beyond // item.pitch * item.pitch if beyond >= 0 else 0


def _is_in(rect: Rect, blocks: Bits) -> bool:
    """Whether most blocks that `rect` touches are among `blocks`."""
    rows = slice(rect.y // BLOCK, -(-rect.bottom // BLOCK))
    part = blocks[rows, rect.x // BLOCK : -(-rect.right // BLOCK)]
    return 2 * int(np.count_nonzero(part)) > part.size
