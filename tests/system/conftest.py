"""Fixtures of the system tests: displays, terminals, networks, processes.

What a fixture starts, it ends; nothing else is ever ended. A test that uses one of
them gets its marker, and skips with the name of the Debian package that is missing.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from p2p_remote.desktop.x11_input import X11Input
from p2p_remote.desktop.x11_screen import X11Screen
from tests.system.desktop_support import Notes
from tests.system.displays import Display, running_display
from tests.system.namespaces import Network, local_network, routed_network
from tests.system.programs import Programs
from tests.system.requirements import require as require_here
from tests.system.terminals import Tmux

MARKER_NEEDS = {"display": "x11", "tmux": "tmux", "netns": "netns"}
FIXTURE_MARKERS = {
    "xvfb": "display",
    "start_xvfb": "display",
    "xtigervnc": "display",
    "tmux": "tmux",
    "netns": "netns",
    "lan": "netns",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in FIXTURE_MARKERS:
                item.add_marker(FIXTURE_MARKERS[fixture])


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, need in MARKER_NEEDS.items():
        if item.get_closest_marker(marker):
            require_here(need)


@pytest.fixture
def require() -> Callable[[str], None]:
    """Skip (or fail, see P2P_REQUIRE) unless x11, tmux, netns or tigervnc is there."""
    return require_here


@pytest.fixture
def programs() -> Iterator[Programs]:
    """Start real processes: `programs.start(*P2P_REMOTE, "id", "--json")`."""
    with Programs() as started:
        yield started


@pytest.fixture
def xvfb() -> Iterator[Display]:
    """An X server of 1280x800 for this test alone."""
    with running_display() as display:
        yield display


@pytest.fixture
def start_xvfb() -> Iterator[Callable[[int, int], Display]]:
    """Start X servers of a given size: `start_xvfb(1920, 1080)`."""
    with ExitStack() as running:

        def start(width: int, height: int) -> Display:
            return running.enter_context(running_display("Xvfb", width, height))

        yield start


@pytest.fixture
def xtigervnc() -> Iterator[Display]:
    """An X server that a VNC client can join at `vnc_port` of the loopback."""
    require_here("tigervnc")
    with running_display("Xtigervnc") as display:
        yield display


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    """A terminal to run one TUI in."""
    with Tmux() as terminal:
        yield terminal


@pytest.fixture
def netns() -> Iterator[Network]:
    """Customer, technician and middle behind a router; see namespaces.py."""
    with routed_network() as network:
        yield network


@pytest.fixture
def lan() -> Iterator[Network]:
    """Customer and technician on one wire with multicast; see namespaces.py."""
    with local_network() as network:
        yield network


@pytest.fixture
def notes(xvfb: Display, programs: Programs, tmp_path: Path) -> Notes:
    """A terminal that writes down what is typed there, line by line."""
    return Notes(programs, xvfb, tmp_path, "-icanon -echo")


@pytest.fixture
def raw_notes(xvfb: Display, programs: Programs, tmp_path: Path) -> Notes:
    """The same with every key as it comes."""
    return Notes(programs, xvfb, tmp_path, "raw -echo")


@pytest.fixture
def sink(xvfb: Display) -> Iterator[X11Input]:
    """Keys and pointer of the display."""
    with contextlib.closing(X11Input(xvfb.name)) as opened:
        yield opened


@pytest.fixture
def screen(xvfb: Display) -> Iterator[X11Screen]:
    """All of the display; tests of something else have a screen of their own."""
    with contextlib.closing(X11Screen(xvfb.name)) as opened:
        yield opened
