"""The workloads at their own pace: updates per second, rate, time to be right again."""

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from p2p_remote.services.screen_coder import Hints
from p2p_remote.wire.screen import SCREEN
from tests.bench.bench_screen_lanes import ROOM, THIN, Ours, Vnc
from tests.bench.bench_screen_stage import Stage
from tests.bench.bench_screen_work import Drag, Log, Switch, Video, WebPage, Workload
from tests.bench.rfb import TIGHT, encodings
from tests.system.displays import Display, running_display

LIVE: tuple[tuple[type[Workload], float], ...] = (
    (Log, 25.0),
    (WebPage, 20.0),
    (Drag, 25.0),
    (Switch, 2.0),
    (Video, 20.0),
)
"""Workloads and their steps per second."""
ON_THIN = (WebPage, Switch, Video)
_AHEAD = 0.05  # s of the line that may be under way
_SETTLED = 0.6  # s without an update after which everything has come
_LONGEST = 8.0  # s to wait for that


@dataclass
class Seen:
    """What came while and after the workload ran; times of `time.monotonic`."""

    updates: int = 0
    size: int = 0
    cpu: float = 0.0
    last: float = 0.0
    right: float = 0.0


class Pace:
    """Steps of a workload in a thread of its own, for some seconds."""

    def __init__(self, workload: Workload, rate: float, seconds: float) -> None:
        self._workload, self._rate, self._seconds = workload, rate, seconds
        self.motion: tuple[int, int] | None = None
        self.ended = 0.0
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        begin = time.monotonic()
        for number in range(1, int(self._rate * self._seconds) + 1):
            time.sleep(max(begin + number / self._rate - time.monotonic(), 0.0))
            self.motion = self._workload.step(number)
            self._workload.stage.settle()
        self.ended = time.monotonic()

    def is_over(self, last: float) -> bool:
        """Whether it has ended and nothing has come since for a while."""
        now = time.monotonic()
        if not self.ended:
            return False
        return now - max(last, self.ended) > _SETTLED or now - self.ended > _LONGEST


def _ours(display: Display, pace: Pace, *, rate: float | None) -> Seen:
    lane = Ours("ours", display, rate, lossy=rate is not None)
    try:
        lane.settled(None)
        seen, free_at = Seen(), 0.0
        pace.thread.start()
        begin = time.thread_time()
        while not pace.is_over(seen.last):
            now = time.monotonic()
            room = ROOM
            if rate is not None:
                room = int(rate * (_AHEAD - max(free_at - now, 0.0)))
            if room < 256:
                time.sleep(0.005)
                continue
            hints = Hints(room, rate, rate is not None, motion=pace.motion)
            if lane._coder.needs_change(None):
                lane._coder.wait(0.1)
            changed_at = lane._coder._changed_at
            step = lane._coder.step(hints)
            if not step.updates:
                continue
            size = sum(len(SCREEN.encode(update)) for update in step.updates)
            if rate is not None:
                free_at = max(free_at, now) + size / rate
            is_refinement = lane._coder._changed_at == changed_at
            seen.updates += not pace.ended
            seen.size += size if not pace.ended else 0
            seen.last = max(time.monotonic(), free_at)
            if not is_refinement:
                seen.right = seen.last
            time.sleep(0.02)
        seen.cpu = time.thread_time() - begin
    finally:
        pace.thread.join()
        lane.close()
    return seen


def _rival(display: Display, pace: Pace, *, rate: float | None, program: str) -> Seen:
    lane = Vnc(program, display, encodings(TIGHT), program=program, rate=rate)
    try:
        lane.settled(None)
        seen = Seen()
        pace.thread.start()
        begin = lane.cpu()
        while not pace.is_over(seen.last):
            size = lane.client.update(0.1)
            if size:
                seen.last = seen.right = time.monotonic()
                if not pace.ended:
                    seen.updates += 1
                    seen.size += size
        seen.cpu = lane.cpu() - begin
    finally:
        pace.thread.join()
        lane.close()
    return seen


def _cell(
    work: type[Workload],
    rate: float,
    seconds: float,
    watch: Callable[[Display, Pace], Seen],
) -> str:
    with (
        running_display("Xvfb", 1920, 1080) as display,
        tempfile.TemporaryDirectory() as folder,
    ):
        stage = Stage(display)
        workload = work(stage, Path(folder))
        try:
            stage.settle(0.5)
            pace = Pace(workload, rate, seconds)
            seen = watch(display, pace)
        finally:
            workload.close()
            stage.close()
    late = max(seen.right - pace.ended, 0.0)
    speed, share = seen.size * 8 / seconds / 1000, 100 * seen.cpu / seconds
    frames = seen.updates / seconds
    return f"{frames:.1f}/s, {speed:,.0f} kbit/s, {share:.0f} %, {late:.2f} s"


def live_tables(seconds: float, *, quick: bool) -> list[str]:
    """Lines of the table: a fast line, then one of 2 Mbit/s."""
    about = (
        "Live, one program at a time: updates per second, rate while it runs, CPU of "
        "one core, seconds from the last step until the picture is whole. "
        f"{seconds:.1f} s each; ours sends exact pictures on the fast line, JPEG first "
        "on the thin one. Updates may be parts of a step. x11vnc stops for seconds in "
        "some runs; its figures here are not to be trusted."
    )
    lines = [
        *("", about, ""),
        "| workload, steps/s | line | ours | x0 Tight | x11vnc Tight |",
        "|---|---|---|---|---|",
    ]
    runs: list[tuple[type[Workload], float, float | None]] = [
        (work, steps, None) for work, steps in (LIVE[:2] if quick else LIVE)
    ]
    if not quick:
        runs += [(work, steps, THIN) for work, steps in LIVE if work in ON_THIN]
    for work, steps, rate in runs:
        line = "fast" if rate is None else "2 Mbit/s"
        cells = [_cell(work, steps, seconds, partial(_ours, rate=rate))]
        for name in ("X0tigervnc", "x11vnc") if rate is None else ("X0tigervnc",):
            watch = partial(_rival, rate=rate, program=name)
            cells.append(_cell(work, steps, seconds, watch))
        cells += ["-"] * (3 - len(cells))
        lines.append(f"| {work.name}, {steps:.0f} | {line} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines
