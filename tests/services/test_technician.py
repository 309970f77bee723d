"""The technician acts only when the ID of the other side has been checked."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import (
    NetworkError,
    NoSuchPeerError,
    PermissionNotGrantedError,
    RemoteSupportError,
    ServerSilentError,
)
from p2p_remote.services import events as se
from p2p_remote.services import technician as technician_module
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.services.technician import TechnicianService
from p2p_remote.session import events as ev
from p2p_remote.session import node_events as nd
from p2p_remote.session.roles import State
from p2p_remote.session.technician import TechnicianSession
from p2p_remote.wire import input as wire_input

IDENTITY = Identity(bytes(32), bytes(32), 0, 482_913_070)
TARGET = 771_204_556


class FakeRunning:
    """A node whose slow computation the test lets go on."""

    def __init__(self, options: NodeOptions) -> None:
        self.identity = options.identity
        self.computed = asyncio.Event()
        self.found = TARGET
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

    async def call(self, target: int, *, password: str = "") -> int:
        """Call number 1."""
        del target, password
        return 1

    async def derive(self, public: bytes, counter: int) -> int:
        """Wait until the test lets it go on."""
        del public, counter
        await self.computed.wait()
        return self.found


class FakeSession(TechnicianSession):
    """A session without a connection, which notes how it is ended."""

    def __init__(self) -> None:
        self.handshake: Any = SimpleNamespace(
            digits="123456",
            digits_expected=True,
            peer_name="Kunde",
            peer_public=b"k" * 32,
            peer_counter=0,
        )
        self.started_at = None
        self.path_kind = "relay"
        self.path_why = ""
        self.ended: list[int] = []
        self.inputs: list[Any] = []
        self.files: Any = None

    def send_input(self, message: Any, now: float) -> None:
        """Note it."""
        del now
        self.inputs.append(message)

    def end(self, reason: int, text: str, now: float) -> None:
        """Note the reason."""
        del text, now
        self.ended.append(reason)

    def tell_abilities(self, bits: int, now: float) -> None:
        """Nobody listens."""


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a service that has called, its fakes, and what it reported."""
    monkeypatch.setattr(technician_module, "RunningNode", FakeRunning)
    seen: list[se.ServiceEvent] = []
    service = TechnicianService(NodeOptions(IDENTITY), seen.append)
    running: Any = service._running
    running.on_event = service._on_node_event
    await service.call(TARGET)
    return SimpleNamespace(
        service=service, running=running, seen=seen, session=FakeSession()
    )


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def approved(bench: Any) -> None:
    """Let the other side answer and approve at once."""
    bench.running.on_event(nd.SessionOpened(1, bench.session))
    event = ev.SessionApproved(("view", "control"), True, 60, 1, 1)
    bench.running.on_event(nd.SessionHappened(bench.session, event))


async def test_nothing_starts_before_the_id_is_checked(bench: Any) -> None:
    """An approval that comes too early waits for the check."""
    approved(bench)
    await settle()
    assert not any(isinstance(event, se.Started) for event in bench.seen)
    bench.running.computed.set()
    await settle()
    assert any(isinstance(event, se.Started) for event in bench.seen)


async def test_a_machine_that_does_not_own_the_id_never_starts(bench: Any) -> None:
    """Another key than that of the ID ends the call, whatever it has approved."""
    bench.running.found = TARGET + 1
    bench.running.computed.set()
    approved(bench)
    await settle()
    assert not any(isinstance(event, se.Started) for event in bench.seen)
    assert bench.session.ended


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ServerSilentError(), "The proxy says no."),
        (NetworkError("Too many calls."), "Too many calls."),
        (NoSuchPeerError("Nobody."), "Nobody."),
    ],
)
async def test_a_proxy_explains_only_a_silent_server(
    bench: Any, error: RemoteSupportError, told: str
) -> None:
    """What the server or the other side said is told as it is."""
    bench.running.proxy_trouble = "The proxy says no."
    bench.running.on_event(nd.CallFailed(1, error))
    (failed,) = (each for each in bench.seen if isinstance(each, se.Failed))
    assert str(failed.error) == told
    assert failed.error.exit_code == error.exit_code


async def test_an_end_in_the_same_moment_is_told(bench: Any) -> None:
    """A session that ends while the ID is being checked is reported as ended."""
    bench.running.on_event(nd.SessionOpened(1, bench.session))
    event = ev.SessionEnded("busy", "", True)
    bench.running.on_event(nd.SessionHappened(bench.session, event))
    bench.running.computed.set()
    await settle()
    assert isinstance(bench.seen[-1], se.Ended)


async def test_input_is_refused_in_a_long_silence(bench: Any) -> None:
    """What would be typed minutes later is refused, until the other side is back."""
    bench.running.computed.set()
    approved(bench)
    await settle()
    bench.session.state = State.ACTIVE
    message = wire_input.TextInput(0, "x")
    bench.service.send_input([message])
    silent = ev.PeerSilentFor(6.0)
    bench.running.on_event(nd.SessionHappened(bench.session, silent))
    with pytest.raises(PermissionNotGrantedError, match="nothing is sent"):
        bench.service.send_input([message])
    bench.running.on_event(nd.SessionHappened(bench.session, ev.PeerHeardAgain()))
    bench.service.send_input([message])
    assert len(bench.session.inputs) == 2
