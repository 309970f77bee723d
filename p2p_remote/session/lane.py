"""The lane: bytes of files over a TCP connection beside the session (pure part).

    dialer                                      listener
    nonce 32, MAC 16 ──────────────────────────►
                    ◄────────────────────────── nonce 32, MAC 16
    record: confirm ───────────────────────────► now it is a lane
    record: confirm, chunk ..., end              (whichever side has the file)

The MACs prove a secret that the listener has sent inside the session; keys and nonces
have nothing in common with those of datagrams. A record is its length (u32, little
endian) and a secretbox under a key of this connection and direction, whose nonce is the
number of the record: one that is changed, left out, repeated or out of order does not
open, and a connection that ends without `end` was cut.
"""

import struct
from dataclasses import dataclass

from p2p_remote.crypto.primitives import (
    NONCE_LENGTH,
    TAG_LENGTH,
    blake2b,
    equal,
    secretbox_open,
    secretbox_seal,
)
from p2p_remote.errors import AuthenticationFailedError, MalformedMessageError
from p2p_remote.wire.files import CHUNK_BYTES, MAX_FILE_BYTES

LANE_NONCE_BYTES = 32
_MAC_BYTES = 16
HELLO_BYTES = LANE_NONCE_BYTES + _MAC_BYTES
LENGTH_BYTES = 4
_CHUNK = struct.Struct("<BIQ")  # kind, number of the transfer, offset
_KIND_CONFIRM, _KIND_CHUNK, _KIND_END = range(3)
MAX_BOX_BYTES = TAG_LENGTH + _CHUNK.size + CHUNK_BYTES

_HELLO = b"p2pr1/lanehello"
_ANSWER = b"p2pr1/laneback"


@dataclass(frozen=True, slots=True)
class LaneKeys:
    """Keys of one connection, one for each direction."""

    send: bytes
    receive: bytes


@dataclass(frozen=True, slots=True)
class LaneChunk:
    """Bytes of a file."""

    number: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LaneEnd:
    """Nothing follows."""


@dataclass(frozen=True, slots=True)
class LaneConfirmed:
    """The dialer has the keys of this very connection."""


LaneRecord = LaneChunk | LaneEnd | LaneConfirmed


class LaneProof:
    """What both sides know who share the session and the listener's secret."""

    def __init__(self, check_key: bytes, secret: bytes) -> None:
        """`check_key` is the session's, `secret` came from the listener inside it."""
        self._key = blake2b(secret, key=check_key, person=b"p2pr1/lane")

    def hello(self, nonce: bytes) -> bytes:
        """First bytes of the dialer, with 32 random bytes."""
        return nonce + self._mac(_HELLO, nonce)

    def answer(self, hello: bytes, nonce: bytes) -> bytes:
        """First bytes of the listener.

        Raises:
            AuthenticationFailedError: the hello does not prove the secret.

        """
        self._check(hello, _HELLO, b"")
        return nonce + self._mac(_ANSWER, hello + nonce)

    def check_answer(self, hello: bytes, answer: bytes) -> None:
        """Accept the listener.

        Raises:
            AuthenticationFailedError: the answer does not prove the secret.

        """
        self._check(answer, _ANSWER, hello)

    def keys(self, hello: bytes, answer: bytes, *, dialer: bool) -> LaneKeys:
        """Keys of the connection that began with these two."""
        both = hello + answer
        there = blake2b(both, key=self._key, person=b"p2pr1/lane>")
        back = blake2b(both, key=self._key, person=b"p2pr1/lane<")
        return LaneKeys(there, back) if dialer else LaneKeys(back, there)

    def _mac(self, person: bytes, data: bytes) -> bytes:
        return blake2b(data, length=_MAC_BYTES, key=self._key, person=person)

    def _check(self, said: bytes, person: bytes, before: bytes) -> None:
        nonce, mac = said[:LANE_NONCE_BYTES], said[LANE_NONCE_BYTES:]
        if not equal(mac, self._mac(person, before + nonce)):
            raise AuthenticationFailedError("a connection that proves nothing")


class LaneSealer:
    """Makes records."""

    def __init__(self, key: bytes, count: int = 0) -> None:
        """`key` is the one to send with; `count` records were sent already."""
        self._key = key
        self.count = count

    def confirm(self) -> bytes:
        """First record of the dialer, and what tells the lane that will be used."""
        return self._seal(bytes((_KIND_CONFIRM,)))

    def chunk(self, number: int, offset: int, data: bytes | memoryview) -> bytes:
        """Record with up to 64 KiB of a file."""
        return self._seal(_CHUNK.pack(_KIND_CHUNK, number, offset) + data)

    def end(self) -> bytes:
        """Last record."""
        return self._seal(bytes((_KIND_END,)))

    def _seal(self, plaintext: bytes) -> bytes:
        nonce = self.count.to_bytes(NONCE_LENGTH, "little")
        self.count += 1
        box = secretbox_seal(self._key, nonce, plaintext)
        return len(box).to_bytes(LENGTH_BYTES, "little") + box


class LaneOpener:
    """Reads records."""

    def __init__(self, key: bytes, count: int = 0) -> None:
        """`key` is the one to receive with; `count` records came already."""
        self._key = key
        self.count = count

    @staticmethod
    def box_length(head: bytes) -> int:
        """Bytes of the box that follows these four bytes.

        Raises:
            MalformedMessageError: more than a record may have, or too few.

        """
        length = int.from_bytes(head, "little")
        if len(head) != LENGTH_BYTES or not TAG_LENGTH < length <= MAX_BOX_BYTES:
            raise MalformedMessageError("a record of a wrong size")
        return length

    def open(self, box: bytes) -> LaneRecord:
        """Content of the next record.

        Raises:
            AuthenticationFailedError: it is not the next record of this connection.
            MalformedMessageError: it has no content that there is.

        """
        nonce = self.count.to_bytes(NONCE_LENGTH, "little")
        plaintext = secretbox_open(self._key, nonce, box)
        self.count += 1
        kind = plaintext[0]
        if kind == _KIND_CHUNK and len(plaintext) > _CHUNK.size:
            _, number, offset = _CHUNK.unpack_from(plaintext)
            if offset <= MAX_FILE_BYTES:
                return LaneChunk(number, offset, plaintext[_CHUNK.size :])
        elif len(plaintext) == 1 and kind == _KIND_END:
            return LaneEnd()
        elif len(plaintext) == 1 and kind == _KIND_CONFIRM:
            return LaneConfirmed()
        raise MalformedMessageError("a record of no known kind")
