"""Paths of whole processes in a laboratory of namespaces, beside its rivals.

    python -m tests.bench.bench_paths_lab [--write] [--add] [--part pairs|gaps]
        [--pairs a:b,...] [--runs N] [--rounds N]

Each pair of networks: `share` and `connect` with a real rendezvous, then two ends of
aioice with a STUN server, and for some pairs of magic-wormhole with its servers, one
after the other in the same laboratory. Then, between two ordinary routers, what happens
to typing when a router forgets its ports, an address changes or the direct path is cut;
aioice carries a datagram every 50 ms instead. Needs root, Xvfb and xterm.

What was measured is kept in bench-results/paths-lab.json. `--add` keeps what is there,
so that the whole can be measured in parts; `--write` puts all of it into
docs/figures.md.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import figures
from tests.bench.bench_paths import percentile
from tests.bench.paths_line import tune
from tests.bench.paths_rivals import (
    PATIENCE,
    Watch,
    has,
    seconds_until,
    start_aioice,
    start_stun,
    start_wormhole_servers,
    wormhole,
)
from tests.system.couple import Couple
from tests.system.displays import running_display
from tests.system.mid_session import MidSession, event_of
from tests.system.nat_lab import NatLab, nat_lab
from tests.system.programs import P2P_REMOTE, ROOT

RESULTS = ROOT / "bench-results" / "paths-lab.json"
ROUND_TRIP = 0.03  # s from a site to the server
PAIRS = (
    *("none:none", "fullcone:portrest", "addrrest:eim", "portrest:portrest"),
    *("portrest:eim", "eim:eim", "portrest+reject:eim", "cgn:portrest"),
    *("portrest:symseq", "symblock:portrest", "portrest:symrandom"),
    "symrandom:symrandom",
)
EASY_PAIRS = PAIRS[:8]
WORMHOLE_PAIRS = ("none:none", "portrest:eim", "cgn:portrest", "symrandom:symrandom")
COLUMNS = ("started", "rings", "direct", "aioice", "wormhole")
READING = 1.0  # s; nobody reads six digits out and types them in less
WATCHED = 6.0  # s after a break
BROKEN_PAIR = "portrest:eim"
FAULTS = ("rebind", "move", "cut")

Times = dict[str, float | None]


def call_by_command(couple: Couple) -> Times:
    """Seconds from the start of `connect` to the ringing, and from a yes to direct."""
    began = time.monotonic()
    couple.start_connect()
    digits = couple.connect.event("ringing")["digits"]
    started = time.monotonic() - began
    couple.share.event("request")
    time.sleep(READING)
    watches = [Watch(couple.share), Watch(couple.connect)]
    couple.share.say({"do": "approve", "grants": ["view"], "digits": digits})
    checks = [lambda each=each: each.saw("path", kind="direct") for each in watches]
    direct = seconds_until(checks, PATIENCE)
    couple.connect.say({"do": "end"})
    couple.share.event("ended")
    couple.connect.stop()
    return {"started": started, "direct": direct}


def call_by_interface(lab: NatLab, couple: Couple) -> Times:
    """Seconds from the call to its ringing, with the ID typed before."""
    module = (sys.executable, "-m", "tests.bench.paths_caller")
    arguments = (couple.peer_id, *couple.arguments("technician"))
    caller = lab.start("technician", *module, *arguments)
    caller.event("typed")
    caller.say({})
    rings: float = caller.event("rang")["seconds"]
    caller.say({})
    couple.share.event("ended")
    caller.stop()
    return {"rings": rings}


def measure_pair(pair: str) -> Times:
    """One run of everything on a pair of networks, in seconds."""
    customer, technician = pair.split(":")
    with (
        nat_lab(customer, technician, delay=ROUND_TRIP) as lab,
        tempfile.TemporaryDirectory() as folder,
        running_display() as display,
    ):
        pings = tune(lab, ROUND_TRIP)
        couple = Couple(Path(folder), lab.programs, lab, display.env, lan=True)
        couple.start_rendezvous()
        couple.start_share("--screen", "x11")
        own = ("id", *couple.arguments("technician"))
        lab.start("technician", *P2P_REMOTE, *own).event("id")
        found = call_by_command(couple) | call_by_interface(lab, couple)
        found["ping"] = statistics.mean(pings.values())
        couple.share.stop()
        if has("aioice"):
            start_stun(lab)
            ends, found["aioice"] = start_aioice(lab)
            for end in ends:
                end.stop()
        if pair in WORMHOLE_PAIRS and has("wormhole"):
            start_wormhole_servers(lab, Path(folder))
            found["wormhole"] = wormhole(lab)
        return found


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
    start_stun(lab)
    for fault in FAULTS:
        ends, _ = start_aioice(lab)
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


def measure_gaps(rounds: int) -> dict[str, Any]:
    """Gaps of both, by what was done to the line."""
    customer, technician = BROKEN_PAIR.split(":")
    with nat_lab(customer, technician, delay=ROUND_TRIP) as lab:
        return {
            "ours": our_gaps(lab, rounds),
            "aioice": rival_gaps(lab) if has("aioice") else {},
        }


def milliseconds(seconds: float | None) -> str:
    """A cell of the table."""
    return "-" if seconds is None else f"{1000 * seconds:.0f}"


def middle_of(runs: list[Times], column: str) -> str:
    """Cell with the median; an attempt that failed counts as endless."""
    times = [each[column] for each in runs if column in each]
    if not times:
        return ""
    endless = float("inf")
    middle = statistics.median_low([endless if t is None else t for t in times])
    return milliseconds(None if middle == endless else middle)


def pair_rows(pairs: dict[str, list[Times]]) -> list[str]:
    """The table of pairs."""
    heads = ("customer", "technician", "runs", *COLUMNS)
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for pair in sorted(pairs, key=PAIRS.index):
        runs = pairs[pair]
        cells = [*pair.split(":"), str(len(runs))]
        cells += [middle_of(runs, column) for column in COLUMNS]
        rows.append(f"| {' | '.join(cells)} |")
    every = [each for runs in pairs.values() for each in runs]
    rings, started = middle_of(every, "rings"), middle_of(every, "started")
    ordinary = [run for pair in EASY_PAIRS for run in pairs.get(pair, [])]
    direct = middle_of(ordinary, "direct")
    pings = statistics.median(1000 * (run["ping"] or 0.0) for run in every)
    rows += [
        "",
        f"Call until it rings: median {rings} ms; from the approval until both ends",
        f"are direct, where both routers are ordinary (the first eight rows): {direct}",
        f"ms; from the start of `p2p-remote connect` to `ringing`: {started} ms. An",
        f"empty ping to the server took {pings:.1f} ms (median), and the protocol",
        "alone needs 120 ms for the one and for the other.",
    ]
    return rows


def gap_rows(gaps: dict[str, Any]) -> list[str]:
    """The table of breaks."""
    rows = ["| what happens | runs | p50 | p95 | aioice |", "|---|---|---|---|---|"]
    for fault in FAULTS:
        ours = gaps["ours"][fault]
        rival = "not installed"
        if gaps["aioice"]:
            lasted = gaps["aioice"][fault][0]
            rival = milliseconds(lasted) if lasted < WATCHED - 0.5 else "for ever"
        spread = (statistics.median(ours), percentile(ours))
        cells = (fault, str(len(ours)), *map(milliseconds, spread), rival)
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def report(results: dict[str, Any]) -> str:
    """The section of docs/figures.md."""
    missing = [name for name in ("aioice", "wormhole") if not has(name)]
    without = f"Not installed: {', '.join(missing)}." if missing else ""
    return "\n".join(
        (
            "## Paths of whole processes",
            f"`make bench-paths`, {datetime.now(UTC):%Y-%m-%d}, 2 shared cores, load",
            f"average {os.getloadavg()[1]:.1f} (five minutes, at the end). Whole",
            "processes in namespaces, NATs by nftables, round trip 30 ms to the server",
            "and 60 ms between the sites by `tests/support/linkem.py`, which is set so",
            "that a ping takes that; ms, medians.",
            "Started: from the start of `p2p-remote connect`, Python and all, to",
            "`ringing`. Rings: from the call to `ringing` as in the interface, which",
            "registers while the ID is typed. Direct: from the customer's approval",
            "until both say so; `-`: not within 8 s. The rivals run already; aioice:",
            "until both ends are connected, gathering included, with signalling that",
            "takes no time; `wormhole` (magic-wormhole): from the code at both ends",
            "until they are connected, by its relay where there is a NAT, with its own",
            f"servers at the place of ours. {without}".rstrip(),
            "",
            *pair_rows(results["pairs"]),
            "",
            f"In mid session ({BROKEN_PAIR}): the longest time in which nothing was",
            "typed at the customer's, while somebody types a word every 50 ms and the",
            "picture moves; ms. `cut`: the direct path alone. aioice: a datagram every",
            "50 ms, one run each, watched for 6 s.",
            "",
            *gap_rows(results["gaps"]),
        )
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    parser.add_argument("--add", action="store_true", help="to what was measured")
    parser.add_argument("--part", choices=("pairs", "gaps"), help="this alone")
    parser.add_argument("--pairs", default=",".join(PAIRS))
    parser.add_argument("--runs", type=int, default=3, help="of each pair")
    parser.add_argument("--rounds", type=int, default=5, help="sessions that break")
    options = parser.parse_args()
    results: dict[str, Any] = {"pairs": {}, "gaps": {}}
    if options.add and RESULTS.exists():
        results = json.loads(RESULTS.read_text("ascii"))
    if options.part != "gaps":
        for _, pair in itertools.product(range(options.runs), options.pairs.split(",")):
            found = measure_pair(pair)
            results["pairs"].setdefault(pair, []).append(found)
            shown = (f"{name} {milliseconds(found[name])}" for name in found)
            print(pair, *shown, flush=True)
    if options.part != "pairs":
        results["gaps"] = measure_gaps(options.rounds)
        print(*gap_rows(results["gaps"]), sep="\n", flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results), "ascii")
    if options.write:
        figures.put("paths-lab", report(results))


if __name__ == "__main__":
    main()
