"""What an encoder sends first, and what it leaves out."""

import numpy as np
import pytest

from p2p_remote.screen.geometry import Rect
from tests.support.screen_link import Link
from tests.support.screen_scenes import Size

SMALL = Size(480, 288)
SLOW = 250_000.0  # bytes/s


def test_the_focus_goes_first():
    """With a small budget, the region of the last input is exact before the rest."""
    random = np.random.default_rng(7)
    link = Link(640, 480)
    frame = np.repeat(random.integers(0, 2, (480, 640, 1), np.uint8) * 255, 4, axis=2)
    focus = Rect(300, 200, 50, 20)
    link.send(np.zeros_like(frame))
    link.send(frame, budget=100, focus=focus)
    assert link.encoder.pending
    shown = link.decoder.framebuffer
    area = slice(focus.y, focus.bottom), slice(focus.x, focus.right)
    assert np.array_equal(shown[area][..., :3], frame[area][..., :3])
    assert not link.shows(frame)


def test_a_budget_is_kept_about():
    """Each call returns about its budget, and every call gets further."""
    random = np.random.default_rng(8)
    frame = np.repeat(random.integers(0, 2, (480, 640, 1), np.uint8) * 255, 4, axis=2)
    link = Link(640, 480)
    link.send(np.zeros_like(frame))
    sizes = []
    while not link.shows(frame):
        sizes.append(
            link.send(frame, [], budget=5_000)
            if sizes
            else link.send(frame, budget=5_000)
        )
        assert len(sizes) < 100
    assert len(sizes) > 5
    assert max(sizes) < 5_000 + 25_000
    assert not link.encoder.pending


def test_outside_of_the_view_nothing_is_sent():
    """The rest of the display is sent when the view moves there."""
    link = Link(320, 200)
    frame = np.zeros((200, 320, 4), np.uint8)
    link.send(frame)
    link.encoder.view = Rect(0, 0, 160, 100)
    frame[20:30, 20:30] = 99
    frame[150:160, 20:30] = 99
    frame[20:30, 250:260] = 99
    link.send(frame)
    assert not link.encoder.pending
    shown = link.decoder.framebuffer
    assert shown[25, 25, 0] == 99
    assert shown[155, 25, 0] == 0
    assert shown[25, 255, 0] == 0
    link.encoder.view = Rect(0, 100, 160, 100)
    link.send(frame, [])
    assert link.decoder.framebuffer[155, 25, 0] == 99
    assert link.decoder.framebuffer[25, 255, 0] == 0
    link.encoder.view = None
    link.send(frame, [])
    assert link.shows(frame)


@pytest.mark.parametrize(
    "view", [Rect(500, 500, 10, 10), Rect(-20, -20, 10, 10), Rect(0, 0, 0, 0)]
)
def test_a_view_beside_the_display_shows_nothing(view):
    """Nonsense from a peer's viewport is harmless."""
    link = Link(64, 48)
    frame = np.full((48, 64, 4), 50, np.uint8)
    link.encoder.view = view
    link.send(frame)
    assert not (link.decoder.framebuffer[..., :3]).any()
    link.encoder.view = None
    link.send(frame)
    assert link.shows(frame)


@pytest.mark.parametrize("focus", [None, Rect(0, 0, 64, 32)])
def test_what_changes_all_the_time_holds_nothing_up(focus):
    """Below noise that the line cannot carry a word appears within a few updates."""
    link = Link(640, 480)
    random = np.random.default_rng(3)
    frame = np.zeros((480, 640, 4), np.uint8)
    link.send(frame)
    word = random.integers(0, 256, (16, 48, 4), np.uint8)
    shown = []
    for turn in range(40):
        noise = random.integers(0, 256, (200, 400, 3), np.uint8)
        frame[:200, :400, :3] = noise
        if turn == 5:
            frame[400:416, 300:348] = word
        link.send(frame, budget=8_000, focus=focus)
        there = link.decoder.framebuffer[400:416, 300:348, :3]
        shown.append(np.array_equal(there, word[..., :3]))
    assert shown.index(True) <= 5 + 30
    while link.encoder.pending:
        link.send(frame, [], budget=8_000)
    assert link.shows(frame)
