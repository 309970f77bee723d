"""`share` as it listens and leaves."""

import argparse
import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from p2p_remote.cli import share
from p2p_remote.screen.geometry import Rect
from p2p_remote.services import events as se
from p2p_remote.services.desk import Monitor

CALLER = se.Request("Anna", 482_913_070, "", "relay", True, 60, 7)
STARTED = se.Started("Anna", 1, ("view",), "lan", "", 1, 1, False, 60)
ENDED = se.Ended("ended", "", 0.0, True, 4)


class Service:
    """Stands in for the customer's service."""

    def __init__(self, *_arguments: Any) -> None:
        self.denied: list[int | None] = []

    async def start(self, _desk: Any) -> None:
        """Be reachable at once."""

    async def close(self) -> None:
        """Nothing to leave."""

    def deny(self, request: int | None = None) -> None:
        self.denied.append(request)

    def end(self) -> None:
        raise ZeroDivisionError


class Anything:
    """A desk or context that has what is asked for."""

    reasons = ()
    has_hotkey = True
    shared = se.Shared("everything", (), 640, 480)

    def __init__(self) -> None:
        self.listeners: list[Any] = []

    def windows(self) -> list[Any]:
        """Return none."""
        return []

    def monitors(self) -> list[Monitor]:
        """Return two monitors side by side."""
        return [
            Monitor("DP-1", Rect(0, 0, 640, 480), is_primary=True),
            Monitor("HDMI-2", Rect(640, 0, 800, 600), is_primary=False),
        ]

    def __getattr__(self, _name: str) -> Any:
        return lambda *_arguments, **_named: None


def make(monkeypatch: pytest.MonkeyPatch, lines: str, **options: bool) -> Any:
    """Return a share that reads `lines`."""
    monkeypatch.setattr(share, "CustomerService", Service)
    monkeypatch.setattr(share, "KnownPeers", lambda _folder: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    given: dict[str, Any] = {
        "json": True,
        "once": False,
        "attached": True,
    }
    given |= options
    anything: Any = Anything()
    return share._Share(argparse.Namespace(**given), anything, anything, Path("/x"))


async def test_a_line_that_fails_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line has its answer, also when carrying it out breaks something."""
    lines = ['{"do": "end"}', '{"do": "deny", "request": "7"}', "[" * 100_000]
    lines += ['{"do": "deny", "request": 7}', '{"do": "deny"}']
    running = make(monkeypatch, "\n".join(lines))
    assert await asyncio.wait_for(running.run(""), 10.0) == 0
    shown = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert shown[:2] == ["screens", "shared"]
    assert shown[2:] == ["failed", "failed", "failed", "done", "done"]
    assert running._service.denied == [7, None]


async def test_an_attached_share_leaves_when_its_reader_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever ends the reader, access does not outlive it."""
    running = make(monkeypatch, '{"do": "deny"}\n')

    def broken(_line: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(running, "_command", broken)
    assert await asyncio.wait_for(running.run(""), 10.0) == 0


async def test_once_waits_for_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who rings and hangs up is not the session that was meant."""
    running = make(monkeypatch, "", once=True, attached=False)
    waiting = asyncio.create_task(running.run(""))
    await asyncio.sleep(0)
    running._on_event(CALLER)
    running._on_event(ENDED)
    assert not running._over.done()
    for event in (CALLER, STARTED, ENDED):
        running._on_event(event)
    assert await asyncio.wait_for(waiting, 10.0) == 4


@pytest.mark.parametrize("json_lines", [True, False])
async def test_share_leaves_when_nobody_reads(
    monkeypatch: pytest.MonkeyPatch,
    json_lines: bool,
) -> None:
    """When stdout is gone, sharing is over."""
    running = make(monkeypatch, "", json=json_lines, attached=False)
    left: list[bool] = []

    def gone(*_arguments: Any, **_named: Any) -> None:
        raise BrokenPipeError

    waiting = asyncio.create_task(running.run(""))
    await asyncio.sleep(0)
    monkeypatch.setattr("builtins.print", gone)
    monkeypatch.setattr(share, "leave_stdout", lambda: left.append(True))
    running._on_event(CALLER)
    assert await asyncio.wait_for(waiting, 10.0) == 0
    assert left


async def test_a_signal_ends_share_while_it_still_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name server that does not answer keeps nobody from leaving in good order."""
    running = make(monkeypatch, "", attached=False)
    done: list[str] = []
    begun = asyncio.Event()

    async def start(_self: Service, _desk: Any) -> None:
        done.append("start")
        begun.set()
        await asyncio.Event().wait()

    async def close(_self: Service) -> None:
        done.append("close")

    monkeypatch.setattr(Service, "start", start)
    monkeypatch.setattr(Service, "close", close)
    waiting = asyncio.create_task(running.run(""))
    await asyncio.wait_for(begun.wait(), 10.0)
    running._stop(0)
    assert await asyncio.wait_for(waiting, 10.0) == 0
    assert done == ["start", "close"]
