"""Atoms and properties of X11 windows."""

import struct

from p2p_remote.desktop.x11_connection import X11Connection, request

_MAX_UNITS = 4096  # 32-bit units of a property that are read
_INTERN_ATOM, _GET_ATOM_NAME, _GET_PROPERTY = 16, 17, 20


def atom_name(connection: X11Connection, atom: int) -> str:
    """Ask for the text of an atom."""
    answer = connection.call(request(_GET_ATOM_NAME, 0, struct.pack("<I", atom)))
    (length,) = struct.unpack_from("<H", answer, 8)
    return answer[32 : 32 + length].decode("utf-8", "replace")


class Properties:
    """Reads properties by name; other programs set them, so nothing is believed."""

    def __init__(self, connection: X11Connection) -> None:
        self._connection = connection
        self._atoms: dict[str, int] = {}

    def atom(self, name: str) -> int:
        """Return the number of an atom."""
        if name not in self._atoms:
            raw = name.encode()
            answer = self._connection.call(
                request(_INTERN_ATOM, 0, struct.pack("<HH", len(raw), 0) + raw)
            )
            self._atoms[name] = struct.unpack_from("<I", answer, 8)[0]
        return self._atoms[name]

    def raw(self, window: int, name: str) -> bytes:
        """Return the bytes of a property, empty when the window has none.

        Raises X11Error when there is no such window.
        """
        answer = self._connection.call(
            request(
                _GET_PROPERTY,
                0,
                struct.pack("<IIIII", window, self.atom(name), 0, 0, _MAX_UNITS),
            )
        )
        (units,) = struct.unpack_from("<I", answer, 16)
        return answer[32 : 32 + units * answer[1] // 8]

    def numbers(self, window: int, name: str) -> list[int]:
        """Return a property of 32-bit numbers, such as a list of windows."""
        data = self.raw(window, name)
        return [
            number for (number,) in struct.iter_unpack("<I", data[: len(data) & ~3])
        ]

    def text(self, window: int, name: str) -> str:
        """Return a property of text, whatever its encoding claims to be."""
        return self.raw(window, name).decode("utf-8", "replace")
