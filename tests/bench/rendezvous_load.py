"""Load for a rendezvous server: real sockets, real keys, real registrations.

One `Generator` is one process's part. It uses addresses of 127.0.0.0/8, because the
server counts its limits by address and a bench shall not switch them off.
"""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from p2p_remote.crypto import primitives
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, pack_endpoint
from p2p_remote.wire.constants import ID_MINIMUM

PER_ADDRESS = 90  # registrations; the limit is 100 new keys
STEP = 32  # datagrams of a socket on their way; the kernel's buffer holds some 270
CALLS_PER_CALLER = 4  # the limit is 5 at once
PATIENCE = 1.0  # s without an answer after which a step counts as lost


@dataclass(slots=True)
class Key:
    """A key that is registered, or is about to be."""

    secret: bytes
    public: bytes
    peer_id: int
    number: int = 0
    mac_key: bytes = b""
    counter: int = 0

    def says(self, kind: type[wire.UnderLease], *fields: object) -> bytes:
        """Datagram of a message with the next counter."""
        self.counter += 1
        build: type = kind
        body = build(os.urandom(8), self.number, self.counter, *fields).encode()
        mac = primitives.blake2b(
            body, length=wire.MAC_LENGTH, key=self.mac_key, person=wire.MAC_PERSON
        )
        return bytes(body + mac)


def new_key() -> Key:
    """A fresh key under a random ID: only a dispute would make the server derive it."""
    secret = os.urandom(32)
    peer_id = ID_MINIMUM + int.from_bytes(os.urandom(6), "little") % (9 * ID_MINIMUM)
    return Key(secret, primitives.ed25519_public(secret), peer_id)


class Generator:
    """Clients at addresses number `first`, `first` + 1, ..."""

    def __init__(self, server: tuple[str, int], first: int) -> None:
        self._server = server
        self._packed = pack_endpoint(Endpoint(*server))
        self._next = first

    def open(self) -> socket.socket:
        """A socket at an address of its own."""
        number, self._next = self._next, self._next + 1
        host = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        opened.bind((host, 0))
        opened.connect(self._server)
        opened.settimeout(PATIENCE)
        return opened

    def register(
        self, at: socket.socket, count: int, *, opened: int
    ) -> tuple[list[Key], int]:
        """Register `count` new keys; the MAC keys of the first `opened` are opened.

        Returns:
            The keys whose MAC key is known, and how many have registered in all.

        """
        keys = {os.urandom(8): new_key() for _ in range(count)}
        for transaction, key in keys.items():
            at.send(wire.Hello(transaction, key.public).encode())
        for message in _answers(at, len(keys)):
            if isinstance(message, wire.Challenge):
                key = keys[message.transaction]
                at.send(self._register(message, key))
        usable: list[Key] = []
        registered = 0
        for message in _answers(at, len(keys)):
            if isinstance(message, wire.Registered):
                registered += 1
                key = keys[message.transaction]
                key.number = message.registration
                if len(usable) < opened:
                    key.mac_key = primitives.sealed_box_open(
                        key.secret, message.sealed_key
                    )
                    usable.append(key)
        return usable, registered

    def _register(self, challenge: wire.Challenge, key: Key) -> bytes:
        unsigned = wire.Register(
            challenge.transaction,
            challenge.cookie,
            key.public,
            0,
            key.peer_id,
            wire.FLAG_LISTED,
            0,
            self._packed,
            bytes(64),
        )
        signature = primitives.ed25519_sign(key.secret, unsigned.signed_part())
        return unsigned.encode()[:-64] + signature


def _answers(at: socket.socket, count: int) -> Iterator[wire.Message]:
    """Up to `count` answers; fewer if one does not come."""
    for _ in range(count):
        try:
            data = at.recv(2048)
        except TimeoutError:
            return
        yield wire.decode(data)


def blast(sockets: list[socket.socket], datagrams: list[list[bytes]]) -> int:
    """Send the datagrams of each socket and count the answers, a window at a time."""
    answers = 0
    for start in range(0, len(datagrams[0]), STEP):
        expected = []
        for at, own in zip(sockets, datagrams, strict=True):
            step = own[start : start + STEP]
            for data in step:
                at.send(data)
            expected.append(len(step))
        for at, count in zip(sockets, expected, strict=True):
            try:
                for _ in range(count):
                    at.recv(256)
                    answers += 1
            except TimeoutError:
                continue
    return answers


def call_all(
    callers: list[Key],
    at: list[socket.socket],
    callee_side: socket.socket,
    callees: list[Key],
) -> int:
    """Have every caller call; callees acknowledge RING. Returns the calls answered."""
    introduced = 0
    by_number = 0
    for caller, own in zip(callers, at, strict=True):
        rung: list[Key] = []
        for call in range(CALLS_PER_CALLER):
            callee = callees[by_number % len(callees)]
            by_number += 1
            rung.append(callee)
            own.send(caller.says(wire.Call, call, callee.peer_id, bytes(119)))
        for message in _answers(own, CALLS_PER_CALLER):
            introduced += isinstance(message, wire.Called)
        for callee, ring in zip(rung, _answers(callee_side, len(rung)), strict=False):
            if isinstance(ring, wire.Ring):
                callee_side.send(callee.says(wire.Rung, ring.channel))
    return introduced
