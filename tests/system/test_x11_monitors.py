"""One monitor of several, on a real X server that is told to have them."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from p2p_remote.desktop.base import ScreenResizedError
from p2p_remote.desktop.choose import choose_screen, list_monitors
from p2p_remote.desktop.selection import Selection, SelectionGoneError
from p2p_remote.screen.geometry import Rect
from tests.system.couple import Couple, eventually
from tests.system.desktop_support import reference, until
from tests.system.displays import Display
from tests.system.programs import Programs

LEFT, RIGHT = Rect(0, 0, 480, 800), Rect(480, 100, 800, 600)


@pytest.fixture
def monitors(xvfb: Display) -> Display:
    """A screen of 1280x800 that two monitors show parts of."""
    set_monitor(xvfb, "RIGHT", RIGHT, "screen")
    set_monitor(xvfb, "LEFT", LEFT)
    xvfb.run("xsetroot", "-mod", "7", "3", "-fg", "#336699", "-bg", "#996633")
    return xvfb


def set_monitor(display: Display, name: str, area: Rect, output: str = "none") -> None:
    """Let the server have a monitor there."""
    size = f"{area.width}/{area.width}x{area.height}/{area.height}"
    display.run("xrandr", "--setmonitor", name, f"{size}+{area.x}+{area.y}", output)


def test_monitors_are_listed_by_name_and_place(monitors: Display) -> None:
    """As the person knows them from the system's settings."""
    found = list_monitors("x11", display=monitors.name)
    assert {one.name: one.area for one in found} == {"LEFT": LEFT, "RIGHT": RIGHT}
    areas = {one.area for one in list_monitors("mss", display=monitors.name)}
    assert areas == {LEFT, RIGHT}


@pytest.mark.parametrize("kind", ["x11", "mss"])
def test_one_monitor_is_its_part_of_the_screen(monitors: Display, kind: str) -> None:
    """Just those pixels, and positions that are those of the desktop."""
    whole = reference(monitors)
    listed = list_monitors(kind, display=monitors.name)
    name = next(one.name for one in listed if one.area == RIGHT)
    chosen = choose_screen(
        kind, display=monitors.name, selection=Selection(monitor=name)
    ).chosen
    with contextlib.closing(chosen) as screen:
        monitors.run("xdotool", "mousemove", "500", "120")
        capture = screen.capture()

        assert (screen.width, screen.height) == (RIGHT.width, RIGHT.height)
        part = whole[RIGHT.y : RIGHT.bottom, RIGHT.x : RIGHT.right]
        assert np.array_equal(capture.frame[..., :3], part)
        assert (capture.pointer.x, capture.pointer.y) == (20, 20)
        assert screen.locate(20, 20) == (500, 120)
        assert screen.locate(5000, 5000) == (RIGHT.right - 1, RIGHT.bottom - 1)


def test_what_changes_beside_the_monitor_is_no_damage(
    monitors: Display, programs: Programs
) -> None:
    """Damage is in pixels of the monitor, and the pointer elsewhere is not shown."""
    screen = choose_screen(
        "x11", display=monitors.name, selection=Selection(monitor="RIGHT")
    ).chosen
    with contextlib.closing(screen):
        screen.capture()
        programs.start(
            "xterm", "-T", "aside", "-geometry", "20x4+0+0", env=monitors.env
        )
        monitors.run("xdotool", "search", "--sync", "--onlyvisible", "--name", "aside")
        monitors.run("xdotool", "mousemove", "10", "10")
        capture = screen.capture()
        assert capture.damage == []
        assert not capture.pointer.visible
        monitors.run("xdotool", "search", "--name", "aside", "windowmove", "500", "150")
        seen: list[Rect] = []

        def arrived() -> bool:
            screen.wait(0.1)
            seen.extend(screen.capture().damage or [])
            return any(area.y >= 40 for area in seen)

        until(arrived, lambda: seen)
        assert all(Rect(0, 0, 800, 600).contains(area) for area in seen)


