"""A TCP connection for the bytes of a file, found and proven beside the session.

`LaneDoor` listens and dials on the loop, until the first connection has proven itself;
the others cost one MAC and are closed. The bytes themselves are moved by `Lane` in a
thread of its own, whose calls (reading, hashing, sealing, sending) all release the
interpreter lock, so the network's loop does not wait for them.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from p2p_remote.errors import NetworkError, ProtocolError, RemoteSupportError
from p2p_remote.net.lane_gate import STALL_SECONDS, LaneGate
from p2p_remote.session.lane import (
    HELLO_BYTES,
    LANE_NONCE_BYTES,
    LENGTH_BYTES,
    LaneChunk,
    LaneConfirmed,
    LaneEnd,
    LaneKeys,
    LaneOpener,
    LaneProof,
    LaneSealer,
)
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.files import CHUNK_BYTES

PROOF_SECONDS = 3.0  # s until a connection has to have proven itself
MAX_UNPROVEN = 8  # connections that may be at it at once
MAX_TRIES = 64  # unproven connections after which nothing is listened to any more
BATCH_BYTES = 512 * 1024  # read and hashed at a time: few turns of the interpreter
_READ_BUFFER = 256 * 1024


class LaneBrokenError(NetworkError):
    """The direct connection for files broke; the file goes on through the session."""


class Lane:
    """One proven connection, in one thread at a time."""

    def __init__(self, connection: socket.socket, keys: LaneKeys) -> None:
        """Take a connected socket; its first records are still to come."""
        self._socket = connection
        self.sealer = LaneSealer(keys.send)
        self.opener = LaneOpener(keys.receive)

    def begin(self) -> None:
        """Let calls block from now on: the loop has no part in it any more."""
        self._socket.settimeout(STALL_SECONDS)
        with contextlib.suppress(OSError, AttributeError):
            timeout = int(STALL_SECONDS * 1000)
            self._socket.setsockopt(socket.SOL_TCP, socket.TCP_USER_TIMEOUT, timeout)

    def send(
        self, number: int, start: int, size: int, read: Callable[[int, int], bytes]
    ) -> None:
        """Send a file from `start` to its end.

        Args:
            number: of the transfer.
            start: first byte.
            size: of the whole file.
            read: bytes of the file by offset and count.

        Raises:
            LaneBrokenError: the connection broke or was closed.
            RemoteSupportError: whatever `read` raises.

        """
        position = start
        try:
            gate = LaneGate(self._socket)
            while position < size:
                data = read(position, BATCH_BYTES)
                for begin in range(0, len(data), CHUNK_BYTES):
                    part = data[begin : begin + CHUNK_BYTES]
                    gate.send(self.sealer.chunk(number, position + begin, part))
                position += len(data)
            gate.send(self.sealer.end())
        except OSError as error:
            raise LaneBrokenError from error

    def receive(self, take: Callable[[int, int, bytes], None]) -> None:
        """Take records until the end; `take` is given number, offset, bytes.

        Raises:
            LaneBrokenError: cut before the end, or closed here.
            RemoteSupportError: a record does not hold, or what `take` raises.

        """
        self._socket.settimeout(None)
        try:
            with self._socket.makefile("rb", buffering=_READ_BUFFER) as stream:
                while True:
                    head = stream.read(LENGTH_BYTES)
                    if len(head) < LENGTH_BYTES:
                        raise LaneBrokenError
                    length = LaneOpener.box_length(head)
                    record = self.opener.open(stream.read(length))
                    if isinstance(record, LaneEnd):
                        return
                    if isinstance(record, LaneChunk):
                        take(record.number, record.offset, record.data)
        except (OSError, ValueError) as error:
            raise LaneBrokenError from error

    def close(self) -> None:
        """End the connection; a thread that works on it gets `LaneBrokenError`."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class LaneDoor:
    """Looks for one lane: listens and dials until one connection is proven."""

    def __init__(self, check_key: bytes, on_lane: Callable[[Lane], None]) -> None:
        """`on_lane` is called once, on the loop, with the lane that was found."""
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
                self._found(lane)
        finally:
            self._unproven.discard(connection)

    def _found(self, lane: Lane) -> None:
        if self._closed:
            lane.close()
            return
        lane.begin()
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
