"""Damaged screen updates against the decoder, by hand.

    python -m tests.fuzz.fuzz_screen [--count 1000000] [--seed 1]

Prints how many were accepted and refused, updates per second and the memory that was
taken. Any exception that is not MalformedMessageError ends the run with its trace.
"""

import argparse
import resource
import time

from tests.support.screen_updates import fuzz


def main() -> None:
    """Run the fuzzer in slices of 50,000, each with a seed of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begin = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    accepted = refused = 0
    while accepted + refused < options.count:
        count = min(50_000, options.count - accepted - refused)
        taken, rejected = fuzz(count, options.seed + accepted + refused)
        accepted, refused = accepted + taken, refused + rejected
        rate = (accepted + refused) / (time.perf_counter() - begin)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        print(  # noqa: T201
            f"accepted {accepted}  refused {refused}  {rate:.0f}/s  +{grown} KiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
