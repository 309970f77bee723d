"""When the customer's side looks, what it sends, and what it holds back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from p2p_remote.screen.geometry import Rect
from p2p_remote.services import screen_sender as module
from p2p_remote.services.screen_coder import Haste, Hints, Leave, ScreenCoder, Step
from p2p_remote.services.screen_sender import HOLD_TIME, ScreenSender
from p2p_remote.session.permissions import Grants
from p2p_remote.session.roles import State
from p2p_remote.transport.statistics import ChannelStatistics, Statistics
from p2p_remote.wire.constants import CHANNEL_HOT, CHANNEL_SCREEN
from p2p_remote.wire.control import Viewport
from p2p_remote.wire.input import PointerInput, TextInput
from p2p_remote.wire.screen import HotPatch, ScreenUpdate
from tests.support.drawn_screen import DrawnScreen
from tests.support.waiting import until

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


class Server:
    """A coder of a small screen, and what it delivers while it has leave."""

    def __init__(self) -> None:
        self.now = 1.0
        self.screen = DrawnScreen(64, 64)
        grants = Grants()
        grants.grant("view", float("inf"))
        self.coder = ScreenCoder(
            grants, self.screen, self.screen.reopen, lambda: self.now
        )
        self.coder.step(Hints(100_000))
        self.coder.step(Hints(100_000))
        self.delivered: list[Step] = []
        self.gives = 0

    def serve(self, *, gives: int = 0, not_before: float = 0.0) -> Step | None:
        """Serve with leave for one step, and `gives` times more."""
        self.gives = gives
        self.coder.leave = Leave(Hints(100_000), not_before)
        return self.coder.serve(0.0, self.deliver)

    def deliver(self, step: Step) -> None:
        """Note a step; the screen changes once more."""
        self.delivered.append(step)
        if self.gives:
            self.gives -= 1
            self.coder.leave = Leave(Hints(100_000), 0.0)
        self.now += 1.0
        self.change()

    def change(self) -> None:
        """Paint a little, in another colour each time."""
        self.screen.paint(Rect(0, 0, 8, 8), int(self.now) % 200)


def test_a_worker_with_leave_steps_at_every_change_until_it_has_none() -> None:
    """Nobody is asked between; without leave the change is left to the loop."""
    server = Server()
    server.change()
    assert server.serve(gives=2) is None
    assert [len(step.updates) for step in server.delivered] == [1, 1, 1]
    assert server.coder.leave is None


def test_a_step_too_soon_after_the_last_one_is_not_made() -> None:
    """The loop knows how long it is too soon."""
    server = Server()
    server.change()
    assert server.serve(not_before=1.5) is None
    assert server.delivered == []


def test_what_takes_more_than_waiting_is_given_back() -> None:
    """A change that does not fit in its room has to go on at once."""
    server = Server()
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (64, 64, 4), np.uint8)
    server.screen.paint(Rect(0, 0, 64, 64), noise)
    server.coder.leave = Leave(Hints(300), 0.0)
    step = server.coder.serve(0.0, server.deliver)
    assert step is not None
    assert not step.is_complete
    assert server.delivered == []


def test_a_small_change_that_stands_alone_is_told_to_be_all() -> None:
    """A blinking cursor needs no second message; what comes soon after another does."""
    server = Server()
    server.now += 1.0
    server.change()
    assert server.coder.step(Hints(100_000)).is_tick
    server.now += 0.1
    server.change()
    assert not server.coder.step(Hints(100_000)).is_tick
    server.now += 1.0
    server.change()
    answers = Hints(100_000, haste=Haste(1_000, is_behind=False, slow=10_000))
    assert not server.coder.step(answers).is_tick
    server.now += 1.0
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (64, 64, 4), np.uint8)
    server.screen.paint(Rect(0, 0, 64, 64), noise)
    assert not server.coder.step(Hints(100_000)).is_tick


def test_a_screen_at_rest_is_told_without_a_look_at_it() -> None:
    """When nothing was left to be done and the wait was long enough."""
    server = Server()
    server.screen.pixels[:] = 9  # without a word of damage
    rest = server.serve()
    assert rest is not None
    assert rest.updates == ()
    assert rest.is_complete
    assert server.serve() is rest


def test_who_ends_a_wait_early_is_looked_at() -> None:
    """Another size or view comes without a change of pixels: it is not overlooked."""
    server = Server()
    rest = server.serve()
    server.coder.leave = Leave(Hints(100_000), 0.0)
    server.coder.wake()
    assert server.coder.serve(5.0, server.deliver) is None
    assert len(server.delivered) == 1
    assert server.delivered[0] is not rest


async def test_a_worker_with_leave_does_not_wait_for_the_loop(bench: Bench) -> None:
    """Change after change is sent, each with what the line has room for then."""
    for _ in range(5):
        sent = len(bench.session.updates)
        await until(lambda: bench.sender._coder.leave is not None)
        bench.paint(LETTER)
        await until(lambda sent=sent: len(bench.session.updates) > sent)
    bench.session.room = 0
    bench.paint(LETTER)
    await until(lambda: bench.sender._coder.leave is None)


async def test_leave_ends_with_what_the_technician_does(bench: Bench) -> None:
    """Input, another view or a key frame are told to the worker before it goes on."""
    for change in (
        lambda: bench.sender.look_at(Viewport(0, 0, 320, 200, 320, 200)),
        bench.sender.request_key_frame,
        lambda: bench.sender.note_input(KEY),
    ):
        await until(lambda: bench.sender._coder.leave is not None)
        change()
        assert bench.sender._coder.leave is None
