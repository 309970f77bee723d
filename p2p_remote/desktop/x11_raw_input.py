"""Raw input events of X11 (XInput 2): what each device does, whoever has the focus.

Source: XI2proto.txt of xorgproto. Version 2.1 and later deliver raw events also
while another program holds a grab.
"""

import struct
from dataclasses import dataclass
from typing import Final

from p2p_remote.desktop.x11_connection import X11Connection, X11Error, request

RAW_KEY_PRESS: Final = 13
RAW_BUTTON_PRESS: Final = 15
RAW_MOTION: Final = 17
_HIERARCHY_CHANGED: Final = 11
_ALL_DEVICES: Final = 0
_GENERIC_EVENT: Final = 35


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A device did something: `detail` is the keycode or button."""

    kind: int
    detail: int
    source: int  # device that it came from


class RawInput:
    """Raw events on a connection of its own or shared with other uses.

    Raises MissingCapabilityError where the server has no XInput 2.1.
    """

    def __init__(self, connection: X11Connection) -> None:
        self._connection = connection
        self._opcode = connection.required("XInputExtension").opcode
        answer = connection.call(request(self._opcode, 47, struct.pack("<HH", 2, 2)))
        if struct.unpack_from("<HH", answer, 8) < (2, 1):
            raise X11Error(1, self._opcode, 47)
        self._injected: dict[int, bool] = {}

    def select(self, kinds: tuple[int, ...]) -> None:
        """Ask for these kinds of events from now on, instead of those before."""
        mask = 1 << _HIERARCHY_CHANGED
        for kind in kinds:
            mask |= 1 << kind
        self._connection.send(
            request(
                self._opcode,
                46,  # XISelectEvents
                struct.pack(
                    "<IHHHHI", self._connection.root, 1, 0, _ALL_DEVICES, 1, mask
                ),
            )
        )
        self._connection.flush()

    def parse(self, event: bytes) -> RawEvent | None:
        """Return the raw event in an event of the connection, None for others.

        Each comes twice, from the device and from the master pointer or keyboard that
        it moves; the first one counts.
        """
        if event[0] != _GENERIC_EVENT or event[1] != self._opcode:
            return None
        kind, device = struct.unpack_from("<HH", event, 8)
        if kind == _HIERARCHY_CHANGED:
            self._injected.clear()
            return None
        detail, source = struct.unpack_from("<IH", event, 16)
        return RawEvent(kind, detail, source) if device == source else None

    def is_injected(self, device: int) -> bool:
        """Whether a device is one of the server's XTEST devices.

        Programs inject through those; people use all others.
        """
        known = self._injected.get(device)
        if known is None:
            known = self._injected[device] = " XTEST " in self._name(device)
        return known

    def _name(self, device: int) -> str:
        try:
            answer = self._connection.call(
                request(self._opcode, 48, struct.pack("<H", device))  # XIQueryDevice
            )
        except X11Error:  # unplugged meanwhile
            return ""
        (length,) = struct.unpack_from("<H", answer, 40)
        return answer[44 : 44 + length].decode("latin-1")
