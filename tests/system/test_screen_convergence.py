"""After the last change the technician soon sees the very screen, pixel by pixel."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.bench.bench_screen_stage import Stage
from tests.bench.bench_screen_work import page, photo
from tests.system.couple import Couple, eventually
from tests.system.displays import Display
from tests.system.namespaces import Network
from tests.system.programs import Programs

SECONDS = 1.0  # from the last change to the last right pixel
# s for snapshots and screenshots on a busy machine, which may also take the lossy line
# for a slow one, so that photographs come as JPEG first and exact after 3 s.
LOOK = 20.0


def picture(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


class Watched:
    """A couple, and the real screen beside what the technician has."""

    def __init__(self, couple: Couple, display: Display, folder: Path) -> None:
        self.couple, self.display, self.folder = couple, display, folder

    def real(self) -> NDArray[np.uint8]:
        file = self.folder / "real.png"
        self.display.run("import", "-silent", "-window", "root", str(file))
        return picture(file)

    def seen(self) -> NDArray[np.uint8]:
        file = self.folder / "seen.png"
        self.couple.do(do="snapshot", file=str(file))
        return picture(file)

    def assert_same(
        self, area: tuple[slice, slice] = (slice(None), slice(None))
    ) -> None:
        """Both are equal in `area` within SECONDS after this call."""
        begin = time.monotonic()
        real = self.real()
        right = eventually(lambda: self._is(real, area), SECONDS + LOOK)
        assert right, f"still wrong after {time.monotonic() - begin:.1f} s"

    def _is(self, real: NDArray[np.uint8], area: tuple[slice, slice]) -> bool:
        seen = self.seen()
        return seen.shape == real.shape and np.array_equal(seen[area], real[area])


def begin(
    programs: Programs, display: Display, folder: Path, network: Network | None = None
) -> Watched:
    couple = Couple(folder, programs, network, display.env)
    couple.start_rendezvous()
    couple.start_share("--screen", "x11")
    couple.begin("view")
    couple.connect.event("frame")
    return Watched(couple, display, folder)


def scroll(stage: Stage, seconds: float) -> None:
    """A page that moves on and on, with pictures in it."""
    width, height = 900, 600
    long = stage.picture(page(width, 2400, pictures=True))
    window = stage.window(100, 100, np.zeros((height, width, 4), np.uint8))
    end = time.monotonic() + seconds
    top = 0
    while time.monotonic() < end:
        top = (top + 37) % 1800
        stage.show(long, window, top, (width, height))
        stage.settle(0.04)


def test_lost_datagrams_cost_no_pixel(
    netns: Network, xvfb: Display, tmp_path: Path
) -> None:
    """One of twenty datagrams lost both ways while a page scrolls."""
    netns.nft(
        "router", "add rule inet lab forward numgen random mod 100 < 5 counter drop"
    )
    stage = Stage(xvfb)
    try:
        watched = begin(netns.programs, xvfb, tmp_path, netns)
        for _ in range(3):
            scroll(stage, 1.0)
            watched.assert_same()
        counters = netns.run("router", "nft", "list", "chain", "inet", "lab", "forward")
        assert "counter packets 0 " not in counters
    finally:
        stage.close()


def test_what_comes_into_view_is_right(
    programs: Programs, xvfb: Display, tmp_path: Path
) -> None:
    """Outside of the view nothing is sent; panning and zooming out bring it."""
    stage = Stage(xvfb)
    try:
        window = stage.window(0, 0, page(1280, 800, pictures=False))
        stage.settle()
        watched = begin(programs, xvfb, tmp_path)
        watched.assert_same()
        watched.couple.do(do="viewport", region=[0, 0, 400, 300], size=[100, 80])
        before = watched.seen()
        stage.paint(window, photo(3, 300, 200), 900, 500)
        stage.paint(window, page(300, 200, pictures=False, seed=8), 20, 20)
        stage.settle()
        watched.assert_same((slice(0, 300), slice(0, 400)))
        hidden = slice(500, 700), slice(900, 1200)
        assert np.array_equal(watched.seen()[hidden], before[hidden])
        # The screen is still: only the new view can bring this.
        watched.couple.do(do="viewport", region=[880, 480, 400, 300], size=[100, 80])
        watched.assert_same((slice(480, 780), slice(880, 1280)))
        watched.couple.do(do="viewport", region=[0, 0, 1280, 800], size=[200, 120])
        watched.assert_same()
    finally:
        stage.close()


def test_a_screen_of_another_size_is_followed(
    programs: Programs, xtigervnc: Display, tmp_path: Path
) -> None:
    """Larger and smaller in mid session, while it changes."""
    watched = begin(programs, xtigervnc, tmp_path)
    for width, height in ((1600, 1200), (1024, 768), (1280, 1024)):
        xtigervnc.run("xrandr", "-s", f"{width}x{height}")
        stage = Stage(xtigervnc)
        try:
            scroll(stage, 0.3)
            watched.assert_same()
            assert watched.seen().shape[:2] == (height, width)
        finally:
            stage.close()
