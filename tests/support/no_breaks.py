"""What is no break of the path, though little comes for a while, in virtual time.

    outcome = run_on("bursts of loss", ("portrest", "eim"), seed=7)

No end has a reason to take another path, which `Outcome.changes` tells.
"""

from tests.scenarios.world import Person
from tests.support.breaks import Break, Outcome, begun, lines_of

STALLED_FOR = 0.5  # s that a computer stands still
BUSY = 15.0  # s on a bad line
FULL_PICTURE = 9000  # bytes of an update: ten a second are too much for a thin line

BAD_LINES: dict[str, dict[str, float]] = {
    "3 % of loss": {"loss": 0.03},
    "bursts of loss": {"loss": 0.03, "burst": 6.0},
    "jitter": {"jitter": 0.06},
    "a long queue": {"rate": 0.4e6, "queue": 0.3},
}
"""Lines of the customer that are bad, but work."""


def run_on(line: str, kinds: tuple[str, str], seed: int) -> Outcome:
    """One session in which one of `BAD_LINES` carries as much as it can."""
    run_ = begun(kinds, seed)
    run_.picture_bytes = FULL_PICTURE
    for each in lines_of(run_.world.customer)[:2]:
        for name, value in BAD_LINES[line].items():
            setattr(each, name, value)
    return _outcome(run_, BUSY)


def run_stall(who: str, kinds: tuple[str, str], seed: int) -> Outcome:
    """One session in which nothing leaves or reaches a computer for `STALLED_FOR`.

    `who` is "customer" or "technician".
    """
    run_ = begun(kinds, seed)
    person: Person = getattr(run_.world, who)
    network = run_.world.network

    def stall(seconds: float) -> None:
        for line in lines_of(person)[:2]:
            line.delay += seconds

    network.call_at(network.now + 2.0, lambda: stall(STALLED_FOR))
    network.call_at(network.now + 2.0 + STALLED_FOR, lambda: stall(-STALLED_FOR))
    return _outcome(run_, 5.0)


def _outcome(run_: Break, seconds: float) -> Outcome:
    """Type and draw for so long, and judge what has arrived."""
    network = run_.world.network
    run_.begin()
    run_.back_at = network.now
    network.run_for(seconds)
    run_.is_busy = False
    network.run_for(2.0)
    return run_.outcome()
