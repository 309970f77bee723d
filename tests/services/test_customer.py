"""Callers who come and go while the customer's side makes up its mind."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.desktop.base import HOTKEY_END, HOTKEY_REVOKE
from p2p_remote.errors import UsageError
from p2p_remote.services import customer as customer_module
from p2p_remote.services import events as se
from p2p_remote.services.customer import CustomerService
from p2p_remote.services.notices import SERVER_SILENT
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.session import events as ev
from p2p_remote.session import node_events as nd
from p2p_remote.session.permissions import Grants
from p2p_remote.store.known_peers import KnownPeers
from p2p_remote.wire import control
from p2p_remote.wire.address import Endpoint

IDENTITY = Identity(bytes(32), bytes(32), 0, 482_913_070)
PATH = Endpoint("192.0.2.1", 5000)


class FakeNode:
    """Notes who was released."""

    def __init__(self) -> None:
        self.released: list[int] = []
        self.busy: list[int] = []

    def release(self, handle: int, now: float, *, known: bool = False) -> None:
        """Note it."""
        del now, known
        self.released.append(handle)

    def refuse_busy(self, handle: int, now: float) -> None:
        """Note it."""
        del now
        self.busy.append(handle)


class FakeRunning:
    """A node whose slow computation the test lets go on."""

    def __init__(self, options: NodeOptions) -> None:
        self.identity = options.identity
        self.node = FakeNode()
        self.computed = asyncio.Event()
        self.on_event: Any = None
        self.proxy_trouble = ""

    def clock(self) -> float:
        """Stand still."""
        return 0.0

    def poke(self) -> None:
        """Nothing to send."""

    async def start(self, on_event: Any) -> None:
        """Remember where events go."""
        self.on_event = on_event

    async def derive(self, public: bytes, counter: int) -> int:
        """Wait until the test lets it go on."""
        del public, counter
        await self.computed.wait()
        return 771_204_556


class FakeDesk:
    """A desk without anything on it."""

    def start_hotkey(self, on_event: Any) -> None:
        """No keys here."""


class Bench:
    """A customer's service on fakes."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[se.ServiceEvent] = []
        self.service = CustomerService(
            NodeOptions(IDENTITY),
            KnownPeers(folder),
            lambda _: None,
            self.seen.append,
            folder,
        )
        self.running: Any = self.service._running

    def arrive(self, handle: int) -> None:
        """Let somebody call."""
        self.running.on_event(
            nd.CallerArrived(handle, b"k" * 32, 0, "Anna", False, PATH)
        )

    def requests(self) -> list[se.Request]:
        """Questions shown so far."""
        return [event for event in self.seen if isinstance(event, se.Request)]


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Start a service on fakes."""
    monkeypatch.setattr(customer_module, "RunningNode", FakeRunning)
    made = Bench(tmp_path)
    await made.service.start(FakeDesk())  # type: ignore[arg-type]
    return made


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_call_rings_while_the_id_is_computed(bench: Bench) -> None:
    """The caller is released at once; the question comes with the ID."""
    bench.arrive(1)
    await settle()
    assert bench.running.node.released == [1]
    assert bench.requests() == []
    bench.running.computed.set()
    await settle()
    assert [r.peer_id for r in bench.requests()] == [771_204_556]


async def test_nothing_can_be_answered_before_the_question(bench: Bench) -> None:
    """A yes that comes before the question is shown is refused."""
    bench.arrive(1)
    await settle()
    for request in (None, 1):
        with pytest.raises(UsageError, match="waits"):
            bench.service.approve(["view"], request=request)


async def test_who_got_digits_is_shown_even_when_gone(bench: Bench) -> None:
    """A session that ends while the ID is computed is asked about, then over."""
    bench.arrive(1)
    await settle()
    session: Any = ApprovedSession()
    bench.service._session = session
    reason = control.REASONS[control.REASON_ENDED]
    ended = ev.SessionEnded(reason, "The call was cancelled.", by_peer=True)
    bench.seen.clear()
    bench.running.on_event(nd.SessionHappened(session, ended))
    assert bench.seen == []
    bench.running.computed.set()
    await settle()
    assert [type(event) for event in bench.seen] == [se.Request, se.Ended]
    bench.arrive(2)
    await settle()
    assert len(bench.requests()) == 2


async def test_a_caller_without_a_session_is_never_shown(bench: Bench) -> None:
    """Nothing is asked for somebody who has gone, and the next caller is."""
    bench.arrive(1)
    await settle()
    bench.running.on_event(nd.CallerGone(1))
    bench.running.computed.set()
    await settle()
    assert bench.requests() == []
    bench.arrive(2)
    await settle()
    assert len(bench.requests()) == 1


async def test_a_caller_whose_id_cannot_be_computed_blocks_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the memory for it the session ends, and the next caller is shown."""

    async def fail(_public: bytes, _counter: int) -> int:
        raise RuntimeError

    session: Any = ApprovedSession()
    with monkeypatch.context() as patch:
        patch.setattr(bench.running, "derive", fail)
        bench.running.poke = lambda: setattr(bench.service, "_session", session)
        bench.arrive(1)
        await settle()
    assert session.ended == [control.REASON_CAPABILITY]
    reason = control.REASONS[control.REASON_CAPABILITY]
    bench.running.on_event(
        nd.SessionHappened(session, ev.SessionEnded(reason, "", by_peer=False))
    )
    bench.running.poke = lambda: None
    bench.running.computed.set()
    bench.arrive(2)
    await settle()
    assert [request.number for request in bench.requests()] == [2]


