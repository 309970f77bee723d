"""A `session.node.Node` on real sockets, with the LAN beside it.

One asyncio loop runs it; that loop must never be the one of a user interface
(a redraw of 30 ms would delay every packet).
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache

from p2p_remote.crypto.handshake import stretch_password
from p2p_remote.crypto.identity import Identity, derive_id
from p2p_remote.errors import NoSuchPeerError
from p2p_remote.net.clock import seconds
from p2p_remote.net.driver import Driver
from p2p_remote.net.interfaces import host_candidates
from p2p_remote.net.lan_discovery import LanDiscovery
from p2p_remote.net.port_mapping import PortMapping
from p2p_remote.net.udp_socket import open_udp_sockets
from p2p_remote.services import wishes
from p2p_remote.services.network_watch import NetworkWatch
from p2p_remote.services.server_address import Server, find_server
from p2p_remote.session.node import Node, NodeConfig
from p2p_remote.session.node_events import NodeEvent, NodeRegistered
from p2p_remote.wire.address import Endpoint, ProxiedEndpoint

SWITCH_INTERVAL = 0.0005
"""Seconds a thread may keep the interpreter while another wants it. With Python's own
5 ms packets wait 15 ms (95th centile) for a redraw, and F11 80 ms (99th) for an
encoder on a busy machine."""
LAN_WAIT = 0.5  # s to look for an ID that the rendezvous does not know
GOODBYE_LOOKS = 60
GOODBYE_PATIENCE = 2.0  # s to wait for the answer to our goodbye at the end
LAN_ONLY_WAIT = 3.0  # s to look for an ID when there is no rendezvous


def _nobody(_public: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """How a node is run. `server` is HOST or HOST:PORT, None for the LAN only.

    `wanted`: the permissions that own calls are for.
    `proxy`: URL of an HTTP proxy, "none", or nothing for what the system has set.
    """

    identity: Identity
    server: str | None = None
    proxy: str = field(default="", repr=False)
    lan: bool = True
    listed: bool = False
    name: str = ""
    password: str = field(default="", repr=False)
    known: Callable[[bytes], bool] = _nobody
    wanted: tuple[str, ...] = wishes.SUPPORT

    @property
    def peer_id(self) -> int:
        """Own ID."""
        return self.identity.peer_id


def passing_options(server: str, name: str) -> NodeOptions:
    """Options with an identity that is not kept, for one call."""
    identity = Identity.generate(os.urandom)
    return NodeOptions(identity, server=server, lan=False, name=name)


@lru_cache(maxsize=256)
def checked_id(public: bytes, counter: int) -> int:
    """ID of a key; 0.1 s and 64 MiB, so never on the loop of the network."""
    return derive_id(public, counter)


class RunningNode:
    """Socket, driver and LAN discovery of one node."""

    def __init__(self, options: NodeOptions) -> None:
        """Nothing happens before `start`."""
        self.identity = options.identity
        self.options = options
        self.node: Node
        self.lan: LanDiscovery | None = None
        self.lan_problem = ""
        self._driver: Driver[NodeEvent] | None = None
        self._report: Callable[[NodeEvent], None] = lambda _event: None
        self._slow = ThreadPoolExecutor(1, thread_name_prefix="identity")
        self._advertising: asyncio.Task[None] | None = None
        self._search: asyncio.Task[None] | None = None
        self._watch: NetworkWatch | None = None

    @staticmethod
    def clock() -> float:
        """Seconds, the clock of all machines; see `net.clock`."""
        return seconds()

    async def start(self, on_event: Callable[[NodeEvent], None]) -> None:
        """Open the sockets and begin to register and to be found.

        Raises:
            NetworkError: no socket, or the server's name is unknown.
            UsageError: the proxy that was named cannot be used.

        """
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._report = on_event
        server = Server()
        if self.options.server is not None:
            server = await find_server(self.options.server, self.options.proxy)
        sockets = open_udp_sockets()
        port = sockets[0].endpoint.port
        own = self.identity.peer_id
        config = NodeConfig(
            name=self.options.name,
            listed=self.options.listed,
            server=next(iter(server.endpoints), None),
            other_servers=server.endpoints[1:],
            proxied=server.way_out.proxy is not None,
            candidates=tuple(host_candidates(port)),
            password=await self._stretch(self.options.password, own),
            known=self.options.known,
            wanted=wishes.bits(self.options.wanted),
        )
        self.node = Node(self.identity, config, os.urandom, self.clock())
        self._driver = Driver(
            self.node,
            sockets,
            self._on_event,
            clock=self.clock,
            on_closed=lambda path: self.node.path_closed(path, self.clock()),
            way_out=server.way_out,
        )
        await self._driver.start()
        self._watch = NetworkWatch(self.node, port, self.clock, self._driver.poke)
        self._watch.start()
        if self.options.lan:
            self.lan = LanDiscovery()
            self._advertising = asyncio.create_task(self._start_lan(port))

    def _on_event(self, event: NodeEvent) -> None:
        is_direct = isinstance(event, NodeRegistered) and not isinstance(
            event.carrier, ProxiedEndpoint
        )
        if is_direct and self._driver is not None:
            self._driver.forget_proxy()
        self._report(event)

    async def _start_lan(self, port: int) -> None:
        if self.lan is None:
            return
        self.lan_problem = await self.lan.start()
        if self.options.listed:
            await self.lan.advertise(self.identity.peer_id, port)

    @property
    def proxy_trouble(self) -> str:
        """Why the proxy was of no use, in words; empty if it is, or was not asked."""
        return "" if self._driver is None else self._driver.proxy_trouble

    @property
    def port_mapping(self) -> PortMapping | None:
        """Who asks the router for a port; None where the server is no public one."""
        return None if self._watch is None else self._watch.mapping

    def poke(self) -> None:
        """Send and report what a direct change of a session has brought about."""
        if self._driver is not None:
            self.node.collect(self.clock())
            self._driver.poke()

    async def derive(self, public: bytes, counter: int) -> int:
        """ID of a peer's key, computed beside the loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._slow, checked_id, public, counter)

    async def _stretch(self, password: str, target: int) -> bytes:
        if not password:
            return b""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._slow, stretch_password, password, target
        )

    async def call(self, target: int, *, password: str = "") -> int:
        """Call an ID by the rendezvous and on the LAN; the first answer counts.

        Raises:
            NoSuchPeerError: nobody on the LAN has this ID and there is no server.
            NetworkError: there is neither a LAN to look at nor a server.

        """
        stretched = await self._stretch(password, target)
        endpoints: tuple[Endpoint, ...] = ()
        has_server = self.node.config.server is not None
        if self.lan is not None and has_server:
            endpoints = self.lan.peers().get(target, ())
        elif self.lan is not None:
            endpoints = await self._find_on_lan(self.lan, target)
            if not endpoints:
                raise NoSuchPeerError(
                    "This ID is not on the local network, and no rendezvous server is "
                    "set."
                )
        now = self.clock()
        number = self.node.call(target, now, lan=endpoints, password=stretched)
        self.poke()
        if self.lan is not None and not endpoints:
            self.node.calls.look_on_lan(number)
            self._search = asyncio.create_task(self._join(self.lan, number, target))
        return number

    async def _join(self, lan: LanDiscovery, number: int, target: int) -> None:
        """Call on the LAN too, as soon as somebody is found there."""
        endpoints: tuple[Endpoint, ...] = ()
        try:
            endpoints = await self._find_on_lan(lan, target)
        finally:  # the call fails once nobody is looked for any more
            self.node.calls.found_on_lan(number, endpoints)
            self.poke()

    async def _find_on_lan(
        self, lan: LanDiscovery, target: int
    ) -> tuple[Endpoint, ...]:
        wait = LAN_WAIT if self.node.config.server is not None else LAN_ONLY_WAIT
        if self._advertising is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await asyncio.shield(self._advertising)
        return await lan.find(target, wait)

    async def close(self) -> None:
        """Say goodbye to everybody and close the sockets."""
        self._slow.shutdown(wait=False, cancel_futures=True)
        if self._driver is None:
            return  # never started: the server's name was unknown, for example
        self.node.end_sessions(self.clock())
        self.poke()
        for _ in range(GOODBYE_LOOKS):
            if not self.node.has_goodbyes:
                break
            await asyncio.sleep(GOODBYE_PATIENCE / GOODBYE_LOOKS)
        self.node.close(self.clock())
        self.poke()
        for task in (self._advertising, self._search):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if self.lan is not None:
            await self.lan.close()
        if self._watch is not None:
            await self._watch.close()
        await self._driver.close()
