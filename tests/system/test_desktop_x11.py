"""Screen, input and hotkey on real X servers, with real programs."""

import contextlib
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from p2p_remote.desktop.base import ScreenResizedError
from p2p_remote.desktop.choose import choose_hotkey, choose_input, choose_screen
from p2p_remote.desktop.hotkey import X11Hotkey
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.mss_screen import MssScreen, open_mss
from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_image import SocketReader
from p2p_remote.desktop.x11_input import X11Input
from p2p_remote.desktop.x11_screen import X11Screen
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.input.keysyms import F11, F12, LEFT, RETURN, SHIFT_L
from p2p_remote.wire.input import (
    ACTION_PRESS,
    ACTION_RELEASE,
    ACTION_TAP,
    BUTTON_LEFT,
    BUTTON_RIGHT,
    MODIFIER_CONTROL,
    MODIFIER_SHIFT,
)
from tests.system.displays import Display, running_display
from tests.system.programs import Programs

CJK = "".join(chr(0x4E00 + 37 * index) for index in range(40))
TEXT = f'Grüße 12€ ß Ж "Zitat" ÄÖÜ @\\|{{}}[]~<>\n{CJK}\nнебо 😀 ok\tTab\n'
CAPS_LOCK = 0xFFE5
PATIENCE = 10.0  # s for another program to do what it was told


def until(condition, what, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what()}"
        time.sleep(0.02)


class Notes:
    """An xterm that writes what is typed into it to a file."""

    def __init__(self, programs: Programs, display: Display, place: Path, stty: str):
        self._file = place / "typed"
        self._file.write_bytes(b"")
        self._seen = 0
        programs.start(
            "xterm",
            *("-geometry", "80x24+0+0", "-T", "notes"),
            *("-e", "sh", "-c", f"stty {stty}; exec cat > {self._file}"),
            env={**display.env, "LC_ALL": "C.UTF-8"},
        )
        display.run("xdotool", "search", "--sync", "--name", "^notes$")
        display.run("xdotool", "mousemove", "200", "100")
        until(self._answers(display), lambda: "xterm to take keys")

    def _answers(self, display: Display):
        def typed() -> bool:
            display.run("xdotool", "key", "x", "Return")
            time.sleep(0.1)
            self._seen = self._file.stat().st_size
            return self._seen > 0

        return typed

    def expect(self, expected: str | bytes) -> None:
        """Wait until just this was typed since the last call."""
        if isinstance(expected, str):
            expected = expected.encode()

        def news() -> bytes:
            return self._file.read_bytes()[self._seen :]

        until(lambda: len(news()) >= len(expected), news)
        time.sleep(0.05)  # for what must not come
        got = news()
        self._seen += len(got)
        assert got.decode("utf-8", "replace") == expected.decode()


@pytest.fixture
def notes(xvfb: Display, programs: Programs, tmp_path: Path) -> Notes:
    return Notes(programs, xvfb, tmp_path, "-icanon -echo")


@pytest.fixture
def raw_notes(xvfb: Display, programs: Programs, tmp_path: Path) -> Notes:
    return Notes(programs, xvfb, tmp_path, "raw -echo")


@pytest.fixture
def sink(xvfb: Display) -> Iterator[X11Input]:
    with contextlib.closing(X11Input(xvfb.name)) as opened:
        yield opened


@pytest.fixture
def screen(xvfb: Display) -> Iterator[X11Screen]:
    with contextlib.closing(X11Screen(xvfb.name)) as opened:
        yield opened


def reference(display: Display) -> np.ndarray:
    """The screen as mss sees it, BGR."""
    with contextlib.closing(MssScreen(open_mss(display.name), lambda: None)) as opened:
        return opened.capture().frame[..., :3].copy()


def settled(screen: X11Screen) -> np.ndarray:
    """The picture once nothing has changed for half a second."""
    frame = screen.capture().frame
    while screen.wait(0.5):
        frame = screen.capture().frame
    return frame.copy()


