"""A file that goes out: read in order, hashed on the way, noticed when it changes."""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from p2p_remote.errors import FileTransferError
from p2p_remote.store import keystore
from p2p_remote.store.file_access import read_at
from p2p_remote.store.file_hash import BLOCK_BYTES
from p2p_remote.store.lent_file import LentFile
from p2p_remote.wire import files

# Without waiting: a pipe or a device under this name must not hold us up.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class OutgoingFile(LentFile):
    """One file that is read by one thread at a time."""

    def __init__(self, path: Path, permitted: Callable[[], bool]) -> None:
        """Open it.

        Args:
            path: where it is.
            permitted: asked before every access to the disk.

        Raises:
            FileTransferError: it cannot be read, is no file, or is not permitted.

        """
        super().__init__(permitted)
        self._shown = str(path)
        try:
            self._require_foreign(path)
            self._require_file(path.stat())  # opening a device may do things
            self._descriptor = os.open(path, _OPEN_FLAGS)
            status = os.fstat(self._descriptor)
            self._require_file(status)
        except OSError as error:
            raise self.unreadable(str(error.strerror)) from error
        except ValueError as error:
            raise self.unreadable("not a path") from error
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
        self.take_back(offset)
        if self._hash.digest() == digest:
            return offset
        self._hash.restart()
        return 0

    def read(self, offset: int, size: int) -> bytes:
        """Read bytes from `offset`, at or before the end of what was read before.

        Raises:
            FileTransferError: it became shorter, cannot be read, or is not permitted.

        """
        self._check_permitted()
        wanted = min(size, self.size - offset)
        try:
            with self._lock:
                data = read_at(self._descriptor, offset, wanted)
        except OSError as error:
            raise self.unreadable(str(error.strerror)) from error
        if len(data) < wanted:
            raise self.changed()
        hashed = self._hash.position
        self._hash.update(data[hashed - offset :] if offset < hashed else data)
        return data

    def follow(self, digests: Sequence[bytes]) -> None:
        """Take the digests of blocks that the other process has read, in order.

        Raises:
            FileTransferError: it is not permitted any more.

        """
        self._check_permitted()
        self._hash.append(digests)

    def take_back(self, position: int) -> None:
        """Hash what nobody has hashed before `position`, and go on reading here.

        Raises:
            FileTransferError: it became shorter, cannot be read, or is not permitted.

        """
        while (start := self._hash.position) < position:
            self.read(start, min(BLOCK_BYTES, position - start))

    def digest(self) -> bytes:
        """BLAKE2b-256 of the whole file, after all of it was read.

        Raises:
            FileTransferError: the file changed while it was read.

        """
        status = os.fstat(self._descriptor)
        if (status.st_size, status.st_mtime_ns) != self._seen:
            raise self.changed()
        return self._hash.digest()

    def close(self) -> None:
        """Let go; harmless twice."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _require_file(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode) or status.st_size > files.MAX_FILE_BYTES:
            self.close()
            raise FileTransferError(
                f"{self._shown} is not a file that can be sent.",
                files.STOP_UNREADABLE,
            )

    def changed(self) -> FileTransferError:
        """Say that it became shorter, or another one."""
        return FileTransferError(
            f"{self._shown} changed while it was sent.", files.STOP_CHANGED
        )

    def unreadable(self, why: str) -> FileTransferError:
        """Say that the system does not let it be read."""
        return FileTransferError(
            f"{self._shown} cannot be read: {why}.", files.STOP_UNREADABLE
        )
