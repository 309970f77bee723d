"""Choosing a screen: honest reasons, and nothing shown that is not the screen."""

import pytest

from p2p_remote.desktop.base import WaylandError
from p2p_remote.desktop.choose import choose_hotkey, choose_input, choose_screen
from p2p_remote.errors import MissingCapabilityError, UsageError


@pytest.fixture
def bare(monkeypatch):
    """A machine without a display."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    return monkeypatch


def test_the_practice_desktop_is_screen_and_input(bare):
    screen = choose_screen("synthetic").chosen
    choice = choose_input(screen)
    choice.chosen.text("hello")

    assert choice.chosen is screen
    assert screen.typed_text == "hello"


@pytest.mark.parametrize("name", ["auto", "x11", "mss"])
def test_without_a_display_the_next_step_is_told(bare, name):
    with pytest.raises(MissingCapabilityError, match=r"No display found.*synthetic"):
        choose_screen(name)


@pytest.mark.parametrize("name", ["auto", "x11", "mss"])
def test_wayland_is_refused_in_one_line(bare, name):
    """Its X server would show a black picture."""
    bare.setenv("DISPLAY", ":0")
    bare.setenv("WAYLAND_DISPLAY", "wayland-0")

    with pytest.raises(WaylandError) as caught:
        choose_screen(name)
    assert "\n" not in str(caught.value)
    assert "X11 session" in str(caught.value)


def test_an_unknown_screen_is_a_usage_error():
    with pytest.raises(UsageError, match="auto, x11, mss, synthetic"):
        choose_screen("tv")


def test_a_display_that_nobody_serves_is_named(bare):
    with pytest.raises(MissingCapabilityError, match=":64999"):
        choose_screen("auto", display=":64999")


@pytest.mark.parametrize("display", ["nonsense", ":", "host", ":1x"])
def test_a_display_must_have_a_displays_name(bare, display):
    with pytest.raises(MissingCapabilityError, match="not the name of a display"):
        choose_screen("x11", display=display)


def test_a_missing_hotkey_has_a_reason(bare):
    choice = choose_hotkey()

    assert choice.chosen is None
    assert "No display" in choice.reasons[0]


def test_macos_is_not_listened_to(bare):
    """Listening there would end the program."""
    bare.setattr("sys.platform", "darwin")
    choice = choose_hotkey()

    assert choice.chosen is None
    assert "macOS" in choice.reasons[0]


def test_x11_is_not_offered_elsewhere(bare):
    bare.setattr("sys.platform", "win32")

    with pytest.raises(MissingCapabilityError, match="Linux"):
        choose_screen("x11")
