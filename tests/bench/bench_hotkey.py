"""How long after F11 the technician's input still arrives.

    python -m tests.bench.bench_hotkey [--presses N] [--write]

A display of its own (Xvfb), the product's injector, grants and hotkey. The injector is
never out of work; another thread computes without a pause, as an encoder would, and one
process for every core keeps the machine busy. F11 is pressed by another program on the
display. The figure is the time from just before the press to the end of the last event
that reaches the display; nothing may follow. `--write` puts it into docs/figures.md.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from p2p_remote.desktop.choose import choose_hotkey
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.x11_input import X11Input
from p2p_remote.input.keysyms import F11
from p2p_remote.services.injector import Injector
from p2p_remote.services.running_node import SWITCH_INTERVAL
from p2p_remote.session.permissions import Grants
from p2p_remote.wire.input import ACTION_TAP, PointerInput
from tests.bench import figures
from tests.system.displays import running_display

BUSY = "while True: sum(range(1000))"
BATCH = 256  # events that wait at the injector at any time
QUIET = 0.02  # s without an event after which none is expected any more
PATIENCE = 5.0  # s until a press counts as not heard


class TimedSink:
    """The real sink, with the time of the last event that reached it."""

    def __init__(self, sink: X11Input) -> None:
        self._sink = sink
        self.last = 0.0
        self.count = 0

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """Move, and note when that was done."""
        self._sink.pointer(x, y, buttons)
        self.last = time.perf_counter()
        self.count += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)


class Desk:
    """Injector, grants and hotkey as a session has them."""

    def __init__(self, stack: contextlib.ExitStack, display: str) -> None:
        ledger = InjectionLedger()
        real = stack.enter_context(contextlib.closing(X11Input(display, ledger)))
        self.sink: Any = TimedSink(real)
        self.grants = Grants()
        self.heard = threading.Event()
        self.injector = Injector(
            self.sink, self.grants, time.monotonic, self, lambda _: None
        )
        stack.callback(self.injector.finish)
        hotkey = choose_hotkey(display=display, ledger=ledger).chosen
        if hotkey is None:
            sys.exit("F11 cannot be heard on this display")
        stack.callback(hotkey.close)
        hotkey.start(self._on_key)
        self._serial = 0
        self._step = 0

    def begin(self) -> None:
        """Grant control, and let the technician move the pointer without a pause."""
        self.heard.clear()
        self._serial = self.grants.grant("control", time.monotonic() + 3600.0).serial
        for _ in range(BATCH):
            self.expect_change()

    def locate(self, x: int, y: int) -> tuple[int, int]:
        """All is shared."""
        return x, y

    guards_shortcuts = False

    def takes_keys(self) -> bool:
        """All is shared."""
        return True

    def expect_change(self) -> None:
        """Feed the next event when one was injected."""
        self._step = (self._step + 7) % 600
        self.injector.submit(PointerInput(self._serial, self._step, self._step, 0))

    def _on_key(self, what: str) -> None:
        """As `services.sharing` does it."""
        if what != "F11":
            return
        self.grants.revoke("control")
        self.injector.stop()
        self.heard.set()


@contextmanager
def busy_machine() -> Iterator[None]:
    """A process for every core, and a thread that always wants the interpreter."""
    command = [sys.executable, "-c", BUSY]
    others = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    over = threading.Event()

    def compute() -> None:
        while not over.is_set():
            sum(range(1000))

    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for other in others:
            other.kill()
            other.wait()


def measure(presses: int) -> list[float]:
    """Seconds from each press to the last event after it."""
    sys.setswitchinterval(SWITCH_INTERVAL)  # as wherever a node runs
    delays = []
    with contextlib.ExitStack() as stack:
        display = stack.enter_context(running_display()).name
        desk = Desk(stack, display)
        program = X11Input(display, InjectionLedger())
        stack.enter_context(contextlib.closing(program))
        stack.enter_context(busy_machine())
        for number in range(presses):
            count = desk.sink.count
            desk.begin()
            while desk.sink.count < count + number % 16 + 1:
                time.sleep(0.001)
            pressed = time.perf_counter()
            program.key(F11, 0, ACTION_TAP)
            if not desk.heard.wait(PATIENCE):
                sys.exit(f"press {number + 1} was not heard")
            while time.perf_counter() - desk.sink.last < QUIET:
                time.sleep(QUIET)
            delays.append(max(0.0, desk.sink.last - pressed))
    return delays


def table(presses: int) -> str:
    """Measure, and return the section's text."""
    delays = sorted(measure(presses))
    p50, p99 = (delays[int(share * (presses - 1))] * 1000 for share in (0.5, 0.99))
    day = datetime.now(UTC).date()
    return "\n".join(
        (
            (
                f"`make bench-hotkey`, {day}, {os.cpu_count()} cores, all busy, and a "
                "thread of the same process that computes without a pause. From F11 to "
                "the last event that reached the display."
            ),
            "",
            "| presses | p50 ms | p99 ms (goal 50) | largest ms (goal 100) |",
            "|---:|---:|---:|---:|",
            f"| {presses:,} | {p50:.1f} | {p99:.1f} | {delays[-1] * 1000:.1f} |",
        )
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    options = parser.parse_args()
    text = table(options.presses)
    print(text)
    if options.write:
        figures.put("hotkey", text)


if __name__ == "__main__":
    main()
