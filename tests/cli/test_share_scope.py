"""Choosing what is shared, in plain lines and as JSON."""

from typing import Any

import pytest

from p2p_remote.cli.share_scope import (
    PlainScope,
    find_monitor,
    find_windows,
    screens,
    selection_of,
    share_as_told,
)
from p2p_remote.errors import UsageError
from p2p_remote.screen.geometry import Rect
from p2p_remote.services import events as se
from p2p_remote.services.desk import EVERYTHING, Monitor, Selection, Window

MONITORS = [
    Monitor("HDMI-2", Rect(640, 0, 800, 600), is_primary=True),
    Monitor("DP-1", Rect(0, 0, 640, 480), is_primary=False),
]


WINDOWS = [
    Window(77, "Letter - Writer", Rect(0, 0, 10, 10)),
    Window(78, "Letters", Rect(0, 0, 10, 10)),
    Window(79, "Bank", Rect(0, 0, 10, 10)),
]


class FakeDesk:
    """Two monitors, three windows, and what was chosen."""

    def __init__(self, monitors: list[Monitor], windows: list[Window]) -> None:
        self._monitors, self._windows = monitors, windows
        self.chosen: list[Selection] = []

    def monitors(self) -> list[Monitor]:
        """Return them, the primary one first."""
        return self._monitors

    def windows(self) -> list[Window]:
        """Return them, the topmost first."""
        return self._windows

    def share(self, selection: Selection) -> None:
        """Note it."""
        self.chosen.append(selection)


@pytest.fixture
def desk() -> Any:
    """Return a desk with monitors and windows."""
    return FakeDesk(MONITORS, WINDOWS)


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


@pytest.mark.parametrize("wanted", ["letter", "", "Paint", "7"])
def test_a_window_has_to_be_the_only_one_meant(wanted: str) -> None:
    """A part of a title may be that of two; nothing is shared by mistake."""
    with pytest.raises(UsageError, match="77 'Letter - Writer'"):
        find_windows(WINDOWS, [wanted])


def test_the_whole_title_goes_before_a_part() -> None:
    """Else a window whose title is part of another's could not be named."""
    windows = [*WINDOWS, Window(80, "Bank account", Rect(0, 0, 1, 1))]
    assert find_windows(windows, ["Bank"]) == Selection(windows=frozenset({79}))


def test_a_monitor_and_windows_exclude_each_other() -> None:
    """Without either everything is shared."""
    assert selection_of("synthetic", None, []) == EVERYTHING
    with pytest.raises(UsageError, match="not both"):
        selection_of("synthetic", "1", ["Bank"])
    with pytest.raises(UsageError, match="none"):
        selection_of("synthetic", "1", [])
    with pytest.raises(UsageError, match="no window"):
        selection_of("synthetic", None, ["Bank"])


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
    share_as_told(desk, {"windows": [78]})
    windows = Selection(windows=frozenset({78}))
    assert desk.chosen == [Selection(monitor="DP-1"), EVERYTHING, windows]
    wrong: list[dict[str, Any]] = [{}, {"everything": False}, {"monitor": 1}]
    wrong += [{"monitor": "X"}, {"windows": []}, {"windows": [1]}, {"windows": 78}]
    for command in wrong:
        with pytest.raises(UsageError):
            share_as_told(desk, command)
    assert len(desk.chosen) == 3


def test_plain_lines_choose(desk: Any) -> None:
    """Other lines are for somebody else."""
    lines: list[str] = []
    scope = PlainScope(desk, lines.append)
    assert not scope.answer("no")
    assert not scope.answer("")
    assert scope.answer("screens")
    assert lines[:3] == [
        "1. Monitor HDMI-2, 800 x 600 pixels, the main one",
        "2. Monitor DP-1, 640 x 480 pixels",
        "Window 77: Letter - Writer",
    ]
    for line in ("share 2", "Share ALL", "share", "share windows writer, 79"):
        assert scope.answer(line)
    windows = Selection(windows=frozenset({77, 79}))
    assert desk.chosen == [Selection(monitor="DP-1"), EVERYTHING, windows]
    assert scope.answer("share 9")
    assert "no monitor '9'" in lines[-1]


def test_who_has_control_cannot_choose_by_typing_here(desk: Any) -> None:
    """The technician's keys reach this terminal too."""
    lines: list[str] = []
    scope = PlainScope(desk, lines.append)
    scope.note(se.Started("A", 1, ("view", "control"), "lan", "", 1, 1, True, 60))
    assert scope.answer("share all")
    assert "stop first" in lines[-1]
    assert scope.answer(" Remember ")
    assert "stop first" in lines[-1]
    scope.note(se.Revoked(("control",), "customer"))
    assert scope.answer("share all")
    assert not scope.answer("remember")
    assert desk.chosen == [EVERYTHING]
    scope.note(se.GrantChanged("control", granted=True))
    assert scope.answer("share 1")
    scope.note(se.Ended("ended", "", 1.0, True, 0))
    assert scope.answer("share 1")
    assert desk.chosen == [EVERYTHING, Selection(monitor="HDMI-2")]


def test_no_single_monitors() -> None:
    """A practice desktop has none."""
    desk: Any = FakeDesk([], [])
    lines: list[str] = []
    PlainScope(desk, lines.append).answer("screens")
    assert "all is shared" in lines[0]
    with pytest.raises(UsageError, match="none"):
        find_monitor([], "primary")
