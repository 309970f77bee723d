"""The sending end of hot patches: what to show early, and when the stream has it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from p2p_remote.screen.arrays import Bits, Pixels
from p2p_remote.screen.damage import differing
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.hot import (
    MAX_PATCH_PIXELS,
    MAX_PATCHES,
    MAX_RECTANGLES,
    MAX_SERIAL,
    Part,
    overlay,
    pack_patch,
)
from p2p_remote.screen.hot_cells import CellHeat, cells_in, places
from p2p_remote.screen.rectangles import cells_of
from p2p_remote.wire.screen import MAX_HOT_BODY, HotPatch

MAX_AGE = 2.0  # s after which a patch gives way although the stream is not as new


@dataclass(slots=True, eq=False)
class _Sent:
    """A patch that the viewer shows, as far as we know.

    `behind` has a map per part: pixels whose value the stream has not had since.
    """

    serial: int
    parts: list[Part]
    behind: list[Bits]
    at: float


class HotPatcher:
    """Finds what an input changed, and follows what the viewer shows of it.

    It never touches what the stream refers to. All arrays are (height, width) uint32
    pixels of the display; `sent` is the picture that the viewer has when all updates
    so far have arrived.
    """

    def __init__(self, width: int, height: int) -> None:
        """Size of the display in pixels."""
        self._serial = 0
        self._retire_all = False
        self._last = Rect(0, 0, 0, 0)
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """The display has another size, or begins anew with a key frame."""
        self._size = (width, height)
        self._heat = CellHeat(width, height)
        self._shown: list[_Sent] = []
        self._found: list[Part] = []
        self._retire_all = self._serial > 0

    @property
    def is_ahead(self) -> bool:
        """Whether the viewer shows patches that the stream has not retired."""
        return bool(self._shown) or self._retire_all

    def look(
        self,
        current: Pixels,
        sent: Pixels,
        segments: Bits,
        damage: Iterable[Rect] | None,
        focus: Rect | None,
        now: float,
    ) -> bool:
        """Look for what an input may have changed; whether there is anything new.

        Args:
            current: the picture now; `make` reads it again.
            sent: see above.
            segments: where both differ and the viewer looks, (height, width / 16).
            damage: what changed since the last look; None = not known.
            focus: where the technician works.
            now: s.

        """
        cells = cells_of(segments)
        changed = cells
        if damage is not None:
            changed = cells & cells_in(damage, cells.shape)
        quiet = self._heat.note(changed, now)
        near = [rect for rect in (focus, self._last) if rect]
        self._found = []
        if quiet.any():
            self._find(current, sent, places(quiet, near))
        return bool(self._found)

    def make(self, limit: int, now: float) -> HotPatch | None:
        """The patch of what the last look found, of about `limit` bytes at most.

        What does not fit is left to the stream. The viewer is taken to show it.
        """
        parts, self._found = self._found, []
        limit = min(limit, MAX_HOT_BODY)
        while parts and self._serial < MAX_SERIAL:
            patch = pack_patch(parts, self._serial + 1, self._size)
            if len(patch.body) <= limit:
                self._serial += 1
                behind = [np.ones(part.pixels.shape, np.bool_) for part in parts]
                self._shown.append(_Sent(self._serial, parts, behind, now))
                del self._shown[:-MAX_PATCHES]
                self._last = parts[0].rect
                return patch
            parts = parts[: len(parts) // 2]
        return None

    def retire(self, current: Pixels, sent: Pixels, now: float) -> int:
        """Compare after updates; the serial that the last of them retires, or 0.

        A patch has served when each of its pixels has been as in `current` in the
        stream once since, or after `MAX_AGE`.
        """
        if self._retire_all:
            self._retire_all = False
            return self._serial
        for patch in self._shown:
            for part, behind in zip(patch.parts, patch.behind, strict=True):
                area = part.rect
                np.logical_and(
                    behind, differing(_cut(current, area), _cut(sent, area)), out=behind
                )
        serial = 0
        while self._shown and self._has_served(self._shown[0], now):
            serial = self._shown.pop(0).serial
        return serial

    @staticmethod
    def _has_served(patch: _Sent, now: float) -> bool:
        return now - patch.at >= MAX_AGE or not any(map(np.any, patch.behind))

    def _find(self, current: Pixels, sent: Pixels, boxes: list[Rect]) -> None:
        """Take the boxes in which the viewer does not show `current` yet."""
        display = Rect(0, 0, *self._size)
        room = MAX_PATCH_PIXELS
        for box in boxes:
            place = box.intersection(display)
            if place.area > MAX_PATCH_PIXELS:
                continue
            shown = _cut(sent, place).copy()
            for patch in self._shown:
                overlay(shown, place, patch.parts)
            rect = _box_of(differing(_cut(current, place), shown))
            if not rect or rect.area > room:
                continue
            rect = rect.moved(place.x, place.y)
            self._found.append(Part(rect, _cut(current, rect).copy()))
            room -= rect.area
            if len(self._found) == MAX_RECTANGLES:
                break


def _cut(pixels: Pixels, rect: Rect) -> Pixels:
    return pixels[rect.y : rect.bottom, rect.x : rect.right]


def _box_of(bits: Bits) -> Rect:
    """Smallest rectangle around the set entries; empty when there are none."""
    rows = np.flatnonzero(bits.any(axis=1))
    if not len(rows):
        return Rect(0, 0, 0, 0)
    columns = np.flatnonzero(bits.any(axis=0))
    return Rect.from_edges(
        int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    )
