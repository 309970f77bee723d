"""Length-prefixed strings and labelled hashes: what the protocol hashes, and how."""

from p2p_remote.crypto import primitives

PERSON_PREFIX = b"p2pr1/"  # every hash of the protocol is separated by its person


def prepend_length(data: bytes) -> bytes:
    """`data` with its length in front as LEB128 (CPace draft, `prepend_len`)."""
    length = len(data)
    prefix = bytearray()
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + data


def lv(*parts: bytes) -> bytes:
    """Length-prefixed concatenation (CPace draft, `lv_cat`): no two lists collide."""
    return b"".join(map(prepend_length, parts))


def labelled_hash(label: bytes, *parts: bytes, key: bytes = b"") -> bytes:
    """BLAKE2b-256 of `lv(parts)` with person `p2pr1/<label>`, keyed if `key` is given.

    `label` has at most 10 bytes.
    """
    return primitives.blake2b(lv(*parts), key=key, person=PERSON_PREFIX + label)
