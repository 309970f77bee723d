"""Asking the home router to let our UDP port through: PCP, NAT-PMP, then UPnP IGD.

It happens once at the start and again before the lease is over, in the background, and
nothing waits for it. An external address that is itself private (a carrier's NAT
stands behind the router) is of no use and is ignored.
"""

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from p2p_remote.errors import MalformedMessageError
from p2p_remote.net import igd, pcp
from p2p_remote.traversal.candidate import Scope, is_sendable, scope_of
from p2p_remote.wire.address import Endpoint

LEASE = 600  # s
RETRY = 600.0  # s until a router that cannot is asked again
WAITS = (0.25, 0.5, 1.0)  # s for an answer before each repeat
IGD_PATIENCE = 3.0  # s for each step
_ROUTES = Path("/proc/net/route")
_UP_AND_GATEWAY = 0x3

T = TypeVar("T")
OnMapped = Callable[[Endpoint | None], None]


@dataclass(frozen=True, slots=True)
class Lease:
    """A port that is let through, for `seconds`, by one of the protocols."""

    endpoint: Endpoint
    seconds: int
    protocol: str


@dataclass(frozen=True, slots=True)
class Router:
    """Where a router is asked; `ssdp` is the group that IGD routers listen to."""

    gateway: str
    client: str
    port: int = pcp.PORT
    ssdp: tuple[str, int] = igd.SSDP_GROUP


def find_router() -> Router | None:
    """Router of the default route and our address toward it; None if there is none.

    Where the system does not tell its routes, the first address of the network is
    assumed, which is where home routers are.
    """
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
    ):
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        client = str(probe.getsockname()[0])
        if scope_of(Endpoint(client, 1)) is not Scope.PRIVATE:
            return None
        gateway = _gateway() or client.rpartition(".")[0] + ".1"
        return Router(gateway, client) if gateway != client else None
    return None


def _gateway() -> str | None:
    """Gateway of the IPv4 default route, as Linux tells it."""
    try:
        lines = _ROUTES.read_text("ascii").splitlines()[1:]
    except (OSError, ValueError):
        return None
    for line in lines:
        fields = line.split()
        if len(fields) > 3 and fields[1] == "00000000":
            flags, packed = int(fields[3], 16), bytes.fromhex(fields[2])
            if flags & _UP_AND_GATEWAY == _UP_AND_GATEWAY:
                return str(ipaddress.IPv4Address(packed[::-1]))
    return None


