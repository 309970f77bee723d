"""MACs between the server and one registration."""

from p2p_remote.crypto.primitives import blake2b, equal
from p2p_remote.wire.rendezvous import (
    MAC_LENGTH,
    MAC_PERSON,
    Message,
)


def authenticated(message: Message, key: bytes) -> bytes:
    """Datagram of an authenticated message."""
    body = message.encode()
    return body + _mac(body, key)


def is_authentic(datagram: bytes, key: bytes) -> bool:
    """Whether the MAC at the end of `datagram` holds."""
    return equal(_mac(datagram[:-MAC_LENGTH], key), datagram[-MAC_LENGTH:])


def _mac(body: bytes, key: bytes) -> bytes:
    return blake2b(body, length=MAC_LENGTH, key=key, person=MAC_PERSON)
