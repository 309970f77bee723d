"""The session transport against TCP and QUIC on the same emulated line.

    python -m tests.bench.bench_transport [--quick] [--only TEXT] [--write]

Each end is a process in a network namespace of its own; the line between them is
`tests.support.linkem`. Rivals take turns (A B A B); goodput is the median of the runs,
delays are those of all runs together. Needs root and iproute2. Rivals that are not
installed are skipped with a line. `--write` puts the tables into docs/figures.md.
"""

import argparse
import datetime
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from tests.bench import figures
from tests.bench.transport_workloads import ONE_STREAM, WARM_UP
from tests.support.line import Line
from tests.support.linkem import Link

RIVALS = ("ours", "tcp-cubic", "tcp-bbr", "aioquic", "qh3")
TEN = Line(rate=10e6, delay=0.02, queue=0.1)
DSL = Line(rate=2e6, delay=0.02, queue=0.3)


@dataclass(frozen=True)
class Case:
    """One line of a table. `rounds` and `seconds` are of a full run."""

    name: str
    workload: str
    line: Line
    goal: str
    wires: tuple[str, ...]
    rounds: int = 2
    seconds: float = 2.5
    beside: str = ""  # a rival that fills the same line


@dataclass
class Result:
    """What one wire did in one case."""

    goodputs: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def delay(self, share: float) -> str:
        """Percentile in milliseconds."""
        ordered = sorted(self.delays)
        if not ordered:
            return "-"
        return f"{ordered[round(share * (len(ordered) - 1))] * 1e3:.0f}"


BUSY_WIRES = ("ours", ONE_STREAM, "tcp-cubic", "tcp-bbr", "qh3")
CASES = (
    *(
        Case(f"bulk, {name}", "bulk", line, goal, RIVALS)
        for name, line, goal in (
            (
                "50 Mbit/s 20 ms 0.5 %",
                Line(rate=50e6, delay=0.01, loss=0.005, queue=0.1),
                "goodput >= 0.9",
            ),
            (
                "10 Mbit/s 50 ms 2 %",
                Line(rate=10e6, delay=0.025, loss=0.02, queue=0.1),
                "goodput >= 0.9",
            ),
            ("2 Mbit/s DSL, 300 ms queue", DSL, "p50 <= 70, p99 <= 115"),
        )
    ),
    *(
        Case(
            f"busy screen, 10 Mbit/s 40 ms {loss} %",
            "busy",
            replace(TEN, loss=loss / 100),
            "p50 <= 52, p99 <= 75",
            BUSY_WIRES if loss in {0, 3} else ("ours", "tcp-cubic", "qh3"),
        )
        for loss in (0, 1, 3, 5)
    ),
    Case(
        "busy screen, 2 Mbit/s DSL, 300 ms queue",
        "busy",
        DSL,
        "p50 <= 70, p99 <= 115",
        BUSY_WIRES,
    ),
    Case(
        "typing, 10 Mbit/s 40 ms 3 %",
        "typing",
        replace(TEN, loss=0.03),
        "p99 <= 56",
        ("ours", "tcp-cubic", "tcp-bbr", "qh3"),
        seconds=4.0,
    ),
    *(
        Case(
            f"beside TCP cubic, {name}",
            "bulk",
            line,
            "share >= 0.25",
            ("ours",),
            seconds=10.0,
            beside="tcp-cubic",
        )
        for name, line in (("10 Mbit/s 100 ms queue", TEN), ("2 Mbit/s DSL", DSL))
    ),
)


def start_end(
    link: Link, end: str, wire: str, case: Case, port: int
) -> "subprocess.Popen[str]":
    role = "customer" if end == "a" else "technician"
    return link.popen(
        end,
        *(sys.executable, "-m", "tests.bench.transport_ends", role, wire),
        *(case.workload, str(case.seconds), str(port)),
    )


def run_pairs(link: Link, case: Case, wires: Sequence[str]) -> list[dict[str, Any]]:
    """Run several transfers side by side; the technicians' figures."""
    pairs = []
    for index, wire in enumerate(wires):
        port = 5000 + index
        customer = start_end(link, "a", wire, case, port)
        assert customer.stdout is not None
        customer.stdout.readline()
        pairs.append((customer, port, wire))
    technicians = [start_end(link, "b", wire, case, port) for _, port, wire in pairs]
    found = []
    for technician in technicians:
        output, _ = technician.communicate(timeout=case.seconds + WARM_UP + 20)
        found.append(json.loads(output))
    for customer, _, _ in pairs:
        customer.communicate(timeout=5)
    return found


