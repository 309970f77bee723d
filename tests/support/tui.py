"""Stand-ins for the floors below the terminal application."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from textual.pilot import Pilot

from p2p_remote.crypto.identity import Identity
from p2p_remote.screen.geometry import Rect
from p2p_remote.services import events as se
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.tui.actions import PREFIX
from p2p_remote.tui.app import RemoteApp, Start
from p2p_remote.tui.links import LanLink, Links, ShareLink, TechnicianLink
from p2p_remote.tui.screens.prompt import PromptScreen
from p2p_remote.wire.control import Viewport
from p2p_remote.wire.input import InputMessage

OWN_ID = 482913070
OTHER_ID = 771204556
IDENTITY = Identity(bytes(32), bytes(32), 0, OWN_ID)
ENDED_AT = dt.datetime(2026, 11, 22, 12, 30, tzinfo=dt.UTC)


class FakeTechnician:
    """A link that notes what it is told; events are sent by the test."""

    def __init__(
        self, options: NodeOptions, notify: Callable[[se.ServiceEvent], None]
    ) -> None:
        self.options = options
        self.notify = notify
        self.called: list[tuple[int, str]] = []
        self.sent: list[InputMessage] = []
        self.requested: list[str] = []
        self.files: list[tuple[str, ...]] = []
        self.viewports: list[Viewport] = []
        self.prepared = 0
        self.ended = False
        self.closed = False
        self.framebuffer = np.zeros((96, 128, 4), np.uint8)
        self.damage: list[Rect] = []

    def start(self) -> None:
        pass

    def prepare(self) -> None:
        self.prepared += 1

    def call(self, target: int, *, password: str = "") -> None:
        self.called.append((target, password))
        self.notify(se.Calling(target))

    def send_input(self, messages: Sequence[InputMessage]) -> None:
        self.sent.extend(messages)

    def request(self, permission: str) -> None:
        self.requested.append(permission)

    def send_viewport(self, viewport: Viewport) -> None:
        self.viewports.append(viewport)

    def send_file(self, path: Path) -> None:
        self.files.append(("send", str(path)))

    def get_file(self, path: str, to: Path) -> None:
        self.files.append(("get", path, str(to)))

    def stop_files(self) -> None:
        self.files.append(("stop",))

    def end(self) -> None:
        self.ended = True
        self.notify(se.Ended("ended", "", 65.0, by_peer=False, exit_code=0))

    def close(self) -> None:
        self.closed = True

    def take_damage(self) -> list[Rect]:
        damage, self.damage = self.damage, []
        return damage

    def show(self, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        """Let a picture (height, width, 4) BGRX arrive."""
        self.framebuffer = picture
        height, width = picture.shape[:2]
        self.damage = [Rect(0, 0, width, height)]
        self.notify(se.Frame(1, width, height, tuple(self.damage)))


class FakeShare:
    """A customer's half that notes the answers; events are sent by the test."""

    def __init__(
        self, arguments: Sequence[str], on_event: Callable[[dict[str, Any]], None]
    ) -> None:
        self.arguments = tuple(arguments)
        self.on_event = on_event
        self.answers: list[dict[str, Any]] = []
        self.signs: list[dict[str, Any]] = []  # that somebody is about to answer
        self.closed = False

    async def start(self) -> None:
        pass

    def send(self, do: str, **fields: Any) -> None:
        told = self.signs if do == "typing" else self.answers
        told.append({"do": do, **fields})

    async def close(self) -> None:
        self.closed = True

    def event(self, name: str, /, **fields: Any) -> None:
        """Let an event of `share --json` arrive."""
        self.on_event({"event": name, **fields})


class FakeLan:
    """A local network whose machines are told by the test."""

    problem = ""

    def __init__(self, on_change: Callable[[list[int]], None], own_id: int) -> None:
        self.on_change = on_change
        self.own_id = own_id
        self.closed = False

    async def start(self) -> str:
        return self.problem

    async def close(self) -> None:
        self.closed = True


@dataclass
class Stage:
    """An App and everything that stands in for what is below it."""

    start: Start = field(
        default_factory=lambda: Start(
            NodeOptions(IDENTITY, server="rendezvous.example", name="Me"),
            share_arguments=(),
        )
    )
    now: float = 1000.0
    technicians: list[FakeTechnician] = field(default_factory=list)
    share: FakeShare = field(init=False)
    lan: FakeLan = field(init=False)
    app: RemoteApp = field(init=False)

    def __post_init__(self) -> None:
        self.app = RemoteApp(
            self.start,
            links=Links(
                self._technician,
                self._share,
                self._lan,
                lambda: self.now,
                lambda: ENDED_AT,
            ),
        )

    @property
    def technician(self) -> FakeTechnician:
        """The link of the newest call."""
        return self.technicians[-1]

    def _technician(
        self, options: NodeOptions, notify: Callable[[se.ServiceEvent], None]
    ) -> TechnicianLink:
        self.technicians.append(FakeTechnician(options, notify))
        return self.technician

    def _share(
        self, arguments: Sequence[str], on_event: Callable[[dict[str, Any]], None]
    ) -> ShareLink:
        self.share = FakeShare(arguments, on_event)
        return self.share

    def _lan(self, on_change: Callable[[list[int]], None], own_id: int) -> LanLink:
        self.lan = FakeLan(on_change, own_id)
        return self.lan


def calling_start(**fields: Any) -> Start:
    """`p2p-remote connect OTHER_ID`."""
    options = NodeOptions(IDENTITY, server="rendezvous.example", name="Me")
    return Start(options, target=OTHER_ID, **fields)


REQUEST: dict[str, Any] = {
    "name": "Anna Berg",
    "id": str(OTHER_ID),
    "verified": False,
    "mode": "support",
    "path": "relay",
    "digits_expected": True,
    "seconds": 60,
    "request": 7,
}
STARTED: dict[str, Any] = {
    "peer": {"id": str(OTHER_ID), "name": "Anna Berg"},
    "grants": ["view", "control"],
    "verified": True,
    "seconds": 3600,
    "screen": {"width": 1280, "height": 800},
    "path": {"kind": "direct", "rtt_ms": 12.0, "why": ""},
}


def started(*grants: str, verified: bool = True) -> se.Started:
    """The session has begun with these grants."""
    return se.Started(
        "Kanzlei PC2",
        OTHER_ID,
        ("view", *grants),
        "direct",
        "both sides are reachable",
        128,
        96,
        verified,
        3600,
    )


def text_of(app: RemoteApp) -> str:
    """Everything that the screen on top shows, as lines of text."""
    compositor = app.screen._compositor
    return "\n".join(strip.text for strip in compositor.render_strips())


async def settle(pilot: Pilot[Any]) -> None:
    """Let timers of a few milliseconds and the messages behind them pass."""
    await pilot.pause(0.02)


async def rest(pilot: Pilot[Any]) -> None:
    """Keep the hands still until a prompt takes a yes."""
    await pilot.pause(PromptScreen.GUARD_SECONDS + 0.1)


async def begin(stage: Stage, pilot: Pilot[Any], *grants: str) -> None:
    """Let the session begin and a first picture arrive."""
    await settle(pilot)
    stage.technician.notify(started(*grants))
    await settle(pilot)
    stage.technician.show(np.full((96, 128, 4), 120, np.uint8))
    await settle(pilot)


async def command(pilot: Pilot[Any], *keys: str) -> None:
    """Press the prefix key and a key of a command."""
    await pilot.press(PREFIX, *keys)
    await settle(pilot)
