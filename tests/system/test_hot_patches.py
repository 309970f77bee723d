"""Typing beside a video on a thin, lossy line: patches go ahead, and none stays."""

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.bench.bench_screen_stage import Stage
from tests.bench.bench_screen_work import Video
from tests.bench.bench_typing import Playing, open_terminal
from tests.support.line import Line
from tests.support.linkem import Link
from tests.system.couple import Couple, eventually
from tests.system.displays import Display
from tests.system.namespaces import Network
from tests.system.test_screen_convergence import Watched, picture

pytestmark = pytest.mark.netns

PATIENCE = 90.0  # s; the test judges what happens, not how soon
THIN = Line(rate=2e6, delay=0.02, queue=0.3, loss=0.02)
ENDS = {"customer": "a", "middle": "a", "technician": "b"}


class LineNetwork(Network):
    """The two ends of an emulated line; the rendezvous is at the customer's."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self.addresses = {name: link.address(end) for name, end in ENDS.items()}

    def command(self, name: str, *arguments: str | Path) -> list[str]:
        """Command line that runs `arguments` at an end."""
        return self._link.command(ENDS[name], *arguments)


def test_typing_beside_a_video_ends_in_the_very_screen(
    xvfb: Display, tmp_path: Path
) -> None:
    """Letters show while the video plays; when it stops every pixel becomes right."""
    with Link(THIN) as link:
        network = LineNetwork(link)
        stage = Stage(xvfb)
        playing = Playing(Video(stage, tmp_path))
        with network.programs as programs:
            try:
                place = open_terminal(programs, xvfb)
                couple = Couple(tmp_path, programs, network, xvfb.env)
                couple.start_rendezvous()
                couple.start_share("--screen", "x11", "-v")
                couple.begin("view", "control")
                type_beside(playing, Watched(couple, xvfb, tmp_path), place)
                couple.do(do="end")
                assert eventually(lambda: patches_sent(couple) > 0, PATIENCE)
            finally:
                playing.close()
                stage.close()


def type_beside(playing: Playing, watched: Watched, place: str) -> None:
    """Type while the video plays; the last letters are seen before it stops."""
    couple = watched.couple
    first = settled(watched)
    left, top, width, height = (int(part) for part in place.split(","))
    area = slice(top, top + height), slice(left, left + width)
    with playing.on():
        for letter in "what is typed is seen":
            couple.do(do="text", text=letter)
            time.sleep(0.05)
        assert eventually(
            lambda: np.array_equal(watched.seen()[area], watched.real()[area]), PATIENCE
        )
        assert not np.array_equal(watched.real()[area], first[area])
    assert eventually(
        lambda: np.array_equal(settled(watched), watched.real()), PATIENCE
    )


def settled(watched: Watched) -> NDArray[np.uint8]:
    """What the technician has once nothing more is on its way."""
    file = watched.folder / "settled.png"
    connect = watched.couple.connect
    connect.say({"do": "snapshot", "file": str(file), "wait_settled": True})
    connect.event("done", PATIENCE, do="snapshot")
    return picture(file)


def patches_sent(couple: Couple) -> int:
    """How many hot patches the customer's side says that it has sent."""
    said = [line for line in list(couple.share.errors) if "hot patches went" in line]
    return int(said[0].partition(" hot patches")[0].split()[-1]) if said else 0
