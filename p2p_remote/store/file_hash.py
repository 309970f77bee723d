"""BLAKE2b-256 of a file, computed beside whoever reads or writes it."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor

from p2p_remote.wire.files import DIGEST_BYTES

LEAST_BYTES = 256 * 1024  # less is hashed faster than it is handed over


class FileHash:
    """Hashes large pieces in a thread of its own, at most one piece behind."""

    def __init__(self) -> None:
        """Hash of nothing; the thread begins with the first large piece."""
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hash")
        self._pending: Future[None] | None = None

    def update(self, data: bytes) -> None:
        """Append bytes; one thread at a time."""
        self._wait()
        if len(data) < LEAST_BYTES:
            self._hash.update(data)
        else:
            self._pending = self._thread.submit(self._hash.update, data)

    def digest(self) -> bytes:
        """Hash of everything so far."""
        self._wait()
        return self._hash.copy().digest()

    def restart(self) -> None:
        """Forget everything."""
        self._wait()
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False)

    def _wait(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()
