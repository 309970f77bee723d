"""``python -m p2p_remote``: the same as the ``p2p-remote`` command."""

import sys

from p2p_remote.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
