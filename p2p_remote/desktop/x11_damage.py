"""What changed on an X11 screen, by the DAMAGE extension.

Source: damageproto.txt and fixesproto.txt of xorgproto. The server keeps the region
and sends one event when it stops being empty, so a still screen costs nothing and a
busy one no more than one event per capture.
"""

import struct
from typing import Final

from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.screen.geometry import Rect, clipped

MAX_RECTANGLES: Final = 32  # of one capture; more are joined with their neighbours
_NON_EMPTY: Final = 3  # report level


class DamageTracker:
    """Damage of a window and everything in it; in the window's coordinates.

    Raises MissingCapabilityError where the server lacks DAMAGE or XFIXES 2.
    """

    def __init__(self, connection: X11Connection, window: int) -> None:
        self._connection = connection
        fixes = connection.required("XFIXES")
        damage = connection.required("DAMAGE")
        self._fixes, self._opcode = fixes.opcode, damage.opcode
        self._event = damage.first_event
        connection.call(request(self._fixes, 0, struct.pack("<II", 5, 0)))
        connection.call(request(self._opcode, 0, struct.pack("<II", 1, 1)))
        self._region = connection.new_id()
        self._damage = connection.new_id()
        connection.check(request(self._fixes, 5, struct.pack("<I", self._region)))
        connection.check(
            request(
                self._opcode,
                1,
                struct.pack("<IIB", self._damage, window, _NON_EMPTY),
            )
        )

    def is_notice(self, event: bytes) -> bool:
        """Whether an event of the connection says that there is damage now."""
        if event[0] != self._event:
            return False
        (damage,) = struct.unpack_from("<I", event, 8)
        return bool(damage == self._damage)

    def close(self) -> None:
        """Give back what the server holds. Nothing is reported any more."""
        self._connection.send(
            request(self._opcode, 2, struct.pack("<I", self._damage))  # Destroy
        )
        self._connection.send(
            request(self._fixes, 10, struct.pack("<I", self._region))  # DestroyRegion
        )

    def take(self, bounds: Rect) -> list[Rect]:
        """Return the damage since the last call, clipped, and start anew.

        What is drawn after this call is reported by the next one, so pixels must be
        read after it.
        """
        return self.told(self.ask(), bounds)

    def ask(self) -> int:
        """Queue the question that `told` takes the answer to."""
        self._connection.send(
            request(self._opcode, 3, struct.pack("<III", self._damage, 0, self._region))
        )
        return self._connection.send(
            request(self._fixes, 19, struct.pack("<I", self._region)),  # FetchRegion
            answered=True,
        )

    def told(self, asked: int, bounds: Rect) -> list[Rect]:
        """Damage until `ask`, clipped."""
        answer = self._connection.reply(asked)
        rectangles = [
            Rect(*fields) for fields in struct.iter_unpack("<hhHH", answer[32:])
        ]
        return joined(clipped(rectangles, bounds), MAX_RECTANGLES)


def joined(rectangles: list[Rect], limit: int) -> list[Rect]:
    """Return at most `limit` rectangles around the given ones.

    Regions of X11 come sorted from top to bottom, so runs of neighbours are joined.
    """
    if len(rectangles) <= limit:
        return rectangles
    run = -(-len(rectangles) // limit)
    groups = []
    for start in range(0, len(rectangles), run):
        box = rectangles[start]
        for other in rectangles[start + 1 : start + run]:
            box = box.union(other)
        groups.append(box)
    return groups


def row_bands(rectangles: list[Rect], gap: int) -> list[tuple[int, int]]:
    """Return (first row, row beyond) of bands that cover the rectangles.

    Bands closer than `gap` rows become one: below that a further request costs more
    than the rows between.
    """
    bands: list[tuple[int, int]] = []
    for rectangle in sorted(rectangles, key=lambda one: one.y):
        if bands and rectangle.y - bands[-1][1] < gap:
            bands[-1] = (bands[-1][0], max(bands[-1][1], rectangle.bottom))
        else:
            bands.append((rectangle.y, rectangle.bottom))
    return bands
