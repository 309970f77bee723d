"""When the customer's side looks, what it sends, and what it holds back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from p2p_remote.screen.geometry import Rect
from p2p_remote.services import screen_sender as module
from p2p_remote.services.screen_coder import Hints, ScreenCoder
from p2p_remote.services.screen_sender import HOLD_TIME, ScreenSender
from p2p_remote.session.permissions import Grants
from p2p_remote.session.roles import State
from p2p_remote.transport.statistics import ChannelStatistics, Statistics
from p2p_remote.wire.constants import CHANNEL_HOT, CHANNEL_SCREEN
from p2p_remote.wire.input import PointerInput, TextInput
from p2p_remote.wire.screen import HotPatch, ScreenUpdate
from tests.support.drawn_screen import DrawnScreen

KEY = TextInput(0, "a")
LETTER = Rect(40, 40, 10, 16)


class FakeSession:
    """A line whose state the test sets."""

    def __init__(self) -> None:
        self.state = State.ACTIVE
        self.grants = Grants()
        self.grants.grant("view", float("inf"))
        self.path_kind = "direct"
        self.room = 100_000
        self.rate = 250_000.0
        self.waiting = 0
        self.waiting_hot = 0
        self.updates: list[ScreenUpdate] = []
        self.patches: list[HotPatch] = []
        self.work_until = 0.0

    def expect_work(self, until: float) -> None:
        self.work_until = until

    def screen_room(self, _now: float) -> int:
        return self.room

    def statistics(self) -> Statistics:
        channels = {
            CHANNEL_SCREEN: ChannelStatistics(0, 0, self.waiting),
            CHANNEL_HOT: ChannelStatistics(0, 0, self.waiting_hot),
        }
        return Statistics(
            *(0.04, 0.04, 0, 20_000, self.rate, 0.0, 0, 0, 0, 0, 0, 0, 0), channels
        )

    def send_screen(self, update: ScreenUpdate, _now: float) -> None:
        self.updates.append(update)

    def send_hot(self, patch: HotPatch, _now: float) -> None:
        self.patches.append(patch)

    def send_cursor(self, *_: Any) -> None:
        """The pointer is of no interest here."""

    def send_settled(self, *_: Any) -> None:
        """Neither is the end."""


class Bench:
    """A sender of a small screen."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.session = FakeSession()
        self.screen = DrawnScreen(320, 200)
        fake: Any = self.session
        self.sender = ScreenSender(
            fake, self.screen, self.screen.reopen, clock, lambda: None
        )

    def paint(self, rect: Rect) -> None:
        random = np.random.default_rng()
        shape = (rect.height, rect.width, 4)
        self.screen.paint(rect, random.integers(0, 256, shape, np.uint8))


async def until(check: Callable[[], bool]) -> None:
    """Wait for something that happens in other threads."""
    for _ in range(4000):
        if check():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen within 20 s")


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A sender at work."""
    made = Bench()
    made.sender.take_abilities(jpeg=False)
    task = asyncio.create_task(made.sender.run())
    await until(lambda: bool(made.session.updates))
    yield made
    made.session.state = State.ENDED
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_a_key_changes_goes_ahead_of_a_full_line(bench: Bench) -> None:
    """Without room a key's answer is looked for, and sent as a patch."""
    bench.session.room, bench.session.waiting = 0, 20_000
    bench.sender.note_input(KEY)
    bench.paint(LETTER)
    await until(lambda: bool(bench.session.patches))
    sent = len(bench.session.updates)
    bench.session.room, bench.session.waiting = 100_000, 0
    bench.sender.room_available()
    await until(lambda: len(bench.session.updates) > sent)
    assert bench.session.updates[-1].retires == 1


async def test_patches_that_do_not_get_through_are_not_heaped_up(bench: Bench) -> None:
    """While some wait no more are made: the stream brings it all later."""
    bench.session.room, bench.session.waiting = 0, 20_000
    bench.session.waiting_hot = 10_000
    for _ in range(3):
        bench.sender.note_input(KEY)
        bench.paint(LETTER)
    bench.session.room = 100_000
    bench.sender.room_available()
    sent = len(bench.session.updates)
    await until(lambda: len(bench.session.updates) > sent)
    assert bench.session.patches == []


