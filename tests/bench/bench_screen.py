"""Bytes and CPU time per screen update beside VNC servers on the same pixels.

    python -m tests.bench.bench_screen [--quick] [--only TEXT] [--write]

Lock-step: a workload takes a step on an Xvfb display of 1920x1080; then ours and each
rival, in turning order, send what has changed. Bytes are whole messages; CPU time is
that of the capturing and coding process. Ours is decoded and compared with the screen.
Live: the same workloads at their own pace, one program at a time, on a fast line and on
one of 2 Mbit/s. Needs the Debian packages of `make system-deps`, and
tigervnc-scraping-server and x11vnc for the rivals.
"""

import argparse
import datetime
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log10
from pathlib import Path
from statistics import fmean

from tests.bench import figures
from tests.bench.bench_screen_lanes import (
    FAST,
    FILM_JPEG,
    FILM_VP8,
    JPEG_LANE,
    PHOTO,
    SLOW,
    TIGHT_LANE,
    Lane,
    film_lanes,
    open_lanes,
)
from tests.bench.bench_screen_live import live_tables
from tests.bench.bench_screen_plot import Panel, Ratios, svg
from tests.bench.bench_screen_stage import Stage
from tests.bench.bench_screen_work import HEIGHT, WIDTH, WORKLOADS, Workload
from tests.bench.bench_screen_worst import worst_table
from tests.system.displays import Display, running_display

PLOT = figures.FIGURES.parent / "images" / "screen-ratios.svg"
NEEDED = ("Xvfb", "xterm", "X0tigervnc", "x11vnc")


NOTES = (
    """Where a rival is ahead: a tiny update costs ours some tenths of a millisecond of
Python beside what asking the display takes. The first look at a window costs what it
shows; only its return is free. Of x0 at quality 5 the largest update of a step counts;
the others are its refresh in small pieces.""",
)
PICTURE = "![Bytes and CPU time beside x0 Tight, by workload](images/screen-ratios.svg)"


@dataclass
class Sample:
    """What one lane sent in one workload: first picture, then the steps."""

    first: tuple[int, float]
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)

    @property
    def mean_bytes(self) -> float:
        return fmean(self.sizes)

    @property
    def mean_ms(self) -> float:
        return fmean(self.seconds) * 1000

    @property
    def decibel(self) -> str:
        """Peak signal to noise over the screen."""
        error = fmean(self.errors)
        return f"{10 * log10(255**2 / error):.1f}" if error else "exact"


def lock_step(
    work: type[Workload], display: Display, steps: int, *, all_rivals: bool
) -> dict[str, Sample]:
    """Let every lane send each step of the workload; by the name of the lane."""
    stage = Stage(display)
    lanes: list[Lane] = []
    with tempfile.TemporaryDirectory() as folder:
        workload = work(stage, Path(folder))
        try:
            stage.settle(0.5)
            lanes = open_lanes(display, all_rivals=all_rivals)
            if work.is_film:
                lanes += film_lanes(display)
            samples = {lane.name: Sample(lane.settled(None)) for lane in lanes}
            for number in range(1, min(steps, work.most_steps) + 1):
                for lane in lanes:
                    lane.mark()
                motion = workload.step(number)
                stage.settle(workload.settle)
                turn = number % len(lanes)
                for lane in (*lanes[turn:], *lanes[:turn]):
                    size, seconds = lane.settled(motion)
                    samples[lane.name].sizes.append(size)
                    samples[lane.name].seconds.append(seconds)
                    samples[lane.name].errors.append(lane.error)
        finally:
            for lane in lanes:
                lane.close()
            workload.close()
            stage.close()
    return samples


def ratio(one: float, other: float) -> str:
    """One through the other."""
    return f"{one / other:.3f}" if other and one / other < 0.1 else _two(one, other)


def _two(one: float, other: float) -> str:
    return f"{one / other:.2f}" if other else "-"


LOCK_HEADER = [
    "Two numbers are: on a fast line / on a thin one (goals in brackets).",
    "",
    "| workload | ours B | x0 B | ratio | ours ms | x0 ms | ratio | first B | x0 |",
    "|---|" + "---:|" * 8,
]


def lock_row(work: type[Workload], samples: dict[str, Sample]) -> str:
    """One line of the lossless table."""
    fast, slow, rival = samples[FAST], samples[SLOW], samples[TIGHT_LANE]
    sizes = [sample.mean_bytes for sample in (fast, slow)]
    times = [sample.mean_ms for sample in (fast, slow)]
    cells = (
        work.name,
        " / ".join(f"{size:,.0f}" for size in sizes),
        f"{rival.mean_bytes:,.0f}",
        " / ".join(ratio(size, rival.mean_bytes) for size in sizes)
        + f" ({work.goal_bytes})",
        " / ".join(f"{value:.1f}" for value in times),
        f"{rival.mean_ms:.1f}",
        " / ".join(ratio(value, rival.mean_ms) for value in times)
        + f" ({work.goal_cpu})",
        f"{fast.first[0]:,} / {slow.first[0]:,}",
        f"{rival.first[0]:,}",
    )
    return f"| {' | '.join(cells)} |"


