"""The hash of a file does not depend on how its pieces were handed over."""

import hashlib

from p2p_remote.store.file_hash import LEAST_BYTES, FileHash


def test_large_and_small_pieces_count_in_their_order() -> None:
    pieces = [b"a", b"b" * LEAST_BYTES, b"c" * (LEAST_BYTES + 1), b"d"]
    file_hash, plain = FileHash(), hashlib.blake2b(digest_size=32)
    for piece in pieces:
        file_hash.update(piece)
        plain.update(piece)
        assert file_hash.digest() == plain.digest()
    file_hash.restart()
    assert file_hash.digest() == hashlib.blake2b(digest_size=32).digest()
    file_hash.close()
