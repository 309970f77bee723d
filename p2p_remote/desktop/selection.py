"""What of a desktop is shared: everything, one monitor, or single windows."""

from dataclasses import dataclass

from p2p_remote.errors import MissingCapabilityError
from p2p_remote.screen.geometry import Rect


@dataclass(frozen=True, slots=True)
class Monitor:
    """A monitor by the name that the system gives it, in pixels of the desktop."""

    name: str
    area: Rect
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A window with a title of its own. `number` is the system's name for it."""

    number: int
    title: str
    area: Rect


@dataclass(frozen=True, slots=True)
class Selection:
    """One monitor, these windows and no others, or (both left out) everything."""

    monitor: str = ""
    windows: frozenset[int] | None = None


EVERYTHING = Selection()


class SelectionGoneError(MissingCapabilityError):
    """What was shared is not there any more. Choose again what is to be shared."""
