"""The monitors of an X11 display, by RandR 1.5.

Source: randrproto.txt of xorgproto, sections "GetMonitors" and "SelectInput".
"""

import struct
from typing import Final

from p2p_remote.desktop.selection import Monitor
from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_properties import atom_name
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.text import clean

MAX_NAME: Final = 64  # characters
_QUERY_VERSION, _SELECT_INPUT, _GET_MONITORS = 0, 4, 42
_SCREEN, _CRTC, _OUTPUT, _RESOURCE = 1, 2, 4, 64  # changes to hear of


class X11Monitors:
    """Lists monitors, and tells which events say that they may have changed.

    Raises MissingCapabilityError where the server lacks RandR 1.5.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._connection = connection
        extension = connection.required("RANDR")
        self._opcode, self._event = extension.opcode, extension.first_event
        connection.call(request(self._opcode, _QUERY_VERSION, struct.pack("<II", 1, 5)))
        mask = _SCREEN | _CRTC | _OUTPUT | _RESOURCE
        connection.send(
            request(
                self._opcode,
                _SELECT_INPUT,
                struct.pack("<IHxx", connection.root, mask),
            )
        )

    def is_notice(self, event: bytes) -> bool:
        """Whether an event of the connection says that monitors may have changed."""
        return event[0] in (self._event, self._event + 1)

    def list(self) -> list[Monitor]:
        """Return the monitors that are in use, the primary one first."""
        answer = self._connection.call(
            request(
                self._opcode,
                _GET_MONITORS,
                struct.pack("<IBxxx", self._connection.root, 1),
            )
        )
        (count,) = struct.unpack_from("<I", answer, 12)
        found, place = [], 32
        for _ in range(count):
            atom, primary, outputs, *area = struct.unpack_from(
                "<IBxHhhHH", answer, place
            )
            place += 24 + 4 * outputs
            name = clean(atom_name(self._connection, atom), MAX_NAME)
            found.append(Monitor(name, Rect(*area), bool(primary)))
        return sorted(found, key=lambda one: (not one.is_primary, one.area.x, one.name))

    def area(self, name: str) -> Rect | None:
        """Return where a monitor is, None when there is none of that name."""
        for monitor in self.list():
            if monitor.name == name:
                return monitor.area
        return None
