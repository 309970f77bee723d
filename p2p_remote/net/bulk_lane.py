"""A TCP connection for the bytes of a file, found and proven beside the session.

`LaneDoor` listens and dials on the loop; connections that do not prove themselves cost
one MAC and are closed.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from p2p_remote.errors import ProtocolError, RemoteSupportError
from p2p_remote.session.lane import (
    HELLO_BYTES,
    LANE_NONCE_BYTES,
    LENGTH_BYTES,
    LaneConfirmed,
    LaneKeys,
    LaneOpener,
    LaneProof,
    LaneSealer,
)
from p2p_remote.wire.address import Endpoint

PROOF_SECONDS = 3.0  # s until a connection has to have proven itself
MAX_UNPROVEN = 8  # connections that may be at it at once
MAX_TRIES = 64  # unproven connections after which nothing is listened to any more


class Lane:
    """One proven connection; `services.lane_worker` moves bytes through it."""

    def __init__(self, connection: socket.socket, keys: LaneKeys) -> None:
        """Take a connected socket; its first records are still to come."""
        self.connection = connection
        self.keys = keys
        self.sealer = LaneSealer(keys.send)
        self.opener = LaneOpener(keys.receive)
        self._watched_by: asyncio.AbstractEventLoop | None = None

    def announce(self) -> None:
        """Tell the other side that this lane will be used. Harmless if it is over."""
        with contextlib.suppress(OSError):
            self.connection.send(self.sealer.confirm())

    def when_used(self, call: Callable[[], None]) -> None:
        """Call once, on the loop, when something comes; closed if nothing ever will."""
        loop = asyncio.get_running_loop()

        def used() -> None:
            self._watch_no_more()
            if self._is_over():
                self.close()
            else:
                call()

        try:
            loop.add_reader(self.connection, used)
        except NotImplementedError:  # a loop of Windows
            loop.call_soon(call)
        else:
            self._watched_by = loop

    def close(self) -> None:
        """End the connection, also for a process that has it too. Harmless twice."""
        self._watch_no_more()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def _is_over(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _watch_no_more(self) -> None:
        loop, self._watched_by = self._watched_by, None
        if loop is not None:
            loop.remove_reader(self.connection)


class LaneDoor:
    """Looks for lanes: listens and dials until it is closed."""

    def __init__(self, check_key: bytes, on_lane: Callable[[Lane], None]) -> None:
        """`on_lane` is called on the loop with each lane that is found."""
        self._check_key = check_key
        self._on_lane = on_lane
        self._loop = asyncio.get_running_loop()
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._unproven: set[socket.socket] = set()
        self._tries = 0
        self._closed = False

    def listen(self, secret: bytes, hosts: Iterable[str]) -> list[Endpoint]:
        """Listen on these addresses of ours; returns those that could be bound."""
        proof = LaneProof(self._check_key, secret)
        bound = []
        for host in hosts:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            try:
                listener.bind((host, 0))
                listener.listen(MAX_UNPROVEN)
            except OSError:
                listener.close()
                continue
            listener.setblocking(False)
            try:
                self._loop.add_reader(listener, self._accept, listener, proof)
            except NotImplementedError:  # a loop of Windows: the other side listens
                listener.close()
                break
            self._listeners.append(listener)
            bound.append(Endpoint(host, listener.getsockname()[1]))
        return bound

    def dial(self, secret: bytes, endpoints: Iterable[Endpoint]) -> None:
        """Try to connect to these addresses of the other side."""
        proof = LaneProof(self._check_key, secret)
        for endpoint in endpoints:
            self._spawn(self._dial(endpoint, proof))

    def close(self) -> None:
        """Stop looking; a lane that was found stays."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        self._stop_listening()
        for connection in self._unproven:
            connection.close()

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()

    def _accept(self, listener: socket.socket, proof: LaneProof) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # gone again
        self._tries += 1
        if self._tries >= MAX_TRIES:
            self._stop_listening()
        if len(self._unproven) >= MAX_UNPROVEN:
            connection.close()
            return
        self._unproven.add(connection)
        self._spawn(self._prove(connection, proof))

    async def _dial(self, endpoint: Endpoint, proof: LaneProof) -> None:
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        with _proving(connection):
            async with asyncio.timeout(PROOF_SECONDS):
                address = (endpoint.host, endpoint.port)
                await self._loop.sock_connect(connection, address)
                hello = proof.hello(os.urandom(LANE_NONCE_BYTES))
                await self._loop.sock_sendall(connection, hello)
                answer = await self._read(connection, HELLO_BYTES)
                proof.check_answer(hello, answer)
                lane = Lane(connection, proof.keys(hello, answer, dialer=True))
                await self._loop.sock_sendall(connection, lane.sealer.confirm())
            self._found(lane)

    async def _prove(self, connection: socket.socket, proof: LaneProof) -> None:
        try:
            connection.setblocking(False)
            with _proving(connection):
                async with asyncio.timeout(PROOF_SECONDS):
                    hello = await self._read(connection, HELLO_BYTES)
                    answer = proof.answer(hello, os.urandom(LANE_NONCE_BYTES))
                    await self._loop.sock_sendall(connection, answer)
                    lane = Lane(connection, proof.keys(hello, answer, dialer=False))
                    head = await self._read(connection, LENGTH_BYTES)
                    box = await self._read(connection, LaneOpener.box_length(head))
                    if not isinstance(lane.opener.open(box), LaneConfirmed):
                        raise ProtocolError
                self._unproven.discard(connection)
                self._found(lane)
        finally:
            self._unproven.discard(connection)

    def _found(self, lane: Lane) -> None:
        if self._closed:
            lane.close()
            return
        self._on_lane(lane)

    async def _read(self, connection: socket.socket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = await self._loop.sock_recv(connection, count - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def _spawn(self, coroutine: Any) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextlib.contextmanager
def _proving(connection: socket.socket) -> Iterator[None]:
    """Close a connection that does not prove itself, and say nothing about it."""
    try:
        yield
    except (OSError, RemoteSupportError):  # a timeout is an OSError too
        connection.close()
    except BaseException:
        connection.close()
        raise
