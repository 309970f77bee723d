"""Finds a lane for a transfer: only beside a direct path, only where the peer is."""

import asyncio
import os
import time
from collections.abc import Callable

from p2p_remote.net.bulk_lane import BATCH_BYTES, Lane, LaneDoor
from p2p_remote.net.interfaces import interface_addresses, is_usable
from p2p_remote.services.running_node import RunningNode
from p2p_remote.session import file_events as fe
from p2p_remote.session.session import Session
from p2p_remote.store.incoming_files import IncomingFile
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.files import LANE_SECRET_BYTES, MAX_LANE_ADDRESSES

LEAST_BYTES = 1 << 20  # less is moved before a connection is there
TELL_INTERVAL = 0.02  # s between reports of what has come


class LaneSearch:
    """Looks for the lane of one transfer, on both sides at once."""

    def __init__(
        self,
        session: Session,
        number: int,
        running: RunningNode,
        on_lane: Callable[[Lane], None],
    ) -> None:
        """`on_lane` is called on the loop for each lane that is found."""
        self._session = session
        self._number = number
        self._running = running
        self._door = LaneDoor(session.handshake.check_key, on_lane)
        self._dialled = False

    def start(self) -> None:
        """Listen, and tell the other side where; relayed sessions have no lane."""
        if not isinstance(self._session.path, Endpoint):
            return
        secret = os.urandom(LANE_SECRET_BYTES)
        is_ipv6 = ":" in self._session.path.host
        hosts = [
            each.host
            for each in interface_addresses()
            if is_usable(each) and each.is_ipv6 == is_ipv6
        ]
        endpoints = self._door.listen(secret, hosts[:MAX_LANE_ADDRESSES])
        if endpoints:
            now = self._running.clock()
            self._session.files.open_lane(self._number, secret, endpoints, now)
            self._running.poke()

    def dial(self, offer: fe.LaneOffered) -> None:
        """Connect, but only to where the session itself has proven the peer to be."""
        path = self._session.path
        if isinstance(path, Endpoint) and not self._dialled:
            self._dialled = True
            here = [each for each in offer.endpoints if each.host == path.host]
            self._door.dial(offer.secret, here)

    def close(self) -> None:
        """Stop looking."""
        self._door.close()


class LaneReader:
    """Writes what comes by a lane, in a thread; the loop is told now and then."""

    def __init__(
        self,
        lane: Lane,
        number: int,
        sink: IncomingFile,
        loop: asyncio.AbstractEventLoop,
        on_came: Callable[[int, int], None],
    ) -> None:
        """`on_came` is called on the loop with number and position."""
        self.lane = lane
        self._number = number
        self._sink = sink
        self._loop = loop
        self._on_came = on_came
        self._told_at = float("-inf")
        self._offset = 0  # of what waits to be written
        self._waiting: list[bytes] = []
        self._size = 0

    def run(self) -> None:
        """Read to the end.

        Raises:
            FileTransferError: the file cannot be written.
            RemoteSupportError: the lane broke.

        """
        self.lane.receive(self._take)
        self._write()

    def _take(self, number: int, offset: int, data: bytes) -> None:
        if number != self._number:
            return
        if offset != self._offset + self._size:
            self._write()
            self._offset = offset
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= BATCH_BYTES:
            self._write()

    def _write(self) -> None:
        if not self._size:
            return
        self._sink.write(self._offset, b"".join(self._waiting))
        self._offset += self._size
        self._size = 0
        self._waiting.clear()
        now = time.monotonic()
        position = self._sink.position
        if now - self._told_at >= TELL_INTERVAL or position == self._sink.expected.size:
            self._told_at = now
            self._loop.call_soon_threadsafe(self._on_came, self._number, position)
