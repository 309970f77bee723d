"""What the technician is told of the line from time to time."""

import asyncio
import contextlib
from collections.abc import Callable

from p2p_remote.services import events as se
from p2p_remote.session.roles import State
from p2p_remote.session.technician import TechnicianSession

INTERVAL = 1.0  # s
STILL_INTERVAL = 5.0  # s while no picture comes


class LineReport:
    """Round trip, rate and pictures a second, on the loop that is running."""

    def __init__(
        self,
        clock: Callable[[], float],
        session: Callable[[], TechnicianSession | None],
        notify: Callable[[se.Stats], None],
    ) -> None:
        """`session` tells the present one; `notify` is called on the loop."""
        self._clock = clock
        self._session = session
        self._notify = notify
        self._frames = 0
        self._frame_came = asyncio.Event()
        self._bytes_before = 0
        self._told_at = clock()

    def note_frame(self) -> None:
        """Count a picture."""
        self._frames += 1
        self._frame_came.set()

    async def run(self) -> None:
        """Tell until cancelled; seldom while nothing moves."""
        while True:
            await asyncio.sleep(INTERVAL)
            if not self._frames:
                self._frame_came.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STILL_INTERVAL - INTERVAL):
                        await self._frame_came.wait()
            self._tell()

    def _tell(self) -> None:
        now, session = self._clock(), self._session()
        elapsed, self._told_at = now - self._told_at, now
        frames, self._frames = self._frames, 0
        if session is None or session.state is not State.ACTIVE or elapsed <= 0:
            return
        statistics = session.statistics()
        received = statistics.bytes_received - self._bytes_before
        self._bytes_before = statistics.bytes_received
        self._notify(
            se.Stats(
                round(statistics.rtt * 1000, 1),
                round(received * 8 / 1000 / elapsed, 1),
                round(frames / elapsed, 1),
            )
        )
