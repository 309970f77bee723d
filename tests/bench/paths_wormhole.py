"""A rival of bench_paths_lab in a process of its own: magic-wormhole.

    python tests/bench/paths_wormhole.py sender|receiver MAILBOX RELAY

Does what `wormhole send` and `wormhole receive` do until they are connected: on a line
with a code it exchanges the key and the hints by the mailbox server, connects, directly
or by the transit relay, and prints "connected".
"""

import json
import sys
from typing import Any

from twisted.internet import defer, reactor, threads
from wormhole import create
from wormhole.transit import TransitReceiver, TransitSender

APPLICATION = "p2p-remote.bench/paths"


def tell(**fields: object) -> None:
    """Print one line."""
    print(json.dumps(fields), flush=True)


async def end(role: str, mailbox: str, relay: str) -> None:
    """Run one end."""
    tell(event="ready")
    line = await threads.deferToThread(sys.stdin.readline)
    code = json.loads(line)["code"]
    meeting: Any = create(APPLICATION, mailbox, reactor)
    meeting.set_code(code)
    kind = TransitSender if role == "sender" else TransitReceiver
    transit: Any = kind(relay, reactor=reactor)
    hints = await transit.get_connection_hints()
    meeting.send_message(json.dumps(hints).encode())
    transit.add_connection_hints(json.loads(await meeting.get_message()))
    length = transit.TRANSIT_KEY_LENGTH
    transit.set_transit_key(meeting.derive_key(f"{APPLICATION}/transit-key", length))
    connection = await transit.connect()
    tell(event="connected", how=str(connection.describe()))


def main() -> None:
    """Program; see the docstring of the module."""
    loop: Any = reactor
    role, mailbox, relay = sys.argv[1:]
    running = defer.ensureDeferred(end(role, mailbox, relay))
    running.addErrback(lambda failure: tell(event="failed", why=str(failure.value)))
    loop.run()


if __name__ == "__main__":
    main()
