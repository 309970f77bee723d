"""The pointer of an X11 display: where it is, its shape, and when either changes."""

import contextlib
import struct
from typing import Final

from p2p_remote.desktop.base import CursorImage, PointerState
from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_raw_input import RAW_MOTION, RawInput
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.screen.geometry import Rect

MAX_CURSOR_SIDE: Final = 256  # pixels; larger shapes are cut around the hot spot


class X11Pointer:
    """Follows the pointer on a connection. Needs DamageTracker's call of XFIXES.

    Raises MissingCapabilityError where the server lacks XFIXES.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._connection = connection
        self._fixes = connection.required("XFIXES")
        select_cursor = struct.pack("<II", connection.root, 1)
        connection.send(request(self._fixes.opcode, 3, select_cursor))
        self.has_moved = self._watching = False
        self._asked = 0  # sequence number of a question
        self._raw: RawInput | None = None
        # Without XInput 2 the pointer is seen whenever something else is captured.
        with contextlib.suppress(MissingCapabilityError):
            self._raw = RawInput(connection)
        self._watch(on=True)
        self._see_shape()

    def note(self, event: bytes) -> None:
        """Take note of an event of the connection, if it is about the pointer."""
        if event[0] == self._fixes.first_event + 1:
            self._see_shape()
            self.has_moved = True
        elif self._raw is not None and self._raw.parse(event) is not None:
            self.has_moved = True
            self._watch(on=False)

    def ask(self) -> None:
        """Queue the question that `state` takes the answer to."""
        self.has_moved = False
        self._watch(on=True)
        self._asked = ask_position(self._connection)

    def state(self, area: Rect) -> PointerState:
        """Where the pointer was after `ask`, in pixels of an area of the display."""
        x, y, inside = told_position(self._connection, self._asked)
        inside &= area.x <= x < area.right and area.y <= y < area.bottom
        return PointerState(
            x=min(max(x - area.x, 0), area.width - 1),
            y=min(max(y - area.y, 0), area.height - 1),
            visible=inside and self._shape_visible,
            shape_serial=self._shape_serial,
        )

    def shape(self) -> CursorImage | None:
        """Return the present shape, cut to MAX_CURSOR_SIDE."""
        answer = self._connection.call(request(self._fixes.opcode, 4))  # GetCursorImage
        width, height, hot_x, hot_y, serial = struct.unpack_from("<HHHHI", answer, 12)
        if not width or not height:
            return None
        left = _cut(hot_x, width)
        top = _cut(hot_y, height)
        kept_width, kept_height = (
            min(width, MAX_CURSOR_SIDE),
            min(height, MAX_CURSOR_SIDE),
        )
        rows = (
            answer[32 + 4 * (row * width + left) :][: 4 * kept_width]
            for row in range(top, top + kept_height)
        )
        return CursorImage(
            serial=serial,
            width=kept_width,
            height=kept_height,
            hot_x=min(hot_x - left, kept_width - 1),
            hot_y=min(hot_y - top, kept_height - 1),
            pixels=b"".join(rows),
        )

    def _watch(self, *, on: bool) -> None:
        """One event of motion between two captures is enough, so ask for no more."""
        if self._raw is not None and on != self._watching:
            self._watching = on
            self._raw.select((RAW_MOTION,) if on else ())

    def _see_shape(self) -> None:
        """Learn the serial of the shape, and whether anything of it can be seen."""
        shape = self.shape()
        self._shape_serial = shape.serial if shape else 0
        self._shape_visible = shape is not None and any(shape.pixels[3::4])


def ask_position(connection: X11Connection) -> int:
    """Queue the question where the pointer is; return its sequence number."""
    question = request(38, 0, struct.pack("<I", connection.root))  # QueryPointer
    return connection.send(question, answered=True)


def told_position(connection: X11Connection, asked: int) -> tuple[int, int, bool]:
    """Wait for the answer: where on the root, and whether on this screen."""
    answer = connection.reply(asked)
    x, y = struct.unpack_from("<hh", answer, 16)
    return x, y, bool(answer[1])


def _cut(hot: int, size: int) -> int:
    """Return where to start cutting so that the hot spot stays inside."""
    return max(0, min(hot - MAX_CURSOR_SIDE // 2, size - MAX_CURSOR_SIDE))
