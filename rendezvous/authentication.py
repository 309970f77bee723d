"""MACs between the server and one registration."""

from hashlib import blake2b
from hmac import compare_digest

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
    mac = _mac(datagram[:-MAC_LENGTH], key)
    return compare_digest(mac, datagram[-MAC_LENGTH:])


def _mac(body: bytes, key: bytes) -> bytes:
    # The standard library's own call: a hundred thousand of these come in a second.
    return blake2b(body, digest_size=MAC_LENGTH, key=key, person=MAC_PERSON).digest()
