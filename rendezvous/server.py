"""The server's edge: sockets, the clock, signals and the database's thread.

Each time a socket is readable up to 64 datagrams are taken from it before anything else
happens, which doubles what one core can answer compared with a callback per datagram.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from p2p_remote.crypto.identity import derive_id
from p2p_remote.crypto.primitives import blake2b
from p2p_remote.errors import MalformedMessageError, NetworkError, StateError
from p2p_remote.wire.address import Endpoint
from rendezvous.addresses import MAX_LISTENERS, Address, is_tcp, listener_of
from rendezvous.database import SqliteClaims
from rendezvous.enrolment import DerivationRequested
from rendezvous.fleet import ClaimWanted, FleetClaims
from rendezvous.handover import pack, unpack
from rendezvous.metrics import MetricsServer, exposition
from rendezvous.protocol import Protocol
from rendezvous.registry import MemoryClaims
from rendezvous.service_manager import notify
from rendezvous.settings import Settings
from rendezvous.sockets import (
    ListenAddress,
    Sender,
    address_of,
    bind,
    bind_both,
    endpoint_of_socket,
    is_absent,
    target_of,
)
from rendezvous.tcp_connections import TcpConnections

if TYPE_CHECKING:
    from rendezvous.store_redis import RedisStore

_log = logging.getLogger(__name__)

_BATCH = 64  # datagrams taken from a socket in one go
_LARGEST = 2048  # bytes read of a datagram; the longest valid one is shorter
_FLUSH_INTERVAL = 1.0  # s between writes to the database
_REPORT_INTERVAL = 60.0  # s between lines of figures at -v
_STORE_PAUSE = 1.0  # s until the work with the store begins again
_LAST_PORT = 65_535


class Server:
    """One `Protocol` on some sockets."""

    def __init__(
        self,
        settings: Settings,
        claims: MemoryClaims | SqliteClaims | FleetClaims,
        store: "RedisStore | None" = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Serve alone, or with a `store` as a node of a fleet; `tls` for TCP."""
        self.endpoints: list[Endpoint] = []
        self._claims = claims
        fleet = store.fleet if store is not None else None
        self._store = store
        self._protocol = Protocol(settings, claims, os.urandom, fleet)
        self._sockets: list[socket.socket] = []
        self._senders: list[Sender] = []
        self._tcp = TcpConnections(settings.tcp, os.urandom(32), self._on_stream, tls)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        # One thread: a derivation takes 64 MiB, so never two of them at once.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="derivation")
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropped = 0
        self._metrics = MetricsServer(self._exposition)

    def listen(self, addresses: Sequence[ListenAddress]) -> None:
        """Open the sockets.

        Raises:
            NetworkError: an address cannot be listened on, or there are too many.

        """
        if len(addresses) > MAX_LISTENERS:
            raise NetworkError(f"At most {MAX_LISTENERS} addresses can be listened on.")
        for address in addresses:
            try:
                listener, tcp_listener = bind_both(address)
            except NetworkError as error:
                if address.is_optional and is_absent(error):
                    continue
                raise
            if tcp_listener is not None:
                self._tcp.add(tcp_listener, len(self._sockets))
            self._take(listener)
            self.endpoints.append(endpoint_of_socket(listener))
        self._protocol.where.set_listeners(self.endpoints)

    def listen_beside(self) -> None:
        """Open the next port beside each one, where it is free.

        Clients compare how both see them (WHERE) to learn how their router maps.
        Everything else is answered there as well; it is not announced.
        """
        for known in tuple(self.endpoints):
            family = socket.AF_INET6 if ":" in known.host else socket.AF_INET
            if known.port == _LAST_PORT or len(self._sockets) == MAX_LISTENERS:
                continue
            with contextlib.suppress(NetworkError):
                beside = ListenAddress(family, known.host, known.port + 1)
                self._take(bind(beside))
        listeners = [endpoint_of_socket(each) for each in self._sockets]
        self._protocol.where.set_listeners(listeners)

    def _take(self, listener: socket.socket) -> None:
        self._sockets.append(listener)
        self._senders.append(Sender(listener))

    def _exposition(self) -> str:
        return exposition(self._protocol, self._dropped, self._tcp.figures)

    async def run(
        self,
        on_ready: Callable[[Endpoint | None], None],
        metrics: tuple[str, int] | None = None,
        handover: Path | None = None,
    ) -> signal.Signals:
        """Serve until SIGTERM or SIGINT, and return which of the two it was.

        Args:
            on_ready: told where the metrics are served, None if they are not.
            metrics: host and port to serve them on.
            handover: file that leases and channels come from and go to.

        Raises:
            NetworkError: the metrics cannot be served there.

        """
        metrics_at = await self._metrics.start(*metrics) if metrics else None
        loop = asyncio.get_running_loop()
        stopped: asyncio.Future[signal.Signals] = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _set_once, stopped, number)
        for index, listener in enumerate(self._sockets):
            loop.add_reader(listener, self._on_readable, listener, index)
        self._tcp.start()
        beside = [asyncio.create_task(self._keep_house())]
        if self._store is not None:
            beside.append(asyncio.create_task(self._run_store(self._store)))
        if handover is not None:
            self._take_over(handover)
        on_ready(metrics_at)
        notify("READY=1")
        try:
            stopped_by = await stopped
            notify("STOPPING=1")
            if handover is not None and stopped_by is signal.SIGTERM:
                self._hand_over(handover)
            return stopped_by
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            self._close(loop)

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        self._report()
        self._metrics.close()
        if self._timer is not None:
            self._timer.cancel()
        for listener in self._sockets:
            loop.remove_reader(listener)
            listener.close()
        self._tcp.close()
        self._worker.shutdown(wait=False, cancel_futures=True)

    # From one process to the next.

    def _sockets_digest(self) -> bytes:
        names = " ".join(str(endpoint_of_socket(each)) for each in self._sockets)
        return blake2b(names.encode())

    def _take_over(self, path: Path) -> None:
        """Go on where the last process has stopped, if it has left its state."""
        try:
            data = path.read_bytes()
            path.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            _log.error("The handover %s cannot be read: %s.", path, error.strerror)
            return
        now = time.monotonic()
        try:
            taken = unpack(data, self._protocol, self._sockets_digest(), now)
        except MalformedMessageError:
            _log.info("The handover does not fit; clients register again.")
            return
        _log.debug("%d leases taken over", taken)
        self._after(now)

    def _hand_over(self, path: Path) -> None:
        data = pack(self._protocol, self._sockets_digest(), time.monotonic())
        try:
            path.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.write(data)
        except OSError as error:
            _log.error("The handover %s cannot be written: %s.", path, error.strerror)

    # Datagrams.

    def _on_readable(self, listener: socket.socket, number: int) -> None:
        """Take and answer what has come.

        All that is done for each datagram counts: nearly all are keepalives, whose
        answers leave at once, and change nothing that `_after` looks at.
        """
        receive, send = listener.recvfrom, listener.sendto
        answer_to = self._protocol.answer
        is_ipv4 = listener.family == socket.AF_INET
        more = False
        now = time.monotonic()
        for _ in range(_BATCH):
            try:
                data, source = receive(_LARGEST)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # an ICMP error for something sent earlier
            address = address_of(source, number, is_ipv4=is_ipv4)
            if address is None:
                continue
            answer = answer_to(data, address, now)
            if answer is None:
                more = True
                continue
            try:
                send(answer, source)
            except OSError:
                self._dropped += 1
        if more:
            self._after(now)

    def _on_stream(self, datagrams: list[bytes], address: Address) -> None:
        now = time.monotonic()
        for data in datagrams:
            self._protocol.receive_datagram(data, address, now)
        self._after(now)

    def _after(self, now: float) -> None:
        """Send, compute and arm what the machine asks for."""
        for data, address in self._protocol.datagrams_to_send(now):
            if is_tcp(address):
                self._tcp.send(data, address)
                continue
            sender = self._senders[listener_of(address)]
            try:
                sender.send(data, target_of(address))
            except OSError:
                # A full buffer or an unreachable network: UDP may lose datagrams, and
                # whoever misses this one asks again.
                self._dropped += 1
        while (event := self._protocol.next_event()) is not None:
            if isinstance(event, DerivationRequested):
                self._begin(self._check_derivation(event))
            elif (
                self._store is not None
                and not self._store.submit(event)
                and isinstance(event, ClaimWanted)
            ):  # whatever else is forgotten is asked again
                self._protocol.claim_not_found_out(event.peer_id)
        if self._store is not None:
            self._send_to_nodes(self._store)
        self._arm()

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Other nodes.

    def _send_to_nodes(self, store: "RedisStore") -> None:
        datagrams, store.fleet.link_datagrams = store.fleet.link_datagrams, []
        for data, target in datagrams:
            try:
                store.link.sendto(data, target_of(Address(target)))
            except OSError:
                self._dropped += 1

    def _on_link_readable(self, link: socket.socket) -> None:
        now = time.monotonic()
        for _ in range(_BATCH):
            try:
                data = link.recv(_LARGEST)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # an ICMP error: a node is away
            self._protocol.receive_link_datagram(data, now)
        self._after(now)

    async def _run_store(self, store: "RedisStore") -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(store.link, self._on_link_readable, store.link)
        try:
            while True:
                try:
                    await store.run(self._protocol, self._after)
                except Exception:  # noqa: BLE001 - a mistake of ours, whichever
                    # Without it calls end at this node; what was lost is asked again.
                    _log.exception("The work with the store has failed. It goes on.")
                await asyncio.sleep(_STORE_PAUSE)
        finally:
            loop.remove_reader(store.link)
            await store.close()

    def _arm(self) -> None:
        due = self._protocol.next_timer()
        if self._timer is not None:
            if due is not None and due >= self._timer_due:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            loop = asyncio.get_running_loop()
            self._timer_due = due
            self._timer = loop.call_later(
                max(0.0, due - time.monotonic()), self._on_timer
            )

    def _on_timer(self) -> None:
        self._timer = None
        now = time.monotonic()
        self._protocol.handle_timer(now)
        self._after(now)

    # What takes time.

    async def _check_derivation(self, request: DerivationRequested) -> None:
        loop = asyncio.get_running_loop()
        holds: bool | None = None
        try:
            derived = await loop.run_in_executor(
                self._worker, derive_id, request.public, request.counter
            )
            holds = derived == request.peer_id
        finally:
            self._protocol.derivation_checked(request, holds=holds)

    async def _keep_house(self) -> None:
        """Write claims and report figures until cancelled."""
        reported_at = time.monotonic()
        while True:
            await asyncio.sleep(_FLUSH_INTERVAL)
            if isinstance(self._claims, SqliteClaims) and self._claims.has_pending:
                try:
                    await asyncio.to_thread(self._claims.flush)
                except StateError as error:
                    _log.error("%s", error)
            notify("WATCHDOG=1")
            now = time.monotonic()
            self._tcp.sweep(now)
            if now - reported_at >= _REPORT_INTERVAL:
                reported_at = now
                self._report()

    def _report(self) -> None:
        _log.debug(
            "registered %d, channels %d, TCP connections %d, datagrams not sent %d",
            len(self._protocol.registry),
            len(self._protocol.introductions.relay),
            self._tcp.figures.open,
            self._dropped,
        )


def _set_once(
    stopped: "asyncio.Future[signal.Signals]", number: signal.Signals
) -> None:
    if not stopped.done():
        stopped.set_result(number)