def test_a_monitor_that_moves_or_goes_is_noticed(monitors: Display) -> None:
    """Also where the screen as a whole keeps its size."""
    chosen = Selection(monitor="LEFT")
    screen = choose_screen("x11", display=monitors.name, selection=chosen).chosen
    with contextlib.closing(screen):
        screen.capture()
        monitors.run("xrandr", "--delmonitor", "LEFT")
        set_monitor(monitors, "LEFT", Rect(0, 0, 400, 300))
        monitors.run("xrandr", "--delmonitor", "RIGHT")
        until(lambda: noticed(screen), lambda: "notice of the change")
    screen = choose_screen("x11", display=monitors.name, selection=chosen).chosen
    with contextlib.closing(screen):
        assert (screen.width, screen.height) == (400, 300)
        monitors.run("xrandr", "--delmonitor", "LEFT")
        until(lambda: noticed(screen), lambda: "notice of its end")
    with pytest.raises(SelectionGoneError, match="LEFT"):
        choose_screen("x11", display=monitors.name, selection=chosen)


def noticed(screen) -> bool:
    screen.wait(0.1)
    try:
        screen.capture()
    except ScreenResizedError:
        return True
    return False


def test_a_session_with_one_monitor_then_another_then_none(
    monitors: Display, programs: Programs, tmp_path: Path
) -> None:
    """The technician sees and reaches what is chosen, is told what, and never more."""
    couple = Couple(tmp_path, programs, env=monitors.env)
    couple.start_rendezvous()
    couple.start_share("--screen", "x11", "--monitor", "right")
    couple.begin("view", "control")
    told = couple.connect.event("shared")
    assert (told["what"], told["names"]) == ("monitor", ["RIGHT"])
    assert (told["width"], told["height"]) == (800, 600)
    assert seen(couple, tmp_path) == (800, 600)
    couple.do(do="pointer", x=10, y=20)
    assert eventually(lambda: pointer(monitors) == (490, 120))

    couple.share.say({"do": "share", "monitor": "LEFT"})
    couple.share.event("done", do="share")
    assert couple.connect.event("shared")["names"] == ["LEFT"]
    assert eventually(lambda: seen(couple, tmp_path) == (480, 800))
    couple.do(do="pointer", x=10, y=20)
    assert eventually(lambda: pointer(monitors) == (10, 20))

    monitors.run("xrandr", "--delmonitor", "LEFT")
    gone = couple.share.event("shared", what="nothing")
    assert "LEFT" in gone["why"]
    couple.connect.event("shared", what="nothing")
    assert eventually(lambda: colours(couple, tmp_path) == 1)
    couple.do(do="pointer", x=300, y=300)

    couple.share.say({"do": "share", "monitor": "LEFT"})
    assert "no monitor 'LEFT'" in couple.share.event("failed", do="share")["error"]
    couple.share.say({"do": "share", "everything": True})
    couple.connect.event("shared", what="everything")
    assert eventually(lambda: seen(couple, tmp_path) == (1280, 800))
    assert pointer(monitors) == (10, 20)


def test_a_new_resolution_in_a_session(
    xtigervnc: Display, programs: Programs, tmp_path: Path
) -> None:
    """The picture has the new size, and positions are those of the new screen."""
    couple = Couple(tmp_path, programs, env=xtigervnc.env)
    couple.start_rendezvous()
    couple.start_share("--screen", "x11")
    couple.begin("view", "control")
    assert seen(couple, tmp_path) == (1280, 800)
    xtigervnc.run("xrandr", "-s", "1024x768")
    couple.connect.event("shared", what="everything", width=1024, height=768)
    assert eventually(lambda: seen(couple, tmp_path) == (1024, 768))
    couple.do(do="pointer", x=1000, y=700)
    assert eventually(lambda: pointer(xtigervnc) == (1000, 700))


def snapshot(couple: Couple, folder: Path) -> Image.Image:
    file = folder / "seen.png"
    couple.do(do="snapshot", file=str(file), wait_settled=True)
    with Image.open(file) as image:
        return image.convert("RGB")


def seen(couple: Couple, folder: Path) -> tuple[int, int]:
    """Size of the picture that the technician has."""
    return snapshot(couple, folder).size


def colours(couple: Couple, folder: Path) -> int:
    """How many colours the technician sees."""
    return len(np.unique(np.asarray(snapshot(couple, folder)).reshape(-1, 3), axis=0))


def pointer(display: Display) -> tuple[int, int]:
    shown = display.run("xdotool", "getmouselocation", "--shell").split()
    fields = dict(line.split("=") for line in shown)
    return int(fields["X"]), int(fields["Y"])
