"""The clock that sessions live by."""

import sys
import threading
import time

import pytest

from p2p_remote.net import clock


def test_it_goes_on():
    """It never goes back, and runs as fast as the monotonic clock."""
    began, reference = clock.seconds(), time.monotonic()
    threading.Event().wait(0.02)
    assert clock.seconds() - began == pytest.approx(
        time.monotonic() - reference, abs=0.02
    )


@pytest.mark.skipif(sys.platform != "linux", reason="a clock of Linux")
def test_it_counts_the_time_asleep():
    """It is the time since the machine was booted, sleep included."""
    assert clock.seconds() == pytest.approx(
        time.clock_gettime(time.CLOCK_BOOTTIME), abs=1.0
    )
