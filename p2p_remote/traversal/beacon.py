"""Checks that go on while nothing answers, so that a network that returns is noticed.

Rounds of checks thin out by their nature. Without any path the relay and the last
direct path are checked every 0.25 s instead, for as long as the session lasts.
"""

from p2p_remote.traversal.pair import Pair

INTERVAL = 0.25  # s


class Beacon:
    """When to check what once worked."""

    def __init__(self) -> None:
        self.due: float | None = None
        self.last_direct: Pair | None = None

    def on_selected(self, pair: Pair) -> None:
        """Remember the path that was used last."""
        if not pair.is_relay:
            self.last_direct = pair

    def light(self, relay: Pair | None, now: float, *, lonely: bool) -> None:
        """Have the checks sent that are due now."""
        if not lonely:
            self.due = None
            return
        if self.due is not None and now < self.due:
            return
        self.due = now + INTERVAL
        for pair in (relay, self.last_direct):
            if pair is not None:
                pair.check_soon(now)
