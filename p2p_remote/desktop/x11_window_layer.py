"""The pixels of one window of X11, whatever lies over it.

Source: compositeproto.txt and damageproto.txt of xorgproto. A redirected window has
memory of its own. When the server gives it that memory it may leave in it what the
screen showed there, which may be another window. So only what the window has drawn
since, by its damage, is ever looked at; it is asked to draw itself anew.
"""

import struct
from typing import Final

import numpy as np

from p2p_remote.desktop.blank import GREY
from p2p_remote.desktop.x11_connection import X11Connection, X11Error, request
from p2p_remote.desktop.x11_damage import DamageTracker, row_bands
from p2p_remote.desktop.x11_image import ImageReader, open_reader
from p2p_remote.screen.geometry import Rect

MAX_REDRAWN: Final = 512  # windows inside that are asked to draw themselves
_AUTOMATIC: Final = 0
_REDIRECT, _UNREDIRECT, _NAME_PIXMAP = 1, 3, 6
_GET_GEOMETRY, _QUERY_TREE, _FREE_PIXMAP, _CLEAR_AREA = 14, 15, 54, 61
_BAD_MATCH: Final = 8
_DEPTHS: Final = (24, 32)  # those whose images are rows of BGRX or BGRA
_BAND_GAP: Final = 16  # rows


def start_composite(connection: X11Connection) -> int:
    """Return the opcode of Composite 0.4.

    Raises MissingCapabilityError where the server lacks it.
    """
    opcode = connection.required("Composite").opcode
    connection.call(request(opcode, 0, struct.pack("<II", 0, 4)))
    return opcode


class WindowLayer:
    """A viewable top-level window that lies at `area` of the display.

    `pixels` (height, width, 4) are what it has drawn, and grey elsewhere. Raises
    X11Error when the window is gone, not viewable, or of another size.
    """

    def __init__(
        self, connection: X11Connection, composite: int, window: int, area: Rect
    ) -> None:
        self._connection, self._composite = connection, composite
        self.window, self.area = window, Rect(area.x, area.y, 0, 0)
        self.pixels = _grey(0, 0)
        self._pixmap = 0
        self._reader: ImageReader | None = None
        connection.check(
            request(composite, _REDIRECT, struct.pack("<IBxxx", window, _AUTOMATIC))
        )
        self._tracker = DamageTracker(connection, window)
        self._drawn: list[Rect] = []
        self._is_own = np.zeros((0, 0, 1), np.bool_)  # where it has ever drawn
        self._was_moved = False
        try:
            self.fit(area)
        except X11Error:
            self.close()
            raise

    def fit(self, area: Rect) -> None:
        """Follow the window to where it is now, and to its new size.

        Raises X11Error when it is not of that size (any more).
        """
        size = (area.width, area.height)
        if size != (self.area.width, self.area.height):
            self._forget_pixmap()
            pixmap = self._connection.new_id()
            body = struct.pack("<II", self.window, pixmap)
            self._connection.check(request(self._composite, _NAME_PIXMAP, body))
            self._pixmap = pixmap
            geometry = self._connection.call(
                request(_GET_GEOMETRY, 0, struct.pack("<I", pixmap))
            )
            actual = struct.unpack_from("<HH", geometry, 16)
            if geometry[1] not in _DEPTHS or actual != size:
                raise X11Error(_BAD_MATCH, self._composite, _NAME_PIXMAP)
            self._reader, _ = open_reader(self._connection, pixmap, Rect(0, 0, *size))
            before, self.pixels = self.pixels, _grey(*size)
            rows = min(before.shape[0], area.height)
            columns = min(before.shape[1], area.width)
            self.pixels[:rows, :columns] = before[:rows, :columns]
            # All counts as damaged now, drawn or not, and some of it may be copied
            # from what nobody has drawn.
            self._tracker.take(Rect(0, 0, *size))
            self._drawn = []
            self._is_own = np.zeros((area.height, area.width, 1), np.bool_)
            self._ask_to_draw()
        else:
            self._was_moved = True
        self.area = area

    def is_notice(self, event: bytes) -> bool:
        """Whether an event says that this window was drawn into."""
        return self._tracker.is_notice(event)

    def collect(self) -> None:
        """Learn what was drawn, unless it turns out that the size is another one."""
        whole = Rect(0, 0, self.area.width, self.area.height)
        self._drawn += self._tracker.take(whole)

    def refresh(self) -> list[Rect]:
        """Read what has been collected; return it in pixels of the display."""
        drawn, self._drawn = self._drawn, []
        # The server counts a window that was moved as damaged all over.
        was_moved, self._was_moved = self._was_moved, False
        if drawn and self._reader is not None:
            self._reader.read(row_bands(drawn, _BAND_GAP))
            for one in drawn:
                place = slice(one.y, one.bottom), slice(one.x, one.right)
                if not was_moved:
                    self._is_own[place] = True
                own = self._is_own[place]
                pixels, read = self.pixels[place], self._reader.frame[place]
                if own.all():
                    pixels[..., :3] = read[..., :3]
                else:
                    np.copyto(pixels[..., :3], read[..., :3], where=own)
            if was_moved and not self._is_own.all():
                # What it has drawn meanwhile cannot be told from what was moved.
                self._ask_to_draw()
        return [one.moved(self.area.x, self.area.y) for one in drawn]

    def close(self) -> None:
        """Give back what the server holds for the layer."""
        self._forget_pixmap()
        self._tracker.close()
        body = struct.pack("<IBxxx", self.window, _AUTOMATIC)
        self._connection.send(request(self._composite, _UNREDIRECT, body))

    def _forget_pixmap(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._pixmap:
            body = struct.pack("<I", self._pixmap)
            self._connection.send(request(_FREE_PIXMAP, 0, body))
            self._pixmap = 0

    def _ask_to_draw(self) -> None:
        """Let the window and all in it paint their backgrounds and draw themselves."""
        asked = [self.window]
        for window in asked:
            body = struct.pack("<IhhHH", window, 0, 0, 0, 0)
            self._connection.send(request(_CLEAR_AREA, 1, body))
            try:
                answer = self._connection.call(
                    request(_QUERY_TREE, 0, struct.pack("<I", window))
                )
            except X11Error:  # it has gone meanwhile
                continue
            (count,) = struct.unpack_from("<H", answer, 16)
            inside = struct.unpack_from(f"<{count}I", answer, 32)
            asked += inside[: MAX_REDRAWN - len(asked)]


def _grey(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 4), GREY, np.uint8)
