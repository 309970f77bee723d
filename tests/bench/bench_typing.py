"""Typing in the foreground while a video plays in the background, on a thin line.

    python -m tests.bench.bench_typing [--quick] [--write]

Whole processes in two network namespaces, joined by `tests.support.linkem`: a desktop
(Xvfb) with an xterm and a video of 640x360, the customer's side and a rendezvous at one
end, the technician's side at the other. The delay is from the technician's key to the
first change in the xterm's place in the technician's picture. A VNC server on the same
desktop is measured in turns with ours. Needs root, iproute2, Xvfb, xterm, xdotool and
X0tigervnc. `--write` puts the table into docs/figures.md.
"""

import argparse
import contextlib
import datetime
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.bench import figures
from tests.bench.bench_screen_stage import Stage
from tests.bench.bench_screen_work import Video, photo
from tests.bench.bench_transport import Result
from tests.support.line import Line
from tests.support.linkem import Link
from tests.system.displays import Display, running_display
from tests.system.programs import P2P_REMOTE, RENDEZVOUS, Program, Programs

THIN = Line(rate=2e6, delay=0.02, queue=0.3)
RATE = 20.0  # frames of the video per second
SERVER_PORT, VNC_PORT = 3479, 5999
# The program without hot patches: everything waits in one stream.
ONE_STREAM = (
    "from p2p_remote.services import screen_sender;"
    "screen_sender.ANSWER_TIME = screen_sender.HOLD_TIME = 0.0;"
    "from p2p_remote.cli.main import main; main()"
)
WIRES = ("ours", "ours, one stream", "X0tigervnc")


class Playing:
    """The video, from a thread of its own, while it is on."""

    def __init__(self, video: Video) -> None:
        self._video = video
        self._is_on = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._over.wait(1 / RATE):
            if self._is_on.is_set():
                number += 1
                self._video.step(number)
                self._video.stage.settle()

    @contextmanager
    def on(self) -> Iterator[None]:
        self._is_on.set()
        time.sleep(1.0)  # until the line is full
        try:
            yield
        finally:
            self._is_on.clear()

    def close(self) -> None:
        self._over.set()
        self._thread.join()


def open_terminal(programs: Programs, display: Display) -> str:
    """An xterm with the focus; its place as X,Y,WIDTH,HEIGHT."""
    programs.start(
        *("xterm", "-T", "typing", "-geometry", "70x25+20+20", "-e", "cat"),
        env=display.env,
    )
    search = ("xdotool", "search", "--sync", "--onlyvisible", "--name", "^typing$")
    window = display.run(*search).split()[0]
    # A window takes no focus before it is seen, and xdotool says nothing of that.
    while display.run("xdotool", "getwindowfocus", "-f").split() != [window]:
        display.run("xdotool", "windowfocus", window)
        time.sleep(0.05)
    shell = display.run("xdotool", "getwindowgeometry", "--shell", window)
    found = dict(line.split("=") for line in shell.split())
    return ",".join(found[name] for name in ("X", "Y", "WIDTH", "HEIGHT"))


class Bench:
    """One desktop at one end of a line."""

    def __init__(
        self, link: Link, display: Display, programs: Programs, folder: Path
    ) -> None:
        self._link, self._display, self._folder = link, display, folder
        self._programs = programs
        self._count = 0
        self._place = ""
        self._server = f"{link.address('a')}:{SERVER_PORT}"
        self._start("a", *RENDEZVOUS, "--listen", self._server).line("listening ")

    def open_terminal(self) -> None:
        """Put the xterm above all that is there now."""
        self._place = open_terminal(self._programs, self._display)

    def _start(self, end: str, *arguments: str | Path) -> Program:
        command = self._link.command(end, *arguments)
        return self._programs.start(*command, env=self._display.env)

    @contextmanager
    def technician(self, wire: str, picture: str = "") -> Iterator[Program]:
        """Both ends of a session."""
        is_vnc = wire == "X0tigervnc"
        more = (self._place, picture) if picture else (self._place,)
        opened = self._open_vnc(more) if is_vnc else self._open_ours(wire, more)
        try:
            yield opened[1]
        finally:
            for program in reversed(opened):
                program.stop()

    def _open_ours(self, wire: str, more: tuple[str, ...]) -> list[Program]:
        program = P2P_REMOTE if wire == "ours" else (sys.executable, "-c", ONE_STREAM)
        self._count += 1
        share = self._start(
            "a",
            *(*program, "share", "--json", "--no-lan", "--screen", "x11"),
            *("--state-dir", self._folder / str(self._count)),
            *("--rendezvous", self._server),
        )
        number = share.event("ready")["id"]
        technician = self._start("b", *_end("ours"), self._server, number, *more)
        digits = technician.event("digits")["digits"]
        share.event("request")
        share.say({"do": "approve", "grants": ["view", "control"], "digits": digits})
        return [share, technician]

    def _open_vnc(self, more: tuple[str, ...]) -> list[Program]:
        server = self._start(
            "a",
            *("X0tigervnc", "-display", self._display.name, "-localhost=0"),
            *("-rfbport", str(VNC_PORT), "-SecurityTypes", "None"),
        )
        time.sleep(1.0)
        host = self._link.address("a")
        client = self._start("b", *_end("vnc"), host, str(VNC_PORT), *more)
        return [server, client]


