"""Which pairs of networks get a direct path, and how soon: the pair matrix.

    python -m tests.bench.bench_paths [--write] [--seeds N] [--kinds none,portrest,...]

Whole nodes and a whole rendezvous machine in virtual time, 30 ms round trip from each
site to the server and 60 ms between the sites. Each pair of kinds is run from both
sides. A cell shows how a direct path came about and the median of the milliseconds from
the customer's approval until both ends send on it:

    O  simultaneous opening   P  port prediction   B  guessed ports of a range or all
    T  TCP, opened simultaneously     R  the relay carries the session
    -  no session: not even the server is reached

`n/m` behind a cell: direct in n of m runs. `--write` puts the table into
docs/figures.md.
"""

import argparse
import itertools
import math
import statistics
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from p2p_remote.session import node_events as nd
from p2p_remote.session.events import SessionEnded
from p2p_remote.session.session import Session
from p2p_remote.wire.address import TcpEndpoint
from tests.bench import figures
from tests.scenarios.world import World
from tests.support.places import KINDS

MATRIX = (
    "none",
    "fullcone",
    "addrrest",
    "portrest",
    "eim",
    "symaddr",
    "symseq",
    "symskip",
    "symblock",
    "symrandom",
    "cgn",
    "cgnsym",
    "udp443",
    "noudp",
)
EASY = ("none", "fullcone", "addrrest", "portrest", "eim", "cgn")
HALF_ROUND_TRIP = 0.015  # s from a site to the server
DELAYS = {"delay": HALF_ROUND_TRIP, "server_delay": 0.0}
PATIENCE = 6.0  # s after the approval


@dataclass(slots=True)
class Pair:
    """Runs of one pair of kinds. Times are ms after the call or the approval."""

    runs: int = 0
    usable: list[float] = field(default_factory=list)
    direct: list[float] = field(default_factory=list)
    how: set[str] = field(default_factory=set)

    @property
    def is_direct(self) -> bool:
        """Whether more than half of the runs became direct."""
        return 2 * len(self.direct) > self.runs

    def cell(self) -> str:
        """Text in the table."""
        if not self.usable:
            return "-"
        if not self.direct:
            return "R"
        how = max(self.how, key="OPBT".index)
        text = f"{how}{statistics.median(self.direct):.0f}"
        if len(self.direct) < self.runs:
            text += f" {len(self.direct)}/{self.runs}"
        return text


def how_it_came(session: Session) -> str:
    """Letter of what led to the direct path."""
    agent = session._agent
    if isinstance(session.path, TcpEndpoint):
        return "T"
    if agent is None or not agent.search.has_hit:
        return "O"
    own, peer = agent.search.own, agent.search.peer
    hard = [each for each in (own, peer) if each.is_dependent]
    return "P" if all(each.is_stepped for each in hard) else "B"


def run(pair: Pair, technician: str, customer: str, seed: int) -> None:
    """One session between two kinds."""
    pair.runs += 1
    world = World(
        seed,
        technician_nat=technician,
        customer_nat=customer,
        **DELAYS,
    )
    began = world.network.now + 1.0
    world.call()
    if world.technician.session is None or world.customer.session is None:
        return
    pair.usable.append((world.network.now - began) * 1000)
    world.approve("view", wait=0.0)
    approved_at = world.network.now
    people = (world.technician, world.customer)
    world.network.run_for(
        PATIENCE, lambda: any(p.session.path_kind == "relay" for p in people)
    )
    if all(p.session.path_kind != "relay" for p in people):
        pair.direct.append((world.network.now - approved_at) * 1000)
        ways = {how_it_came(person.session) for person in people}
        pair.how.add(max(ways, key="OPBT".index))
    assert not world.technician.all_of(nd.CallFailed)
    assert not any(each.all_of(SessionEnded) for each in people)


def measure(kinds: tuple[str, ...], seeds: int) -> dict[tuple[str, str], Pair]:
    """All pairs, each from both sides with every seed."""
    pairs = {}
    for one, other in itertools.combinations_with_replacement(kinds, 2):
        pair = pairs[one, other] = Pair()
        for seed in range(1, seeds + 1):
            run(pair, one, other, seed)
            run(pair, other, one, seed)
        print(f"{one} x {other}: {pair.cell()}", flush=True)
    return pairs


