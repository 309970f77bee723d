"""Single windows of a real X server: nothing else is ever seen or reached."""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from p2p_remote.desktop.base import ScreenResizedError
from p2p_remote.desktop.blank import GREY
from p2p_remote.desktop.choose import choose_screen, list_windows
from p2p_remote.desktop.selection import Selection, SelectionGoneError
from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_window_screen import X11WindowScreen
from tests.system.couple import Couple, eventually
from tests.system.desktop_support import reference, until
from tests.system.displays import Display
from tests.system.programs import Programs

BLUE, RED = (0x20, 0x40, 0xC0), (0xC0, 0x10, 0x10)  # of what is shared; of the secret
POPUP, NO_BACKGROUND = 1 << 9, 0


def hexadecimal(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


class Desktop:
    """A screen with windows of one colour each."""

    def __init__(self, display: Display, programs: Programs) -> None:
        self.display = display
        self._programs = programs

    def open(self, title: str, colour: tuple[int, int, int], place: str) -> int:
        """Start a program with a window; returns its number."""
        self._programs.start(
            *(
                "xterm",
                "-T",
                title,
                "-geometry",
                f"30x10{place}",
                "-b",
                "0",
                "-bw",
                "0",
            ),
            *("-bg", hexadecimal(colour), "-fg", hexadecimal(colour)),
            *("-cr", hexadecimal(colour), "-e", "sleep 600"),
            env=self.display.env,
        )
        found = self.display.run(
            *("xdotool", "search", "--sync", "--onlyvisible", "--name", f"^{title}$")
        )
        return int(found.split()[0])

    def move(self, window: int, x: int, y: int) -> None:
        self.display.run("xdotool", "windowmove", "--sync", str(window), str(x), str(y))

    def do(self, what: str, window: int) -> None:
        self.display.run("xdotool", what, str(window))


@pytest.fixture
def desktop(xvfb: Display, programs: Programs) -> Desktop:
    return Desktop(xvfb, programs)


@pytest.fixture
def shared(desktop: Desktop) -> int:
    """A blue window that a red one of another program covers in part."""
    window = desktop.open("shared", BLUE, "+100+100")
    desktop.open("secret", RED, "+160+150")
    return window


@pytest.fixture
def screen(desktop: Desktop, shared: int) -> Iterator[X11WindowScreen]:
    opened = X11WindowScreen(frozenset({shared}), desktop.display.name)
    with contextlib.closing(opened):
        yield opened


def picture(screen: X11WindowScreen) -> np.ndarray:
    """RGB, once nothing has changed for a while."""
    frame = screen.capture().frame
    while screen.wait(0.3):
        frame = screen.capture().frame
    return frame[:, :, 2::-1].copy()


def picture_of(
    screen: X11WindowScreen, expected: tuple[int, int, int, int]
) -> np.ndarray:
    """RGB, as soon as just this area is not grey; the programs have to draw first."""
    until(lambda: area(picture(screen)) == expected, lambda: area(picture(screen)))
    return picture(screen)


def where(window: int, desktop: Desktop) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a window."""
    found = list_windows("x11", display=desktop.display.name)
    area = next(one.area for one in found if one.number == window)
    return area.x, area.y, area.right, area.bottom


def is_shown(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels have that colour."""
    return int((image == np.array(colour, np.uint8)).all(axis=2).sum())


def area(image: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is not grey."""
    rows, columns = np.nonzero((image != GREY).any(axis=2))
    if not rows.size:
        return 0, 0, 0, 0
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_windows_are_listed_with_their_titles(desktop: Desktop, shared: int) -> None:
    """The topmost first, as the person sees them."""
    found = list_windows("x11", display=desktop.display.name)
    assert [one.title for one in found] == ["secret", "shared"]
    assert found[1].number == shared
    assert (found[1].area.x, found[1].area.y) == (100, 100)


def test_where_a_window_manager_runs_its_list_counts(
    desktop: Desktop, shared: int
) -> None:
    """It knows which windows people know."""
    desktop.display.run(
        *("xprop", "-root", "-f", "_NET_CLIENT_LIST", "32x"),
        *("-set", "_NET_CLIENT_LIST", str(shared)),
    )
    found = list_windows("x11", display=desktop.display.name)
    assert [one.title for one in found] == ["shared"]


def test_only_the_window_is_seen_whatever_covers_it(
    desktop: Desktop, screen: X11WindowScreen, shared: int
) -> None:
    """All of it, nothing of the window over it, and grey around."""
    left, top, right, bottom = whole = where(shared, desktop)
    assert (left, top) == (100, 100)
    image = picture_of(screen, whole)
    assert is_shown(image, BLUE) == (right - left) * (bottom - top)
    assert is_shown(image, RED) == 0
    assert screen.titles == ("shared",)


def test_it_is_followed_where_it_goes(
    desktop: Desktop, screen: X11WindowScreen, shared: int
) -> None:
    """Moved, resized, hidden and shown again, partly off the screen."""
    left, top, right, bottom = where(shared, desktop)
    desktop.move(shared, 300, 20)
    picture_of(screen, (300, 20, 300 + right - left, 20 + bottom - top))
    desktop.display.run("xdotool", "windowsize", "--sync", str(shared), "500", "300")
    picture_of(screen, (300, 20, 800, 320))
    desktop.do("windowunmap", shared)
    picture_of(screen, (0, 0, 0, 0))
    desktop.do("windowmap", shared)
    picture_of(screen, (300, 20, 800, 320))
    desktop.move(shared, -100, 700)
    image = picture_of(screen, (0, 700, 400, 800))
    assert is_shown(image, RED) == 0


def test_damage_leads_a_viewer_to_the_same_picture(
    desktop: Desktop, screen: X11WindowScreen, shared: int
) -> None:
    """Every change is told with the place where it happened."""
    viewer = screen.capture().frame.copy()
    for x, y in ((120, 110), (400, 300), (90, 500), (600, 10)):
        desktop.move(shared, x, y)
        while screen.wait(0.3):
            capture = screen.capture()
            for one in capture.damage or []:
                rows, columns = slice(one.y, one.bottom), slice(one.x, one.right)
                viewer[rows, columns] = capture.frame[rows, columns]
        assert np.array_equal(viewer, screen.capture().frame)


def test_what_the_screen_showed_before_never_comes_along(
    desktop: Desktop, shared: int
) -> None:
    """A window that draws nothing keeps, on the screen, what was there before."""
    name = desktop.display.name
    with contextlib.closing(X11Connection(name)) as program:
        lazy = make_window(program, 150, 140, 0)
        program.sync()
        beneath = reference(desktop.display)[145:225, 155:340, ::-1]
        assert is_shown(beneath, RED) > 1000
        screen = X11WindowScreen(frozenset({lazy}), name)
        with contextlib.closing(screen):
            assert (picture(screen) == GREY).all()
            for mask, one, two in (
                (0b1100, 300, 250),
                (0b11, 120, 100),
                (0b1100, 9, 9),
            ):
                configure = struct.pack("<IHxxII", lazy, mask, one, two)
                program.check(request(12, 0, configure))
                assert (picture(screen) == GREY).all()
            program.check(request(10, 0, struct.pack("<I", lazy)))  # UnmapWindow
            program.check(request(8, 0, struct.pack("<I", lazy)))  # MapWindow
            assert (picture(screen) == GREY).all()


def test_a_window_in_the_frame_of_a_window_manager(
    desktop: Desktop, shared: int
) -> None:
    """The frame belongs to it, and what is drawn inside is seen at once."""
    name = desktop.display.name
    with contextlib.closing(X11Connection(name)) as manager:
        frame = make_window(manager, 400, 300, 0)
        body = struct.pack("<IHxxII", frame, 0b1100, 250, 180)
        manager.check(request(12, 0, body))
        manager.check(request(7, 0, struct.pack("<IIhh", shared, frame, 20, 30)))
        screen = X11WindowScreen(frozenset({shared}), name)
        with contextlib.closing(screen):
            until(lambda: area(picture(screen))[:2] == (420, 330), lambda: "the window")
            assert is_shown(picture(screen), BLUE) > 10_000
            assert screen.locate(405, 305) == (405, 305)
            assert screen.locate(430, 340) == (430, 340)
            place = struct.pack("<IHxxII", frame, 0b11, 600, 20)
            manager.check(request(12, 0, place))
            until(lambda: area(picture(screen))[:2] == (620, 50), lambda: "a move")
            desktop.do("windowfocus", shared)
            until(screen.takes_keys, lambda: "the focus")


def make_window(program: X11Connection, x: int, y: int, flags: int) -> int:
    """Make and map a window without a background that nobody draws into."""
    window = program.new_id()
    mask, values = (flags, struct.pack("<I", 1)) if flags else (0, b"")
    body = struct.pack(
        "<IIhhHHHHII", window, program.root, x, y, 200, 90, 0, 1, 0, mask
    )
    program.check(request(1, 0, body + values))
    program.check(request(8, 0, struct.pack("<I", window)))
    return window


def test_menus_of_the_program_belong_to_its_window(desktop: Desktop) -> None:
    """Those of other programs do not."""
    name = desktop.display.name
    with (
        contextlib.closing(X11Connection(name)) as program,
        contextlib.closing(X11Connection(name)) as other,
    ):
        window = make_window(program, 10, 10, 0)
        screen = X11WindowScreen(frozenset({window}), name)
        with contextlib.closing(screen):
            menu = make_window(program, 300, 10, POPUP)
            make_window(other, 300, 300, POPUP)
            picture(screen)
            assert screen.locate(20, 20) == (20, 20)
            assert screen.locate(320, 20) == (320, 20)
            assert screen.locate(320, 320) is None
            program.check(request(10, 0, struct.pack("<I", menu)))  # UnmapWindow
            picture(screen)
            assert screen.locate(320, 20) is None


def test_only_what_is_shared_is_reached(
    desktop: Desktop, screen: X11WindowScreen, shared: int
) -> None:
    """Neither a covered place, nor one beside it, nor another window's keyboard."""
    picture(screen)
    assert screen.locate(105, 105) == (105, 105)
    assert screen.locate(165, 155) is None
    assert screen.locate(5, 5) is None
    desktop.do("windowfocus", shared)
    until(screen.takes_keys, lambda: "the focus")
    desktop.display.run("xdotool", "search", "--name", "^secret$", "windowfocus")
    until(lambda: not screen.takes_keys(), lambda: "the focus elsewhere")


def test_closed_windows_are_told(desktop: Desktop, shared: int) -> None:
    """With the last one nothing is left to share."""
    second = desktop.open("second", BLUE, "+500+400")
    chosen = Selection(windows=frozenset({shared, second}))
    name = desktop.display.name
    screen = choose_screen("x11", display=name, selection=chosen).chosen
    with contextlib.closing(screen):
        screen.capture()
        desktop.do("windowclose", second)
        until(lambda: noticed(screen), lambda: "its end")
    desktop.do("windowclose", shared)

    def gone() -> bool:
        try:
            choose_screen("x11", display=name, selection=chosen).chosen.close()
        except SelectionGoneError:
            return True
        return False

    until(gone, lambda: "the end of both")


def test_a_window_with_the_number_of_a_closed_one_is_another_one(
    desktop: Desktop, shared: int
) -> None:
    """The server gives numbers out again, at once, also while nobody looks."""
    name = desktop.display.name
    program = X11Connection(name)
    number = make_window(program, 10, 300, 0)
    screen = X11WindowScreen(frozenset({shared, number}), name)
    with contextlib.closing(screen):
        picture(screen)
        program.close()
        again = reopened(name, program.setup.resource_base)
        with contextlib.closing(again):
            assert make_window(again, 10, 300, 0) == number
            until(lambda: noticed(screen), lambda: "the end of the first")
            assert screen.remaining == {shared}


def reopened(name: str, base: int) -> X11Connection:
    """Connection of a program that is given the numbers of one that has ended."""
    found: list[X11Connection] = []

    def is_same() -> bool:
        found.append(X11Connection(name))
        if found[-1].setup.resource_base == base:
            return True
        found.pop().close()
        return False

    until(is_same, lambda: "the same numbers")
    return found[0]


def noticed(screen) -> bool:
    screen.wait(0.1)
    try:
        screen.capture()
    except ScreenResizedError:
        return True
    return False


def test_a_session_with_one_window(
    desktop: Desktop, shared: int, programs: Programs, tmp_path: Path
) -> None:
    """Seen and clicked at is what was chosen, until it is closed."""
    couple = Couple(tmp_path, programs, env=desktop.display.env)
    couple.start_rendezvous()
    couple.start_share("--screen", "x11", "--window", "shared")
    listed = couple.share.output[0]
    assert '"secret"' in listed
    couple.begin("view", "control")
    told = couple.connect.event("shared")
    assert (told["what"], told["names"]) == ("windows", ["shared"])
    file = tmp_path / "seen.png"
    couple.do(do="snapshot", file=str(file), wait_settled=True)
    with Image.open(file) as opened:
        image = np.asarray(opened.convert("RGB"))
    assert is_shown(image, BLUE) > 10_000
    assert is_shown(image, RED) == 0

    couple.do(do="pointer", x=110, y=110)
    assert eventually(lambda: pointer(desktop.display) == (110, 110))
    couple.do(do="pointer", x=200, y=200)
    couple.do(do="pointer", x=111, y=111)
    assert eventually(lambda: pointer(desktop.display) == (111, 111))

    desktop.do("windowclose", shared)
    assert "closed" in couple.share.event("shared", what="nothing")["why"]
    couple.connect.event("shared", what="nothing")
    couple.share.say({"do": "screens"})
    left = couple.share.event("screens")["windows"]
    assert [one["title"] for one in left] == ["secret"]
    couple.share.say({"do": "share", "windows": [left[0]["id"]]})
    assert couple.connect.event("shared")["names"] == ["secret"]


def pointer(display: Display) -> tuple[int, int]:
    shown = display.run("xdotool", "getmouselocation", "--shell").split()
    fields = dict(line.split("=") for line in shown)
    return int(fields["X"]), int(fields["Y"])