def _end(kind: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.bench.typing_ends", kind)


def type_for(technician: Program, seconds: float) -> list[float]:
    """Delays of the keys of some seconds."""
    technician.say(str(seconds))
    found: dict[str, Any] = technician.event("delays", seconds + 60.0)
    return list(found["delays"])


@contextmanager
def desktop() -> Iterator[tuple[Stage, Bench, Path]]:
    """A display at one end of the line."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_display("Xvfb", 1280, 800) as display,
        Link(THIN) as link,
        contextlib.ExitStack() as stack,
    ):
        stage = Stage(display)
        stack.callback(stage.close)
        programs = stack.enter_context(Programs())
        yield stage, Bench(link, display, programs, Path(folder)), Path(folder)


def measure(rounds: int, seconds: float) -> dict[tuple[str, bool], Result]:
    """All wires in turns, with the video standing and playing."""
    results = {(wire, on): Result() for wire in WIRES for on in (False, True)}
    with desktop() as (stage, bench, folder):
        playing = Playing(Video(stage, folder))
        try:
            bench.open_terminal()
            for wire in WIRES * rounds:
                with bench.technician(wire) as technician:
                    technician.event("ready", 60.0)
                    results[wire, False].delays += type_for(technician, seconds)
                    with playing.on():
                        results[wire, True].delays += type_for(technician, seconds)
        finally:
            playing.close()
    return results


def first_pictures(rounds: int) -> dict[str, list[float]]:
    """Seconds to the first picture of a photograph that fills the screen."""
    found: dict[str, list[float]] = {"ours": [], "X0tigervnc": []}
    with desktop() as (stage, bench, folder):
        bench.open_terminal()
        pixels = photo(11, 1280, 800)
        stage.raise_window(stage.window(0, 0, pixels))
        stage.settle(0.5)
        file = folder / "photo.npy"
        np.save(file, pixels)
        for _ in range(rounds):
            for wire, seconds in found.items():
                with bench.technician(wire, str(file)) as technician:
                    seconds.append(technician.event("first", 60.0)["seconds"])
    return found


def table(results: dict[tuple[str, bool], Result]) -> list[str]:
    lines = [
        "| | keys | p50 ms | p95 ms | p99 ms | video: keys | p50 | p95 | p99 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for wire in WIRES:
        cells = []
        for on in (False, True):
            result = results[wire, on]
            cells.append(str(len(result.delays)))
            cells += [result.delay(share) for share in (0.5, 0.95, 0.99)]
        name = f"**{wire}**" if wire == "ours" else wire
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def first_table(found: dict[str, list[float]]) -> list[str]:
    texts = (f"{wire} {median(seconds):.2f} s" for wire, seconds in found.items())
    return [
        "The first picture of a photograph that fills the screen (1280x800), from the",
        "start of the session until 200x60 half-block cells look like it (30 dB), and",
        f"until the first update of the VNC server is whole: {', '.join(texts)}",
        f"(medians of {len(found['ours'])}). Goal: 1 s.",
        "",
    ]


def about() -> list[str]:
    today = datetime.datetime.now(datetime.UTC).date()
    return [
        f"`make bench-typing`, {today}, {os.cpu_count()} cores, load average",
        f"{os.getloadavg()[1]:.1f} (five minutes, at the end).",
        "",
        "Whole processes on a line of 2 Mbit/s, 40 ms, with a queue of 300 ms: from a",
        "key at the technician's to the first pixel that it changes there, in an xterm",
        "on a still screen, and while a video of 640x360 plays beside it, 20 frames a",
        "second. `ours, one stream` is the program without hot patches. X0tigervnc is",
        "asked for the next update as soon as one is there (Tight, JPEG quality 6).",
        "Goal: with the video as without it.",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("The benchmark needs root, for network namespaces.")
    rounds, seconds = (1, 3.0) if options.quick else (2, 6.0)
    lines = first_table(first_pictures(rounds)) + table(measure(rounds, seconds))
    print("\n".join(lines), flush=True)
    if options.write and not options.quick:
        figures.put("typing", "\n".join(about() + lines))


if __name__ == "__main__":
    main()