def measure(case: Case, wires: Iterable[str], rounds: int) -> dict[str, Result]:
    """Run a case for all wires, in turns."""
    results = {wire: Result() for wire in wires}
    for number in range(rounds):
        back = Line(rate=case.line.rate, delay=case.line.delay, queue=case.line.queue)
        back.loss = case.line.loss
        with Link(case.line, back, seed=number) as link:
            for wire, result in results.items():
                both = [wire, case.beside] if case.beside else [wire]
                first, *others = run_pairs(link, case, both)
                result.goodputs.append(first["goodput"])
                result.delays += first["delays"]
                if others:
                    total = first["goodput"] + others[0]["goodput"]
                    result.shares.append(first["goodput"] / total)
    return results


def installed(wires: Iterable[str]) -> tuple[str, ...]:
    """Those that can run here; the others are told."""
    found = []
    for wire in wires:
        if wire in {"aioquic", "qh3"} and importlib.util.find_spec(wire) is None:
            continue
        found.append(wire)
    return tuple(found)


def prepare() -> None:
    """Say what is missing; make what the rivals need."""
    missing = [name for name in ("aioquic", "qh3") if name not in installed([name])]
    for name in missing:
        print(f"{name} is skipped: it is not installed here")
    if len(missing) < 2:
        from tests.bench.transport_quic import make_certificate

        make_certificate()


def row(case: Case, wire: str, result: Result) -> str:
    goodput = median(result.goodputs)
    cells = [
        f"{goodput / 1e6:.2f} ({goodput / case.line.rate:.2f})",
        result.delay(0.5),
        result.delay(0.95),
        result.delay(0.99),
        f"{median(result.shares):.2f}" if result.shares else "",
    ]
    if case.workload == "typing":
        cells[0] = ""
    name = f"**{wire}**" if wire == "ours" else wire
    return f"| {name} | {' | '.join(cells)} |"


def table(case: Case, results: dict[str, Result]) -> list[str]:
    return [
        f"### {case.name}",
        f"Goal: {case.goal}.",
        "",
        "| | Mbit/s (of the line) | p50 ms | p95 ms | p99 ms | share |",
        "|---|---|---|---|---|---|",
        *(row(case, wire, result) for wire, result in results.items()),
        "",
    ]


def header(command: str) -> list[str]:
    today = datetime.datetime.now(datetime.UTC).date()
    cores, load = os.cpu_count() or 1, os.getloadavg()[1]
    busy = ["Other programs kept the cores busy during this run."]
    return [
        "## Transport",
        f"`{command}`, {today}, {cores} cores.",
        f"Load average {load:.1f} (five minutes, at the end).",
        *(busy if load > cores else []),
        "",
        "Two processes in two network namespaces, joined by `tests/support/linkem.py`.",
        "`bulk`: a file fills the line; the delay is that of an echo every 50 ms.",
        "`busy`: the screen changes faster than the line carries; the delay is from a",
        "key press to its tile (250-700 bytes) on the other side. `typing`: the same",
        "with nothing else on the line. TCP is used as VNC does: one connection, the",
        "answer goes before what the application holds and behind what the socket",
        "holds. QUIC has a stream for each kind of message. Of these only the wires",
        "are measured. `ours` is the program there, from the input that it receives to",
        "the pixel in the technician's picture: its sessions, capture loop, codec and",
        "decoder, with a video of noise painted by the benchmark; a tile goes as a hot",
        "patch. `ours-one-stream` is the same with patches turned off.",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="every other case")
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--wires", default="", help="names, comma between them")
    parser.add_argument(
        "--write", action="store_true", help="a full run: into docs/figures.md"
    )
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("The benchmark needs root, for network namespaces.")
    prepare()
    lines: list[str] = []
    for known in CASES[:: 2 if options.quick else 1]:
        if options.only not in known.name:
            continue
        case = known
        wires = installed(options.wires.split(",") if options.wires else case.wires)
        rounds = case.rounds
        if options.quick:
            case, rounds = replace(case, seconds=1.5), 1
            wires = tuple(wire for wire in wires if wire in {"ours", "tcp-cubic"})
        found = table(case, measure(case, wires, rounds))
        print("\n".join(found), flush=True)
        lines += found
    if options.write and not (options.quick or options.only or options.wires):
        figures.put("transport", "\n".join(header("make bench-transport") + lines[:-1]))


if __name__ == "__main__":
    main()
