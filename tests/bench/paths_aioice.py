"""The rival of bench_paths_lab in processes of its own: aioice, and a STUN server.

    python tests/bench/paths_aioice.py serve HOST PORT
    python tests/bench/paths_aioice.py controlling|controlled HOST PORT

An end speaks JSON lines: on "go" it gathers candidates and prints them; on the other
end's it connects, prints "connected", sends a datagram every 50 ms and prints the time
of each that comes.
"""

import asyncio
import json
import sys
import time
from typing import Any

import aioice
from aioice import stun

INTERVAL = 0.05  # s between datagrams


class StunServer(asyncio.DatagramProtocol):
    """Answers binding requests."""

    def connection_made(self, transport: Any) -> None:
        """Keep the socket."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Tell where a request came from."""
        request = stun.parse_message(data)
        answer = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=request.transaction_id,
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = addr
        self._transport.sendto(bytes(answer), addr)


async def serve(host: str, port: int) -> None:
    """Run the server."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(StunServer, local_addr=(host, port))
    tell(event="ready")
    await asyncio.Event().wait()


def tell(**fields: object) -> None:
    """Print one line."""
    print(json.dumps(fields), flush=True)


async def hear() -> dict[str, Any]:
    """Read one line."""
    line = await asyncio.to_thread(sys.stdin.readline)
    found: dict[str, Any] = json.loads(line)
    return found


async def end(server: tuple[str, int], *, controlling: bool) -> None:
    """Run one end."""
    agent = aioice.Connection(ice_controlling=controlling, stun_server=server)
    tell(event="ready")
    await hear()
    await agent.gather_candidates()
    tell(
        event="gathered",
        candidates=[each.to_sdp() for each in agent.local_candidates],
        username=agent.local_username,
        password=agent.local_password,
    )
    other = await hear()
    agent.remote_username, agent.remote_password = other["username"], other["password"]
    for each in other["candidates"]:
        await agent.add_remote_candidate(aioice.Candidate.from_sdp(each))
    await agent.add_remote_candidate(None)
    try:
        await agent.connect()
    except ConnectionError as error:
        tell(event="failed", why=str(error))
        return
    tell(event="connected")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(send(agent))
        tasks.create_task(receive(agent))


async def send(agent: aioice.Connection) -> None:
    """Send for ever."""
    while True:
        await agent.send(b"word")
        await asyncio.sleep(INTERVAL)


async def receive(agent: aioice.Connection) -> None:
    """Print when something comes."""
    while True:
        await agent.recv()
        tell(event="came", at=time.monotonic())


def main() -> None:
    """Program; see the docstring of the module."""
    role, host, port = sys.argv[1:]
    if role == "serve":
        asyncio.run(serve(host, int(port)))
    asyncio.run(end((host, int(port)), controlling=role == "controlling"))


if __name__ == "__main__":
    main()
