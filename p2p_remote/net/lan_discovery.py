"""Finds peers on the local network by multicast DNS (RFC 6762, RFC 6763).

A peer advertises `<ID>._p2pr._udp.local.` on the host `p2pr-<ID>.local.`, with its
port and the text `v=1`: nothing that names a person or a computer. Everything heard is
a hint only; the handshake proves who answers.
"""

import asyncio
import contextlib
import importlib
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from p2p_remote.net.address_changes import AddressChanges
from p2p_remote.net.interfaces import (
    InterfaceAddress,
    interface_addresses,
    is_usable,
    same_subnet,
)
from p2p_remote.traversal.candidate import Scope, is_sendable, scope_of
from p2p_remote.wire import peer_id
from p2p_remote.wire.address import Endpoint

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange, Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE_TYPE = "_p2pr._udp.local."
MAX_PEERS = 256
MAX_ADDRESSES = 8  # of one peer
_MAX_LOOKUPS = 16  # at a time
_LOOKUP_MS = 3000
_WATCH_INTERVAL = 5.0  # s between looks at the addresses where nobody tells
_CLOSE_PATIENCE = 2.0  # s for goodbyes

NO_NETWORK = "No local network: connect a cable or Wi-Fi to find peers nearby."
BLOCKED = "Multicast DNS cannot be used here: "

_log = logging.getLogger(__name__)

OnFound = Callable[[int, tuple[Endpoint, ...]], None]
OnLost = Callable[[int], None]


