"""What M5 says: why there will be no M4, and for some reasons how long to wait.

And how a wait is said to a person, which both ends of a call do.
"""

import math
from enum import IntEnum

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.fixed import FixedReader


class RefusalReason(IntEnum):
    """What M5 says; `WAIT` and all above it say how long, see `wait_code`."""

    WRONG_PASSWORD = 1
    TOO_MANY_ATTEMPTS = 2
    BUSY = 3
    WAIT = 64


_SHORT_WAITS, _SHORT_STEP = 60, 5  # codes 64..123: 5, 10, ... 300 s
_LONG_STEP = 30  # s; codes 124..255: 330, 360, ... 4260 s
_SHORT_LIMIT = _SHORT_WAITS * _SHORT_STEP
_SPOKEN_IN_MINUTES = 120  # s from which on nobody counts seconds


def wait_code(seconds: float) -> int:
    """Byte of M5 that tells to call again after so long, rounded up; 4260 s at most."""
    if seconds <= _SHORT_LIMIT:
        steps = max(math.ceil(seconds / _SHORT_STEP), 1)
    else:
        steps = _SHORT_WAITS + math.ceil((seconds - _SHORT_LIMIT) / _LONG_STEP)
    return min(RefusalReason.WAIT + steps - 1, 255)


def spoken_wait(seconds: int) -> str:
    """A wait as a person says it: seconds, from 120 on minutes, rounded up."""
    if seconds >= _SPOKEN_IN_MINUTES:
        return f"{-(-seconds // 60)} minutes"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def _seconds_of(code: int) -> int:
    steps = code - RefusalReason.WAIT + 1
    if steps <= _SHORT_WAITS:
        return steps * _SHORT_STEP
    return _SHORT_LIMIT + (steps - _SHORT_WAITS) * _LONG_STEP


def unpack_reason(data: bytes) -> tuple[RefusalReason, int]:
    """Read the plaintext of M5: the reason, and for `WAIT` the seconds, else 0.

    Raises:
        MalformedMessageError: it is no known reason.

    """
    number = FixedReader(data, 1).integer(1)
    if number >= RefusalReason.WAIT:
        return RefusalReason.WAIT, _seconds_of(number)
    try:
        return RefusalReason(number), 0
    except ValueError as error:
        raise MalformedMessageError("unknown reason of a refusal") from error
