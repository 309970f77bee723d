"""Clear header of a sealed session packet.

    byte  0       0xC0 | phase, phase = epoch mod 16
    bytes 1..4    session index of the receiver, u32
    bytes 5..10   packet number of the sender, u48
    bytes 11..    secretbox: tag of 16 bytes, ciphertext

Numbers are little endian. The whole header is in the nonce, so no bit of it can change
without the tag failing. The two messages of a rekey, which travel sealed inside
packets, have one layout and are here too.
"""

from dataclasses import dataclass

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.first_byte import PACKET_BASE
from p2p_remote.wire.fixed import FixedReader

PHASES = 16
HEADER_LENGTH = 11  # bytes
NUMBER_LENGTH = 6  # bytes of the packet number
PREFIX_LENGTH = HEADER_LENGTH - NUMBER_LENGTH
OVERHEAD = HEADER_LENGTH + 16  # bytes that a datagram has more than its plaintext
REKEY_LENGTH = 36  # bytes of an offer or answer
MAX_NUMBER = 2 ** (8 * NUMBER_LENGTH) - 1


@dataclass(frozen=True, slots=True)
class PacketHeader:
    """The clear header; nothing in it is to be believed before the seal is open."""

    phase: int
    receiver_index: int
    number: int

    def pack(self) -> bytes:
        """Return the 11 bytes."""
        number = self.number.to_bytes(NUMBER_LENGTH, "little")
        return header_prefix(self.phase, self.receiver_index) + number

    @classmethod
    def unpack(cls, datagram: bytes) -> "PacketHeader":
        """Header at the beginning of `datagram`.

        Raises:
            MalformedMessageError: not a session packet, or too short for one.

        """
        if len(datagram) < OVERHEAD or datagram[0] & 0xF0 != PACKET_BASE:
            raise MalformedMessageError("not a session packet")
        return cls(
            datagram[0] & 0x0F,
            int.from_bytes(datagram[1:PREFIX_LENGTH], "little"),
            int.from_bytes(datagram[PREFIX_LENGTH:HEADER_LENGTH], "little"),
        )


def header_prefix(phase: int, receiver_index: int) -> bytes:
    """First 5 bytes of the header, which stay the same for an epoch."""
    if not 0 <= phase < PHASES:
        raise ValueError("a phase is 0..15")
    return bytes([PACKET_BASE | phase]) + receiver_index.to_bytes(4, "little")


@dataclass(frozen=True, slots=True)
class RekeyMessage:
    """Offer or answer of a key exchange: the epoch it makes and a fresh X25519 key."""

    epoch: int
    public: bytes

    def pack(self) -> bytes:
        """Return 36 bytes: epoch u32, public key."""
        return self.epoch.to_bytes(4, "little") + self.public

    @classmethod
    def unpack(cls, data: bytes) -> "RekeyMessage":
        """Read what `pack` made.

        Raises:
            MalformedMessageError: not 36 bytes.

        """
        reader = FixedReader(data, REKEY_LENGTH)
        return cls(reader.integer(4), reader.take(32))
