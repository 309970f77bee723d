"""Waking a screen source that waits for a change."""

import threading
import time

import numpy as np
import pytest

from p2p_remote.desktop.mss_screen import MssScreen
from p2p_remote.desktop.synthetic import SyntheticDesktop


class Still:
    """What mss offers, with a picture that never changes."""

    def __init__(self):
        self.monitors = [{"left": 0, "top": 0, "width": 8, "height": 6}]
        self.monitors.append(self.monitors[0])

    def grab(self, area):
        return Shot()

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Shot:
    width, height = 8, 6
    raw = bgra = np.zeros((6, 8, 4), np.uint8).tobytes()


def practice():
    desktop = SyntheticDesktop(clock=lambda: 12 * 3600.0)
    desktop.wait(0.0)
    desktop.capture()
    return desktop


def still_screen():
    screen = MssScreen(Still, lambda: None)
    screen.wait(0.0)
    screen.capture()
    return screen


@pytest.mark.parametrize("make", [practice, still_screen])
def test_waking_ends_the_wait_and_is_not_forgotten(make):
    """Before the wait and during it, from another thread; nothing else does."""
    source = make()
    assert source.wait(0.01) is False
    source.wake()
    begin = time.monotonic()
    assert source.wait(5.0) is False
    threading.Timer(0.05, source.wake).start()
    assert source.wait(5.0) is False
    assert time.monotonic() - begin < 4.0
    source.close()
