"""What a session costs while nothing happens, beside a VNC server on the same screen.

    python -m tests.bench.bench_idle [--scene S] [--seconds N] [--rounds N] [--write]

Real processes in network namespaces (root) on an Xvfb display of 1920x1080: `share`
and `connect --json` in a session, and X0tigervnc with one client. They take turns, on
a still screen and on a terminal whose cursor blinks. CPU time is that of all threads
of a process, wake-ups are its voluntary context switches, bytes are those of whole
packets at the customer's interface in both directions, with all headers, and with what
the kernel itself sends there.
"""

import argparse
import datetime
import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import figures
from tests.bench.rfb import TIGHT, RfbClient, encodings
from tests.system.couple import Couple
from tests.system.displays import Display, running_display
from tests.system.namespaces import Network, routed_network
from tests.system.programs import Programs

GOAL = "at most 0.1 % of a core for `share`, and keepalives only while nothing changes"
SCENES = ("still", "blinking cursor")
_SETTLE = 10.0  # s for paths, refinement and probes of the path to come to rest
_RFB_PORT = 5900
_PATIENCE = 10.0  # s for a VNC server to listen


@dataclass(frozen=True)
class Cost:
    """Of one process in one window: share of a core, wake-ups and bytes a second."""

    cpu: float
    wakes: float
    size: float | None = None


class Meter:
    """Reads what a process has used so far."""

    def __init__(self, pid: int, received: Callable[[], int] | None = None) -> None:
        self._pid = pid
        self._received = received
        self._begin = self._read()

    def _read(self) -> tuple[float, float, int, int]:
        run = wakes = 0
        for task in Path(f"/proc/{self._pid}/task").iterdir():
            run += int((task / "schedstat").read_text().split()[0])
            status = (task / "status").read_text()
            found = re.search(
                r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE
            )
            wakes += int(found[1]) if found else 0
        size = self._received() if self._received else 0
        return time.monotonic(), run / 1e9, wakes, size

    def cost(self) -> Cost:
        """Since the meter was made."""
        at, run, wakes, size = (
            now - before for now, before in zip(self._read(), self._begin, strict=True)
        )
        return Cost(run / at, wakes / at, size / at if self._received else None)


def blinking(programs: Programs, display: Display) -> None:
    """Open a terminal with a blinking cursor: about 1.5 changes a second."""
    programs.start(
        *("xterm", "-bc", "-T", "blink", "-geometry", "80x24+10+10"),
        *("-bcn", "500", "-bcf", "500", "-e", "sleep", "100000"),
        env=display.env,
    )
    found = display.run(
        "xdotool", "search", "--sync", "--onlyvisible", "--name", "^blink$"
    )
    display.run("xdotool", "windowfocus", "--sync", found.split()[0])


def carried(network: Network) -> int:
    """Bytes that have passed the customer's interface."""
    lines = network.run("customer", "cat", "/proc/net/dev").splitlines()
    fields = next(line.split() for line in lines if "eth0" in line)
    return int(fields[1]) + int(fields[9])


def run_ours(display: Display, seconds: float) -> dict[str, Cost]:
    """One session that only waits."""
    with routed_network() as network, tempfile.TemporaryDirectory() as folder:
        couple = Couple(Path(folder), network.programs, network, display.env)
        couple.start_rendezvous()
        couple.start_share("--screen", "x11")
        couple.begin("view", "control")
        couple.connect.event("path", kind="direct")
        time.sleep(_SETTLE)
        share = Meter(couple.share.pid, lambda: carried(network))
        connect = Meter(couple.connect.pid)
        time.sleep(seconds)
        return {"share": share.cost(), "connect": connect.cost()}


def viewer(network: Network) -> RfbClient:
    """Connect from the technician's place to the VNC server at the customer's."""
    address = (network.addresses["customer"], _RFB_PORT)
    deadline = time.monotonic() + _PATIENCE
    while True:
        made = network.open_socket("technician", socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.connect(address)
        except ConnectionError:
            made.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return RfbClient(_RFB_PORT, encodings(TIGHT), connection=made)


def run_rival(display: Display, seconds: float) -> dict[str, Cost]:
    """One VNC client that only waits."""
    with routed_network() as network:
        server = network.start(
            "customer",
            *("X0tigervnc", "-display", display.name, "-rfbport", str(_RFB_PORT)),
            *("-localhost=0", "-SecurityTypes", "None"),
            env=display.env,
        )
        client = viewer(network)
        settled_at = time.monotonic() + _SETTLE / 2
        while time.monotonic() < settled_at:
            client.update(0.5)
        meter = Meter(server.pid, lambda: carried(network))
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            client.update(left)
        cost = meter.cost()
        client.close()
        return {"X0tigervnc": cost}


def middle(costs: list[Cost]) -> Cost:
    """Medians of the rounds."""
    sizes = [cost.size for cost in costs if cost.size is not None]
    return Cost(
        median(cost.cpu for cost in costs),
        median(cost.wakes for cost in costs),
        median(sizes) if sizes else None,
    )


def measure(*, blinks: bool, seconds: float, rounds: int) -> dict[str, Cost]:
    """Let both take turns on one screen."""
    found: dict[str, list[Cost]] = {}
    with running_display("Xvfb", 1920, 1080) as display, Programs() as programs:
        if blinks:
            blinking(programs, display)
        for _ in range(rounds):
            for run in (run_ours, run_rival):
                for name, cost in run(display, seconds).items():
                    found.setdefault(name, []).append(cost)
    return {name: middle(costs) for name, costs in found.items()}


def table(scenes: Sequence[str], seconds: float, rounds: int) -> str:
    """Measure the screens and lay the figures out."""
    lines = [
        (
            f"`make bench-idle`, {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, "
            f"{os.cpu_count()} shared cores, Xvfb 1920x1080, {rounds} rounds of "
            f"{seconds:.0f} s in turns, medians. Goal: {GOAL}. Bytes are those of "
            "whole packets at the customer's interface, both ways, with all headers."
        ),
        "",
        "| screen | process | CPU of a core | wake-ups a second | bytes a second |",
        "|---|---|---:|---:|---:|",
    ]
    for scene in scenes:
        blinks = scene != "still"
        costs = measure(blinks=blinks, seconds=seconds, rounds=rounds)
        for name, cost in costs.items():
            size = "" if cost.size is None else f"{cost.size:.0f}"
            lines.append(
                f"| {scene} | {name} | {cost.cpu:.3%} | {cost.wakes:.1f} | {size} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", choices=SCENES, help="one alone, not written")
    parser.add_argument("--seconds", type=float, default=18.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    options = parser.parse_args()
    scenes = (options.scene,) if options.scene else SCENES
    text = table(scenes, options.seconds, options.rounds)
    print(text)
    if options.write and not options.scene:
        figures.put("idle", text)


if __name__ == "__main__":
    main()
