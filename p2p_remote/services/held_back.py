"""Tells the customer of calls that did not ring, without ringing instead of them."""

import asyncio
import math
from collections.abc import Callable

from p2p_remote.services import events as se
from p2p_remote.session.node_events import CallHeldBack

FIRST_PAUSE = 60.0  # s after a line until the next one; doubled while calls go on
LONGEST_PAUSE = 600.0  # s


class HeldBackCalls:
    """One event at once, then one for all that came in a pause."""

    def __init__(self, notify: Callable[[se.ServiceEvent], None]) -> None:
        """`notify` is called on the loop."""
        self._notify = notify
        self._calls = 0
        self._last: CallHeldBack | None = None
        self._pause = FIRST_PAUSE
        self._timer: asyncio.TimerHandle | None = None

    def note(self, event: CallHeldBack) -> None:
        """Take one call in."""
        self._calls, self._last = self._calls + 1, event
        if self._timer is None:
            self._pause = FIRST_PAUSE
            self._tell()

    def close(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = None
        if self._last is None:
            return
        last, calls = self._last, self._calls
        self._calls, self._last = 0, None
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._pause, self._tell)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._notify(se.HeldBack(calls, last.why.value, math.ceil(last.wait)))
