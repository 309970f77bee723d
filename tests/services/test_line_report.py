"""What is told of the line, and how often."""

import asyncio
from typing import Any

import pytest

from p2p_remote.services import events as se
from p2p_remote.services import line_report
from p2p_remote.services.line_report import LineReport
from p2p_remote.session.roles import State
from p2p_remote.transport.statistics import Statistics


class FakeSession:
    """A session over which bytes have come."""

    def __init__(self) -> None:
        self.state = State.ACTIVE
        self.received = 0

    def statistics(self) -> Statistics:
        return Statistics(0.025, *(0,) * 7, self.received, *(0,) * 4, {})


class Report:
    """A report at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.session: Any = FakeSession()
        self.told: list[se.Stats] = []
        self.was_told = asyncio.Event()
        self.made = LineReport(lambda: self.now, lambda: self.session, self.note)

    def note(self, stats: se.Stats) -> None:
        self.told.append(stats)
        self.was_told.set()


async def test_rates_are_those_of_the_time_that_has_passed() -> None:
    """However long it was."""
    report = Report()
    report.session.received = 2_000
    for _ in range(4):
        report.made.note_frame()
    report.now += 2.0
    report.made._tell()
    assert report.told == [se.Stats(25.0, 8.0, 2.0)]
    report.now += 1.0
    report.made._tell()
    assert report.told[1:] == [se.Stats(25.0, 0.0, 0.0)]


async def test_nothing_is_told_without_a_session() -> None:
    """Before and after."""
    report = Report()
    report.session.state = State.ENDED
    report.now += 1.0
    report.made._tell()
    report.session = None
    report.now += 1.0
    report.made._tell()
    assert report.told == []


async def test_a_still_picture_is_reported_on_seldom_and_a_moving_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A picture ends the long pause."""
    monkeypatch.setattr(line_report, "INTERVAL", 0.0)
    monkeypatch.setattr(line_report, "STILL_INTERVAL", 1_000.0)
    report = Report()
    task = asyncio.create_task(report.made.run())
    await asyncio.sleep(0.02)
    assert report.told == []
    report.now += 1.0
    report.made.note_frame()
    async with asyncio.timeout(20):
        await report.was_told.wait()
    assert report.told[0].fps == 1.0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
