"""The practice desktop: what is typed, clicked and scrolled can be seen."""

import threading

import numpy as np
import pytest

from p2p_remote.desktop.synthetic import MAX_TEXT, SyntheticDesktop
from p2p_remote.desktop.synthetic_scene import wrap
from p2p_remote.errors import MissingCapabilityError
from p2p_remote.input.keysyms import (
    BACKSPACE,
    CONTROL_L,
    DELETE,
    DOWN,
    END,
    F11,
    HOME,
    LEFT,
    RETURN,
    SHIFT_L,
    UP,
)
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.input import (
    ACTION_PRESS,
    ACTION_RELEASE,
    ACTION_TAP,
    BUTTON_LEFT,
    MODIFIER_ALT,
    MODIFIER_CONTROL,
)


class Clock:
    now = 12 * 3600.0

    def __call__(self):
        return self.now


@pytest.fixture
def desktop():
    return SyntheticDesktop(clock=Clock())


def tap(desktop, keysym, modifiers=0):
    desktop.key(keysym, modifiers, ACTION_TAP)


def centre(area):
    return area.x + area.width // 2, area.y + area.height // 2


def act(desktop):
    """Use everything once."""
    desktop.text("Grüße 12€ ß Ж\n")
    tap(desktop, DELETE, MODIFIER_CONTROL | MODIFIER_ALT)
    x, y = centre(desktop.button)
    desktop.pointer(x, y, BUTTON_LEFT)
    desktop.pointer(x, y, 0)
    desktop.scroll(*centre(desktop.list_area), 0, 3)


def test_the_first_capture_is_the_whole_screen(desktop):
    capture = desktop.capture()

    assert capture.frame.shape == (desktop.height, desktop.width, 4) == (800, 1280, 4)
    assert capture.frame.flags.c_contiguous
    assert not capture.frame.flags.writeable
    assert capture.damage == [Rect(0, 0, 1280, 800)]


def test_the_same_input_draws_the_same_picture():
    """Nothing but input and the given clock decides what is drawn."""
    one, other = SyntheticDesktop(clock=Clock()), SyntheticDesktop(clock=Clock())
    act(one)
    other.capture()
    act(other)

    assert np.array_equal(one.capture().frame, other.capture().frame)


def test_damage_covers_every_changed_pixel(desktop):
    before = desktop.capture().frame.copy()
    act(desktop)
    capture = desktop.capture()

    left = before != capture.frame
    assert left.any()
    for area in capture.damage:
        left[area.y : area.bottom, area.x : area.right] = False
    assert not left.any()
    assert sum(area.area for area in capture.damage) < 1280 * 800


def test_a_still_desktop_has_no_damage(desktop):
    desktop.capture()

    assert desktop.wait(0) is False
    assert desktop.capture().damage == []


def test_the_clock_is_a_change(desktop):
    desktop.capture()
    desktop._clock.now += 1

    assert desktop.wait(0) is True
    (area,) = desktop.capture().damage
    assert area.area < 1280 * 800 // 10


def test_text_and_keys_edit_the_field(desktop):
    desktop.text("Grüße\r\nWelt")
    tap(desktop, HOME)
    tap(desktop, ord("A"))
    tap(desktop, UP)
    tap(desktop, END)
    tap(desktop, BACKSPACE)
    tap(desktop, RETURN)
    tap(desktop, DOWN)
    tap(desktop, LEFT)
    tap(desktop, DELETE)

    assert desktop.typed_text == "Grüß\nAWelt"


def test_characters_that_no_key_types_are_left_out(desktop):
    desktop.text("a\x1b[31m\0b")

    assert desktop.typed_text == "a[31mb"


def test_a_shortcut_is_shown_and_types_nothing(desktop):
    tap(desktop, DELETE, MODIFIER_CONTROL | MODIFIER_ALT)
    tap(desktop, ord("c"), MODIFIER_CONTROL)

    assert desktop.last_key == "Ctrl+c"
    assert desktop.typed_text == ""


