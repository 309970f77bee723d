"""Connectivity check and its response: layouts only.

Both are 51 bytes, so a response is never larger than the check it answers. Integers
are little endian.

    offset  check                     response
    0       0x50                      0x51
    1..4    receiver's session index  receiver's session index
    5..16   transaction               transaction of the check
    17      flags                     sealed endpoint, 18 bytes (17..34)
    18..21  priority
    22..34  zero
    35..50  MAC                       MAC

A transaction is the sender's counter (u32) and 8 random bytes. The counter lets the
receiver drop replays; the random bytes prove that whoever answers has seen the check
(RFC 7675 section 4). The MAC and the seal are keyed by the handshake; see
`traversal.check_seal`.
"""

import struct
from dataclasses import dataclass

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.first_byte import CHECK, CHECK_RESPONSE

MAX_CANDIDATES = 8  # addresses an end may tell; the other checks no more
NONCE_BYTES = 8  # random part of a transaction
SEALED_ENDPOINT_BYTES = 18
MAC_BYTES = 16
CHECK_BYTES = 51  # of both datagrams, with the MAC

_NOMINATE = 0x01
_RESTART = 0x02
_CHECK = struct.Struct("<BI12sBI13x")
_RESPONSE = struct.Struct("<BI12s18s")


@dataclass(frozen=True, slots=True)
class Check:
    """Either end to the other, on any path, to ask whether it may send there.

    `nominate`: the controlling end uses this path from now on (RFC 8445 section 8).
    `restart`: a round of checks toward all of your candidates begins; begin one too.
    `priority`: what the sender's address is worth if the receiver learns it from this
    check (RFC 8445 section 7.1.1). Nothing is to be trusted before the MAC.
    """

    receiver_index: int
    transaction: bytes
    priority: int
    nominate: bool = False
    restart: bool = False

    def body(self) -> bytes:
        """Return the datagram without its MAC."""
        flags = _NOMINATE * self.nominate | _RESTART * self.restart
        return _CHECK.pack(
            CHECK, self.receiver_index, self.transaction, flags, self.priority
        )


@dataclass(frozen=True, slots=True)
class CheckResponse:
    """Answer to a check, on the path the check came over.

    `sealed_endpoint`: the address the check came from, packed and sealed.
    """

    receiver_index: int
    transaction: bytes
    sealed_endpoint: bytes

    def body(self) -> bytes:
        """Return the datagram without its MAC."""
        return _RESPONSE.pack(
            CHECK_RESPONSE, self.receiver_index, self.transaction, self.sealed_endpoint
        )


def transaction(counter: int, nonce: bytes) -> bytes:
    """Transaction number `counter` (u32) with 8 random bytes."""
    return counter.to_bytes(4, "little") + nonce


def counter_of(transaction_id: bytes) -> int:
    """Counter in a transaction."""
    return int.from_bytes(transaction_id[:4], "little")


def split(datagram: bytes) -> tuple[bytes, bytes]:
    """Body and MAC of a check or response.

    Raises:
        MalformedMessageError: wrong length or first byte.

    """
    if len(datagram) != CHECK_BYTES or datagram[0] not in (CHECK, CHECK_RESPONSE):
        raise MalformedMessageError("not a connectivity check")
    return datagram[:-MAC_BYTES], datagram[-MAC_BYTES:]


def parse(body: bytes) -> Check | CheckResponse:
    """Message in a body that `split` returned. Unknown flags are ignored."""
    if body[0] == CHECK:
        _, index, transaction_id, flags, priority = _CHECK.unpack(body)
        return Check(
            receiver_index=index,
            transaction=transaction_id,
            priority=priority,
            nominate=bool(flags & _NOMINATE),
            restart=bool(flags & _RESTART),
        )
    _, index, transaction_id, sealed = _RESPONSE.unpack(body)
    return CheckResponse(index, transaction_id, sealed)
