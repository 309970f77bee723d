"""The screen of real X servers."""

import contextlib
import threading
import time

import numpy as np
import pytest

from p2p_remote.desktop.base import ScreenResizedError
from p2p_remote.desktop.choose import choose_input, choose_screen
from p2p_remote.desktop.hotkey import X11Hotkey
from p2p_remote.desktop.x11_connection import X11Connection
from p2p_remote.desktop.x11_image import SocketReader
from p2p_remote.desktop.x11_input import X11Input
from p2p_remote.desktop.x11_screen import X11Screen
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.screen.geometry import Rect
from tests.system.desktop_support import (
    PATIENCE,
    reference,
    until,
)
from tests.system.displays import Display, running_display
from tests.system.programs import Programs


def test_a_capture_equals_a_screenshot_pixel_for_pixel(
    xvfb: Display, screen: X11Screen, programs: Programs
) -> None:
    programs.start("xterm", "-T", "one", "-e", "sleep 60", env=xvfb.env)
    xvfb.run("xdotool", "search", "--sync", "--name", "^one$")
    xvfb.run("xsetroot", "-solid", "#336699")
    time.sleep(0.5)
    frame = screen.capture().frame

    assert screen.slow_reason is None
    assert frame.shape == (800, 1280, 4)
    assert np.array_equal(frame[..., :3], reference(xvfb))
    assert len(np.unique(frame[..., :3].reshape(-1, 3), axis=0)) > 2


def test_damage_misses_nothing_while_a_terminal_scrolls(
    xvfb: Display, screen: X11Screen, programs: Programs
) -> None:
    """A viewer that gets only the damaged rectangles ends with the whole picture."""
    viewer = screen.capture().frame.copy()
    script = "for i in $(seq 400); do echo line $i $(date); done; exec sleep 60"
    programs.start(
        *("xterm", "-geometry", "100x40+30+20", "-fn", "fixed"),
        *("-e", "sh", "-c", script),
        env=xvfb.env,
    )
    updates = 0
    deadline = time.monotonic() + 30.0
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        if screen.wait(1.0):
            capture = screen.capture()
            assert capture.damage is not None
            assert len(capture.damage) <= 32
            for area in capture.damage:
                rows, columns = (
                    slice(area.y, area.bottom),
                    slice(area.x, area.right),
                )
                viewer[rows, columns] = capture.frame[rows, columns]
            updates += bool(capture.damage)
            quiet = 0
        else:
            quiet += updates > 0

    assert updates > 5
    assert np.array_equal(viewer[..., :3], reference(xvfb))


def test_a_still_screen_costs_nothing(xvfb: Display, screen: X11Screen) -> None:
    screen.capture()
    screen.wait(0.2)
    screen.capture()
    before = time.thread_time()

    assert screen.wait(2.0) is False
    assert time.thread_time() - before < 0.002  # 0.1 % of 2 s


def test_pixels_by_socket_equal_those_by_shared_memory(
    xvfb: Display, screen: X11Screen, programs: Programs
) -> None:
    xvfb.run("xsetroot", "-mod", "7", "3")
    frame = screen.capture().frame
    with contextlib.closing(X11Connection(xvfb.name)) as connection:
        reader = SocketReader(
            connection, connection.root, Rect(0, 0, screen.width, screen.height)
        )
        reader.read([(0, screen.height)])

        assert np.array_equal(reader.frame[..., :3], frame[..., :3])
    assert frame[..., 0].any()


def test_a_frame_outlives_its_source(xvfb: Display) -> None:
    screen = X11Screen(xvfb.name)
    frame = screen.capture().frame
    screen.close()

    assert frame.sum() >= 0
    with pytest.raises(MissingCapabilityError):
        screen.capture()


def test_the_pointer_is_followed_without_damage(
    xvfb: Display, screen: X11Screen, sink: X11Input
) -> None:
    screen.capture()
    sink.pointer(321, 123, 0)

    assert screen.wait(2.0) is True
    capture = screen.capture()
    assert (capture.pointer.x, capture.pointer.y) == (321, 123)
    assert capture.pointer.visible
    assert capture.damage == []
    assert screen.wait(0.1) is False


