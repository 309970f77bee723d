"""Endpoints as they travel: XORed with a transaction id of 8 bytes.

Some routers rewrite what looks like an address of theirs (RFC 8489 section 14.2 has the
same remedy).
"""

from p2p_remote.wire.address import Endpoint, pack_endpoint, unpack_endpoint

MASKED_LENGTH = 18  # a packed endpoint


def mask(packed: bytes, transaction: bytes) -> bytes:
    """XOR a packed endpoint with the transaction id; the same call takes it off."""
    pad = (transaction * 3)[:MASKED_LENGTH]
    masked = int.from_bytes(packed, "little") ^ int.from_bytes(pad, "little")
    return masked.to_bytes(MASKED_LENGTH, "little")


def mask_endpoint(endpoint: Endpoint, transaction: bytes) -> bytes:
    """18 bytes of `endpoint` as they travel."""
    return mask(pack_endpoint(endpoint), transaction)


def unmask_endpoint(masked: bytes, transaction: bytes) -> Endpoint:
    """Read what `mask_endpoint` wrote.

    Raises:
        MalformedMessageError: port 0.

    """
    return unpack_endpoint(mask(masked, transaction))
