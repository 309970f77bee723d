"""The windows of an X11 display: which there are, whose they are, where they lie.

Sources: the X protocol, Extended Window Manager Hints 1.5 (_NET_CLIENT_LIST), ICCCM
section 4.1.2.6 (WM_TRANSIENT_FOR). What other programs write into properties is never
more than a title, or a reason to add a dialog to the windows of its own program.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from p2p_remote.desktop.selection import Window
from p2p_remote.desktop.x11_connection import X11Connection, X11Error, request
from p2p_remote.desktop.x11_properties import Properties
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.text import clean

MAX_TITLE: Final = 64  # characters
MAX_WINDOWS: Final = 256  # that are listed
_VIEWABLE: Final = 2
_INPUT_OUTPUT: Final = 1
_DEPTH: Final = 16  # parents of a window that are followed
_FURNITURE: Final = ("_NET_WM_WINDOW_TYPE_DESKTOP", "_NET_WM_WINDOW_TYPE_DOCK")


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the server knows of a window."""

    is_viewable: bool
    is_popup: bool  # the window manager lets it be: menus, tooltips
    has_pixels: bool


class X11Windows:
    """Asks a connection for its windows. They may be gone a moment later."""

    def __init__(self, connection: X11Connection) -> None:
        self._connection = connection
        self._properties = Properties(connection)

    def named(self) -> list[Window]:
        """Return the windows that a person would name, the topmost first."""
        found = []
        for number in self.clients()[-MAX_WINDOWS:]:
            try:
                title, area = self.title(number), self.area(number)
                if area and title and not self._is_furniture(number):
                    found.append(Window(number, title, area))
            except X11Error:
                continue
        return found[::-1]

    def clients(self) -> list[int]:
        """Return the windows of programs, without the frames around them."""
        root = self._connection.root
        for name in ("_NET_CLIENT_LIST_STACKING", "_NET_CLIENT_LIST"):
            managed = self._properties.numbers(root, name)
            if managed:
                return managed
        # Without a window manager they are those on the root window itself.
        found = []
        for number in self.stack():
            attributes = self.attributes(number)
            if attributes and attributes.is_viewable and not attributes.is_popup:
                found.append(number)
        return found

    def stack(self) -> list[int]:
        """Return the children of the root window, the lowest first."""
        return self._tree(self._connection.root)[1]

    def top_level(self, window: int) -> int | None:
        """Return the child of the root window that a window is, or lies in."""
        root = self._connection.root
        try:
            for _ in range(_DEPTH):
                parent, _children = self._tree(window)
                if parent == root:
                    return window
                window = parent
        except X11Error:
            pass
        return None

    def title(self, window: int) -> str:
        """Return the title, safe to show. Raises X11Error without such a window."""
        text = self._properties.text(window, "_NET_WM_NAME")
        return clean(
            text or self._properties.text(window, "WM_NAME"), MAX_TITLE
        ).strip()

    def area(self, window: int) -> Rect:
        """Return where a window lies on the display, its border included.

        Raises X11Error without such a window.
        """
        root = self._connection.root
        answer = self._connection.call(request(14, 0, struct.pack("<I", window)))
        width, height, border = struct.unpack_from("<HHH", answer, 16)
        answer = self._connection.call(  # TranslateCoordinates
            request(40, 0, struct.pack("<IIhh", window, root, -border, -border))
        )
        x, y = struct.unpack_from("<hh", answer, 12)
        return Rect(x, y, width + 2 * border, height + 2 * border)

    def attributes(self, window: int) -> Attributes | None:
        """Return what the server knows of a window, None if it is gone."""
        try:
            answer = self._connection.call(request(3, 0, struct.pack("<I", window)))
        except X11Error:
            return None
        (kind,) = struct.unpack_from("<H", answer, 12)
        return Attributes(
            answer[26] == _VIEWABLE, bool(answer[27]), kind == _INPUT_OUTPUT
        )

    def family(self, chosen: Iterable[int]) -> set[int]:
        """Return the top-level windows of the chosen ones, their dialogs and menus.

        A dialog names the window it belongs to. A menu does too, or else it is one of
        a program that has a chosen window, by the numbers that the server gave it.
        """
        belonging = set(chosen)
        clients = self.clients()
        for _ in range(2):  # dialogs of dialogs
            belonging |= {one for one in clients if self._owner(one) in belonging}
        programs = {self._program(one) for one in belonging}
        tops = {self.top_level(one) for one in belonging}
        for window in self.stack():
            attributes = self.attributes(window)
            if attributes is None or not attributes.is_popup:
                continue
            owner = self._owner(window)
            if owner in belonging or (
                owner is None and self._program(window) in programs
            ):
                belonging.add(window)
                tops.add(window)
        return {one for one in tops if one is not None}

    def _owner(self, window: int) -> int | None:
        """Return the window that a dialog or menu says it belongs to."""
        try:
            named = self._properties.numbers(window, "WM_TRANSIENT_FOR")
        except X11Error:
            return None
        owner = named[0] if named else 0
        return owner if owner not in (0, self._connection.root) else None

    def _program(self, window: int) -> int:
        """Return what all resources of one program have in common."""
        return window & ~self._connection.setup.resource_mask

    def _is_furniture(self, window: int) -> bool:
        kinds = self._properties.numbers(window, "_NET_WM_WINDOW_TYPE")
        return any(self._properties.atom(name) in kinds for name in _FURNITURE)

    def _tree(self, window: int) -> tuple[int, list[int]]:
        answer = self._connection.call(request(15, 0, struct.pack("<I", window)))
        (parent,) = struct.unpack_from("<I", answer, 12)
        (count,) = struct.unpack_from("<H", answer, 16)
        return parent, list(struct.unpack_from(f"<{count}I", answer, 32))
