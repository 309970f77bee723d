"""How long a person has to answer a request: longer while they show that they try."""

import asyncio
import math
from collections.abc import Callable

ANSWER_SECONDS = 60  # s until an unanswered request counts as No
LEFT_AT_LEAST = 30  # s left after each sign of life ...
AT_MOST = 180  # ... up to so many in all


class AnswerTime:
    """Calls `expire` when the time is over."""

    def __init__(self, expire: Callable[[], None], told: Callable[[int], None]) -> None:
        """Run from now on; `told` hears how many seconds are left once it is more."""
        self._loop = asyncio.get_running_loop()
        self._expire, self._told = expire, told
        self._last = self._loop.time() + AT_MOST
        self._deadline = self._loop.time() + ANSWER_SECONDS
        self._timer = self._loop.call_at(self._deadline, expire)

    def extend(self) -> None:
        """The person is there: a key was typed, or a try was wrong."""
        if self._timer.cancelled():
            return
        now = self._loop.time()
        deadline = min(now + LEFT_AT_LEAST, self._last)
        if deadline < self._deadline + 1.0:
            return
        self._timer.cancel()
        self._deadline = deadline
        self._timer = self._loop.call_at(deadline, self._expire)
        self._told(math.ceil(deadline - now))

    def cancel(self) -> None:
        """It has been answered."""
        self._timer.cancel()
