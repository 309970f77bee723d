"""How long after F11 the technician's input still arrives.

    python -m tests.bench.bench_hotkey [--presses N] [--loads N...] [--write]

A display of its own (Xvfb), the product's injector, grants and hotkey. The injector is
never out of work; another thread computes without a pause, as an encoder would, and
other processes keep the machine busy: one for every core, then five. F11 is pressed,
and what follows is seen, by another program on the display (`hotkey_person`).
`--write` puts the table into docs/figures.md.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from p2p_remote.desktop.choose import choose_hotkey
from p2p_remote.desktop.ledger import InjectionLedger
from p2p_remote.desktop.x11_input import X11Input
from p2p_remote.services.injector import Injector
from p2p_remote.services.running_node import SWITCH_INTERVAL
from p2p_remote.session.permissions import Grants
from p2p_remote.wire.input import PointerInput
from tests.bench import figures
from tests.system.displays import running_display

BUSY = "while True: sum(range(1000))"
BATCH = 256  # events that wait at the injector at any time
PATIENCE = 5.0  # s until a press counts as not heard


class Desk:
    """Injector, grants and hotkey as a session has them."""

    def __init__(self, stack: contextlib.ExitStack, display: str) -> None:
        ledger = InjectionLedger()
        sink = stack.enter_context(contextlib.closing(X11Input(display, ledger)))
        hotkey = choose_hotkey(display=display, ledger=ledger).chosen
        if hotkey is None:
            sys.exit("F11 cannot be heard on this display")
        stack.callback(hotkey.close)
        self.hear = hotkey.hear
        self.injected = 0
        self.grants = Grants()
        self.heard = threading.Event()
        self.injector = Injector(
            sink, self.grants, time.monotonic, self, lambda _: None
        )
        stack.callback(self.injector.join)
        stack.callback(self.injector.finish)
        hotkey.start(self._on_key)
        self._serial = 0
        self._step = 0

    def begin(self) -> None:
        """Grant control, and let the technician move the pointer without a pause."""
        self.heard.clear()
        self._serial = self.grants.grant("control", time.monotonic() + 3600.0).serial
        for _ in range(BATCH):
            self._feed()

    def locate(self, x: int, y: int) -> tuple[int, int]:
        """All is shared."""
        return x, y

    guards_shortcuts = False

    def takes_keys(self) -> bool:
        """All is shared."""
        return True

    def expect_change(self) -> None:
        """One was injected: feed the next one."""
        self.injected += 1
        self._feed()

    def _feed(self) -> None:
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
def busy_machine(load: int) -> Iterator[None]:
    """So many processes, and a thread here, that never stop computing."""
    command = [sys.executable, "-c", BUSY]
    others = [subprocess.Popen(command) for _ in range(load)]
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


@contextmanager
def person(display: str) -> Iterator[Callable[[], str]]:
    """Somebody at the display; what is yielded presses and looks, by turns."""
    command = [sys.executable, "-m", "tests.bench.hotkey_person", display]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:

        def ask() -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            answer = process.stdout.readline()
            if not answer:
                sys.exit("the person at the display is gone")
            return answer

        yield ask
        assert process.stdin is not None
        process.stdin.close()


def measure(presses: int, load: int) -> list[dict[str, float]]:
    """What followed each press, see `hotkey_person`."""
    sys.setswitchinterval(SWITCH_INTERVAL)  # as wherever a node runs
    found: list[dict[str, float]] = []
    with contextlib.ExitStack() as stack:
        display = stack.enter_context(running_display()).name
        desk = Desk(stack, display)
        ask = stack.enter_context(person(display))
        stack.enter_context(busy_machine(load))
        for number in range(presses):
            count = desk.injected
            desk.begin()
            while desk.injected < count + number % 16 + 1:
                time.sleep(0.001)
            ask()
            heard = desk.heard.wait(PATIENCE) and desk.injector.drain(PATIENCE)
            if not heard:
                sys.exit(f"press {number + 1} was not heard")
            found.append(json.loads(ask()))
    return found


def row(load: int, found: list[dict[str, float]]) -> str:
    """Return the row of the table for what was measured at a load."""
    presses = len(found)
    delays = sorted(one["delay"] * 1000 for one in found)
    p50, p99 = (delays[int(share * (presses - 1))] for share in (0.5, 0.99))
    after = [sum(one["after"] == count for one in found) for count in (0, 1)]
    cells = (
        f"{load}",
        f"{presses:,}",
        f"{p50:.1f}",
        f"{p99:.1f}",
        f"{delays[-1]:.1f}",
        f"{max(one['ours'] for one in found) * 1000:.0f}",
        f"{after[0]:,}",
        f"{after[1]:,}",
        f"{presses - sum(after):,}",
    )
    return f"| {' | '.join(cells)} |"


def table(found: dict[int, list[dict[str, float]]]) -> str:
    """Return the section's text for what was measured at each load."""
    rows = [row(load, of_load) for load, of_load in found.items()]
    day = datetime.now(UTC).date()
    return "\n".join(
        (
            (
                f"`make bench-hotkey`, {day}, {os.cpu_count()} cores; other processes "
                "that never stop computing, and a thread of the same process that does "
                "so too. From the press of F11 to the last event of ours that the "
                "display carried out, by the display's clock; how much of that was "
                "left when the display had taken F11, which is what the program can do "
                "something about; and how many events it still carried out then."
            ),
            "",
            (
                "| busy processes | presses | p50 ms | p99 ms (goal 50) | largest ms "
                "(goal 100) | largest after the display took F11 "
                "| presses with no event then | with one | with more |"
            ),
            f"|{'---:|' * 9}",
            *rows,
        )
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presses", type=int, default=10_000)
    cores = os.cpu_count() or 1
    parser.add_argument("--loads", type=int, nargs="+", default=[cores, 5 * cores])
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    options = parser.parse_args()
    text = table({load: measure(options.presses, load) for load in options.loads})
    print(text)
    if options.write:
        figures.put("hotkey", text)


if __name__ == "__main__":
    main()
