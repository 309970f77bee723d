"""Comparison digits (short authentication string), committed on both sides.

Both ends commit to a random value before either opens its own: the initiator in M1,
the responder in M2. Whoever stands in the middle has to fix everything that goes into
the digits before seeing what they will be, so one visible attempt succeeds with a
chance of one in a million, and no computing helps (compare ZRTP, RFC 6189 section
4.4.1.1, which commits on one side).
"""

from p2p_remote.crypto import primitives
from p2p_remote.crypto.encoding import labelled_hash, lv

DIGITS = 6
OPENING_LENGTH = 32  # bytes; the random value that a commitment hides


def initiator_commitment(ephemeral: bytes, opening: bytes) -> bytes:
    """Return what M1 says of the initiator's ephemeral key and opening; 32 bytes."""
    return labelled_hash(b"commit", b"I", ephemeral, opening)


def responder_commitment(opening: bytes) -> bytes:
    """Return what M2 says of the responder's opening; 32 bytes."""
    return labelled_hash(b"commit", b"R", opening)


def comparison_digits(openings: tuple[bytes, bytes], *transcript: bytes) -> str:
    """Six digits as text.

    Args:
        openings: of initiator and responder, 32 bytes each.
        transcript: M1, M2 and the initiator's ephemeral key.

    """
    digest = primitives.blake2b(
        lv(*transcript), length=16, key=openings[0] + openings[1], person=b"p2pr1/sas"
    )
    return f"{int.from_bytes(digest, 'little') % 10**DIGITS:0{DIGITS}d}"
