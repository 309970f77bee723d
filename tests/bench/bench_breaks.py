"""What a break of the path costs in mid session: the distribution over many seeds.

    python -m tests.bench.bench_breaks [--write] [--seeds N]

Whole nodes in virtual time (`tests.support.breaks`); 30 ms round trip from each site to
the server, 60 ms between the sites. `--write` puts the table into docs/figures.md.
"""

import argparse
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.bench import figures
from tests.support.breaks import BREAKS, DIRECT_KINDS, RELAYED_KINDS, Outcome, run

GOAL = 0.8  # s, p95
LOSSES = (0.0, 0.008)  # of each of the four lines on the way; 0 and 3 % a path


@dataclass(slots=True)
class Runs:
    """Outcomes of one break on paths of one sort."""

    outcomes: list[Outcome] = field(default_factory=list)

    def row(self, name: str, path: str) -> str:
        """Line of the table."""
        found = self.outcomes
        gaps = [each.text_gap for each in found]
        pauses = [each.picture_gap for each in found]
        restored = [each.restored_after for each in found]
        known = [each for each in restored if each is not None]
        harm = sum(each.lost + each.doubled for each in found)
        ended = sum(each.is_over for each in found)
        never = len(found) - len(known)
        return (
            f"| {name} | {path} | {len(found)} | {_spread(gaps)} | {_spread(pauses)} "
            f"| {harm} | {ended} | {percentile(known):.1f}"
            f"{f' ({never} not)' if never else ''} |"
        )


def _spread(values: list[float]) -> str:
    middle, high = statistics.median(values), percentile(values)
    return f"{middle:.2f} / {high:.2f} / {max(values):.2f}"


def percentile(values: list[float], share: float = 0.95) -> float:
    """Value that `share` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(seeds: int) -> list[str]:
    """All breaks, on direct and relayed paths; lines of the table."""
    rows = []
    for name in BREAKS:
        for path, pairs in (("direct", DIRECT_KINDS), ("relay", RELAYED_KINDS)):
            if "direct" in name and path == "relay":
                continue
            runs = Runs()
            for loss in LOSSES:
                for kinds in pairs:
                    for seed in range(seeds):
                        runs.outcomes.append(run(name, kinds, seed, loss=loss))
            rows.append(runs.row(name, path))
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    parser.add_argument("--seeds", type=int, default=20, help="runs of each")
    options = parser.parse_args()
    rows = measure(options.seeds)
    kinds = ", ".join("/".join(pair) for pair in (*DIRECT_KINDS, *RELAYED_KINDS))
    text = "\n".join(
        [
            "## Breaks of the path in mid session",
            "",
            (
                f"`make bench-paths`, {datetime.now(UTC):%Y-%m-%d}; whole nodes in "
                f"virtual time between the networks {kinds}, half of the runs with 3 % "
                "of loss. Text is typed (about six characters a second) and the "
                "picture moves (ten updates a second). Nobody tells the program that "
                "its network has changed. Gap: longest wait of a character after "
                "connectivity was there again; pause: longest time without an update "
                f"from then on; p50 / p95 / longest in s, goal p95 <= {GOAL} s. "
                "Restored: p95 of the s until both ends sent as before, directly "
                "where they did; after the cut of the direct path it counts from the "
                "beginning of the cut. Harm: characters lost or doubled. "
                "aioice, the ICE library for Python, closes the "
                "connection when checks stay unanswered for 30 s and opens none again: "
                "its gap is for ever (as is said in its documentation and code, not "
                "measured)."
            ),
            "",
            "| break | path | runs | gap | pause | harm | ended | restored |",
            "|---|---|---:|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )
    if options.write:
        figures.put("breaks", text)


if __name__ == "__main__":
    main()
