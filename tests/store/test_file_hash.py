"""The hash of a file does not depend on how its pieces were handed over."""

import os

import pytest

from p2p_remote.store.file_hash import BLOCK_BYTES, FileHash, block_hash
from tests.support.files import file_digest

DATA = os.urandom(3 * BLOCK_BYTES + 5)


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, BLOCK_BYTES + 1, len(DATA)])
@pytest.mark.parametrize("piece", [BLOCK_BYTES // 3, 2 * BLOCK_BYTES])
def test_the_hash_is_that_of_the_blocks(size: int, piece: int) -> None:
    file_hash = FileHash()
    for start in range(0, size, piece):
        file_hash.update(DATA[start : min(start + piece, size)])
        assert file_hash.digest() == file_digest(DATA[: min(start + piece, size)])
    assert file_hash.position == size
    assert file_hash.digest() == file_digest(DATA[:size])
    file_hash.restart()
    assert file_hash.position == 0
    assert file_hash.digest() == file_digest(b"")


def test_blocks_may_be_hashed_elsewhere() -> None:
    """Begun here, gone on with there, and ended here."""
    file_hash = FileHash()
    file_hash.update(DATA[: BLOCK_BYTES + 7])
    start = file_hash.rewind()
    assert start == file_hash.position == BLOCK_BYTES
    digests = []
    for block in range(1, 3):
        elsewhere = block_hash()
        elsewhere.update(DATA[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES])
        digests.append(elsewhere.digest())
    file_hash.append(digests)
    assert file_hash.position == 3 * BLOCK_BYTES
    file_hash.update(DATA[3 * BLOCK_BYTES :])
    assert file_hash.digest() == file_digest(DATA)