def table(kinds: tuple[str, ...], pairs: dict[tuple[str, str], Pair]) -> str:
    """The matrix, its legend and its sums, as Markdown."""
    rows = ["| |" + "|".join(kinds) + "|", "|---|" + "---|" * len(kinds)]
    for index, one in enumerate(kinds):
        cells = [""] * index
        cells += [pairs[one, other].cell() for other in kinds[index:]]
        rows.append(f"|{one}|" + "|".join(cells) + "|")
    direct = [pair for pair in pairs.values() if pair.is_direct]
    usable = [pair for pair in pairs.values() if pair.usable]
    opened = [t for p in direct if p.how == {"O"} for t in p.direct]
    ringing = [t for p in usable for t in p.usable]
    easy = [
        t
        for (one, other), pair in pairs.items()
        if one in EASY and other in EASY
        for t in (pair.direct if len(pair.direct) == pair.runs else [math.inf])
    ]
    sums = (
        f"- Direct in most runs: **{len(direct)} of {len(pairs)}** pairs.",
        (
            f"- A session at all (relay from the first packet): **{len(usable)} of "
            f"{len(pairs)}**."
        ),
        (
            f"- Call until it rings: median {statistics.median(ringing):.0f} ms, "
            f"p95 {percentile(ringing):.0f} ms."
        ),
        (
            f"- Simultaneous opening, approval to direct: median "
            f"{statistics.median(opened):.0f} ms, p95 {percentile(opened):.0f} ms."
        ),
        (
            f"- Both endpoint-independent ({', '.join(EASY)}), approval to direct in "
            f"every run: median {statistics.median(easy):.0f} ms, p95 "
            f"{percentile(easy):.0f} ms."
        ),
        *usable_without_udp(),
    )
    legend = [f"- `{kind}`: {KINDS[kind.partition('+')[0]]}" for kind in kinds]
    return "\n".join([*rows, "", *sums, "", *legend])


def usable_without_udp() -> list[str]:
    """From the start of a node until its call rings, where UDP is blocked."""
    lines = []
    for kind in ("noudp", "udp443", "tcp443"):
        world = World(1, technician_nat=kind, customer_nat="portrest", **DELAYS)
        began = world.network.now
        world.call(after=0.0)
        took = (world.network.now - began) * 1000
        assert world.technician.session is not None
        lines.append(
            f"- `{kind}`, from the start of the program until a call rings on the "
            f"other side and is answered: {took:.0f} ms."
        )
    return lines


def percentile(values: list[float], share: float = 0.95) -> float:
    """Value that `share` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def restricted_against_random(runs: int) -> str:
    """How surely and how soon the birthday search works."""
    pair = Pair()
    for seed in range(runs):
        run(pair, "portrest", "symrandom", 1000 + seed)
    in_time = [each for each in pair.direct if each <= 2100]
    return (
        f"- `portrest` against `symrandom`, {runs} runs: direct within 2.1 s in "
        f"{100 * len(in_time) / runs:.1f} %, median "
        f"{statistics.median(pair.direct):.0f} ms."
    )


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    parser.add_argument("--seeds", type=int, default=2, help="runs from each side")
    parser.add_argument("--search-runs", type=int, default=200)
    parser.add_argument("--kinds", default=",".join(MATRIX))
    options = parser.parse_args()
    kinds = tuple(options.kinds.split(","))
    began = time.monotonic()
    pairs = measure(kinds, options.seeds)
    text = (
        f"`make bench-paths`, {datetime.now(UTC):%Y-%m-%d}; whole nodes in "
        f"virtual time, round trip 30 ms to the server and 60 ms between the sites, "
        f"{2 * options.seeds} runs a pair ({time.monotonic() - began:.0f} s). Median "
        "ms from the approval until both ends send directly. O: simultaneous opening, "
        "P: port prediction, B: guessed ports, T: TCP opened simultaneously, "
        "R: relayed.\n\n"
        f"{table(kinds, pairs)}\n{restricted_against_random(options.search_runs)}"
    )
    print(text)
    if options.write:
        figures.put("paths", text)


if __name__ == "__main__":
    main()