def keys_down(display: Display) -> list[int]:
    with contextlib.closing(X11Connection(display.name)) as connection:
        answer = connection.call(request(44, 0))  # QueryKeymap
    return [key for key in range(256) if answer[8 + key // 8] >> key % 8 & 1]


def buttons_down(display: Display) -> int:
    with contextlib.closing(X11Connection(display.name)) as connection:
        answer = connection.call(request(38, 0, struct.pack("<I", connection.root)))
    mask: int = struct.unpack_from("<H", answer, 24)[0]
    return mask >> 8 & 7


def empty_keycodes(display: Display) -> list[int]:
    with contextlib.closing(X11Connection(display.name)) as connection:
        answer = connection.call(request(101, 0, struct.pack("<BBxx", 8, 248)))
    row = 4 * answer[1]
    return [
        8 + index
        for index in range(248)
        if not any(answer[32 + row * index : 32 + row * (index + 1)])
    ]


# Screen


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
        reader = SocketReader(connection, screen.width, screen.height)
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


# Input


def test_all_text_arrives_in_a_default_terminal(sink: X11Input, notes: Notes) -> None:
    """40 Chinese signs need more keycodes than a keyboard has to spare."""
    sink.text(TEXT)
    notes.expect(TEXT)


def test_text_is_right_with_caps_lock_and_leaves_it_on(
    xvfb: Display, sink: X11Input, notes: Notes
) -> None:
    sink.key(CAPS_LOCK, 0, ACTION_TAP)
    sink.text("aAäÄ ß 1!\n")
    notes.expect("aAäÄ ß 1!\n")
    sink.key(ord("b"), 0, ACTION_TAP)
    sink.key(ord("B"), 0, ACTION_TAP)
    sink.key(RETURN, 0, ACTION_TAP)
    notes.expect("bB\n")
    xvfb.run("xdotool", "key", "c", "Return")
    notes.expect("C\n")


@pytest.mark.parametrize("layout", ["de", "ru,us", "fr"])
def test_text_is_right_after_the_layout_was_changed(
    xvfb: Display, sink: X11Input, notes: Notes, layout: str
) -> None:
    sink.text("yz\n")
    notes.expect("yz\n")
    xvfb.run("setxkbmap", layout)
    time.sleep(0.3)  # for the terminal to hear of it
    text = 'lazy @{}[]\\|"#/? äéß Жя 1234\n'
    sink.text(text)
    notes.expect(text)


def test_keys_carry_their_modifiers(sink: X11Input, raw_notes: Notes) -> None:
    sink.key(ord("a"), MODIFIER_CONTROL, ACTION_TAP)
    raw_notes.expect(b"\x01")
    sink.key(ord("x"), MODIFIER_SHIFT, ACTION_TAP)
    raw_notes.expect(b"X")
    sink.key(LEFT, 0, ACTION_TAP)
    raw_notes.expect(b"\x1b[D")
    sink.key(LEFT, MODIFIER_CONTROL | MODIFIER_SHIFT, ACTION_TAP)
    raw_notes.expect(b"\x1b[1;6D")
    sink.key(ord("?"), 0, ACTION_TAP)
    raw_notes.expect(b"?")


def test_text_ignores_a_held_shift_and_gives_it_back(
    xvfb: Display, sink: X11Input, notes: Notes
) -> None:
    sink.key(SHIFT_L, 0, ACTION_PRESS)
    sink.text("low\n")
    notes.expect("low\n")
    assert keys_down(xvfb)
    sink.key(SHIFT_L, 0, ACTION_RELEASE)
    assert not keys_down(xvfb)


def test_release_all_lets_go_of_keys_and_buttons(xvfb: Display, sink: X11Input) -> None:
    sink.key(ord("q"), MODIFIER_CONTROL, ACTION_PRESS)
    sink.key(SHIFT_L, 0, ACTION_PRESS)
    sink.key(ord("Ж"), 0, ACTION_PRESS)
    sink.pointer(900, 700, BUTTON_LEFT | BUTTON_RIGHT)
    assert len(keys_down(xvfb)) >= 3
    assert buttons_down(xvfb) == 0b101
    sink.release_all()

    assert keys_down(xvfb) == []
    assert buttons_down(xvfb) == 0


def test_release_all_stops_text_at_once(
    xvfb: Display, sink: X11Input, notes: Notes
) -> None:
    """4096 different signs take seconds; release_all takes milliseconds."""
    typing = threading.Thread(
        target=sink.text, args=("".join(map(chr, range(0x4E00, 0x5E00))),)
    )
    typing.start()
    time.sleep(0.3)
    started = time.monotonic()
    sink.release_all()
    took = time.monotonic() - started
    typing.join(1.0)

    assert took < 0.1
    assert not typing.is_alive()
    assert keys_down(xvfb) == []
    sink.text("\nafter\n")
    until(lambda: notes._file.read_bytes().endswith(b"\nafter\n"), lambda: "the rest")


def test_buttons_beyond_the_third_are_never_pressed(
    xvfb: Display, sink: X11Input
) -> None:
    sink.pointer(10, 10, 0b11111000)

    assert buttons_down(xvfb) == 0


def test_the_wheel_scrolls_a_terminal(
    xvfb: Display, sink: X11Input, programs: Programs, screen: X11Screen
) -> None:
    programs.start(
        *("xterm", "-T", "wheel", "-geometry", "80x24+0+0"),
        *("-e", "sh", "-c", "seq 200; exec sleep 60"),
        env=xvfb.env,
    )
    xvfb.run("xdotool", "search", "--sync", "--name", "^wheel$")
    sink.pointer(100, 100, 0)
    time.sleep(1.0)  # for the first line
    bottom = settled(screen)
    sink.scroll(100, 100, 0, -3)
    until(lambda: not np.array_equal(settled(screen), bottom), lambda: "a scroll up")
    sink.scroll(100, 100, 0, 3)
    until(lambda: np.array_equal(settled(screen), bottom), lambda: "a scroll down")


def test_unknown_keys_are_not_pressed(xvfb: Display, sink: X11Input) -> None:
    sink.key(0xFED5, 0, ACTION_PRESS)  # Terminate_Server

    assert keys_down(xvfb) == []


def test_borrowed_keycodes_are_given_back(xvfb: Display) -> None:
    before = empty_keycodes(xvfb)
    sink = X11Input(xvfb.name)
    sink.text("Ж日€")
    assert len(empty_keycodes(xvfb)) == len(before) - 3
    sink.close()

    assert empty_keycodes(xvfb) == before


def test_keycodes_of_a_killed_program_are_given_back_by_the_next(
    xvfb: Display, programs: Programs
) -> None:
    before = empty_keycodes(xvfb)
    killed = programs.start(
        *(sys.executable, "-c"),
        "from p2p_remote.desktop.x11_input import X11Input; import time;"
        "X11Input().text('Ж日€'); print('typed'); time.sleep(60)",
        env=xvfb.env,
    )
    killed.line("typed")
    os.kill(killed.pid, signal.SIGKILL)
    until(lambda: killed.returncode is not None, lambda: "its end")
    assert len(empty_keycodes(xvfb)) == len(before) - 3
    X11Input(xvfb.name).close()

    assert empty_keycodes(xvfb) == before


# Hotkey


class Person:
    """Somebody at keyboard and mouse: a VNC client of Xtigervnc.

    The server gives its keys and moves to devices of their own, not to XTEST's.
    """

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        assert self._receive(12).startswith(b"RFB 003.008")
        self._socket.sendall(b"RFB 003.008\n")
        self._receive(self._receive(1)[0])
        self._socket.sendall(b"\1")  # no authentication
        assert self._receive(4) == bytes(4)
        self._socket.sendall(b"\1")  # shared
        (length,) = struct.unpack(">I", self._receive(24)[20:])
        self._receive(length)

    def press(self, keysym: int) -> None:
        self._socket.sendall(struct.pack(">BBxxI", 4, 1, keysym))

    def release(self, keysym: int) -> None:
        self._socket.sendall(struct.pack(">BBxxI", 4, 0, keysym))

    def move(self, x: int, y: int) -> None:
        self._socket.sendall(struct.pack(">BBHH", 5, 0, x, y))

    def close(self) -> None:
        self._socket.close()

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            assert part, "the VNC server hung up"
            data += part
        return data


class Ear:
    """What the hotkey reported, with the times."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, float]] = []

    def __call__(self, name: str) -> None:
        self.heard.append((name, time.perf_counter()))

    def names(self) -> list[str]:
        return [name for name, _ in self.heard]

    def wait_for(self, *names: str) -> None:
        until(lambda: len(self.heard) >= len(names), lambda: f"{names}: {self.heard}")
        time.sleep(0.05)  # for what must not come
        assert self.names() == list(names)
        self.heard.clear()


@pytest.fixture
def desk(xtigervnc: Display) -> Iterator[tuple[Display, Person, X11Input, Ear]]:
    """A display with a person, our injector and our hotkey."""
    ledger = InjectionLedger()
    ear = Ear()
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(contextlib.closing(X11Input(xtigervnc.name, ledger)))
        hotkey = choose_hotkey(display=xtigervnc.name, ledger=ledger).chosen
        assert hotkey is not None
        stack.callback(hotkey.close)
        hotkey.start(ear)
        assert xtigervnc.vnc_port is not None
        person = stack.enter_context(contextlib.closing(Person(xtigervnc.vnc_port)))
        person.move(1, 1)
        until(lambda: ear.heard, lambda: "the first move")
        time.sleep(0.2)
        ear.heard.clear()
        yield xtigervnc, person, sink, ear


def test_a_persons_f11_and_f12_are_heard(desk) -> None:
    _, person, _, ear = desk
    person.press(F11)
    person.release(F11)
    ear.wait_for("F11")
    person.press(F12)
    ear.wait_for("F12")


def test_f11_of_our_own_injector_is_not_heard(desk) -> None:
    """And it does not make the next one of the person unheard."""
    _, person, sink, ear = desk
    for _ in range(3):
        sink.key(F11, 0, ACTION_TAP)
        sink.key(F12, MODIFIER_SHIFT, ACTION_TAP)
    time.sleep(0.2)
    assert ear.heard == []
    person.press(F11)
    ear.wait_for("F11")


def test_f11_of_another_program_is_heard(desk) -> None:
    """An on-screen keyboard injects as we do."""
    display, _, sink, ear = desk
    sink.key(F11, 0, ACTION_TAP)
    time.sleep(0.1)
    display.run("xdotool", "key", "F11")
    ear.wait_for("F11")


def test_f11_is_heard_while_a_program_has_grabbed_the_keyboard(desk) -> None:
    """As menus and virtual machines do."""
    display, person, _, ear = desk
    with contextlib.closing(X11Connection(display.name)) as other:
        answer = other.call(request(31, 0, struct.pack("<IIBBxx", other.root, 0, 1, 1)))
        assert answer[1] == 0  # the keyboard is grabbed
        person.press(F11)
        person.release(F11)
        ear.wait_for("F11")
        display.run("xdotool", "key", "F11")
        ear.wait_for("F11")


def test_the_persons_input_is_told_and_not_too_often(desk) -> None:
    _, person, sink, ear = desk
    started = time.monotonic()
    while time.monotonic() - started < 0.55:
        person.move(int(time.monotonic() * 1000) % 500, 5)
        time.sleep(0.005)
    assert 3 <= len(ear.heard) <= 7
    assert set(ear.names()) == {"local_input"}
    time.sleep(0.2)
    ear.heard.clear()
    sink.pointer(40, 40, BUTTON_LEFT)
    sink.pointer(60, 60, 0)
    sink.text("hello")
    time.sleep(0.2)
    assert ear.heard == []
    person.press(ord("a"))
    ear.wait_for("local_input")


def test_f11_is_heard_within_milliseconds(desk) -> None:
    _, person, _, ear = desk
    delays = []
    for _ in range(30):
        started = time.perf_counter()
        person.press(F11)
        until(lambda: ear.heard, lambda: "F11")
        delays.append(ear.heard[0][1] - started)
        person.release(F11)
        time.sleep(0.01)
        ear.heard.clear()

    assert sorted(delays)[len(delays) // 2] < 0.010


def test_an_answer_that_fails_does_not_end_listening(xtigervnc: Display) -> None:
    heard = []

    def answer(name: str) -> None:
        heard.append(name)
        raise RuntimeError

    with contextlib.closing(X11Hotkey(xtigervnc.name)) as hotkey:
        hotkey.start(answer)
        xtigervnc.run("xdotool", "key", "F11", "key", "F12")
        until(lambda: len(heard) == 2, lambda: heard)

    assert heard == ["F11", "F12"]


def test_the_hotkey_follows_the_layout(xtigervnc: Display) -> None:
    ear = Ear()
    with contextlib.closing(X11Hotkey(xtigervnc.name)) as hotkey:
        hotkey.start(ear)
        xtigervnc.run("xmodmap", "-e", "keycode 67 = F11")
        time.sleep(0.2)
        xtigervnc.run("xdotool", "key", "67")
        ear.wait_for("F11")