class PortMapping:
    """Keeps one UDP port mapped for as long as it runs."""

    def __init__(
        self,
        port: int,
        on_mapped: OnMapped,
        find: Callable[[], Router | None] = find_router,
    ) -> None:
        """`on_mapped` is called with the external endpoint, None when it is lost."""
        self._port = port
        self._on_mapped = on_mapped
        self._find = find
        self._nonce = os.urandom(pcp.NONCE_LENGTH)
        self._router: Router | None = None
        self._service: igd.Service | None = None
        self._task: asyncio.Task[None] | None = None
        self.lease: Lease | None = None
        self.asked = asyncio.Event()  # the router was, by every protocol it may speak
        self.is_behind_another = False  # router: what ours could open leads nowhere

    def start(self) -> None:
        """Begin to ask, on the running loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Give the port back and stop."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.lease is not None:
            with contextlib.suppress(OSError, MalformedMessageError, TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._give_back(self.lease)

    async def _run(self) -> None:
        while True:
            lease = await self.ask()
            known = self.lease.endpoint if self.lease is not None else None
            found = lease.endpoint if lease is not None else None
            self.lease = lease
            if found != known:
                self._on_mapped(found)
            self.asked.set()
            await asyncio.sleep(RETRY if lease is None else lease.seconds / 2)

    async def ask(self) -> Lease | None:
        """Ask by each protocol until one works."""
        self._router = self._find()
        if self._router is None:
            return None
        for way in (self._by_pcp, self._by_pmp, self._by_igd):
            try:
                lease = await way(self._router)
            except (OSError, MalformedMessageError, TimeoutError):
                continue
            usable = scope_of(lease.endpoint) is Scope.PUBLIC
            self.is_behind_another = not usable
            return lease if usable and is_sendable(lease.endpoint) else None
        return None

    # PCP and NAT-PMP

    async def _by_pcp(self, router: Router) -> Lease:
        request = pcp.pcp_request(
            router.client, self._port, LEASE, self._nonce, self._wished()
        )

        def read(data: bytes) -> pcp.Mapped:
            answer = pcp.pcp_response(data)
            if answer.nonce != self._nonce or answer.result or not answer.address:
                raise MalformedMessageError("the router refused")
            return answer

        answer = await _exchange(router, request, read)
        return _lease(answer, answer.address, "PCP")

    async def _by_pmp(self, router: Router) -> Lease:
        address = await _exchange(router, pcp.ADDRESS_REQUEST, pcp.pmp_address)
        request = pcp.pmp_request(self._port, LEASE, self._wished())

        def read(data: bytes) -> pcp.Mapped:
            answer = pcp.pmp_response(data)
            if answer.result or answer.internal_port != self._port:
                raise MalformedMessageError("the router refused")
            return answer

        return _lease(await _exchange(router, request, read), address, "NAT-PMP")

    def _wished(self) -> int:
        return self._port if self.lease is None else self.lease.endpoint.port

    # UPnP IGD

    async def _by_igd(self, router: Router) -> Lease:
        async with asyncio.timeout(IGD_PATIENCE):
            described_at = await _discover(router)
            answer = await _http(described_at, igd.get_request(described_at))
            self._service = igd.service(igd.body_of(answer), described_at)
            address = igd.external_address(await self._call("GetExternalIPAddress"))
            external = self._wished()
            arguments = igd.add_arguments(router.client, self._port, external, LEASE)
            await self._call("AddPortMapping", arguments)
        return Lease(Endpoint(address, external), LEASE, "UPnP IGD")

    async def _call(
        self, action: str, arguments: tuple[tuple[str, str], ...] = ()
    ) -> str:
        if self._service is None:
            raise MalformedMessageError("no service")
        request = igd.soap_request(self._service, action, arguments)
        return igd.body_of(await _http(self._service.url, request))

    async def _give_back(self, lease: Lease) -> None:
        router = self._router
        if router is None:
            return
        if lease.protocol == "UPnP IGD":
            arguments = igd.delete_arguments(lease.endpoint.port)
            await self._call("DeletePortMapping", arguments)
        elif lease.protocol == "PCP":
            request = pcp.pcp_request(router.client, self._port, 0, self._nonce)
            await _exchange(router, request, pcp.pcp_response)
        else:
            await _exchange(router, pcp.pmp_request(self._port, 0), pcp.pmp_response)


def _lease(answer: pcp.Mapped, address: str, protocol: str) -> Lease:
    if not answer.external_port > 0 or answer.lifetime < 1:
        raise MalformedMessageError("a mapping of nothing")
    seconds = min(max(answer.lifetime, 60), 2 * LEASE)
    return Lease(Endpoint(address, answer.external_port), seconds, protocol)


async def _exchange(router: Router, request: bytes, read: Callable[[bytes], T]) -> T:
    """Ask the router by UDP until an answer can be read.

    Raises:
        MalformedMessageError: the last answer could not be read.
        TimeoutError: there was none.
        OSError: the router cannot be reached.

    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.connect((router.gateway, router.port))  # others are not heard
        for wait in WAITS:
            await loop.sock_sendall(asking, request)
            try:
                async with asyncio.timeout(wait):
                    return read(await loop.sock_recv(asking, 1100))
            except TimeoutError:
                continue
    raise TimeoutError


async def _discover(router: Router) -> igd.Url:
    """Address of the router's description; only the router itself is believed."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.bind((router.client, 0))
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        await loop.sock_sendto(asking, igd.SEARCH, router.ssdp)
        while True:
            answer, sender = await loop.sock_recvfrom(asking, 2048)
            if sender[0] == router.gateway:
                return igd.location(answer, router.gateway)


async def _http(url: igd.Url, request: bytes) -> bytes:
    """Whole answer, up to a limit."""
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(request)
        await writer.drain()
        answer = b""
        while len(answer) < igd.MAX_ANSWER:
            part = await reader.read(8192)
            answer += part
            if not part or _is_whole(answer):
                break
        return answer[: igd.MAX_ANSWER]
    finally:
        writer.close()


_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,9})", re.IGNORECASE | re.MULTILINE)


def _is_whole(answer: bytes) -> bool:
    """Whether the length that the header told has come: some keep the line open."""
    head, gap, body = answer.partition(b"\r\n\r\n")
    told = _LENGTH.search(head)
    return bool(gap) and told is not None and len(body) >= int(told[1])
