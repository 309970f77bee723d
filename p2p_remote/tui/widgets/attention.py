"""Where on the remote screen something goes on: pointed at, typed at, or changed."""

from p2p_remote.screen.geometry import Rect

ECHO_SECONDS = 1.0  # s after a key in which a small change is what it brought
_SMALL = 4  # a change by a key is narrower and lower than this fraction of the screen


class Attention:
    """Remembers the last place; rectangles are in pixels of the remote screen.

    What a key has changed is told by its size and its moment: typed text changes a few
    cells at once, while scrolling and films change more. A key that brings nothing
    small leaves the place where it is, and the next one shows it.
    """

    def __init__(self) -> None:
        self._spot: Rect | None = None
        self._changed = Rect(0, 0, 1, 1)
        self._typed: float | None = None  # when, while its echo has not come

    @property
    def place(self) -> Rect:
        """Where somebody last pointed or typed; before that, what changed last."""
        return self._spot or self._changed

    def pointed(self, x: int, y: int) -> None:
        """Somebody pointed at a pixel."""
        self._spot = Rect(x, y, 1, 1)

    def typed(self, now: float) -> None:
        """A key was sent at `now`, in seconds."""
        self._typed = now

    def changed(
        self, damage: list[Rect], display: tuple[int, int], now: float
    ) -> Rect | None:
        """Note a change; returns the rectangle that a key brought, if it is one.

        `display` is the size of the remote screen.
        """
        if not damage:
            return None
        self._changed = damage[-1]
        if self._typed is None or now - self._typed > ECHO_SECONDS:
            return None
        width, height = display
        small = [
            rect
            for rect in damage
            if rect.width * _SMALL < width and rect.height * _SMALL < height
        ]
        if not small:
            return None
        self._typed = None
        self._spot = small[-1]
        return self._spot
