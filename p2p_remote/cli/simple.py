"""`p2p-remote id` and `p2p-remote lan`."""

import argparse
import asyncio

from p2p_remote.cli.lines import emit
from p2p_remote.errors import UsageError
from p2p_remote.services.context import load_context
from p2p_remote.services.lan_peers import browse
from p2p_remote.wire import peer_id

LAN_SECONDS = 2.0  # s to listen for peers


def run_id(arguments: argparse.Namespace) -> int:
    """Show the ID of this machine."""
    context = load_context(arguments)
    number = context.identity.peer_id
    if arguments.json:
        emit("id", id=peer_id.plain(number), key=context.identity.public.hex())
    else:
        print(peer_id.grouped(number))
    return 0


def run_lan(arguments: argparse.Namespace) -> int:
    """List the peers that share their screen on this network."""
    context = load_context(arguments)
    if not context.lan:
        raise UsageError("--no-lan and the command lan do not go together.")
    rows = asyncio.run(browse(context.identity.peer_id, LAN_SECONDS))
    for number, endpoints in rows:
        if arguments.json:
            emit("peer", id=peer_id.plain(number), addresses=endpoints)
        else:
            print(f"{peer_id.grouped(number)}  {', '.join(endpoints)}")
    if arguments.json:
        emit("done", do="lan", peers=len(rows))
    elif not rows:
        print(
            "Nobody found. The other side has to run p2p-remote; a firewall may block "
            "multicast DNS (UDP port 5353)."
        )
    return 0
