"""A file that goes out: read in order, hashed on the way, noticed when it changes."""

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from p2p_remote.errors import FileTransferError
from p2p_remote.store import keystore
from p2p_remote.store.file_hash import FileHash
from p2p_remote.wire import files

_HASH_BYTES = 1 << 20  # read at a time when the receiver has a part already
# Without waiting: a pipe or a device under this name must not hold us up.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class OutgoingFile:
    """One file that is read by one thread at a time."""

    def __init__(self, path: Path, permitted: Callable[[], bool]) -> None:
        """Open it.

        Args:
            path: where it is.
            permitted: asked before every access to the disk.

        Raises:
            FileTransferError: it cannot be read, is no file, or is not permitted.

        """
        self._permitted = permitted
        self._shown = str(path)
        self._lock = threading.Lock()  # nothing is read from a number that is free
        self._hash = FileHash()
        self._hashed = 0
        self._descriptor = -1
        self._check_permitted()
        try:
            self._require_foreign(path)
            self._require_file(path.stat())  # opening a device may do things
            self._descriptor = os.open(path, _OPEN_FLAGS)
            status = os.fstat(self._descriptor)
            self._require_file(status)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        self.name = path.name
        self.size = status.st_size
        self.modified = max(0, int(status.st_mtime))
        self._seen = (status.st_size, status.st_mtime_ns)

    def _require_foreign(self, path: Path) -> None:
        """Whoever has the key of this machine could pretend to be it."""
        for folder in path.resolve().parents:
            if keystore.holds_identity(folder):
                raise FileTransferError(
                    f"{self._shown} is in the folder with the key of this machine. "
                    "Nothing in it is sent."
                )

    def skip(self, offset: int, digest: bytes) -> int:
        """Where to begin: `offset` if the receiver's bytes are the same, else 0."""
        for start in range(0, offset, _HASH_BYTES):
            self.read(start, min(_HASH_BYTES, offset - start))
        if self._hash.digest() == digest:
            return offset
        self._hash.restart()
        self._hashed = 0
        return 0

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes from `offset`, at or before the end of what was read before.

        Raises:
            FileTransferError: it became shorter, cannot be read, or is not permitted.

        """
        self._check_permitted()
        try:
            with self._lock:
                data = self._read(offset, min(size, self.size - offset))
        except OSError as error:
            raise self._unreadable(error) from error
        new = data[self._hashed - offset :] if offset < self._hashed else data
        self._hash.update(new)
        self._hashed += len(new)
        return data

    def digest(self) -> bytes:
        """BLAKE2b-256 of the whole file, after all of it was read.

        Raises:
            FileTransferError: the file changed while it was read.

        """
        status = os.fstat(self._descriptor)
        if (status.st_size, status.st_mtime_ns) != self._seen:
            raise self._changed()
        return self._hash.digest()

    def close(self) -> None:
        """Let go; harmless twice."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
        self._hash.close()

    def _read(self, offset: int, size: int) -> bytes:
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        data = os.read(self._descriptor, size)
        while len(data) < size:
            more = os.read(self._descriptor, size - len(data))
            if not more:
                raise self._changed()
            data += more
        return data

    def _require_file(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode) or status.st_size > files.MAX_FILE_BYTES:
            self.close()
            raise FileTransferError(
                f"{self._shown} is not a file that can be sent.",
                files.STOP_UNREADABLE,
            )

    def _changed(self) -> FileTransferError:
        return FileTransferError(
            f"{self._shown} changed while it was sent.", files.STOP_CHANGED
        )

    def _check_permitted(self) -> None:
        if not self._permitted():
            raise FileTransferError(
                "The file was stopped: it is not allowed any more.",
                files.STOP_REVOKED,
            )

    def _unreadable(self, error: OSError | ValueError) -> FileTransferError:
        why = error.strerror if isinstance(error, OSError) else "not a path"
        return FileTransferError(
            f"{self._shown} cannot be read: {why}.", files.STOP_UNREADABLE
        )
