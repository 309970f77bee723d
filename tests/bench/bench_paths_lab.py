"""Paths of whole processes in a laboratory of namespaces, beside aioice.

    python -m tests.bench.bench_paths_lab [--write] [--pairs a:b,...] [--rounds N]

Each pair of networks: `share` and `connect` with a real rendezvous, then two ends of
aioice with a STUN server, in the same laboratory. Then, between two ordinary routers,
what happens to typing when a router forgets its ports, an address changes or the direct
path is cut; aioice carries a datagram every 50 ms instead. Needs root, Xvfb and xterm.
"""

import argparse
import importlib.util
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import figures
from tests.bench.bench_paths import percentile
from tests.system.couple import Couple
from tests.system.displays import running_display
from tests.system.mid_session import MidSession, event_of
from tests.system.nat_lab import SERVERS, NatLab, nat_lab
from tests.system.programs import Program

RIVAL = (sys.executable, "-m", "tests.bench.paths_aioice")
STUN_PORT = "3478"
ROUND_TRIP = 0.03  # s from a site to the server
PAIRS = (
    *("none:none", "fullcone:portrest", "addrrest:eim", "portrest:portrest"),
    *("portrest:eim", "eim:eim", "portrest+reject:eim", "cgn:portrest"),
    *("portrest:symseq", "symblock:portrest", "portrest:symrandom"),
    "symrandom:symrandom",
)
PATIENCE = 8.0  # s for a direct path
WATCHED = 6.0  # s after a break
BROKEN_PAIR = "portrest:eim"
FAULTS = ("rebind", "move", "cut")


class Watch:
    """Sees the events of a program from now on."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._read = len(program.output)

    def saw(self, name: str, **fields: object) -> bool:
        """Whether such an event has come."""
        while self._read < len(self._program.output):
            event = event_of(self._program.output[self._read])
            self._read += 1
            if event.get("event") == name and fields.items() <= event.items():
                return True
        return False


def seconds_until(checks: list[Callable[[], bool]], limit: float) -> float | None:
    """Seconds until all have been true once; None after the limit."""
    began = time.monotonic()
    left = list(checks)
    while left:
        left = [check for check in left if not check()]
        if time.monotonic() - began > limit:
            return None
        time.sleep(0.001)
    return time.monotonic() - began


def ring_and_approve(lab: NatLab, folder: Path) -> tuple[float, float | None]:
    """Seconds from the call to its ringing, and from the approval to a direct path."""
    couple = Couple(folder, lab.programs, lab)
    couple.start_rendezvous()
    couple.start_share("--screen", "synthetic")
    couple.start_connect()
    couple.connect.event("calling")
    began = time.monotonic()
    digits = couple.connect.event("ringing")["digits"]
    ringing = time.monotonic() - began
    couple.share.event("request")
    watches = [Watch(couple.share), Watch(couple.connect)]
    couple.share.say({"do": "approve", "grants": ["view"], "digits": digits})
    checks = [lambda each=each: each.saw("path", kind="direct") for each in watches]
    return ringing, seconds_until(checks, PATIENCE)


def start_rivals(lab: NatLab) -> tuple[list[Program], float | None]:
    """Both ends of aioice, and the seconds from the start until they are connected."""
    ends = [
        lab.start(where, *RIVAL, role, SERVERS[0], STUN_PORT)
        for where, role in (("technician", "controlling"), ("customer", "controlled"))
    ]
    for end in ends:
        end.event("ready")
    began = time.monotonic()
    for end in ends:
        end.say({})
    told = [end.event("gathered") for end in ends]
    watches = [Watch(end) for end in ends]
    for end, other in zip(ends, reversed(told), strict=True):
        end.say(other)
    checks = [lambda each=each: each.saw("connected") for each in watches]
    connected = seconds_until(checks, PATIENCE)
    return ends, None if connected is None else time.monotonic() - began


def measure_pair(pair: str, *, with_rival: bool) -> tuple[float, Any, Any]:
    """Ringing, approval to direct, and the rival's time, each in seconds or None."""
    customer, technician = pair.split(":")
    with (
        nat_lab(customer, technician, delay=ROUND_TRIP) as lab,
        tempfile.TemporaryDirectory() as folder,
    ):
        ringing, direct = ring_and_approve(lab, Path(folder))
        theirs = None
        if with_rival:
            start_stun(lab)
            _, theirs = start_rivals(lab)
        return ringing, direct, theirs


def start_stun(lab: NatLab) -> None:
    """Let the rival find out where it is seen."""
    lab.start("middle", *RIVAL, "serve", SERVERS[0], STUN_PORT).event("ready")


def break_line(lab: NatLab, fault: str, number: int) -> None:
    """Let something happen to a side, in turns."""
    side = ("customer", "technician")[number % 2]
    if fault == "cut":
        lab.cut_direct()
    else:
        getattr(lab, fault)(side)