def test_the_field_is_bounded(desktop):
    for _ in range(6):
        desktop.text("x" * 4096)

    assert len(desktop.typed_text) == MAX_TEXT


def test_a_click_counts_when_it_ends_on_the_button(desktop):
    x, y = centre(desktop.button)
    desktop.pointer(x, y, BUTTON_LEFT)
    assert desktop.clicks == 0
    desktop.pointer(x, y, 0)
    desktop.pointer(x, y, BUTTON_LEFT)
    desktop.pointer(5, 700, 0)

    assert desktop.clicks == 1


def test_the_wheel_scrolls_within_the_list(desktop):
    place = centre(desktop.list_area)
    desktop.scroll(*place, 0, -5)
    assert desktop.scrolled == 0
    desktop.scroll(*place, 0, 2)
    first = desktop.scrolled
    for _ in range(10):
        desktop.scroll(*place, 0, 32)

    assert 0 < first < desktop.scrolled < 200


def test_the_pointer_moves_without_damage(desktop):
    desktop.capture()
    desktop.pointer(-5, 5000, 0)

    assert desktop.wait(0) is True
    capture = desktop.capture()
    assert (capture.pointer.x, capture.pointer.y) == (0, 799)
    assert capture.damage == []


def test_the_pointer_has_a_shape(desktop):
    shape = desktop.cursor_shape()

    assert shape.serial == desktop.capture().pointer.shape_serial
    assert len(shape.pixels) == 4 * shape.width * shape.height


def test_a_window_can_be_dragged_over_others(desktop):
    act(desktop)
    desktop.capture()
    desktop.pointer(200, 80, BUTTON_LEFT)
    desktop.pointer(700, 300, BUTTON_LEFT)
    desktop.pointer(700, 300, 0)
    dragged = desktop.capture().frame.copy()
    tap(desktop, F11)
    after = desktop.capture().frame

    changed = np.argwhere((dragged != after).any(axis=2))
    assert changed[:, 0].min() > 300
    assert desktop._scene.notes.x == 548


def test_release_all_lets_go_of_keys_and_buttons(desktop):
    desktop.key(SHIFT_L, 0, ACTION_PRESS)
    desktop.key(ord("a"), MODIFIER_CONTROL, ACTION_PRESS)
    desktop.pointer(*centre(desktop.button), BUTTON_LEFT)
    assert set(desktop.held_keys) == {SHIFT_L, CONTROL_L, ord("a")}
    desktop.release_all()

    assert desktop.held_keys == ()
    assert desktop.held_buttons == 0
    desktop.pointer(*centre(desktop.button), 0)
    assert desktop.clicks == 0


def test_a_held_key_types_once(desktop):
    desktop.key(ord("a"), 0, ACTION_PRESS)
    desktop.key(ord("a"), 0, ACTION_PRESS)
    desktop.key(ord("a"), 0, ACTION_RELEASE)

    assert desktop.typed_text == "a"


def test_input_wakes_a_waiting_capture(desktop):
    desktop.capture()
    woken = []
    thread = threading.Thread(target=lambda: woken.append(desktop.wait(10)))
    thread.start()
    desktop.text("x")
    thread.join(5)

    assert woken == [True]


def test_a_closed_desktop_says_so(desktop):
    desktop.capture()
    desktop.close()

    assert desktop.wait(10) is False
    with pytest.raises(MissingCapabilityError):
        desktop.capture()
    with pytest.raises(MissingCapabilityError):
        desktop.text("x")


@pytest.mark.parametrize(
    ("text", "caret", "lines", "place"),
    [
        ("", 0, [""], (0, 0)),
        ("abcd", 4, ["abcd"], (0, 4)),
        ("abcde", 4, ["abcd", "e"], (1, 0)),
        ("ab\ncd", 3, ["ab", "cd"], (1, 0)),
        ("ab\n", 3, ["ab", ""], (1, 0)),
        ("a\tb", 2, ["a b"], (0, 2)),
    ],
)
def test_text_is_broken_into_cells(text, caret, lines, place):
    assert wrap(text, caret, 4) == (lines, place)