def plot(found: dict[type[Workload], dict[str, Sample]]) -> str:
    """Bytes and CPU time of ours beside x0 Tight, as SVG."""
    sizes, times = [], []
    for work, samples in found.items():
        fast, slow, rival = samples[FAST], samples[SLOW], samples[TIGHT_LANE]
        size, time = rival.mean_bytes, rival.mean_ms
        ratios = fast.mean_bytes / size, slow.mean_bytes / size
        sizes.append(Ratios(ratios, work.goal_bytes))
        times.append(Ratios((fast.mean_ms / time, slow.mean_ms / time), work.goal_cpu))
    panels = Panel("Bytes per update", sizes), Panel("CPU time per update", times)
    names = [work.name for work in found]
    return svg(names, panels, ("ours, fast line", "ours, thin line"))


def other_tables(found: dict[type[Workload], dict[str, Sample]]) -> list[str]:
    """JPEG beside Tight q5, and all other lanes."""
    about = (
        "JPEG for photographs beside x0 Tight q5, before refinement; text stays exact. "
        "Goals for photo and video: 0.75 of the bytes, 1.3 of the time. "
        "dB is over the whole screen after each step."
    )
    names = "ours B | q5 B | ratio | ours ms | q5 ms | ratio | ours dB | q5 dB"
    lines = [
        *(about, ""),
        f"| workload | {names} |",
        "|---|" + "---:|" * 8,
    ]
    films = [
        *(
            "",
            "The video as for a line of 2 Mbit/s; the first steps are photographs.",
            "",
        ),
        *("| way | B | ms | dB |", "|---|---:|---:|---:|"),
    ]
    for work, samples in found.items():
        ours, rival = samples[PHOTO], samples[JPEG_LANE]
        lines.append(
            f"| {work.name} | {ours.mean_bytes:,.0f} | {rival.mean_bytes:,.0f} | "
            f"{ratio(ours.mean_bytes, rival.mean_bytes)} | {ours.mean_ms:.1f} | "
            f"{rival.mean_ms:.1f} | {ratio(ours.mean_ms, rival.mean_ms)} | "
            f"{ours.decibel} | {rival.decibel} |"
        )
        if work.is_film:
            films += [
                f"| {name} | {sample.mean_bytes:,.0f} | {sample.mean_ms:.1f} | "
                f"{sample.decibel} |"
                for name, sample in samples.items()
                if name in {FILM_JPEG, FILM_VP8, JPEG_LANE}
            ]
    lines += films
    names = [
        name
        for name in next(iter(found.values()))
        if name not in {FAST, SLOW, PHOTO, TIGHT_LANE, JPEG_LANE, FILM_JPEG, FILM_VP8}
    ]
    if names:
        lines += ["", "Other servers and encodings, bytes / CPU ms per update:", ""]
        lines.append(f"| workload | ours, thin line | {' | '.join(names)} |")
        lines.append("|---|" + "---:|" * (len(names) + 1))
        for work, samples in found.items():
            cells = [
                f"{samples[name].mean_bytes:,.0f} / {samples[name].mean_ms:.1f}"
                for name in (SLOW, *names)
            ]
            lines.append(f"| {work.name} | {' | '.join(cells)} |")
    return lines


def header(arguments: Sequence[str]) -> list[str]:
    """Command, date and what is compared with what."""
    command = " ".join(["make bench-screen", *arguments])
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    about = (
        f"`{command}`, {today}, {os.cpu_count()} shared cores, Xvfb {WIDTH}x{HEIGHT}. "
        "Lock-step means per update, exact pictures; x0 is X0tigervnc, Tight of level "
        "2 without JPEG, on the same pixels in the same run. CPU time is that of the "
        "capturing and coding process alone. Photographs, the page, the windows and "
        "the video are drawn by the benchmark; terminals are xterm with smooth type."
    )
    return ["## Screen", "", about, "", *NOTES, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under 90 s, few rivals")
    parser.add_argument("--only", default="", help="workloads with this in their name")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    options = parser.parse_args()
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        sys.exit(f"Programs are missing: {', '.join(missing)}")
    steps = options.steps or (5 if options.quick else 10)
    lines = [*header(["ARGS=--quick"] if options.quick else []), *LOCK_HEADER]
    print("\n".join(lines), flush=True)
    found = {}
    for work in WORKLOADS:
        if options.only not in work.name:
            continue
        with running_display("Xvfb", WIDTH, HEIGHT) as display:
            found[work] = lock_step(work, display, steps, all_rivals=not options.quick)
        lines.append(lock_row(work, found[work]))
        print(lines[-1], flush=True)
    more = ["", *other_tables(found)]
    print("\n".join(more), flush=True)
    lines += more
    if not options.only:
        lines += live_tables(1.5 if options.quick else 3.0, quick=options.quick)
        worst = worst_table()
        print("\n".join(worst), flush=True)
        lines += worst
    if options.write:
        figures.put("screen", "\n".join([*lines, "", PICTURE]))
        PLOT.write_text(plot(found), "utf-8")


if __name__ == "__main__":
    main()
