"""Where the rendezvous server is, from what the user has written."""

import asyncio
import socket
from dataclasses import dataclass, field

from p2p_remote.errors import NetworkError
from p2p_remote.net.name_lookup import look_up
from p2p_remote.net.proxy import proxy_for
from p2p_remote.net.stream_opening import WayOut
from p2p_remote.wire.address import Endpoint, unresolved
from p2p_remote.wire.constants import DEFAULT_RENDEZVOUS_PORT

NAME_PATIENCE = 12.0  # s; the second of two name servers is asked after 5
PROXIED_NAME_PATIENCE = 3.0  # s where a proxy could look the name up
_NO_ANSWER = (socket.EAI_AGAIN, socket.EAI_FAIL)


@dataclass(frozen=True, slots=True)
class Server:
    """Addresses of a server, the first to be asked first, and what leads there."""

    endpoints: tuple[Endpoint, ...] = ()
    way_out: WayOut = field(default_factory=WayOut)


def split_host_port(text: str, default_port: int) -> tuple[str, int]:
    """Split `HOST`, `HOST:PORT`, `[V6]:PORT` or a bare IPv6 address.

    Raises:
        NetworkError: the port is not a number from 1 to 65535.

    """
    host, port = text.strip(), str(default_port)
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise NetworkError(
            f"'{text}' is not a server address. Write HOST or HOST:PORT."
        )
    return host, int(port)


async def find_server(text: str, proxy: str = "") -> Server:
    """Look a server's name up: all its addresses, IPv4 before IPv6.

    Args:
        text: HOST or HOST:PORT.
        proxy: URL of a proxy, "none", or nothing for what the system has set.

    Raises:
        NetworkError: the name is unknown, and there is no proxy that may know it.
        UsageError: `proxy` is no proxy that can be used.

    """
    host, port = split_host_port(text, DEFAULT_RENDEZVOUS_PORT)
    found = proxy_for(host, proxy)
    try:
        async with asyncio.timeout(PROXIED_NAME_PATIENCE if found else NAME_PATIENCE):
            endpoints = await _resolved(host, port)
    except OSError as error:  # TimeoutError is one
        if found is None:
            raise NetworkError(_why_unknown(host, error)) from error
        endpoints = (unresolved(host, port),)
    names = {each.host: _as_asked_for(host) for each in endpoints}
    return Server(endpoints, WayOut(found, names))


def _why_unknown(host: str, error: OSError) -> str:
    """Whether nobody has this name, or nobody could be asked."""
    if not isinstance(error, TimeoutError) and error.errno not in _NO_ANSWER:
        return (
            f"The rendezvous server '{host}' is not known. Check how its name is "
            "written."
        )
    return (
        f"No name server tells where the rendezvous server '{host}' is. Check your "
        "network connection; if this network has a sign-in page, sign in first."
    )


def _as_asked_for(host: str) -> str:
    """Name as a proxy and TLS have it: in ASCII."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


async def _resolved(host: str, port: int) -> tuple[Endpoint, ...]:
    found = await look_up(host, port)
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    endpoints = (Endpoint(str(entry[4][0]), int(entry[4][1])) for entry in found)
    return tuple(dict.fromkeys(endpoints))
