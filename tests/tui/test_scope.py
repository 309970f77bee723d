"""Choosing what others may see."""

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from p2p_remote.tui.screens.approve import ApproveScreen
from p2p_remote.tui.screens.scope import ScopeScreen
from tests.support.tui import OWN_ID, REQUEST, STARTED, Stage, rest, settle, text_of

SCREENS: dict[str, Any] = {
    "monitors": [
        {"name": "DP-1", "primary": True, "x": 0, "y": 0, "width": 640, "height": 480}
    ],
    "windows": [
        {"id": 77, "title": "Letter", "x": 0, "y": 0, "width": 9, "height": 9},
        {"id": 78, "title": "Bank [b]", "x": 0, "y": 0, "width": 9, "height": 9},
    ],
}
EVERYTHING = {"what": "everything", "names": [], "width": 9, "height": 9, "why": ""}


async def begin(stage: Stage, pilot: Pilot[Any], event: str, **fields: Any) -> None:
    """Let a request or a session arrive."""
    stage.share.event("screens", **SCREENS)
    stage.share.event("shared", **EVERYTHING)
    stage.share.event("ready", id=str(OWN_ID), rendezvous=True, lan=True)
    stage.share.event(event, **fields)
    await rest(pilot)


async def open_scope(pilot: Pilot[Any]) -> ScopeScreen:
    """Press the key, and wait until a choice is taken."""
    await pilot.press("f7")
    await rest(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ScopeScreen)
    return screen


@pytest.mark.parametrize("size", [(80, 24), (50, 16)])
async def test_before_the_answer_one_monitor_is_chosen(size: tuple[int, int]) -> None:
    """The question says what they would see, and stays open meanwhile."""
    stage = Stage()
    async with stage.app.run_test(size=size) as pilot:
        await begin(stage, pilot, "request", **REQUEST)
        assert "(F7)" in text_of(stage.app)
        await open_scope(pilot)
        assert "Monitor DP-1, 640 x 480, the main one" in text_of(stage.app)
        await pilot.press("down", "enter")
        await settle(pilot)
        assert stage.share.answers == [
            {"do": "screens"},
            {"do": "share", "monitor": "DP-1"},
        ]
        assert isinstance(stage.app.screen, ApproveScreen)
        stage.share.event(
            "shared", **{**EVERYTHING, "what": "monitor", "names": ["DP-1"]}
        )
        await settle(pilot)
        if size[1] > 22:
            assert "the monitor “DP-1” only" in " ".join(text_of(stage.app).split())


async def test_windows_are_marked_and_then_shared() -> None:
    """Others' titles are text and nothing else; a second Enter takes a mark away."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "started", **{**STARTED, "grants": ["view"]})
        screen = await open_scope(pilot)
        assert "○ Window: Bank [b]" in text_of(stage.app)
        assert screen.query_one("#marked", Button).disabled
        await pilot.press("down", "down", "enter", "down", "enter", "up", "enter")
        await settle(pilot)
        assert "● Window: Bank [b]" in text_of(stage.app)
        await pilot.click("#marked")
        await settle(pilot)
        assert stage.share.answers[1:] == [{"do": "share", "windows": [78]}]
        assert not isinstance(stage.app.screen, ScopeScreen)
        stage.share.event(
            "shared", **{**EVERYTHING, "what": "windows", "names": ["Bank [b]"]}
        )
        await settle(pilot)
        assert "the window “Bank [b]” only" in text_of(stage.app)


async def test_a_window_that_is_gone_is_not_marked_any_more() -> None:
    """The list follows what there is."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "started", **{**STARTED, "grants": ["view"]})
        screen = await open_scope(pilot)
        await pilot.press("down", "down", "enter")
        await settle(pilot)
        assert not screen.query_one("#marked", Button).disabled
        stage.share.event("screens", monitors=[], windows=[])
        await settle(pilot)
        assert screen.query_one("#marked", Button).disabled
        assert "Letter" not in text_of(stage.app)
        await pilot.press("escape")
        await settle(pilot)
        assert stage.share.answers == [{"do": "screens"}]


async def test_a_stray_enter_shares_nothing() -> None:
    """Keys that were meant for what was here before do not choose."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await begin(stage, pilot, "started", **{**STARTED, "grants": ["view"]})
        await pilot.press("f7", "enter")
        await settle(pilot)
        assert stage.share.answers == [{"do": "screens"}]


async def test_who_has_control_cannot_choose() -> None:
    """The technician's keys could reach this terminal."""
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await begin(
            stage, pilot, "started", **{**STARTED, "grants": ["view", "control"]}
        )
        await pilot.press("f7")
        await settle(pilot)
        assert not isinstance(stage.app.screen, ScopeScreen)
        assert not stage.share.answers
