"""The polling screen source, over a grabber that is told what to show."""

import numpy as np
import pytest

from p2p_remote.desktop.base import ScreenResizedError
from p2p_remote.desktop.mss_screen import MssScreen, list_monitors
from p2p_remote.desktop.selection import SelectionGoneError
from p2p_remote.errors import MissingCapabilityError


class Shot:
    def __init__(self, pixels):
        self.raw = bytearray(pixels.tobytes())
        self.height, self.width = pixels.shape[:2]


class Grabber:
    """What `mss.MSS` is to the source."""

    def __init__(self, machine):
        self._machine = machine
        self.monitors = [dict(machine.area), *machine.monitors]

    def grab(self, area):
        if self._machine.broken:
            raise AssertionError
        self._machine.grabs += 1
        return Shot(self._machine.pixels)

    def close(self):
        self._machine.closed += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Machine:
    def __init__(self):
        self.area = {"left": -100, "top": 50, "width": 40, "height": 30}
        self.pixels = np.zeros((60, 80, 4), np.uint8)  # two pixels per unit
        right = {"left": 400, "top": 0, "width": 40, "height": 30}
        self.monitors = [
            {**right, "name": "RIGHT", "is_primary": True},
            {**right, "left": 440, "name": "RIGHT", "is_primary": False},
        ]
        self.broken = False
        self.grabs = self.closed = 0
        self.pointer = (-90, 60)

    def open(self):
        if self.broken == "unopenable":
            raise OSError("no display")
        return Grabber(self)

    def screen(self):
        return MssScreen(self.open, lambda: self.pointer)


@pytest.fixture
def machine():
    return Machine()


def test_the_picture_is_what_was_grabbed(machine):
    machine.pixels[3, 5] = (1, 2, 3, 4)
    screen = machine.screen()
    capture = screen.capture()

    assert np.array_equal(capture.frame, machine.pixels)
    assert capture.damage is None
    assert (screen.width, screen.height) == (80, 60)


def test_places_are_in_pixels_of_the_picture(machine):
    """Monitors may start left of zero, and have two pixels per unit."""
    screen = machine.screen()
    pointer = screen.capture().pointer

    assert (screen.origin, screen.scale) == ((-100, 50), 2.0)
    assert (pointer.x, pointer.y, pointer.visible) == (20, 20, True)
    assert screen.locate(20, 20) == (-90, 60)
    assert screen.locate(500, -1) == (-61, 50)


def test_one_monitor_by_the_name_it_has_or_gets(machine):
    """A monitor without a name, or with one that is taken, is told by its number."""
    screen = MssScreen(machine.open, lambda: machine.pointer, monitor="RIGHT")

    assert screen.locate(0, 0) == (400, 0)
    assert screen.capture().pointer.visible is False
    assert [one.name for one in list_monitors(machine.open())] == ["RIGHT", "monitor 2"]


def test_a_monitor_that_goes_is_told_and_cannot_be_opened(machine):
    screen = MssScreen(machine.open, lambda: None, monitor="RIGHT")
    screen.capture()
    machine.monitors = []
    screen._next_size = screen._next_look = 0.0
    with pytest.raises(ScreenResizedError):
        screen.wait(1.0)
    with pytest.raises(SelectionGoneError, match="RIGHT"):
        MssScreen(machine.open, lambda: None, monitor="RIGHT")


def test_a_retired_screen_is_opened_anew(machine):
    screen = machine.screen()
    screen.retire()
    with pytest.raises(ScreenResizedError):
        screen.capture()


def test_without_a_position_the_pointer_is_not_visible(machine):
    machine.pointer = None

    assert machine.screen().capture().pointer.visible is False


def test_a_new_screen_is_a_change(machine):
    assert machine.screen().wait(0) is True


def test_a_still_screen_is_no_change(machine):
    screen = machine.screen()
    screen.capture()

    assert screen.wait(0) is False


def test_a_change_is_seen_and_grabbed_once(machine):
    screen = machine.screen()
    screen.capture()
    machine.pixels[0, 0] = 9
    assert screen.wait(1.0) is True
    grabs = machine.grabs
    capture = screen.capture()

    assert machine.grabs == grabs
    assert capture.frame[0, 0, 0] == 9


def test_injected_input_makes_it_look_soon(machine):
    screen = machine.screen()
    screen.capture()
    screen._next_look += 60.0
    machine.pixels[0, 0] = 9
    screen.expect_change()

    assert screen.wait(1.0) is True


def test_another_size_is_told(machine):
    screen = machine.screen()
    machine.area["width"] = 50
    machine.broken = True

    with pytest.raises(ScreenResizedError):
        screen._look(0.0)


def test_a_dead_display_is_told(machine):
    screen = machine.screen()
    screen.capture()
    machine.broken = True

    with pytest.raises(MissingCapabilityError, match="gone"):
        screen.capture()


def test_a_screen_that_cannot_be_opened_says_why(machine):
    machine.broken = "unopenable"

    with pytest.raises(MissingCapabilityError, match="no display"):
        machine.screen()


def test_a_closed_screen_ends_waiting(machine):
    screen = machine.screen()
    screen.close()

    assert screen.wait(10.0) is False
    assert machine.closed == 1
    with pytest.raises(MissingCapabilityError):
        screen.capture()
