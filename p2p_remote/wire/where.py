"""WHERE and HERE: how an address of the server sees a socket of ours.

Asked of several addresses and from several sockets, the answers tell how a router maps
(RFC 5780 section 4.3 does the same with STUN). Both are stateless and need no
registration. HERE (48 bytes) is smaller than WHERE (64 bytes), so nothing is amplified.

    offset  WHERE            HERE
    0       0x24             0x25
    1       version          version
    2..9    transaction      transaction
    10..27  zero to 63       where WHERE came from, masked
    28..29                   another port of this address; 0 if there is none
    30..47                   another address of the server, masked; zeros masked if none
"""

import struct
from dataclasses import dataclass

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.address import Endpoint, pack_endpoint, unpack_endpoint
from p2p_remote.wire.constants import PROTOCOL_VERSION

WHERE = 0x24
HERE = 0x25
TRANSACTION_LENGTH = 8
_ENDPOINT_LENGTH = 18
_NONE = bytes(_ENDPOINT_LENGTH)
_WHERE = struct.Struct("<BB8s54x")
_HERE = struct.Struct("<BB8s18sH18s")


@dataclass(frozen=True, slots=True)
class Where:
    """Client to server: tell me where you see me."""

    transaction: bytes

    def encode(self) -> bytes:
        """64 bytes."""
        return _WHERE.pack(WHERE, PROTOCOL_VERSION, self.transaction)


@dataclass(frozen=True, slots=True)
class Here:
    """Server to client: there, and you may ask here as well.

    `other_port` is 0 and `other` is None where the server has no other.
    """

    transaction: bytes
    seen: Endpoint
    other_port: int = 0
    other: Endpoint | None = None

    def encode(self) -> bytes:
        """48 bytes."""
        return encode_here(
            self.transaction,
            pack_endpoint(self.seen),
            self.other_port,
            _NONE if self.other is None else pack_endpoint(self.other),
        )


def encode_here(
    transaction: bytes, seen: bytes, other_port: int, other: bytes = _NONE
) -> bytes:
    """HERE with endpoints that are packed already, as a server has them."""
    return _HERE.pack(
        HERE,
        PROTOCOL_VERSION,
        transaction,
        _masked(seen, transaction),
        other_port,
        _masked(other, transaction),
    )


def transaction_of(data: bytes) -> bytes:
    """Transaction of a WHERE.

    Raises:
        MalformedMessageError: it is none.

    """
    if len(data) != _WHERE.size or data[:2] != bytes((WHERE, PROTOCOL_VERSION)):
        raise MalformedMessageError("not a WHERE")
    return data[2 : 2 + TRANSACTION_LENGTH]


def decode_here(data: bytes) -> Here:
    """Read a HERE.

    Raises:
        MalformedMessageError: it is none, or it carries port 0.

    """
    if len(data) != _HERE.size or data[:2] != bytes((HERE, PROTOCOL_VERSION)):
        raise MalformedMessageError("not a HERE")
    _, _, transaction, seen, other_port, other = _HERE.unpack(data)
    packed = _masked(other, transaction)
    return Here(
        transaction,
        unpack_endpoint(_masked(seen, transaction)),
        other_port,
        None if packed == _NONE else unpack_endpoint(packed),
    )


def _masked(packed: bytes, transaction: bytes) -> bytes:
    """XOR with the transaction, so that no router takes it for an address."""
    pad = (transaction * 3)[:_ENDPOINT_LENGTH]
    return bytes(a ^ b for a, b in zip(packed, pad, strict=True))
