"""Decisions of the customer while a session runs, and keys pressed in between."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from p2p_remote.desktop.base import HOTKEY_END, HOTKEY_REVOKE
from p2p_remote.errors import PermissionNotGrantedError, RefusedError
from p2p_remote.services import answer_time as answer_time_module
from p2p_remote.services import events as se
from p2p_remote.services import sharing as sharing_module
from p2p_remote.services.sharing import ASK_AGAIN_AFTER, LOCAL_INPUT_PAUSE, Sharing
from p2p_remote.session import events as ev
from p2p_remote.session.permissions import FREEZE_MARGIN, Grants
from p2p_remote.session.roles import State
from p2p_remote.wire import control


class FakeSession:
    """A session with real grants that notes what it is told to say."""

    state = State.ACTIVE
    verified = True

    def __init__(self) -> None:
        self.grants = Grants()
        self.said: list[Any] = []
        self.shared: list[Any] = []

    def grant(self, permission: str, now: float) -> None:
        """Give it for an hour."""
        self.grants.grant(permission, now + 3600.0)
        self.said.append(("granted", permission))

    def decline(self, permission: str, now: float) -> None:
        """Note it."""
        del now
        self.said.append(("declined", permission))

    def announce_revoked(
        self, permissions: tuple[str, ...], number: int, now: float
    ) -> None:
        """Note it."""
        del number, now
        self.said.append(("revoked", *permissions))

    def tell_shared(
        self, what: str, names: tuple[str, ...], size: tuple[int, int], now: float
    ) -> None:
        """Note it."""
        del now
        self.shared.append((what, names, size))

    def pause_control(self, *, paused: bool, now: float) -> None:
        """Note it."""
        del now
        self.said.append(("paused", paused))

    def end(self, reason: int, text: str, now: float) -> None:
        """Note it."""
        del text, now
        self.said.append(("end", reason))


class FakeRunning:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def poke(self) -> None:
        """Nothing to send."""


class FakeDesk:
    """A desk without input."""

    sink = None
    is_hotkey_lost = False
    shared = se.Shared("monitor", ("DP-1",), 640, 480)

    def __init__(self) -> None:
        self.listeners: list[Any] = []

    def open_source(self) -> None:
        """There is no screen."""

    def reopen_source(self) -> None:
        """There is no screen."""


class FakeSender:
    """Sends nothing until it is stopped."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        pass

    async def run(self) -> None:
        """Wait to be cancelled."""
        await asyncio.Event().wait()


class FakeTransfers(FakeSender):
    """Has no files to send and takes none."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        self.declined: list[str] = []

    def decline(self, _permission: str, why: str) -> None:
        """Note it."""
        self.declined.append(why)

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

    async def close(self) -> None:
        """There is nothing to end."""


class Bench:
    """One session that is being shared."""

    def __init__(self) -> None:
        self.session = FakeSession()
        self.running = FakeRunning()
        self.desk = FakeDesk()
        self.seen: list[se.ServiceEvent] = []
        fakes: Any = (self.session, self.desk, self.running)
        self.sharing = Sharing(*fakes, self.seen.append, Path())

    def injects(self, now: float) -> bool:
        """Whether input of the technician would reach the system at `now`."""
        try:
            self.session.grants.check("control", None, now)
        except PermissionNotGrantedError:
            return False
        return True

    @property
    def transfers(self) -> FakeTransfers:
        """The files of the session."""
        return self.sharing._files  # type: ignore[return-value]

    def refusals(self) -> list[tuple[str, int]]:
        """What the customer was told of refusals: why, and how long it holds."""
        told = [each for each in self.seen if isinstance(each, se.GrantChanged)]
        return [(each.why, each.wait) for each in told if not each.granted]

    async def ask(self, permission: str) -> bool:
        """Let the technician ask, and say whether the customer was shown that."""
        before = len(self.seen)
        self.sharing.on_event(ev.PermissionAsked(permission))
        await asyncio.sleep(0.01)
        return any(isinstance(event, se.Asked) for event in self.seen[before:])


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Share nothing with nobody; questions are shown without the margin."""
    assert FREEZE_MARGIN > 0
    monkeypatch.setattr(sharing_module, "FREEZE_MARGIN", 0.0)
    monkeypatch.setattr(sharing_module, "ScreenSender", FakeSender)
    monkeypatch.setattr(sharing_module, "CustomerTransfers", FakeTransfers)
    made = Bench()
    yield made
    await made.sharing.close()


async def test_after_a_no_one_is_not_asked_again_for_a_minute(bench: Bench) -> None:
    """A technician cannot wear the customer out; another permission may be asked."""
    assert await bench.ask("control")
    bench.sharing.decline("control")
    bench.running.now = ASK_AGAIN_AFTER - 1.0
    assert not await bench.ask("control")
    assert await bench.ask("clipboard_in")
    bench.sharing.decline("clipboard_in")
    bench.running.now = ASK_AGAIN_AFTER + 1.0
    assert await bench.ask("control")