def longest_gap(arrivals: list[float], since: float) -> float:
    """Longest time between two arrivals; without one at the end it goes on."""
    points = [each for each in arrivals if each >= since - 0.5]
    gaps = [after - before for before, after in itertools.pairwise(points)]
    return max([*gaps, time.monotonic() - arrivals[-1]])


def our_gaps(lab: NatLab, rounds: int) -> dict[str, list[float]]:
    """Longest times without a word typed, by what was done to the line."""
    found: dict[str, list[float]] = {fault: [] for fault in FAULTS}
    for number in range(rounds):
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            display = stack.enter_context(running_display())
            session = MidSession(lab, display, Path(folder), interval=0.05)
            session.wait_for_path()
            stack.enter_context(session)
            for fault in FAULTS:
                began = time.monotonic()
                break_line(lab, fault, number)
                session.wait_for_words(20)
                found[fault].append(longest_gap(session.arrivals, began))
                lab.heal()
                session.wait_for_path()
                session.wait_for_words(20)
            session.check()
            for program in (session.couple.connect, session.couple.share):
                program.stop()
            session.couple.rendezvous.stop()
    return found


def rival_gaps(lab: NatLab) -> dict[str, list[float]]:
    """The same with aioice, once each: a path that has broken stays so."""
    found = {}
    for fault in FAULTS:
        ends, _ = start_rivals(lab)
        watched = ends[1]
        for _ in range(20):
            watched.event("came")
        began = time.monotonic()
        break_line(lab, fault, 0)
        time.sleep(WATCHED)
        told = map(event_of, list(watched.output))
        came = [each["at"] for each in told if each["event"] == "came"]
        found[fault] = [longest_gap(came, began)]
        lab.heal()
        for end in ends:
            end.stop()
    return found


def milliseconds(seconds: float | None) -> str:
    """A cell of the table."""
    return "-" if seconds is None else f"{1000 * seconds:.0f}"


def pair_rows(pairs: list[str], *, with_rival: bool) -> list[str]:
    """The table of pairs."""
    rows = [
        "| customer | technician | rings | direct | aioice |",
        "|---|---|---|---|---|",
    ]
    ringing = []
    for pair in pairs:
        rings, *times = measure_pair(pair, with_rival=with_rival)
        ringing.append(rings)
        cells = [*pair.split(":"), *map(milliseconds, (rings, *times))]
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    middle = statistics.median(ringing)
    rows += ["", f"Call until it rings: median {milliseconds(middle)} ms."]
    return rows


def gap_rows(rounds: int, *, with_rival: bool) -> list[str]:
    """The table of breaks."""
    rows = ["| what happens | runs | p50 | p95 | aioice |", "|---|---|---|---|---|"]
    with ExitStack() as stack:
        customer, technician = BROKEN_PAIR.split(":")
        lab = stack.enter_context(nat_lab(customer, technician, delay=ROUND_TRIP))
        ours = our_gaps(lab, rounds)
        theirs: dict[str, list[float]] = {}
        if with_rival:
            start_stun(lab)
            theirs = rival_gaps(lab)
    for fault in FAULTS:
        gaps = ours[fault]
        rival = "-"
        if theirs:
            lasted = theirs[fault][0]
            rival = milliseconds(lasted) if lasted < WATCHED - 0.5 else "for ever"
        middle, worst = statistics.median(gaps), percentile(gaps)
        cells = (
            fault,
            str(len(gaps)),
            milliseconds(middle),
            milliseconds(worst),
            rival,
        )
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    parser.add_argument("--pairs", default=",".join(PAIRS))
    parser.add_argument("--rounds", type=int, default=5, help="sessions that break")
    options = parser.parse_args()
    with_rival = importlib.util.find_spec("aioice") is not None
    pairs = pair_rows(options.pairs.split(","), with_rival=with_rival)
    gaps = gap_rows(options.rounds, with_rival=with_rival)
    text = "\n".join(
        (
            "## Paths of whole processes",
            f"`make bench-paths`, {datetime.now(UTC):%Y-%m-%d}, 2 shared cores, load",
            f"average {os.getloadavg()[1]:.1f} (five minutes, at the end). Whole",
            "processes in namespaces, NATs by nftables, round trip 30 ms to the server",
            "and 60 ms between the sites by `tests/support/linkem.py`; ms, one run a",
            "pair. Rings: from the technician's `calling`, before it has registered,",
            "to `ringing`. Direct: from the customer's approval until both say so.",
            "aioice: from the start of both ends until both are connected, gathering",
            "included, with signalling that takes no time. `-`: not within 8 s.",
            "",
            *pairs,
            "",
            f"In mid session ({BROKEN_PAIR}): the longest time in which nothing was",
            "typed at the customer's, while somebody types a word every 50 ms and the",
            "picture moves; ms. `cut`: the direct path alone. aioice: a datagram every",
            "50 ms, one run each, watched for 6 s.",
            "",
            *gaps,
        )
    )
    if options.write:
        figures.put("paths-lab", text)


if __name__ == "__main__":
    main()
