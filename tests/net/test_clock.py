"""The clock that sessions live by."""

import sys
import threading
import time

import pytest

from p2p_remote.net import clock


def test_it_goes_on():
    """It never goes back, and runs as fast as the monotonic clock."""
    outer, began, inner = time.monotonic(), clock.seconds(), time.monotonic()
    threading.Event().wait(0.02)
    least = time.monotonic() - inner
    passed = clock.seconds() - began
    most = time.monotonic() - outer
    assert least - 0.001 <= passed <= most + 0.001


@pytest.mark.skipif(sys.platform != "linux", reason="a clock of Linux")
def test_it_counts_the_time_asleep():
    """It is the time since the machine was booted, sleep included."""
    assert clock.seconds() == pytest.approx(
        time.clock_gettime(time.CLOCK_BOOTTIME), abs=1.0
    )
