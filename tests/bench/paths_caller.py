"""A technician for bench_paths_lab who calls as the interface does.

    python -m tests.bench.paths_caller ID OPTIONS...

The options are those of `p2p-remote connect`. The node registers while the ID is being
typed and prints "typed"; on a line of input it calls and prints "rang" with the seconds
that it took. A second line ends it.
"""

import sys
import time

from p2p_remote.cli.commands import GLOBAL_OPTIONS
from p2p_remote.cli.lines import emit
from p2p_remote.cli.main import build_parser
from p2p_remote.services import events as se
from p2p_remote.services.context import load_context
from p2p_remote.services.technician_thread import TechnicianThread

TYPING = 1.0  # s for the digits


class Caller:
    """Notes when it rings."""

    def __init__(self) -> None:
        self._began = 0.0

    def run(self, target: int, link: TechnicianThread) -> None:
        """Prepare, call and leave."""
        link.start()
        link.prepare()
        time.sleep(TYPING)
        emit("typed")
        sys.stdin.readline()
        self._began = time.monotonic()
        link.call(target)
        sys.stdin.readline()
        link.close()

    def notify(self, event: se.ServiceEvent) -> None:
        """Take an event of the link, in its thread."""
        if isinstance(event, se.Ringing):
            emit("rang", seconds=time.monotonic() - self._began)


def main() -> None:
    """Program; see the docstring of the module."""
    parser = build_parser()
    parser.set_defaults(**{each.destination: each.default for each in GLOBAL_OPTIONS})
    arguments = parser.parse_args(["connect", *sys.argv[1:]])
    options = load_context(arguments).node_options(listed=False)
    caller = Caller()
    caller.run(int(arguments.id), TechnicianThread(options, caller.notify))


if __name__ == "__main__":
    main()
