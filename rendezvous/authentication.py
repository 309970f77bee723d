"""MACs between the server and one registration."""

from p2p_remote.crypto.primitives import equal, mac
from p2p_remote.wire.rendezvous import (
    MAC_LENGTH,
    MAC_PERSON,
    Message,
    body_of,
    mac_of,
)


def authenticated(message: Message, key: bytes) -> bytes:
    """Datagram of an authenticated message."""
    body = message.encode()
    return body + mac(key, MAC_PERSON, body)[:MAC_LENGTH]


def is_authentic(datagram: bytes, key: bytes) -> bool:
    """Whether the MAC at the end of `datagram` holds."""
    expected = mac(key, MAC_PERSON, body_of(datagram))[:MAC_LENGTH]
    return equal(expected, mac_of(datagram))
