"""The session transport on a real socket, run by the driver of the product: bulk."""

import os
import time
from collections.abc import Callable
from typing import Any

from p2p_remote.crypto.sealing import Sealing
from p2p_remote.net.driver import Driver
from p2p_remote.net.udp_socket import open_udp_sockets
from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import Connection
from p2p_remote.transport.events import MessageReceived, RoomAvailable
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.constants import CHANNEL_BULK, CHANNEL_INPUT
from tests.bench.transport_workloads import ANSWER, ASK, FILL

_LEAST_ROOM = 256  # bytes; less is not worth a capture


class OurWire:
    """One `Connection` without a handshake: both ends know the key."""

    def __init__(
        self,
        local: tuple[str, int],
        remote: tuple[str, int],
        *,
        is_customer: bool,
    ) -> None:
        self.on_message: Callable[[int, bytes], None]
        self.on_room: Callable[[], None]
        self._channels = {
            ASK: CHANNEL_INPUT,
            ANSWER: CHANNEL_INPUT,
            FILL: CHANNEL_BULK,
        }
        own, other = (1, 2) if is_customer else (2, 1)
        now = time.monotonic()
        sealing = Sealing(
            bytes(32),
            initiator=is_customer,
            local_index=own,
            remote_index=other,
            now=now,
        )
        self.connection = Connection(
            Config(), sealing, Endpoint(*remote), os.urandom, now
        )
        sockets = open_udp_sockets(local[1], local[0])
        self._driver: Driver[Any] = Driver(self.connection, sockets, self._on_event)

    def _on_event(self, event: object) -> None:
        if isinstance(event, MessageReceived):
            self.on_message(event.data[0], event.data[1:])
        elif isinstance(event, RoomAvailable):
            self.on_room()

    async def start(self) -> None:
        await self._driver.start()

    def has_room(self) -> bool:
        room = self.connection.room(self._channels[FILL], time.monotonic())
        return room >= _LEAST_ROOM

    def send(self, kind: int, data: bytes) -> None:
        message = bytes((kind,)) + data
        now = time.monotonic()
        self.connection.send_message(self._channels[kind], message, now)
        self._driver.poke()

    async def close(self) -> None:
        await self._driver.close()
