"""Sets the lines of a laboratory to what an empty ping takes over them.

    python -m tests.bench.paths_line echo HOST PORT
    python -m tests.bench.paths_line ping HOST PORT

The emulator of a line, two processes and the kernel's switching between them add about
a millisecond to each round trip. None of that is the line's, nor of what is measured.
"""

import socket
import statistics
import sys
import time

from p2p_remote.cli.lines import emit
from tests.system.nat_lab import SERVERS, NatLab

PORT = "3477"
PINGS = 25
SPACING = 0.02  # s, so that everything sleeps between two, as between two messages
PAYLOAD = bytes(150)


def _program(what: str) -> tuple[str, ...]:
    return sys.executable, "-m", "tests.bench.paths_line", what, SERVERS[0], PORT


def tune(lab: NatLab, round_trip: float) -> dict[str, float]:
    """Let an empty ping from each site to the server take so many s; returns both.

    What is returned is measured after the lines have been set.
    """
    echo = lab.start("middle", *_program("echo"))
    echo.event("ready")
    found = {}
    for site, line in lab.lines.items():
        added = _ping(lab, site) - round_trip
        line.set("both", delay=(round_trip - added) / 2)
        found[site] = _ping(lab, site)
    echo.stop()
    return found


def _ping(lab: NatLab, site: str) -> float:
    ping = lab.start(site, *_program("ping"))
    median: float = ping.event("took")["median"]
    ping.stop()
    return median


def main() -> None:
    """Program; see the docstring of the module."""
    what, host, port = sys.argv[1:]
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if what == "echo":
        end.bind((host, int(port)))
        emit("ready")
        while True:
            data, source = end.recvfrom(2048)
            end.sendto(data, source)
    end.settimeout(1.0)
    took = []
    for _ in range(PINGS):
        time.sleep(SPACING)
        began = time.monotonic()
        end.sendto(PAYLOAD, (host, int(port)))
        end.recvfrom(2048)
        took.append(time.monotonic() - began)
    emit("took", median=statistics.median(took))


if __name__ == "__main__":
    main()
