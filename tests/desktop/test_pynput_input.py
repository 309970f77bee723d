"""Input by pynput, over stand-ins for its modules that note what they are told."""

from enum import Enum
from types import SimpleNamespace

import pytest

from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.pynput_input import PynputHotkey, PynputInput
from p2p_remote.errors import MissingCapabilityError, PermissionNotGrantedError
from p2p_remote.input.keysyms import DELETE, F11, RETURN
from p2p_remote.wire.input import (
    ACTION_PRESS,
    ACTION_TAP,
    BUTTON_LEFT,
    BUTTON_RIGHT,
    MODIFIER_CONTROL,
)

Key = Enum("Key", "enter delete ctrl_l f11 f12 esc")
Button = Enum("Button", "left middle right")


class Keyboard:
    def __init__(self, done):
        self._done = done

    def press(self, key):
        self._done.append(("down", key))

    def release(self, key):
        self._done.append(("up", key))

    def type(self, text):
        if "!" in text:
            raise OSError("locked")
        self._done.append(("type", text))


class Pointer:
    def __init__(self, done):
        self._done = done

    def __setattr__(self, name, value):
        if name == "position":
            self._done.append(("move", value))
        super().__setattr__(name, value)

    def press(self, button):
        self._done.append(("press", button))

    def release(self, button):
        self._done.append(("release", button))

    def scroll(self, dx, dy):
        self._done.append(("scroll", dx, dy))


class Listener:
    def __init__(self, **callbacks):
        self.__dict__.update(callbacks)
        self.running = False

    def start(self):
        self.running = True

    def stop(self):
        self.running = False


def modules(done):
    keyboard = SimpleNamespace(
        Controller=lambda: Keyboard(done),
        Key=Key,
        KeyCode=SimpleNamespace(from_char=lambda character: f"char {character}"),
        Listener=Listener,
    )
    mouse = SimpleNamespace(
        Controller=lambda: Pointer(done), Button=Button, Listener=Listener
    )
    return keyboard, mouse


@pytest.fixture
def done():
    return []


@pytest.fixture
def sink(done):
    return PynputInput(*modules(done))


def test_text_is_typed_without_control_characters(sink, done):
    sink.text("Grüße\r\n\x1b日")

    assert done == [("type", sign) for sign in "Grüße\n日"]


def test_keys_and_modifiers_have_their_names(sink, done):
    sink.key(DELETE, MODIFIER_CONTROL, ACTION_TAP)
    sink.key(ord("c"), 0, ACTION_TAP)

    assert done == [
        ("down", Key.ctrl_l),
        ("down", Key.delete),
        ("up", Key.delete),
        ("up", Key.ctrl_l),
        ("down", "char c"),
        ("up", "char c"),
    ]


def test_a_key_that_the_system_lacks_is_left_out(sink, done):
    sink.key(0xFF13, 0, ACTION_TAP)  # Pause

    assert done == []


def test_positions_are_in_the_systems_units(sink, done):
    """The screen source has made them out of pixels of the picture."""
    sink.pointer(-90, 60, BUTTON_LEFT)
    sink.pointer(-90, 60, BUTTON_RIGHT)

    assert done == [
        ("move", (-90, 60)),
        ("press", Button.left),
        ("move", (-90, 60)),
        ("release", Button.left),
        ("press", Button.right),
    ]


def test_down_is_negative_for_pynput(sink, done):
    sink.scroll(0, 0, 1, 2)

    assert done[-1] == ("scroll", 1, -2)


def test_release_all_lets_go_of_everything(sink, done):
    sink.key(RETURN, MODIFIER_CONTROL, ACTION_PRESS)
    sink.pointer(0, 0, BUTTON_LEFT)
    done.clear()
    sink.release_all()

    assert done == [
        ("up", Key.enter),
        ("up", Key.ctrl_l),
        ("release", Button.left),
    ]


def test_each_event_asks_for_its_permit_and_letting_go_does_not(sink, done):
    left = [True, True, True, True]

    def permit():
        if not left:
            raise PermissionNotGrantedError("F11")
        left.pop()

    sink.guard(permit)
    sink.key(RETURN, 0, ACTION_PRESS)
    sink.pointer(1, 2, BUTTON_LEFT)
    before = len(done)
    with pytest.raises(PermissionNotGrantedError):
        sink.text("abc")
    assert len(done) == before + 2
    for act in (
        lambda: sink.pointer(3, 4, BUTTON_LEFT),
        lambda: sink.scroll(3, 4, 0, 1),
        lambda: sink.key(RETURN + 1, 0, ACTION_TAP),
    ):
        with pytest.raises(PermissionNotGrantedError):
            act()
    assert len(done) == before + 2
    sink.release_all()
    assert done[before + 2 :] == [("up", Key.enter), ("release", Button.left)]


def test_a_refusal_of_the_system_is_a_missing_capability(sink):
    with pytest.raises(MissingCapabilityError, match="locked"):
        sink.text("!")


def heard(done):
    ledger = InjectionLedger()
    keyboard, mouse = modules(done)
    hotkey = PynputHotkey(keyboard, mouse, ledger)
    sink = PynputInput(keyboard, mouse, ledger=ledger)
    events = []
    hotkey.start(events.append)
    return hotkey, sink, events


def test_our_own_f11_is_not_heard_and_others_are(done):
    hotkey, sink, events = heard(done)
    pressed = hotkey._listeners[0].on_press
    sink.key(F11, 0, ACTION_TAP)
    pressed(Key.f11, True)
    assert events == []
    pressed(Key.f11, True)
    pressed(Key.f11, False)
    pressed(Key.f12, False)

    assert events == ["F11", "F11", "F12"]


def test_only_real_devices_are_local_input_and_not_too_often(done):
    hotkey, _, events = heard(done)
    mouse = hotkey._listeners[1]
    mouse.on_move(1, 1, True)
    assert events == []
    mouse.on_move(1, 1, False)
    mouse.on_click(1, 1, Button.left, True, False)

    assert events == ["local_input"]


def test_close_stops_listening(done):
    hotkey, _, _ = heard(done)
    listeners = list(hotkey._listeners)
    hotkey.close()

    assert not any(listener.running for listener in listeners)
