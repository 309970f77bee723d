"""One turn of the worker: an answer to input goes before what comes late."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_remote.desktop.base import CursorImage, PointerState
from p2p_remote.screen.geometry import Rect
from p2p_remote.services.screen_coder import Haste, Hints, ScreenCoder
from p2p_remote.session.permissions import Grants
from p2p_remote.wire.screen import HotPatch
from tests.support.drawn_screen import DrawnScreen

VIDEO = Rect(0, 0, 320, 240)
LETTER = Rect(400, 300, 10, 16)
RESTING = Haste(1000, is_behind=False, slow=2000)
AWAITING = replace(RESTING, is_awaited=True)
HINTS = Hints(10_000_000, link_rate=250_000.0)


class Desk:
    """A screen with a video that has been sent once."""

    def __init__(self) -> None:
        self.screen = DrawnScreen(640, 480)
        self.now = 1.0
        self.patches: list[HotPatch] = []
        grants = Grants()
        grants.grant("view", float("inf"))
        self.coder = ScreenCoder(
            grants,
            self.screen,
            self.screen.reopen,
            lambda: self.now,
            self.patches.append,
        )
        self._random = np.random.default_rng(1)
        self.look(RESTING)
        for _ in range(20):  # until it is taken for what it is
            self.play()
            self.look(None)

    def paint(self, rect: Rect) -> None:
        shape = (rect.height, rect.width, 4)
        self.screen.paint(rect, self._random.integers(0, 256, shape, np.uint8))

    def play(self) -> None:
        self.now += 0.04
        self.paint(VIDEO)

    def look(self, haste: Haste | None) -> tuple[int, int]:
        """Updates and patches of one step."""
        before = len(self.patches)
        step = self.coder.step(replace(HINTS, haste=haste))
        return len(step.updates), len(self.patches) - before


@pytest.fixture
def desk() -> Desk:
    """The video fills the line."""
    return Desk()


def test_an_answer_leaves_before_the_next_picture_of_a_video(desk: Desk) -> None:
    """Though nothing waits: the picture takes long to make and to send."""
    desk.play()
    desk.paint(LETTER)
    assert desk.look(RESTING) == (0, 1)
    assert desk.look(RESTING)[0] > 0


def test_an_awaited_answer_is_looked_for_first(desk: Desk) -> None:
    """Until it is there, or has not come in time."""
    desk.play()
    assert desk.look(AWAITING) == (0, 0)
    assert desk.look(AWAITING) == (0, 0)
    desk.paint(LETTER)
    assert desk.look(AWAITING) == (0, 1)
    desk.play()
    assert desk.look(RESTING)[0] > 0


def test_answers_do_not_put_off_updates_twice_in_a_row(desk: Desk) -> None:
    """Else a screen that changes all the time would never be told."""
    made = 0
    for number in range(6):
        desk.play()
        desk.paint(LETTER.moved(12 * number, 0))
        made += desk.look(RESTING)[0] > 0
    assert made == 3


def test_a_screen_at_rest_has_no_patches(desk: Desk) -> None:
    """A small update is as quick as a patch."""
    desk.look(None)
    desk.paint(LETTER)
    assert desk.look(AWAITING) == (1, 0)


def test_the_shape_of_a_pointer_that_is_not_seen_is_not_told(desk: Desk) -> None:
    """Over windows that are not shared it is the business of others."""
    desk.screen.shape = CursorImage(1, 1, 1, 0, 0, bytes(4))

    def told(serial: int, *, visible: bool) -> bool:
        pointer = PointerState(5, 5, visible=visible, shape_serial=serial)
        desk.screen.pointer = pointer
        return desk.coder.step(HINTS).shape is not None

    assert told(3, visible=True)
    assert not told(3, visible=True)
    assert not told(4, visible=False)
    assert told(4, visible=True)
