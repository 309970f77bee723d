"""Global keys on real X servers."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from p2p_remote.desktop.choose import choose_hotkey
from p2p_remote.desktop.hotkey import X11Hotkey
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_input import X11Input
from p2p_remote.errors import PermissionNotGrantedError
from p2p_remote.input.keysyms import F11, F12
from p2p_remote.wire.input import (
    ACTION_TAP,
    BUTTON_LEFT,
    MODIFIER_SHIFT,
)
from tests.system.desktop_support import (
    until,
)
from tests.system.displays import Display


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


def test_f11_stops_the_injector_without_the_thread_of_the_hotkey(
    xtigervnc: Display,
) -> None:
    """However late that thread runs: nothing follows a key that the server has told."""
    heard: list[tuple[str, str]] = []
    with contextlib.ExitStack() as stack:
        ledger = InjectionLedger()
        sink = stack.enter_context(contextlib.closing(X11Input(xtigervnc.name, ledger)))
        hotkey = X11Hotkey(xtigervnc.name, ledger)
        may_run = threading.Event()
        stack.callback(hotkey.close)
        stack.callback(may_run.set)

        def report(name: str) -> None:
            thread = threading.current_thread().name
            heard.append((name, thread))

        wait_for_more = hotkey._connection.wait_for_more
        hotkey._connection.wait_for_more = lambda seconds: (  # type: ignore[method-assign]
            may_run.wait(),
            wait_for_more(seconds),
        )[1]
        hotkey.start(report)

        def permit() -> None:
            hotkey.hear()
            if heard:
                raise PermissionNotGrantedError("F11")

        sink.guard(permit)
        sink.key(F11, 0, ACTION_TAP)
        sink.pointer(40, 40, 0)
        xtigervnc.run("xdotool", "key", "F11")
        with pytest.raises(PermissionNotGrantedError):
            sink.pointer(90, 90, 0)
        with pytest.raises(PermissionNotGrantedError):
            sink.text("x")
        assert heard == [("F11", threading.current_thread().name)]
        sink.release_all()
        assert "x:40 y:40 " in xtigervnc.run("xdotool", "getmouselocation")


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
