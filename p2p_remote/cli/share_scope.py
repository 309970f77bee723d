"""What the customer shares, chosen in plain lines or as JSON.

Everything, one monitor, or single windows.
"""

from collections.abc import Callable
from typing import Any

from p2p_remote.errors import RemoteSupportError, UsageError
from p2p_remote.services import events as se
from p2p_remote.services.desk import (
    EVERYTHING,
    Desk,
    Monitor,
    Selection,
    Window,
    list_monitors,
    list_windows,
)

_ALL = ("all", "everything")
_WINDOWS = ("window", "windows")
_PRIMARY = "primary"


def find_monitor(monitors: list[Monitor], wanted: str) -> Selection:
    """Return the monitor of a name, of a place in the list (from 1), or the primary.

    Raises:
        UsageError: there is no such monitor.

    """
    names = [monitor.name for monitor in monitors]
    if wanted == _PRIMARY and monitors and monitors[0].is_primary:
        return Selection(monitor=names[0])
    for name in names:
        if name.lower() == wanted.lower():
            return Selection(monitor=name)
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted) <= len(names):
        return Selection(monitor=names[int(wanted) - 1])
    known = ", ".join(names) or "none"
    raise UsageError(f"There is no monitor '{wanted}'. There are: {known}.")


def find_windows(windows: list[Window], wanted: list[str]) -> Selection:
    """Return the windows of these numbers, titles or parts of a title.

    Raises:
        UsageError: there is no such window, or more than one.

    """
    numbers: set[int] = set()
    for text in wanted:
        found = [one for one in windows if text == str(one.number)]
        found = found or [one for one in windows if one.title == text]
        found = found or [one for one in windows if text.lower() in one.title.lower()]
        if len(found) != 1 or not text:
            known = ", ".join(f"{one.number} '{one.title}'" for one in windows)
            count = "no" if not found or not text else "more than one"
            raise UsageError(f"There is {count} window '{text}'. There are: {known}.")
        numbers.add(found[0].number)
    return Selection(windows=frozenset(numbers))


def selection_of(screen: str, monitor: str | None, windows: list[str]) -> Selection:
    """Return what the options name.

    Raises:
        UsageError: it is not there, or both are given.

    """
    if monitor and windows:
        raise UsageError("Share a monitor or windows, not both.")
    if monitor:
        return find_monitor(list_monitors(screen), monitor)
    if windows:
        return find_windows(list_windows(screen), windows)
    return EVERYTHING


def screens(desk: Desk) -> dict[str, Any]:
    """Return what could be shared, as the fields of the event `screens`."""
    return {
        "monitors": [
            {
                "name": monitor.name,
                "primary": monitor.is_primary,
                "x": monitor.area.x,
                "y": monitor.area.y,
                "width": monitor.area.width,
                "height": monitor.area.height,
            }
            for monitor in desk.monitors()
        ],
        "windows": [
            {
                "id": window.number,
                "title": window.title,
                "x": window.area.x,
                "y": window.area.y,
                "width": window.area.width,
                "height": window.area.height,
            }
            for window in desk.windows()
        ],
    }


def share_as_told(desk: Desk, command: dict[str, Any]) -> None:
    """Share what a JSON command names.

    Raises:
        UsageError: it names nothing that is there.

    """
    monitor, windows = command.get("monitor"), command.get("windows")
    if command.get("everything") is True:
        desk.share(EVERYTHING)
    elif isinstance(windows, list) and windows:
        desk.share(find_windows(desk.windows(), [str(one) for one in windows]))
    elif isinstance(monitor, str):
        desk.share(find_monitor(desk.monitors(), monitor))
    else:
        raise UsageError('"share" needs "monitor", "windows", or "everything": true')


class PlainScope:
    """Understands `screens` and `share ...`, at any time."""

    def __init__(self, desk: Desk, write: Callable[[str], None]) -> None:
        """Lines go to `write`."""
        self._desk = desk
        self._write = write
        self._has_control = False  # the technician, who could type these lines then

    def note(self, event: se.ServiceEvent) -> None:
        """Follow who has control."""
        match event:
            case se.Started(grants=grants):
                self._has_control = "control" in grants
            case se.GrantChanged(permission="control", granted=granted):
                self._has_control = granted
            case se.Revoked(permissions=permissions):
                self._has_control &= "control" not in permissions
            case se.Ended():
                self._has_control = False
            case _:
                pass

    def answer(self, line: str) -> bool:
        """Take a line if it is one of these; False if it is for somebody else."""
        words = line.split(maxsplit=1)
        if self._has_control and line.strip().lower() == "remember":
            self._write("Type stop first: with control they could type that.")
            return True
        if not words or words[0].lower() not in ("screens", "share"):
            return False
        try:
            if words[0].lower() == "screens" or len(words) == 1:
                self._list()
            elif self._has_control:
                self._write("Type stop first: with control they could choose for you.")
            else:
                self._desk.share(self._selection(words[1].strip()))
        except RemoteSupportError as error:
            self._write(str(error))
        return True

    def _selection(self, wanted: str) -> Selection:
        """`all`, a monitor, or `window` and parts of titles with commas between."""
        first, _, rest = wanted.partition(" ")
        if first.lower() in _ALL and not rest:
            return EVERYTHING
        if first.lower() in _WINDOWS:
            titles = [text.strip() for text in rest.split(",")]
            return find_windows(self._desk.windows(), titles)
        return find_monitor(self._desk.monitors(), wanted)

    def _list(self) -> None:
        monitors = self._desk.monitors()
        for number, monitor in enumerate(monitors, 1):
            size = f"{monitor.area.width} x {monitor.area.height} pixels"
            primary = ", the main one" if monitor.is_primary else ""
            self._write(f"{number}. Monitor {monitor.name}, {size}{primary}")
        windows = self._desk.windows()
        for window in windows:
            self._write(f"Window {window.number}: {window.title}")
        if not monitors and not windows:
            self._write("There are no single monitors or windows; all is shared.")
            return
        self._write(
            "Type share and a monitor, share window and its number or title "
            "(several with commas), or share all."
        )
