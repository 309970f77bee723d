"""CPU time and bytes of drawing the remote screen in a terminal.

    python -m tests.bench.bench_terminal [--frames N]

Three parts: the encoder alone; the whole App in a pseudo-terminal that is read as fast
as possible (the time of the App's process, with all its threads); and how long the
event loop stands still while the terminal reads nothing for three seconds. Content:
`video` changes every cell, `type` eight cells of 9x18 remote pixels.
"""

import argparse
import asyncio
import json
import os
import select
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_remote.screen.geometry import Rect
from p2p_remote.terminal.capabilities import Capabilities
from p2p_remote.terminal.cells import Cells
from p2p_remote.terminal.colors import ColorDepth
from p2p_remote.terminal.encoder import encode_diff, prepare, wrap_update
from p2p_remote.terminal.renderer import RENDERERS
from p2p_remote.terminal.resample import BoxScaler

SCREEN = (1920, 1080)
STALL = 3.0  # s


def photo(width: int, height: int, shift: int = 0) -> NDArray[np.uint8]:
    """Smooth colours with some noise, BGRX; another shift is another picture."""
    x = (np.arange(width) + 3 * shift) / width * 6
    y = np.arange(height)[:, None] / height * 5
    random = np.random.default_rng(shift)
    planes = [np.sin(x + y * k) * 90 + np.cos(y - x * k) * 30 + 128 for k in (1, 2, 3)]
    pixels = np.stack([*planes, np.zeros((height, width))], axis=2)
    return (pixels + random.integers(-8, 9, pixels.shape)).clip(0, 255).astype(np.uint8)


def timed(call: Callable[[], object], count: int) -> float:
    """Median CPU time of this thread in milliseconds."""
    times = []
    for _ in range(count):
        start = time.thread_time()
        call()
        times.append((time.thread_time() - start) * 1000)
    return median(times)


def bench_encoder(count: int) -> None:
    """Fit and encode whole frames, and eight cells."""
    print("encoder alone: CPU ms (scale 1080p, fit, encode), bytes")
    for name, columns, rows in (
        ("half", 120, 40),
        ("half", 200, 60),
        ("half", 300, 90),
        ("sextant", 200, 60),
        ("sextant", 300, 90),
    ):
        for depth in ColorDepth:
            bench_encoding(name, (columns, rows), depth, count)


def bench_encoding(
    name: str, size: tuple[int, int], depth: ColorDepth, count: int
) -> None:
    """Print one line for a renderer, a size and a colour depth."""
    prepare(depth)
    renderer = RENDERERS[name]
    columns, rows = size
    width, height = columns * renderer.sub_columns, rows * renderer.sub_rows
    frame = photo(*SCREEN)
    scaler = BoxScaler(Rect(0, 0, *SCREEN), width, height)
    whole = Rect(0, 0, width, height)
    pixels = scaler.scale(frame, whole)
    cells = renderer.fit(pixels, depth)
    blank = Cells.blank(rows, columns, 0x1234)
    shown = cells.copy()
    shown.part(50, 20, 58, 21).assign(blank.part(50, 20, 58, 21))
    times = (
        timed(lambda: scaler.scale(frame, whole), count),
        timed(lambda: renderer.fit(pixels, depth), count),
        timed(lambda: encode_diff(blank, cells, depth), count),
        timed(lambda: encode_diff(shown, cells, depth), count),
    )
    bytes_of_all = len(encode_diff(blank, cells, depth).encode())
    small = wrap_update(encode_diff(shown, cells, depth), sync=True)
    print(
        f"  {name:8} {columns}x{rows} {depth.value:9}"
        f" scale {times[0]:5.2f} fit {times[1]:5.2f} encode {times[2]:5.2f}"
        f" {bytes_of_all:7d} B | 8 cells {times[3]:5.3f} {len(small.encode()):4d} B"
    )


@dataclass
class Result:
    """What the App in the pseudo-terminal found out."""

    frames: int
    cpu_ms: float
    wall_ms: float
    to_write_p50_ms: float
    to_write_p95_ms: float
    bytes_p50: float
    worst_lag_ms: float

    def save(self, path: str) -> None:
        """Hand the result to the process that asked for it."""
        Path(path).write_text(json.dumps(asdict(self)), encoding="utf-8")


def run_app(content: str, renderer: str, source: str, frames: int, path: str) -> None:
    """The App of one measurement, in the pseudo-terminal; writes its result."""
    from textual.app import App, ComposeResult

    from p2p_remote.tui.frame_driver import choose_driver_class
    from p2p_remote.tui.widgets.remote_view import RemoteView

    answered = asyncio.Event()

    class BenchView(RemoteView):
        def terminal_answered(self) -> None:
            super().terminal_answered()
            answered.set()

    class BenchApp(App[None]):
        def compose(self) -> ComposeResult:
            yield BenchView(renderer=RENDERERS[renderer])

        def on_mount(self) -> None:
            self.run_worker(self.measure(), exclusive=True)

        async def measure(self) -> None:
            await asyncio.sleep(0.5)
            view = self.query_one(BenchView)
            size = (
                SCREEN if source == "1080p" else (view.size.width, view.size.height * 2)
            )
            pictures = [photo(*size, shift) for shift in range(4)]
            work = {"video": video, "type": typing, "stall": stall}[content]
            result = await work(view, pictures, frames, answered)
            result.save(path)
            self.exit()

    found = Capabilities(sync=True, truecolor=True, cell_pixels=(9, 18))
    BenchApp(driver_class=choose_driver_class(found)).run()


