"""The screen of an X11 display: damage, shared memory, pointer apart."""

from typing import Final

from p2p_remote.desktop.selection import SelectionGoneError
from p2p_remote.desktop.x11_damage import DamageTracker, row_bands
from p2p_remote.desktop.x11_image import SharedMemoryReader, open_reader
from p2p_remote.desktop.x11_monitors import X11Monitors
from p2p_remote.desktop.x11_source import X11Source
from p2p_remote.screen.geometry import Rect, clipped

_BAND_GAP: Final = 16  # rows
_MOST_AHEAD: Final = 64  # rows that are read before it is known that they changed


class X11Screen(X11Source):
    """The screen of a display (default: $DISPLAY), or one monitor of it.

    Raises SelectionGoneError without that monitor, and what X11Source raises.
    """

    def __init__(self, display: str | None = None, monitor: str = "") -> None:
        self._monitor = monitor
        self._monitors: X11Monitors | None = None
        self._first = True
        self._ahead: list[tuple[int, int]] = []  # bands to be read so
        super().__init__(display)

    def locate(self, x: int, y: int) -> tuple[int, int] | None:
        """Return the position on the display; what is beyond the picture is its edge.

        Any thread.
        """
        area = self._area
        x, y = min(max(x, 0), area.width - 1), min(max(y, 0), area.height - 1)
        return area.x + x, area.y + y

    def takes_keys(self) -> bool:
        """Keys go to where the focus is, also on another monitor."""
        return True

    def _open(self) -> None:
        connection = self._connection
        if self._monitor:
            self._monitors = X11Monitors(connection)
            self.LOOK_INTERVAL = 2.0  # programs may make monitors without an event
            area = self._monitor_area()
            if area is None:
                raise SelectionGoneError(f"There is no monitor {self._monitor}.")
            self._area = area
        self._tracker = DamageTracker(connection, connection.root)
        self._reader, self.slow_reason = open_reader(
            connection, connection.root, self._area
        )
        self._frame = self._reader.frame.view()
        self._frame.flags.writeable = False

    def _refresh(self) -> list[Rect]:
        if not self._changed:
            return []
        self._changed = False
        origin, reader, ahead = self._area, self._reader, self._ahead
        asked = self._tracker.ask()
        # Mostly the rows of the last time: a blinking cursor, a line that is typed.
        answers = reader.ask(ahead) if isinstance(reader, SharedMemoryReader) else []
        told = self._tracker.told(asked, origin)
        damage = [one.moved(-origin.x, -origin.y) for one in told]
        if self._first:
            damage = [Rect(0, 0, self.width, self.height)]
        self._first = False
        bands = row_bands(damage, _BAND_GAP)
        if isinstance(reader, SharedMemoryReader):
            reader.finish(answers)
            rows = sum(bottom - top for top, bottom in bands)
            self._ahead = bands if rows <= _MOST_AHEAD else []
            bands = [band for band in bands if not _covers(ahead, band)]
        reader.read(bands)
        return damage

    def _note(self, event: bytes) -> bool:
        if self._monitors is not None and self._monitors.is_notice(event):
            self._next_look = 0.0
        return self._tracker.is_notice(event)

    def _look(self) -> bool:
        return self._monitor_area() != self._area

    def _monitor_area(self) -> Rect | None:
        """Where the shared monitor is now, as far as it lies on the screen."""
        if self._monitors is None:
            return None
        area = self._monitors.area(self._monitor)
        if area is None:
            return None
        whole = Rect(0, 0, *self._connection.root_size())
        return next(iter(clipped([area], whole)), None)


def _covers(bands: list[tuple[int, int]], band: tuple[int, int]) -> bool:
    """Whether one of the bands has all rows of another."""
    return any(top <= band[0] and band[1] <= bottom for top, bottom in bands)
