"""Choosing what is shared, in plain lines and as JSON."""

from typing import Any

import pytest

from p2p_remote.cli.share_scope import (
    PlainScope,
    find_monitor,
    screens,
    share_as_told,
)
from p2p_remote.errors import UsageError
from p2p_remote.screen.geometry import Rect
from p2p_remote.services.desk import EVERYTHING, Monitor, Selection

MONITORS = [
    Monitor("HDMI-2", Rect(640, 0, 800, 600), is_primary=True),
    Monitor("DP-1", Rect(0, 0, 640, 480), is_primary=False),
]


class FakeDesk:
    """Two monitors, and what was chosen."""

    def __init__(self, monitors: list[Monitor]) -> None:
        self._monitors = monitors
        self.chosen: list[Selection] = []

    def monitors(self) -> list[Monitor]:
        """Return them, the primary one first."""
        return self._monitors

    def share(self, selection: Selection) -> None:
        """Note it."""
        self.chosen.append(selection)


@pytest.fixture
def desk() -> Any:
    """Return a desk with two monitors."""
    return FakeDesk(MONITORS)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("dp-1", "DP-1"), ("2", "DP-1"), ("1", "HDMI-2"), ("primary", "HDMI-2")],
)
def test_a_monitor_by_name_or_place(wanted: str, name: str) -> None:
    """As the list shows them."""
    assert find_monitor(MONITORS, wanted) == Selection(monitor=name)


@pytest.mark.parametrize("wanted", ["0", "3", "VGA-1", "", "\N{SUPERSCRIPT TWO}"])
def test_an_unknown_monitor_is_never_another_one(wanted: str) -> None:
    """The names that there are help to find the right one."""
    with pytest.raises(UsageError, match="HDMI-2, DP-1"):
        find_monitor(MONITORS, wanted)


def test_monitors_as_json(desk: Any) -> None:
    """Name, place, size, and which is the primary one."""
    assert screens(desk)["monitors"][0] == {
        "name": "HDMI-2",
        "primary": True,
        "x": 640,
        "y": 0,
        "width": 800,
        "height": 600,
    }


def test_json_chooses(desk: Any) -> None:
    """A command that names nothing changes nothing."""
    share_as_told(desk, {"monitor": "DP-1"})
    share_as_told(desk, {"everything": True})
    assert desk.chosen == [Selection(monitor="DP-1"), EVERYTHING]
    for command in ({}, {"everything": False}, {"monitor": 1}, {"monitor": "X"}):
        with pytest.raises(UsageError):
            share_as_told(desk, command)
    assert len(desk.chosen) == 2


def test_plain_lines_choose(desk: Any) -> None:
    """Other lines are for somebody else."""
    lines: list[str] = []
    scope = PlainScope(desk, lines.append)
    assert not scope.answer("no")
    assert not scope.answer("")
    assert scope.answer("screens")
    assert lines == [
        "1. Monitor HDMI-2, 800 x 600 pixels, the main one",
        "2. Monitor DP-1, 640 x 480 pixels",
    ]
    for line in ("share 2", "Share ALL", "share"):
        assert scope.answer(line)
    assert desk.chosen == [Selection(monitor="DP-1"), EVERYTHING]
    assert scope.answer("share 9")
    assert "no monitor '9'" in lines[-1]


def test_no_single_monitors() -> None:
    """A practice desktop has none."""
    desk: Any = FakeDesk([])
    lines: list[str] = []
    PlainScope(desk, lines.append).answer("screens")
    assert "shared together" in lines[0]
    with pytest.raises(UsageError, match="none"):
        find_monitor([], "primary")
