"""What a datagram is, by its first byte.

Rendezvous messages, relayed datagrams, handshakes, connectivity checks and session
packets share one UDP socket. Ranges (RFC 7983 does the same for WebRTC):

    0x00..0x03  STUN (RFC 8489), left free
    0x10..0x2F  rendezvous message
    0x28        no such relay channel: 0x28, channel u32 little endian; only a hint
    0x30        relayed datagram: 0x30, channel u32 little endian, inner datagram
    0x40..0x4F  handshake message (0x40 M0, 0x41 M1, 0x42 M2, 0x43 M3, 0x44 M4)
    0x50..0x5F  connectivity check (0x50) and its response (0x51)
    0xC0..0xCF  sealed session packet; low 4 bits = key phase (epoch mod 16)

Connectivity checks and session packets carry the receiver's session index as u32
little endian in bytes 1..4, so a socket finds the session without knowing the path.
"""

from enum import Enum, auto

NO_CHANNEL = 0x28
RELAYED = 0x30
HANDSHAKE_BASE = 0x40
CHECK = 0x50
CHECK_RESPONSE = 0x51
PACKET_BASE = 0xC0


class Kind(Enum):
    """Kind of a datagram."""

    RENDEZVOUS = auto()
    RELAYED = auto()
    HANDSHAKE = auto()
    CHECK = auto()
    PACKET = auto()
    UNKNOWN = auto()


def _kind(byte: int) -> Kind:
    if 0x10 <= byte <= 0x2F:
        return Kind.RENDEZVOUS
    if byte == RELAYED:
        return Kind.RELAYED
    if 0x40 <= byte <= 0x4F:
        return Kind.HANDSHAKE
    if byte in (CHECK, CHECK_RESPONSE):
        return Kind.CHECK
    if 0xC0 <= byte <= 0xCF:
        return Kind.PACKET
    return Kind.UNKNOWN


_KINDS = tuple(_kind(byte) for byte in range(256))


def kind_of(datagram: bytes) -> Kind:
    """Kind of `datagram`; an empty one is UNKNOWN."""
    return _KINDS[datagram[0]] if datagram else Kind.UNKNOWN


def session_index(datagram: bytes) -> int | None:
    """Receiver's session index of a check or session packet; None if too short."""
    if len(datagram) < 5:
        return None
    return int.from_bytes(datagram[1:5], "little")