async def test_the_first_picture_waits_for_what_the_viewer_can_decode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A photograph sent exactly would fill a thin line for seconds."""
    monkeypatch.setattr(module, "ABILITIES_WAIT", 60.0)
    made = Bench()
    task = asyncio.create_task(made.sender.run())
    await asyncio.sleep(0.05)
    assert made.session.updates == []
    made.sender.take_abilities(jpeg=True)
    await until(lambda: bool(made.session.updates))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_after_a_key_updates_that_would_wait_are_held_for_its_answer() -> None:
    """For a moment only, until the answer is sent, and not for every motion."""
    made = Bench(lambda: 1.0)
    made.session.waiting = 5000
    made.sender.note_input(PointerInput(0, 5, 5, 0))
    assert made.sender._room(1.0) > 0
    made.sender.note_input(KEY)
    assert made.sender._room(1.0) == 0
    assert made.sender._room(1.0 + HOLD_TIME) > 0
    made.session.waiting = 0
    assert made.sender._room(1.0) > 0
    made.session.waiting = 5000
    made.sender._send_patch(HotPatch(1, 320, 200, 2, b""))
    assert made.sender._room(1.0) > 0
    made.sender.note_input(KEY)  # the last one was answered
    assert made.sender._room(1.0) == 0
    made.sender._hold_until = 1.0  # this one is not
    made.sender.note_input(KEY)  # so soon after it nothing is held
    assert made.sender._room(1.0) > 0
    assert made.session.work_until > 1.0


@pytest.mark.parametrize(
    ("kind", "rate", "lossy"),
    [
        ("lan", 10e6, False),
        ("lan", 2e6, False),
        ("lan", 250e3, True),
        ("direct", 250e3, True),
        ("direct", 10e6, False),
        ("relay", 2e6, True),
    ],
)
async def test_photographs_are_lossy_first_where_the_line_is_slow(
    kind: str, rate: float, lossy: bool
) -> None:
    """A local network may be slow too."""
    made = Bench()
    made.session.path_kind, made.session.rate = kind, rate
    assert made.sender._hints().lossy is lossy


async def test_a_drag_is_not_forgotten_while_there_is_no_room() -> None:
    """How far something was dragged is kept for the next update."""
    made = Bench()
    made.sender.note_input(PointerInput(0, 50, 50, 1))
    made.sender.note_input(PointerInput(0, 60, 55, 1))
    made.session.room = 0
    assert made.sender._hints().motion is None
    made.session.room = 10_000
    assert made.sender._hints().motion == (10, 5)
    assert made.sender._hints().motion is None


def test_a_turn_without_a_word_between_looks_only_if_it_may_and_must() -> None:
    """Old hints are given back; a screen at rest is told without a look at it."""
    screen = DrawnScreen(64, 64)
    grants = Grants()
    grants.grant("view", float("inf"))
    coder = ScreenCoder(grants, screen, screen.reopen, lambda: 1.0)
    hints = Hints(100_000)
    assert coder.wait_and_step(0.0, hints, lambda: False) is None
    first = coder.wait_and_step(0.0, hints, lambda: True)
    assert first is not None
    assert first.updates
    assert first.is_complete
    screen.pixels[:] = 9  # without a word of damage
    rest = coder.wait_and_step(0.0, hints, lambda: True)
    assert rest is not None
    assert rest.updates == ()
    screen.paint(Rect(0, 0, 8, 8), 77)
    changed = coder.wait_and_step(0.0, hints, lambda: True)
    assert changed is not None
    assert changed.updates


def test_who_ends_a_wait_early_is_looked_at() -> None:
    """Another size or view comes without a change of pixels: it is not overlooked."""
    screen = DrawnScreen(64, 64)
    grants = Grants()
    grants.grant("view", float("inf"))
    coder = ScreenCoder(grants, screen, screen.reopen, lambda: 1.0)
    hints = Hints(100_000)
    for _ in range(3):
        rest = coder.wait_and_step(0.0, hints, lambda: True)
    assert coder.wait_and_step(0.0, hints, lambda: True) is rest
    coder.wake()
    assert coder.wait_and_step(5.0, hints, lambda: True) is not rest
