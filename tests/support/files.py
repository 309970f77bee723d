"""The two sides of file transfers, joined by a line that loses nothing."""

import hashlib
import socket
from collections import deque
from typing import Any

from p2p_remote.session import file_events as fe
from p2p_remote.session.customer_files import CustomerFiles
from p2p_remote.session.permissions import Grants
from p2p_remote.session.technician_files import TechnicianFiles
from p2p_remote.wire import files
from p2p_remote.wire.constants import CHANNEL_BULK


class Wire:
    """One direction: messages wait until they are delivered."""

    def __init__(self, room: int = 1 << 20) -> None:
        self.waiting: deque[bytes] = deque()
        self.free = room

    def send_message(self, channel: int, data: bytes, now: float) -> None:
        """Queue a message."""
        assert channel == CHANNEL_BULK
        self.waiting.append(data)

    def room(self, channel: int, now: float) -> int:
        """Bytes that may be queued."""
        assert channel == CHANNEL_BULK
        return self.free


class FilePair:
    """A technician's and a customer's machine; `run` delivers until all is said."""

    def __init__(self, *granted: str) -> None:
        self.now = 100.0
        self.grants = Grants()
        self.grants.open(self.now + 3600)
        for permission in ("view", *granted):
            self.grants.grant(permission, self.now + 3600)
        self.to_customer, self.to_technician = Wire(), Wire()
        self.at_customer: list[fe.FileEvent] = []
        self.at_technician: list[fe.FileEvent] = []
        self.technician = TechnicianFiles(self.to_customer, self.at_technician.append)
        self.customer = CustomerFiles(
            self.to_technician, self.at_customer.append, self.grants
        )

    def run(self) -> None:
        """Deliver everything."""
        while self.to_customer.waiting or self.to_technician.waiting:
            while self.to_customer.waiting:
                self.customer.receive(self.to_customer.waiting.popleft(), self.now)
            while self.to_technician.waiting:
                self.technician.receive(self.to_technician.waiting.popleft(), self.now)

    def to_the_customer(self, message: files.FileMessage) -> None:
        """Let a technician say this, whatever the rules are."""
        self.customer.receive(files.FILES.encode(message), self.now)

    def to_the_technician(self, message: files.FileMessage) -> None:
        """Let a customer say this, whatever the rules are."""
        self.technician.receive(files.FILES.encode(message), self.now)

    def moving(self, size: int, *, has: int = 0) -> int:
        """Bring a file from the technician as far as its first bytes."""
        number = self.technician.new_number()
        self.technician.offer(number, "a.bin", size, 0, self.now)
        self.run()
        self.customer.accept(number, has, bytes(32), self.now)
        self.run()
        self.technician.begin(number, has, self.now)
        self.run()
        return number


def last(events: list[fe.FileEvent], kind: type[Any]) -> Any:
    """Newest event of a kind."""
    return next(event for event in reversed(events) if type(event) is kind)


def count(events: list[fe.FileEvent], kind: type[Any]) -> int:
    """How many events of a kind there were."""
    return sum(type(event) is kind for event in events)


def file_digest(data: bytes) -> bytes:
    """Digest of a file as docs/protocol/files.md defines it."""
    blocks = b"".join(
        hashlib.blake2b(
            data[start : start + (1 << 20)], digest_size=32, person=b"p2pr1/block"
        ).digest()
        for start in range(0, len(data), 1 << 20)
    )
    return hashlib.blake2b(blocks, digest_size=32, person=b"p2pr1/file").digest()


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a TCP connection over the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = socket.create_connection(server.getsockname())
        here, _ = server.accept()
    return there, here