def test_the_pointers_shape_changes_over_a_terminal(
    xvfb: Display, screen: X11Screen, programs: Programs
) -> None:
    sink = X11Input(xvfb.name)
    sink.pointer(1200, 700, 0)
    before = screen.capture().pointer.shape_serial
    first = screen.cursor_shape()
    programs.start("xterm", "-T", "shape", "-geometry", "80x24+0+0", env=xvfb.env)
    xvfb.run("xdotool", "search", "--sync", "--name", "^shape$")
    sink.pointer(100, 100, 0)

    def changed() -> bool:
        screen.wait(0.1)
        return screen.capture().pointer.shape_serial != before

    until(changed, lambda: "another pointer shape")
    second = screen.cursor_shape()
    sink.close()
    assert first is not None
    assert second is not None
    assert first.pixels != second.pixels
    for shape in (first, second):
        assert len(shape.pixels) == 4 * shape.width * shape.height
        assert shape.hot_x < shape.width
        assert shape.hot_y < shape.height


def test_a_new_resolution_is_told_and_a_new_source_has_it(xtigervnc: Display) -> None:
    screen = choose_screen("auto", display=xtigervnc.name).chosen
    screen.capture()
    xtigervnc.run("xrandr", "-s", "1024x768")

    assert screen.wait(PATIENCE) is True
    time.sleep(0.5)
    with pytest.raises(ScreenResizedError):
        screen.capture()
    screen.close()
    with contextlib.closing(
        choose_screen("auto", display=xtigervnc.name).chosen
    ) as again:
        assert (again.width, again.height) == (1024, 768)
        assert again.capture().frame.shape == (768, 1024, 4)


def test_a_second_server_in_the_same_process_works_as_well() -> None:
    """Servers give extensions different numbers."""
    for server in ("Xvfb", "Xvfb"):
        with running_display(server, 640, 480) as display:
            screen = choose_screen("x11", display=display.name).chosen
            sink = choose_input(screen, display=display.name).chosen
            screen.capture()
            sink.pointer(11, 22, 0)
            assert screen.wait(2.0) is True
            assert screen.capture().pointer.x == 11
            sink.close()
            screen.close()


def test_the_fallback_sees_the_same_screen(xvfb: Display) -> None:
    xvfb.run("xsetroot", "-solid", "#102030")
    with contextlib.closing(choose_screen("mss", display=xvfb.name).chosen) as fallback:
        capture = fallback.capture()

        assert (fallback.width, fallback.height) == (1280, 800)
        assert capture.frame[400, 640, :3].tolist() == [0x30, 0x20, 0x10]
        assert capture.pointer.visible


def test_a_server_that_dies_is_a_missing_capability_everywhere() -> None:
    lost = threading.Event()
    with running_display() as display:
        screen = X11Screen(display.name)
        sink = X11Input(display.name)
        hotkey = X11Hotkey(display.name, on_lost=lost.set)
        hotkey.start(lambda _: None)
        screen.capture()
    with pytest.raises(MissingCapabilityError):
        screen.wait(5.0)
    with pytest.raises(MissingCapabilityError):
        screen.capture()
    with pytest.raises(MissingCapabilityError):
        sink.text("x")
    assert lost.wait(5.0)
    for one in (screen, sink, hotkey):
        one.close()


def test_closing_from_another_thread_ends_waiting(xvfb: Display) -> None:
    screen = X11Screen(xvfb.name)
    screen.capture()
    screen.wait(0.1)
    screen.capture()
    threading.Timer(0.2, screen.close).start()
    started = time.monotonic()

    with pytest.raises(MissingCapabilityError):
        screen.wait(20.0)
    assert time.monotonic() - started < 5.0


def test_a_wait_can_be_ended_from_another_thread(xvfb: Display) -> None:
    """A wake before the wait counts as well; closing afterwards is quiet."""
    screen = X11Screen(xvfb.name)
    screen.capture()
    screen.wait(0.3)
    screen.capture()
    started = time.monotonic()
    screen.wake()
    assert screen.wait(20.0) is False
    threading.Timer(0.1, screen.wake).start()
    assert screen.wait(20.0) is False
    assert time.monotonic() - started < 5.0
    screen.close()
    screen.wake()