async def play(view: Any, steps: Any, frames: int, answered: asyncio.Event) -> Result:
    """Show frame after frame, each when the last one has been digested."""
    lags: list[float] = []
    sizes = written_sizes(view)
    for number in range(-3, frames):
        if number == 0:
            cpu, wall = time.process_time(), time.monotonic()
            lags.clear()
            sizes.clear()
        frame, damage = steps(number)
        answered.clear()
        start = time.perf_counter()
        view.update_frame(frame, damage)
        lags.append((time.perf_counter() - start) * 1000)
        await asyncio.wait_for(answered.wait(), 5)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return Result(
        frames,
        cpu / frames * 1000,
        wall / frames * 1000,
        median(lags),
        quantiles(lags, n=20)[-1],
        median(sizes),
        0.0,
    )


def written_sizes(view: Any) -> list[int]:
    """Bytes of every frame that the view writes from now on."""
    sizes: list[int] = []
    write = view.output.driver.write_now

    def write_and_count(text: str) -> None:
        sizes.append(len(text.encode()))
        write(text)

    view.output.driver.write_now = write_and_count
    return sizes


async def video(
    view: Any, pictures: list[NDArray[np.uint8]], frames: int, answered: asyncio.Event
) -> Result:
    """Every cell changes."""
    height, width = pictures[0].shape[:2]
    whole = [Rect(0, 0, width, height)]

    def step(number: int) -> tuple[NDArray[np.uint8], list[Rect]]:
        return pictures[number % len(pictures)], whole

    return await play(view, step, frames, answered)


async def typing(
    view: Any, pictures: list[NDArray[np.uint8]], frames: int, answered: asyncio.Event
) -> Result:
    """Eight cells change."""
    frame = pictures[0]
    height, width = frame.shape[:2]
    columns, rows = view.size
    box = (width * 8 // columns, height // rows)
    random = np.random.default_rng(0)

    def step(number: int) -> tuple[NDArray[np.uint8], list[Rect]]:
        x, y = columns // 4 * width // columns, (number + 3) % rows * height // rows
        noise = random.integers(0, 256, (box[1], box[0], 4), dtype=np.uint8)
        frame[y : y + box[1], x : x + box[0]] = noise
        return frame, [Rect(x, y, *box)]

    view.update_frame(frame, [])
    return await play(view, step, frames, answered)


async def stall(
    view: Any, pictures: list[NDArray[np.uint8]], frames: int, answered: asyncio.Event
) -> Result:
    """The event loop while frames come and the terminal reads nothing."""
    height, width = pictures[0].shape[:2]
    worst = 0.0
    end = time.monotonic() + STALL + 1.5
    before = time.monotonic()
    number = 0
    while before < end:
        view.update_frame(pictures[number % 4], [Rect(0, 0, width, height)])
        number += 1
        await asyncio.sleep(0.02)
        now = time.monotonic()
        worst = max(worst, now - before - 0.02)
        before = now
    return Result(number, 0.0, 0.0, 0.0, 0.0, 0.0, worst * 1000)


def bench_app(
    content: str, renderer: str, size: tuple[int, int], source: str, frames: int
) -> None:
    """Run the App in a pseudo-terminal of `size` and read what it writes."""
    columns, rows = size
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (rows, columns))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result"
        arguments = ["--app", content, renderer, source, str(frames), str(path)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bench_terminal", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        read_all(master, process, pause=content == "stall")
        result = Result(**json.loads(path.read_text(encoding="utf-8")))
    os.close(master)
    label = f"  {content:5} {renderer:8} {columns}x{rows} source {source:5}"
    if content == "stall":
        print(f"{label} event loop late by at most {result.worst_lag_ms:.0f} ms")
        return
    print(
        f"{label} CPU {result.cpu_ms:6.2f} ms/frame, wall {result.wall_ms:6.2f},"
        f" {result.bytes_p50:7.0f} B/frame, to write p50"
        f" {result.to_write_p50_ms:.2f} p95 {result.to_write_p95_ms:.2f} ms"
    )


def read_all(master: int, process: "subprocess.Popen[bytes]", *, pause: bool) -> None:
    """Be a fast terminal, or one that stops reading for a while."""
    started = None
    while process.poll() is None:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(master, 1 << 20)
        except OSError:
            break
        questions = data.count(b"\x1b[6n")
        if questions:
            os.write(master, b"\x1b[2;1R" * questions)
            if pause and started is None:
                started = time.monotonic()
                select.select([], [], [], STALL)
    process.wait()


def main() -> None:
    """Print all parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--app", nargs=5)
    options = parser.parse_args()
    if options.app:
        content, renderer, source, frames, path = options.app
        run_app(content, renderer, source, int(frames), path)
        return
    bench_encoder(max(options.frames // 2, 5))
    print("whole App in a pseudo-terminal")
    for content, renderer, size, source in (
        ("video", "half", (120, 40), "cells"),
        ("video", "half", (200, 60), "cells"),
        ("video", "half", (200, 60), "1080p"),
        ("video", "half", (300, 90), "cells"),
        ("video", "sextant", (200, 60), "1080p"),
        ("type", "half", (200, 60), "cells"),
        ("stall", "half", (200, 60), "cells"),
    ):
        bench_app(content, renderer, size, source, options.frames)


if __name__ == "__main__":
    main()
