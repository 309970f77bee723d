"""A technician for bench_paths_lab who calls as the interface does.

    python -m tests.bench.paths_caller ID OPTIONS...

The options are those of `p2p-remote connect`. The node registers while the ID is being
typed; on a line of input it calls. Events come as JSON lines.
"""

import sys
import time

from p2p_remote.cli.commands import GLOBAL_OPTIONS
from p2p_remote.cli.event_json import as_json
from p2p_remote.cli.lines import emit
from p2p_remote.cli.main import build_parser
from p2p_remote.services import events as se
from p2p_remote.services.context import load_context
from p2p_remote.services.technician_thread import TechnicianThread

TYPING = 1.0  # s for the digits


def tell(event: se.ServiceEvent) -> None:
    """Print an event."""
    described = as_json(event)
    if described is not None:
        emit(described[0], **described[1])


def main() -> None:
    """Program; see the docstring of the module."""
    parser = build_parser()
    parser.set_defaults(**{each.destination: each.default for each in GLOBAL_OPTIONS})
    arguments = parser.parse_args(["connect", *sys.argv[1:]])
    options = load_context(arguments).node_options(listed=False)
    caller = TechnicianThread(options, tell)
    caller.start()
    caller.prepare()
    time.sleep(TYPING)
    emit("typed")
    sys.stdin.readline()
    caller.call(int(arguments.id))
    sys.stdin.readline()
    caller.close()


if __name__ == "__main__":
    main()
