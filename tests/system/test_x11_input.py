"""Keyboard and pointer of real X servers."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from p2p_remote.desktop.x11_input import X11Input
from p2p_remote.desktop.x11_screen import X11Screen
from p2p_remote.input.keysyms import LEFT, RETURN, SHIFT_L
from p2p_remote.wire.input import (
    ACTION_PRESS,
    ACTION_RELEASE,
    ACTION_TAP,
    BUTTON_LEFT,
    BUTTON_RIGHT,
    MODIFIER_CONTROL,
    MODIFIER_SHIFT,
)
from tests.system.desktop_support import (
    CAPS_LOCK,
    TEXT,
    Notes,
    buttons_down,
    empty_keycodes,
    keys_down,
    settled,
    until,
)
from tests.system.displays import Display
from tests.system.programs import Programs


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
