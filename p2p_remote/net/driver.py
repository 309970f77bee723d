"""Runs a machine with the five verbs on UDP and TCP sockets, in an asyncio loop.

After every batch of datagrams, every timer and every `poke` the machine is drained:
its datagrams go to the sockets, its events to `on_event`, its timer to the loop, until
it has nothing more to say. `on_event` may call the machine and `poke`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from p2p_remote.net.auxiliary_sockets import AuxiliarySockets
from p2p_remote.net.stream_opening import WayOut
from p2p_remote.net.tcp_connections import TcpConnections
from p2p_remote.net.udp_socket import UdpSocket
from p2p_remote.traversal.paths import (
    MAIN_SOCKET,
    SocketName,
    SocketsReleased,
    from_socket,
    socket_of,
)
from p2p_remote.wire.address import Endpoint, Path, TcpEndpoint

EventT = TypeVar("EventT")
EventT_co = TypeVar("EventT_co", covariant=True)

_MOST_ROUNDS = 100  # drains in a row before the loop gets its turn
_EARLY = 0.05  # s that a timer may fire before anything is due


class Machine(Protocol[EventT_co]):
    """The five verbs (docs/architecture.md)."""

    def receive_datagram(self, data: bytes, path: Any, now: float) -> None:
        """Take a datagram that came from `path`."""

    def handle_timer(self, now: float) -> None:
        """Do what is due."""

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Path]]:
        """Drain what is to be sent."""

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""

    def next_event(self) -> EventT_co | None:
        """Drain one event."""


class Driver(Generic[EventT]):
    """One machine, its sockets and its timer."""

    def __init__(
        self,
        machine: Machine[EventT],
        sockets: Sequence[UdpSocket],
        on_event: Callable[[EventT], None],
        clock: Callable[[], float] = time.monotonic,
        on_closed: Callable[[TcpEndpoint], None] | None = None,
        way_out: WayOut | None = None,
    ) -> None:
        """Nothing happens before `start`.

        Args:
            machine: what is run; its paths must be endpoints.
            sockets: at most one for each address family.
            on_event: called for every event, on the loop.
            clock: seconds, the clock that the machine lives by.
            on_closed: called when an open TCP connection has ended; it may call the
                machine, which is drained after it.
            way_out: names of servers, and the proxy that may lead there.

        """
        self._machine = machine
        self._sockets = tuple(sockets)
        self._on_event = on_event
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False
        self._happened: deque[EventT] = deque()
        self._auxiliary = AuxiliarySockets(self._on_auxiliary, self.poke)
        self._tcp = TcpConnections(
            self._on_datagram, self.poke, on_closed or (lambda _path: None), way_out
        )
        self.unroutable = 0  # datagrams for which there was no socket

    @property
    def proxy_trouble(self) -> str:
        """Why the proxy was of no use, in words; empty if it is, or was not asked."""
        return self._tcp.trouble

    def forget_proxy(self) -> None:
        """The server answers by another way: what the proxy says matters no more."""
        self._tcp.forget_proxy()

    async def start(self) -> None:
        """Begin to receive, send and keep time on the running loop."""
        self._loop = asyncio.get_running_loop()
        for each in self._sockets:
            await each.attach(self._on_datagram, self.poke)
        self.poke()

    async def close(self) -> None:
        """Send what is left, then stop and close the sockets."""
        self.poke()
        self._loop = None
        self._disarm()
        for each in self._sockets:
            each.close()
        self._auxiliary.close()
        self._tcp.close()

    def poke(self) -> None:
        """Drain the machine: somebody may have called it."""
        if self._draining or self._loop is None:
            return
        self._draining = True
        try:
            self._drain(self._loop)
        finally:
            self._draining = False
            self._arm()

    def _on_datagram(self, data: bytes, source: Endpoint) -> None:
        self._machine.receive_datagram(data, source, self._clock())

    def _on_auxiliary(self, data: bytes, source: Endpoint, name: SocketName) -> None:
        path = from_socket(source, name)
        self._machine.receive_datagram(data, path, self._clock())

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until nothing happens. What was said leaves before what it brings about here.

        The other end waits for the one, and redrawing or writing a log takes longer.
        """
        for _ in range(_MOST_ROUNDS):
            self._take_events()
            for data, path in self._machine.datagrams_to_send(self._clock()):
                self._send(data, path)
            if not self._happened:
                return
            while self._happened:
                self._on_event(self._happened.popleft())
        loop.call_soon(self.poke)

    def _take_events(self) -> None:
        """Sockets are released at once: new ones may have their names."""
        while (event := self._machine.next_event()) is not None:
            if isinstance(event, SocketsReleased):
                self._auxiliary.release(event)
            else:
                self._happened.append(event)

    def _send(self, data: bytes, path: Path) -> None:
        if isinstance(path, TcpEndpoint):
            self._tcp.send(data, path)
            return
        if isinstance(path, Endpoint):
            name = socket_of(path)
            if name != MAIN_SOCKET:
                self._auxiliary.send(name, data, path)
                return
            for each in self._sockets:
                if each.carries(path):
                    each.send(data, path)
                    return
        self.unroutable += 1

    def _arm(self) -> None:
        """Arm the timer; one that fires a little too early does no harm and stays.

        To arm it anew costs more than that, and a busy machine changes it all the time.
        """
        due = self._machine.next_timer()
        if self._loop is None or due is None:
            return
        if self._timer is not None:
            if self._timer_at <= due < self._timer_at + _EARLY:
                return
            self._timer.cancel()
        self._timer_at = due
        delay = max(0.0, due - self._clock())
        self._timer = self._loop.call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = self._clock()
        due = self._machine.next_timer()
        try:
            if due is not None and due <= now:
                self._machine.handle_timer(now)
        finally:
            self.poke()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
