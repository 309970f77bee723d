"""Datagrams in a TCP stream: each after its length, a u16 little endian.

RFC 4571 does the same for RTP. A length of 0 or beyond the longest datagram of ours
ends the connection: whoever sends it does not speak this protocol.

A server takes such a stream plain or in TLS at one port: see `begins_tls`.
"""

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.constants import MAX_ANY_DATAGRAM

HEADER_LENGTH = 2
MAX_FRAMED = 5 + MAX_ANY_DATAGRAM  # bytes: the longest one with its relay header

TLS_HEAD = 3  # bytes that tell
_HANDSHAKE_RECORD = b"\x16\x03"  # RFC 8446 section 5.1: type, major version


def begins_tls(head: bytes) -> bool:
    """Whether a stream that begins with these 1 to `TLS_HEAD` bytes is one of TLS.

    A TLS record has its minor version (at most 4) in the third byte. Behind a length
    of 0x0316 that would be the first byte of a datagram, and none of ours begins with
    less than 0x10 (`wire.first_byte`).
    """
    return _HANDSHAKE_RECORD.startswith(head[:2]) and all(
        minor <= 4 for minor in head[2:TLS_HEAD]
    )


def framed(datagram: bytes) -> bytes:
    """Bytes for the stream; the datagram has 1 to `MAX_FRAMED` bytes."""
    return len(datagram).to_bytes(HEADER_LENGTH, "little") + datagram


class Deframer:
    """Takes a stream apart; keeps less than one datagram."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Datagrams that are complete now.

        Raises:
            MalformedMessageError: an impossible length; the stream cannot go on.

        """
        stream = self._rest + data
        found = []
        at = 0
        while len(stream) - at >= HEADER_LENGTH:
            start = at + HEADER_LENGTH
            length = int.from_bytes(stream[at:start], "little")
            if not 0 < length <= MAX_FRAMED:
                raise MalformedMessageError("impossible length in a stream")
            if len(stream) < start + length:
                break
            at = start + length
            found.append(stream[start:at])
        self._rest = stream[at:]
        return found