async def test_both_are_told_the_true_reason_of_a_refusal(bench: Bench) -> None:
    """Too soon with the seconds left, at each try; the customer hears it once."""
    assert await bench.ask("file_in")
    bench.sharing.decline("file_in")
    bench.running.now = 20.5
    for _ in range(3):
        assert not await bench.ask("file_in")
    assert bench.refusals() == [("no", 60), ("too_soon", 40)]
    assert bench.transfers.declined == ["no", *["too_soon"] * 3]


async def test_a_later_yes_lets_them_ask_again_at_once(bench: Bench) -> None:
    """A no that was meant as a yes does not have to be waited for."""
    assert not bench.sharing.let_ask_again()
    assert await bench.ask("file_in")
    bench.sharing.decline("file_in")
    assert bench.sharing.let_ask_again()
    assert await bench.ask("file_in")


async def test_who_is_not_verified_is_told_what_is_missing(bench: Bench) -> None:
    """Nobody is asked, and the next try gets the same reason and not another."""
    bench.session.verified = False  # type: ignore[misc]
    for _ in range(2):
        assert not await bench.ask("file_in")
    assert bench.refusals() == [("not_verified", 0)]
    assert bench.transfers.declined == ["not_verified"] * 2


async def test_no_answer_is_told_as_such(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is not a no that somebody said."""
    monkeypatch.setattr(answer_time_module, "ANSWER_SECONDS", 0)
    assert await bench.ask("control")
    await asyncio.sleep(0.01)
    assert bench.refusals() == [("unanswered", 60)]


async def test_a_later_question_is_open_longer_while_somebody_is_at_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for the first one; and what has been answered does not come back."""
    monkeypatch.setattr(answer_time_module, "ANSWER_SECONDS", 20)
    bench.sharing.is_there()
    assert await bench.ask("control")
    bench.sharing.is_there()
    assert bench.seen[-1] == se.MoreTime(30, permission="control")
    bench.sharing.decline("control")
    told = len(bench.seen)
    bench.sharing.is_there()
    assert len(bench.seen) == told


async def test_a_technician_in_control_is_told_that_a_question_is_open(
    bench: Bench,
) -> None:
    """What is typed meanwhile is dropped, and must not vanish unsaid."""
    bench.sharing.grant("control")
    assert await bench.ask("clipboard_in")
    assert bench.session.said[-1] == ("paused", True)
    bench.sharing.decline("clipboard_in")
    await asyncio.sleep(0.01)
    assert bench.session.said[-1] == ("paused", False)


async def test_injected_input_cannot_answer_a_question(bench: Bench) -> None:
    """From before it is shown until a moment after the answer nothing is injected."""
    bench.sharing.grant("control")
    assert bench.injects(0.0)
    bench.sharing.on_event(ev.PermissionAsked("clipboard_in"))
    assert bench.seen == []
    assert not bench.injects(0.0)
    await asyncio.sleep(0.01)
    assert isinstance(bench.seen[-1], se.Asked)
    assert not bench.injects(50.0)
    bench.running.now = 50.0
    bench.sharing.decline("clipboard_in")
    assert not bench.injects(50.0 + FREEZE_MARGIN / 2)
    assert bench.injects(50.0 + FREEZE_MARGIN)


async def test_the_customers_own_hand_wins(bench: Bench) -> None:
    """Where the own mouse or keys are used, the technician's wait at once."""
    bench.sharing.grant("control")
    await asyncio.to_thread(bench.sharing.on_hotkey, "local_input")
    assert not bench.injects(LOCAL_INPUT_PAUSE / 2)
    assert bench.injects(LOCAL_INPUT_PAUSE)


async def test_one_question_at_a_time(bench: Bench) -> None:
    """While one is open nothing else is asked."""
    assert await bench.ask("control")
    assert not await bench.ask("clipboard_in")


async def test_no_control_where_the_stop_key_is_dead(bench: Bench) -> None:
    """A yes is refused with the reason, and what was asked counts as declined."""
    assert await bench.ask("control")
    bench.desk.is_hotkey_lost = True
    with pytest.raises(RefusedError, match="F11"):
        bench.sharing.grant("control")
    assert bench.session.said == [("declined", "control")]
    assert not bench.session.grants.allowed("control", 0.0)
    bench.sharing.grant("clipboard_in")
    assert bench.session.grants.allowed("clipboard_in", 0.0)


async def test_the_stop_key_holds_before_anybody_is_told(bench: Bench) -> None:
    """The grant is gone when the key's own thread returns; telling comes after."""
    bench.sharing.grant("control")
    await asyncio.to_thread(bench.sharing.on_hotkey, HOTKEY_REVOKE)
    assert not bench.session.grants.allowed("control", 0.0)
    await asyncio.sleep(0.01)
    assert ("revoked", "control") in bench.session.said


async def test_the_end_key_takes_everything_back(bench: Bench) -> None:
    """Nothing is left granted, and the session ends."""
    for permission in ("view", "control", "clipboard_in"):
        bench.sharing.grant(permission)
    await asyncio.to_thread(bench.sharing.on_hotkey, HOTKEY_END)
    assert bench.session.grants.current() == ()
    await asyncio.sleep(0.01)
    assert bench.session.said[-1] == ("end", control.REASON_ENDED)