async def arrive_to_fail(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> asyncio.Event:
    """Caller 1, whose ID cannot be computed: that shows when the event is set."""
    failing = asyncio.Event()

    async def fail(_public: bytes, _counter: int) -> int:
        await failing.wait()
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(bench.running, "derive", fail)
        bench.arrive(1)
        await settle()
    return failing


async def test_a_failure_for_who_has_gone_does_not_touch_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next caller's question has to be shown before it can be answered."""
    failing = await arrive_to_fail(bench, monkeypatch)
    bench.running.on_event(nd.CallerGone(1))
    bench.arrive(2)
    session: Any = ApprovedSession()
    bench.service._session = session
    failing.set()
    await settle()
    assert session.ended == []
    with pytest.raises(UsageError, match="waits"):
        bench.service.approve(["view"], request=2)
    bench.running.computed.set()
    await settle()
    assert [request.number for request in bench.requests()] == [2]


async def test_a_failure_for_a_session_that_is_over_frees_the_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end that came while the ID was computed is told, and the next is shown."""
    failing = await arrive_to_fail(bench, monkeypatch)
    session: Any = ApprovedSession()
    bench.service._session = session
    reason = control.REASONS[control.REASON_ENDED]
    ended = ev.SessionEnded(reason, "The call was cancelled.", by_peer=True)
    bench.running.on_event(nd.SessionHappened(session, ended))
    failing.set()
    await settle()
    bench.running.computed.set()
    bench.arrive(2)
    await settle()
    assert [request.number for request in bench.requests()] == [2]


async def test_a_question_whose_caller_has_gone_is_taken_away(bench: Bench) -> None:
    """The question ends when its caller goes, and the next caller is shown."""
    bench.running.computed.set()
    bench.arrive(1)
    await settle()
    bench.running.on_event(nd.CallerGone(1))
    assert isinstance(bench.seen[-1], se.Ended)
    bench.arrive(2)
    await settle()
    assert len(bench.requests()) == 2


async def test_a_second_caller_does_not_replace_the_first(bench: Bench) -> None:
    """While one question is open no other one is shown, and none gets digits."""
    bench.running.computed.set()
    bench.arrive(1)
    await settle()
    bench.arrive(2)
    await settle()
    assert len(bench.requests()) == 1
    assert bench.running.node.released == [1]
    assert bench.running.node.busy == [2]


async def test_an_answer_for_another_caller_is_refused(bench: Bench) -> None:
    """A yes or no that names an earlier request never counts for a later one."""
    bench.running.computed.set()
    bench.arrive(1)
    await settle()
    bench.running.on_event(nd.CallerGone(1))
    bench.arrive(2)
    await settle()
    assert bench.requests()[-1].number == 2
    with pytest.raises(UsageError, match="over"):
        bench.service.approve(["view"], request=1)
    with pytest.raises(UsageError, match="over"):
        bench.service.deny(request=1)


class FakeSharing:
    """Notes what it is told to announce."""

    def __init__(self, *_arguments: Any) -> None:
        self.announced: list[str] = []

    def announce(self, what: str) -> None:
        """Note it."""
        self.announced.append(what)


class ApprovedSession:
    """A session in the instant after the yes."""

    path_kind, path_why = "relay", ""
    started_at = None

    def __init__(self) -> None:
        self.ended: list[int] = []
        self.grants = Grants()
        self.grants.grant("view", 100.0)
        self.grants.grant("control", 100.0)

    def end(self, reason: int, text: str, now: float) -> None:
        """Note the reason."""
        del text, now
        self.ended.append(reason)


@pytest.mark.parametrize(("key", "left"), [(HOTKEY_REVOKE, ["view"]), (HOTKEY_END, [])])
async def test_a_stop_key_between_the_yes_and_the_start_holds(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, key: str, left: list[str]
) -> None:
    """The grant is gone at once, and what runs the session tells the other side."""
    monkeypatch.setattr(customer_module, "Sharing", FakeSharing)
    bench.running.computed.set()
    bench.arrive(1)
    await settle()
    session: Any = ApprovedSession()
    bench.service._session = session
    await asyncio.to_thread(bench.service._on_hotkey, key)
    assert [grant.permission for grant in session.grants.current()] == left
    bench.service._on_session_event(
        ev.SessionApproved(("view", "control"), True, 3600, 640, 480)
    )
    await settle()
    sharing: Any = bench.service._sharing
    assert sharing.announced == [key]


@pytest.mark.parametrize("lan", [True, False])
async def test_a_silent_server_leaves_the_local_network(
    bench: Bench, lan: bool
) -> None:
    """Who can be called there is told the ID, also if no server ever answered."""
    bench.service._options = replace(bench.service._options, server="x", lan=lan)
    bench.seen.clear()
    bench.running.on_event(nd.NodeUnregistered(""))
    told = [se.Trouble(SERVER_SILENT)]
    ready = [se.Ready(IDENTITY.peer_id, rendezvous=False, lan=True)] if lan else []
    assert bench.seen == ready + told
