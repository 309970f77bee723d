"""A small HTTP proxy that only makes tunnels, as networks of companies have them.

    python -m tests.support.connect_proxy 192.168.1.1 3128 --user name:password \
        --name rendezvous.test=203.0.113.1

It says `listening HOST:PORT`, and then one line for each request: `CONNECT host:port
status`. Only `--ports` are let through; `--name` is what its name server knows.
"""

import argparse
import asyncio
import base64
import contextlib
import sys
from dataclasses import dataclass, field

_READ = 65_536
_REASONS = {200: "Connection established", 403: "Forbidden", 502: "Bad Gateway"}
_SIGN_IN = "407 Proxy Authentication Required"


def say(line: str) -> None:
    """Tell who has started this process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class ConnectProxy:
    """What one proxy does. `asked` collects its requests with the answers."""

    user: str = ""
    ports: frozenset[int] = frozenset({443})
    names: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Serve there; `sockets` of the result tells where."""
        return await asyncio.start_server(self.serve, host, port)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one client."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            far = await self._answer(head, writer)
            if far is not None:
                await _join((reader, writer), far)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, head: str, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        method, target, *_ = head.split(" ", 2)
        host, _, port = target.rpartition(":")
        far, status = None, 403
        if self.user and _basic(self.user) not in head:
            status = 407
        elif method == "CONNECT" and int(port) in self.ports:
            try:
                address = self.names.get(host, host)
                far = await asyncio.open_connection(address.strip("[]"), int(port))
                status = 200
            except OSError:
                status = 502
        self.asked.append((target, status))
        say(f"{method} {target} {status}")
        line = _SIGN_IN if status == 407 else f"{status} {_REASONS[status]}"
        challenge = "Proxy-Authenticate: Basic realm=x\r\n" if status == 407 else ""
        writer.write(f"HTTP/1.1 {line}\r\n{challenge}\r\n".encode())
        return far


def _basic(user: str) -> str:
    return f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}\r\n"


async def _join(
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Carry both ways until one of them ends."""
    tasks = [
        asyncio.create_task(carry(near[0], far[1])),
        asyncio.create_task(carry(far[0], near[1])),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        far[1].close()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one way."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_READ):
            writer.write(data)
            await writer.drain()


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--user", default="")
    parser.add_argument("--ports", type=int, nargs="+", default=[443])
    parser.add_argument("--name", action="append", default=[])
    options = parser.parse_args()
    names = dict(each.split("=", 1) for each in options.name)
    proxy = ConnectProxy(options.user, frozenset(options.ports), names)
    server = await proxy.listen(options.host, options.port)
    say(f"listening {options.host}:{options.port}")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
