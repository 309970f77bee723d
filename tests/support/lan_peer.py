"""LAN discovery as a process of its own, for tests in network namespaces.

    python -m tests.support.lan_peer ID PORT

prints `ready`, `found`, `lost` as JSON lines, and reads `advertise`, `withdraw`,
`find ID SECONDS`, `peers`, `close` line by line; each is answered by `done`.
"""

import asyncio
import json
import sys
import time
from typing import Any

from p2p_remote.net.lan_discovery import LanDiscovery
from p2p_remote.wire.address import Endpoint


def say(event: str, **fields: Any) -> None:
    line = json.dumps({"event": event, "at": time.monotonic(), **fields})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def texts(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [str(endpoint) for endpoint in endpoints]


async def obey(discovery: LanDiscovery, words: list[str], own: tuple[int, int]) -> None:
    result: dict[str, Any] = {}
    match words:
        case ["advertise"]:
            await discovery.advertise(*own)
        case ["withdraw"]:
            await discovery.withdraw()
        case ["find", number, seconds]:
            found = await discovery.find(int(number), float(seconds))
            result = {"addresses": texts(found)}
        case ["peers"]:
            result = {"peers": sorted(discovery.peers()), "problem": discovery.problem}
    say("done", do=words[0], **result)


async def main() -> None:
    own = (int(sys.argv[1]), int(sys.argv[2]))
    discovery = LanDiscovery(
        lambda number, found: say("found", id=number, addresses=texts(found)),
        lambda number: say("lost", id=number),
    )
    say("starting")
    say("ready", problem=await discovery.start())
    loop = asyncio.get_running_loop()
    while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        if words == ["close"]:
            break
        await obey(discovery, words, own)
    await discovery.close()
    say("done", do="close")


if __name__ == "__main__":
    asyncio.run(main())
