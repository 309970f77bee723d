"""The clock that sessions live by."""

import sys
import time


def seconds() -> float:
    """Seconds that never go back and pass while the computer sleeps as well.

    `time.monotonic` stands still then on Linux and macOS: a session's time box, and the
    silence after which it ends, would outlast the night.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        # mach_continuous_time, other than time.monotonic's mach_absolute_time
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()
