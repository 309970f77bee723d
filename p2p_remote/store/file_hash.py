"""Hash of a file, in two steps: of its blocks, and of their hashes.

`BLAKE2b-256(digest of block 0, of block 1, ...)` with the person "p2pr1/file", a block
being 1 MiB, the last one less, and its digest BLAKE2b-256 with the person
"p2pr1/block". So blocks can be hashed elsewhere: whoever moves them hands over digests.
"""

import hashlib
from collections.abc import Iterable

from p2p_remote.wire.files import DIGEST_BYTES

BLOCK_BYTES = 1 << 20


def block_hash() -> "hashlib.blake2b":
    """Hash of one block, without any bytes yet."""
    return hashlib.blake2b(digest_size=DIGEST_BYTES, person=b"p2pr1/block")


class FileHash:
    """Hash of the first `position` bytes of a file."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.restart()

    @property
    def position(self) -> int:
        """Bytes that are in it."""
        return self._start + self._open_bytes

    def update(self, data: bytes) -> None:
        """Append bytes."""
        rest = memoryview(data)
        while rest:
            part = rest[: BLOCK_BYTES - self._open_bytes]
            self._open.update(part)
            self._open_bytes += len(part)
            rest = rest[len(part) :]
            if self._open_bytes == BLOCK_BYTES:
                self.append((self._open.digest(),))

    def append(self, digests: Iterable[bytes]) -> None:
        """Append whole blocks by their digests; forget the block that was open."""
        for digest in digests:
            self._blocks.update(digest)
            self._start += BLOCK_BYTES
        self.rewind()

    def rewind(self) -> int:
        """Forget the block that is open; returns where it begins."""
        self._open = block_hash()
        self._open_bytes = 0
        return self._start

    def digest(self) -> bytes:
        """Hash of everything so far."""
        blocks = self._blocks.copy()
        if self._open_bytes:
            blocks.update(self._open.digest())
        return blocks.digest()

    def restart(self) -> None:
        """Forget everything."""
        self._blocks = hashlib.blake2b(digest_size=DIGEST_BYTES, person=b"p2pr1/file")
        self._start = 0
        self.rewind()
