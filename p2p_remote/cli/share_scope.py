"""What the customer shares, chosen in plain lines or as JSON: all or one monitor."""

from collections.abc import Callable
from typing import Any

from p2p_remote.errors import RemoteSupportError, UsageError
from p2p_remote.services.desk import EVERYTHING, Desk, Monitor, Selection

_ALL = ("all", "everything")
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
        ]
    }


def share_as_told(desk: Desk, command: dict[str, Any]) -> None:
    """Share what a JSON command names.

    Raises:
        UsageError: it names nothing that is there.

    """
    monitor = command.get("monitor")
    if command.get("everything") is True:
        desk.share(EVERYTHING)
    elif isinstance(monitor, str):
        desk.share(find_monitor(desk.monitors(), monitor))
    else:
        raise UsageError('"share" needs "monitor", or "everything": true')


class PlainScope:
    """Understands `screens` and `share ...`, at any time."""

    def __init__(self, desk: Desk, write: Callable[[str], None]) -> None:
        """Lines go to `write`."""
        self._desk = desk
        self._write = write

    def answer(self, line: str) -> bool:
        """Take a line if it is one of these; False if it is for somebody else."""
        words = line.split(maxsplit=1)
        if not words or words[0].lower() not in ("screens", "share"):
            return False
        try:
            if words[0].lower() == "screens":
                self._list()
            elif len(words) == 1:
                self._write("Type share all, or share and a monitor of the list.")
                self._list()
            elif words[1].strip().lower() in _ALL:
                self._desk.share(EVERYTHING)
            else:
                wanted = words[1].strip()
                self._desk.share(find_monitor(self._desk.monitors(), wanted))
        except RemoteSupportError as error:
            self._write(str(error))
        return True

    def _list(self) -> None:
        monitors = self._desk.monitors()
        for number, monitor in enumerate(monitors, 1):
            size = f"{monitor.area.width} x {monitor.area.height} pixels"
            primary = ", the main one" if monitor.is_primary else ""
            self._write(f"{number}. Monitor {monitor.name}, {size}{primary}")
        if not monitors:
            self._write("There are no single monitors; all is shared together.")