class LanDiscovery:
    """Table of the peers on the LAN, and our own entry in theirs.

    It follows the interfaces: a network that comes or goes later is noticed within
    five seconds.
    """

    def __init__(
        self, on_found: OnFound | None = None, on_lost: OnLost | None = None
    ) -> None:
        """`on_found` is also called when a peer's addresses change."""
        self._on_found = on_found
        self._on_lost = on_lost
        self._zeroconf: AsyncZeroconf | None = None
        self._interfaces: frozenset[InterfaceAddress] = frozenset()
        self._advertised: tuple[int, int] | None = None  # ID, port
        self._registered: AsyncServiceInfo | None = None
        self._announcements: Awaitable[None] | None = None  # going on
        self._peers: dict[int, tuple[Endpoint, ...]] = {}
        self._lookups: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_MAX_LOOKUPS)
        self._watcher: asyncio.Task[None] | None = None
        self.problem = ""

    async def start(self) -> str:
        """Begin to browse. Returns what is in the way, "" for nothing.

        Even then it goes on: the problem may pass.
        """
        # It takes long to load, and the loop has a call to make.
        await asyncio.to_thread(importlib.import_module, "zeroconf.asyncio")
        # Single interfaces that fail are no news for the user's terminal.
        logging.getLogger("zeroconf").setLevel(logging.CRITICAL)
        await self._open()
        self._watcher = asyncio.create_task(self._watch())
        return self.problem

    async def close(self) -> None:
        """Say goodbye and stop."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        self._advertised = None
        await self._shut()

    async def advertise(self, own_id: int, port: int) -> None:
        """Let others on the LAN find this peer under its ID at this UDP port."""
        self._advertised = (own_id, port)
        self._forget(own_id)
        await self._register()

    async def withdraw(self) -> None:
        """Say goodbye; others forget us at once."""
        self._advertised = None
        zeroconf, info = self._zeroconf, self._registered
        self._registered = None
        self._stop_announcing()
        if zeroconf is not None and info is not None:
            with contextlib.suppress(Exception):
                await (await zeroconf.async_unregister_service(info))

    def peers(self) -> dict[int, tuple[Endpoint, ...]]:
        """Peers by ID, with their addresses, the most promising first."""
        return dict(self._peers)

    async def find(self, number: int, timeout: float) -> tuple[Endpoint, ...]:  # noqa: ASYNC109
        """Addresses of a peer, () if it is not there. Asks for at most `timeout` s."""
        known = self._peers.get(number)
        if known or self._zeroconf is None or timeout <= 0:
            return known or ()
        return await self._resolve(number, int(timeout * 1000))

    # Inside

    async def _open(self) -> None:
        from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf

        addresses = _multicast_addresses()
        self._interfaces = frozenset(addresses)
        if not addresses:
            self.problem = NO_NETWORK
            return
        try:
            self._zeroconf = AsyncZeroconf(interfaces=_interfaces(addresses))
            AsyncServiceBrowser(
                self._zeroconf.zeroconf, SERVICE_TYPE, handlers=[self._on_change]
            )
        except (OSError, RuntimeError) as error:
            self.problem = f"{BLOCKED}{error}."
            await self._shut()
            return
        self.problem = ""
        await self._register()

    async def _shut(self) -> None:
        for number in {*self._peers, *self._lookups}:
            self._forget(number)
        self._stop_announcing()
        zeroconf, self._zeroconf = self._zeroconf, None
        self._registered = None
        if zeroconf is not None:
            try:
                async with asyncio.timeout(_CLOSE_PATIENCE):
                    await zeroconf.async_close()
            except (OSError, RuntimeError, TimeoutError) as error:
                _log.debug("closing multicast DNS: %s", error)

    async def _watch(self) -> None:
        with contextlib.closing(AddressChanges()) as changes:
            while True:
                if frozenset(_multicast_addresses()) != self._interfaces:
                    await self._shut()
                    await self._open()
                await changes.wait(_WATCH_INTERVAL)

    async def _register(self) -> None:
        """Announce without probing: the ID in the name is ours by its key.

        Somebody who claims the name cannot keep us from announcing it, and probing
        would cost more than half a second.
        """
        from zeroconf.asyncio import AsyncServiceInfo

        if self._zeroconf is None or self._advertised is None:
            return
        own_id, port = self._advertised
        info = AsyncServiceInfo(
            SERVICE_TYPE,
            _service_name(own_id),
            port=port,
            properties={"v": "1"},
            server=f"p2pr-{peer_id.plain(own_id)}.local.",
            parsed_addresses=[each.host for each in _advertised_addresses()],
        )
        try:
            self._announcements = await self._zeroconf.async_register_service(
                info, cooperating_responders=True
            )
        except (OSError, RuntimeError) as error:
            self.problem = f"{BLOCKED}{error}."
            return
        self._registered = info

    def _stop_announcing(self) -> None:
        """An announcement after the goodbye would bring us back to life."""
        if isinstance(self._announcements, asyncio.Future):
            self._announcements.cancel()
        self._announcements = None

    def _on_change(
        self,
        zeroconf: "Zeroconf",
        service_type: str,
        name: str,
        state_change: "ServiceStateChange",
    ) -> None:
        number = _id_in(name)
        if number is None or self._is_own(number):
            return
        if state_change.name == "Removed":
            self._forget(number)
        elif number not in self._lookups and len(self._lookups) < MAX_PEERS:
            task = asyncio.ensure_future(self._look_up(number))
            self._lookups[number] = task
            task.add_done_callback(lambda _: self._lookups.pop(number, None))

    async def _look_up(self, number: int) -> None:
        self._remember(number, await self._resolve(number, _LOOKUP_MS))

    async def _resolve(self, number: int, patience_ms: int) -> tuple[Endpoint, ...]:
        from zeroconf import Error
        from zeroconf.asyncio import AsyncServiceInfo

        async with self._slots:
            zeroconf = self._zeroconf
            if zeroconf is None:
                return ()
            info = AsyncServiceInfo(SERVICE_TYPE, _service_name(number))
            try:
                found = await info.async_request(zeroconf.zeroconf, patience_ms)
            except (Error, OSError, ValueError) as error:
                _log.debug("looking up %s: %s", number, error)
                return ()
            return _endpoints(info) if found else ()

    def _remember(self, number: int, endpoints: tuple[Endpoint, ...]) -> None:
        if not endpoints or self._peers.get(number) == endpoints:
            return
        if number not in self._peers and len(self._peers) >= MAX_PEERS:
            return
        self._peers[number] = endpoints
        if self._on_found is not None:
            self._on_found(number, endpoints)

    def _forget(self, number: int) -> None:
        lookup = self._lookups.get(number)
        if lookup is not None:
            lookup.cancel()
        if self._peers.pop(number, None) is not None and self._on_lost is not None:
            self._on_lost(number)

    def _is_own(self, number: int) -> bool:
        return self._advertised is not None and self._advertised[0] == number


def _service_name(number: int) -> str:
    return f"{peer_id.plain(number)}.{SERVICE_TYPE}"


def _id_in(name: str) -> int | None:
    """ID in a service name; None if it is not exactly one of ours."""
    digits, _, rest = name.partition(".")
    if rest != SERVICE_TYPE or len(digits) != peer_id.ID_DIGITS:
        return None
    if not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return number if peer_id.is_valid(number) else None


def _endpoints(info: "AsyncServiceInfo") -> tuple[Endpoint, ...]:
    """Addresses of a record that are worth an attempt: near ones, at most eight."""
    if not info.port or not 0 < info.port <= 0xFFFF:
        return ()
    return near_endpoints(
        info.parsed_scoped_addresses(), info.port, interface_addresses()
    )


def near_endpoints(
    hosts: Iterable[str], port: int, own: Iterable[InterfaceAddress]
) -> tuple[Endpoint, ...]:
    """Endpoints of `hosts` on the local network, the most promising first.

    Public addresses count only in a subnet of ours, so that a forged record cannot aim
    us at a stranger. Loopback never counts.
    """
    own = list(own)
    near = []
    for host in hosts:
        endpoint = Endpoint(host, port)
        if not _is_address(host) or not is_sendable(endpoint):
            continue
        scope = scope_of(endpoint)
        on_link = scope is Scope.LINK or same_subnet(host, own)
        if scope is Scope.LOOPBACK or (scope is Scope.PUBLIC and not on_link):
            continue
        near.append((not on_link, scope is Scope.LINK, ":" in host, endpoint))
    near.sort(key=lambda each: each[:3])
    return tuple(dict.fromkeys(each[3] for each in near))[:MAX_ADDRESSES]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _multicast_addresses() -> list[InterfaceAddress]:
    """Addresses to use multicast on: what other computers reach, and zones of IPv6."""
    return [
        each for each in interface_addresses() if is_usable(each) or _has_zone(each)
    ]


def _has_zone(address: InterfaceAddress) -> bool:
    """Whether it is a link-local IPv6 address of a real interface."""
    return address.zone != 0 and is_usable(
        InterfaceAddress(address.interface, "fd00::1", address.prefix_length)
    )


def _interfaces(addresses: Iterable[InterfaceAddress]) -> list[str | int]:
    """IPv4 addresses and IPv6 interface numbers, the form that zeroconf takes."""
    ipv4 = {each.host for each in addresses if not each.is_ipv6}
    zones = {each.zone for each in addresses if each.zone}
    return [*sorted(ipv4), *sorted(zones)]


def _advertised_addresses() -> list[InterfaceAddress]:
    """IPv4 first, link-local IPv6 last, at most eight."""
    addresses = _multicast_addresses()
    addresses.sort(key=lambda each: (each.zone != 0, each.is_ipv6))
    return addresses[:MAX_ADDRESSES]
