"""Streams to a server that are not plain TCP: in TLS, and through an HTTP proxy.

TLS is for the network, which lets nothing else through: no certificate is checked and
nothing rests on it (docs/security.md). asyncio does the work.
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from p2p_remote.errors import MalformedMessageError, NetworkError
from p2p_remote.net.name_lookup import look_up
from p2p_remote.net.proxy import Proxy
from p2p_remote.wire.address import ProxiedEndpoint, TlsEndpoint
from p2p_remote.wire.http_connect import (
    AUTHENTICATION_REQUIRED,
    ConnectAnswer,
    ConnectReader,
    connect_request,
)

OPEN_PATIENCE = 8.0  # s until a tunnel and a handshake are complete
ADDRESS_PATIENCE = 2.0  # s for each address of a proxy, with one repeated SYN
TUNNEL_PATIENCE = 4.0  # s for a proxy's answer: before a silent connection is given up
_READ = 4096  # bytes of a proxy's answer
_NOTSENT_LOWAT = 32 * 1024  # bytes that the kernel takes ahead of the line
_FORBIDDEN = (403, 405, 501)
_WRONG_SIGN_IN = (
    "The proxy {proxy} does not accept this name and password. Correct them where the "
    "proxy is set, and start p2p-remote again."
)
_NO_SIGN_IN = (
    "The proxy {proxy} wants a name and a password. Put it as "
    "http://NAME:PASSWORD@HOST:PORT into settings.toml or HTTPS_PROXY."
)
_OTHER_SIGN_IN = (
    "The proxy {proxy} wants to be signed in to by {schemes}, which p2p-remote cannot "
    "do. Ask who runs it for a way without, or name a local proxy that signs in."
)


class ProxyRefusedError(NetworkError):
    """The proxy does not let this program through."""

    def __init__(self, text: str, *, for_good: bool) -> None:
        """`for_good`: to ask again would only count as another wrong password."""
        super().__init__(text)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class WayOut:
    """What a driver knows of the way to the outside.

    `proxy`: to ask, if there is one. `names`: names of servers by their addresses, as
    the user gave them; a proxy is asked for those, and TLS names them.
    """

    proxy: Proxy | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, path: TlsEndpoint) -> str:
        """Name of the server, or its address."""
        return self.names.get(path.host, path.host)


async def tunnel(way_out: WayOut, path: ProxiedEndpoint) -> socket.socket:
    """Connected socket that leads through the proxy to a server.

    Raises:
        ProxyRefusedError: the proxy says no.
        NetworkError: it cannot be reached, is silent, or talks nonsense.

    """
    proxy = way_out.proxy
    if proxy is None:
        raise NetworkError("No proxy is set.")
    try:
        async with asyncio.timeout(TUNNEL_PATIENCE):
            return await _tunnelled(way_out, proxy, path)
    except TimeoutError as error:
        raise NetworkError(
            f"The proxy {proxy} does not answer. Is its address right?"
        ) from error


async def _tunnelled(
    way_out: WayOut, proxy: Proxy, path: ProxiedEndpoint
) -> socket.socket:
    opened = await _reached(proxy)
    try:
        request = connect_request(way_out.name_of(path), path.port, proxy.credentials)
        answer = await _asked(opened, request)
    except (OSError, MalformedMessageError, ValueError) as error:
        opened.close()
        raise NetworkError(
            f"The proxy {proxy} does not answer as an HTTP proxy does. Is its address "
            "right?"
        ) from error
    except BaseException:
        opened.close()
        raise
    if not answer.is_open:
        opened.close()
        raise _refusal(proxy, answer)
    return opened


async def _reached(proxy: Proxy) -> socket.socket:
    """Socket that is connected to the proxy, at the first address that answers."""
    reason = ""
    try:
        found = await look_up(proxy.host, proxy.port)
    except OSError as error:
        raise NetworkError(
            f"The name of the proxy {proxy} is not known. Is it right?"
        ) from error
    for *_, address in found:
        try:
            async with asyncio.timeout(ADDRESS_PATIENCE):
                return await connected(address[0], address[1])
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else ""
    reason = f" ({reason})" if reason else ""
    raise NetworkError(
        f"The proxy {proxy} cannot be reached{reason}. Is its address right?"
    )


async def connected(host: str, port: int) -> socket.socket:
    """Socket that is connected to this IP address.

    Raises:
        OSError: it cannot be reached.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        set_up(opened)
        await asyncio.get_running_loop().sock_connect(opened, (host, port))
    except BaseException:
        opened.close()
        raise
    return opened


async def _asked(opened: socket.socket, request: bytes) -> ConnectAnswer:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(opened, request)
    reader = ConnectReader()
    while True:
        data = await loop.sock_recv(opened, _READ)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "closed")
        if (answer := reader.feed(data)) is not None:
            return answer


def _refusal(proxy: Proxy, answer: ConnectAnswer) -> ProxyRefusedError:
    if answer.status == AUTHENTICATION_REQUIRED:
        text = _WRONG_SIGN_IN if proxy.credentials else _NO_SIGN_IN
        if answer.schemes and "basic" not in answer.schemes:
            text = _OTHER_SIGN_IN
        schemes = " or ".join(answer.schemes[:4])
        return ProxyRefusedError(
            text.format(proxy=proxy, schemes=schemes), for_good=True
        )
    if answer.status in _FORBIDDEN:
        text = (
            f"The proxy {proxy} does not let p2p-remote through to its server. Ask who "
            "runs it to allow that."
        )
        return ProxyRefusedError(text, for_good=False)
    text = f"The proxy {proxy} does not reach the server (it says {answer.status})."
    return ProxyRefusedError(text, for_good=False)


async def cover(
    line: asyncio.Transport, connection: asyncio.Protocol, name: str
) -> asyncio.Transport:
    """TLS on a connection; `connection` is given what arrives.

    `name` is told to who looks on, if it is one: an address is not.

    Raises:
        OSError: the other end does not speak TLS, or has gone.

    """
    # What waits stays in the one buffer that is looked at before anything is sent.
    line.set_write_buffer_limits(high=0)
    loop = asyncio.get_running_loop()
    is_name = any(each.isalpha() for each in name) and ":" not in name
    covered = await loop.start_tls(
        line, connection, _context(), server_hostname=name if is_name else None
    )
    if covered is None:
        raise ConnectionResetError(errno.ECONNRESET, "closed")
    return covered


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    return context


def set_up(opened: socket.socket) -> None:
    """Small datagrams leave at once, little waits in the kernel."""
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    for name, value in (("TCP_NODELAY", 1), ("TCP_NOTSENT_LOWAT", _NOTSENT_LOWAT)):
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.IPPROTO_TCP, option, value)
