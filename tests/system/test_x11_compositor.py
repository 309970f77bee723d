"""Single windows beside a compositing manager: shadows and glass are not theirs."""

import contextlib
import struct
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from p2p_remote.desktop.x11_connection import X11Connection, request
from p2p_remote.desktop.x11_properties import Properties
from p2p_remote.desktop.x11_window_screen import X11WindowScreen
from tests.system.desktop_support import reference, until
from tests.system.displays import Display
from tests.system.programs import Programs
from tests.system.test_x11_windows import BLUE, Desktop, area, is_shown, where

GREEN = (0x10, 0xD0, 0x20)  # of what is secret, and mixed with everything else
GLASS = "0.7"  # opacity of windows that are not in use


@pytest.fixture
def desktop(
    require: Callable[[str], None], xvfb: Display, programs: Programs
) -> Desktop:
    """A display on which picom puts the windows together."""
    require("compositor")
    programs.start(
        *("picom", "--config", "/dev/null", "--backend", "xrender"),
        *("--shadow", "--inactive-opacity", GLASS),
        env=xvfb.env,
    )
    with contextlib.closing(X11Connection(xvfb.name)) as connection:
        atom = Properties(connection).atom("_NET_WM_CM_S0")
        question = request(23, 0, struct.pack("<I", atom))  # GetSelectionOwner

        def is_there() -> bool:
            return struct.unpack_from("<I", connection.call(question), 8)[0] != 0

        until(is_there, lambda: "picom")
    return Desktop(xvfb, programs)


@pytest.fixture
def shared(desktop: Desktop) -> int:
    """A blue window between green ones of other programs, which show through."""
    desktop.open("beneath", GREEN, "+60+60")
    window = desktop.open("shared", BLUE, "+100+100")
    desktop.open("above", GREEN, "+160+150")
    return window


@pytest.fixture
def screen(desktop: Desktop, shared: int) -> Iterator[X11WindowScreen]:
    opened = X11WindowScreen(frozenset({shared}), desktop.display.name)
    with contextlib.closing(opened):
        yield opened


def green(image: np.ndarray) -> int:
    """Pixels (RGB) with more green than anything of ours, even as glass or shadow."""
    red, middle, blue = (image[:, :, index].astype(int) for index in range(3))
    return int(((middle > red + 20) & (middle > blue + 20)).sum())


def look(screen: X11WindowScreen) -> np.ndarray:
    """RGB now; nothing secret is in it, ever."""
    screen.wait(0.05)
    image = screen.capture().frame[:, :, 2::-1]
    assert green(image) == 0
    return image


def expect(screen: X11WindowScreen, wanted: tuple[int, int, int, int]) -> None:
    """Wait for the window, plain and whole, and for nothing else."""
    size = (wanted[2] - wanted[0]) * (wanted[3] - wanted[1])

    def is_there() -> bool:
        image = look(screen)
        return area(image) == wanted and is_shown(image, BLUE) == size

    until(is_there, lambda: (area(look(screen)), is_shown(look(screen), BLUE)))


def test_glass_and_shadows_are_not_part_of_the_window(
    desktop: Desktop, screen: X11WindowScreen, shared: int
) -> None:
    """The screen mixes the windows; what is shared is the window alone."""
    left, top, right, bottom = whole = where(shared, desktop)
    expect(screen, whole)

    def mixed() -> bool:
        seen = reference(desktop.display)[top:bottom, left:right, ::-1]
        return 0 < is_shown(seen, BLUE) + green(seen) < seen.shape[0] * seen.shape[1]

    until(mixed, lambda: "glass")
    expect(screen, whole)


def test_nothing_else_is_seen_while_the_window_changes(
    desktop: Desktop, screen: X11WindowScreen, shared: int
) -> None:
    """Moved, resized, hidden, shown, made of glass: looked at all the time."""
    left, top, right, bottom = where(shared, desktop)
    width, height = right - left, bottom - top
    for step in range(8):
        desktop.move(shared, 120 + 30 * step, 90 + 20 * step)
        look(screen)
    expect(screen, (330, 230, 330 + width, 230 + height))
    desktop.display.run("xdotool", "windowsize", "--sync", str(shared), "500", "300")
    expect(screen, (330, 230, 830, 530))
    opacity = ("-f", "_NET_WM_WINDOW_OPACITY", "32c", "-set", "_NET_WM_WINDOW_OPACITY")
    desktop.display.run("xprop", "-id", str(shared), *opacity, str(0x60000000))
    for _ in range(2):
        desktop.do("windowunmap", shared)
        expect(screen, (0, 0, 0, 0))
        desktop.do("windowmap", shared)
        expect(screen, (330, 230, 830, 530))
    desktop.do("windowraise", shared)
    expect(screen, (330, 230, 830, 530))
