"""A file that comes in: kept as `.part` until it is whole, then given a free name.

Nothing that exists is ever written over, and no link is followed. What a broken
transfer has left is found again by the same sender, name, size and time; whether the
bytes are the same is settled by their hash (`IncomingFile.digest`).
"""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from p2p_remote.errors import FileTransferError
from p2p_remote.session.file_names import numbered
from p2p_remote.store.file_access import read_at, write_at
from p2p_remote.store.file_hash import BLOCK_BYTES
from p2p_remote.store.lent_file import LentFile
from p2p_remote.wire import files

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MOST_NUMBERS = 1000  # names tried for a file whose name is taken
_CLOSED_TO_MOVE = os.name == "nt"  # an open file is neither renamed nor removed there
_OPEN_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the sender said of a file. `name` is safe; `sender` is their public key."""

    sender: bytes
    name: str
    size: int
    modified: int

    def part_name(self) -> str:
        """Name of the partial file: the same for the same file of the same sender."""
        facts = f"{self.size}/{self.modified}/{self.name}".encode()
        tag = hashlib.blake2b(self.sender + facts, digest_size=8).hexdigest()
        return f"{self.name}.{tag}.part"


class IncomingFile(LentFile):
    """One file on its way to a folder. Any one thread at a time may write."""

    def __init__(
        self, folder: Path, expected: Expected, permitted: Callable[[], bool]
    ) -> None:
        """Open the partial file, or what an earlier try has left of it.

        Args:
            folder: where the file goes; made if it is not there.
            expected: name, size and time as offered.
            permitted: asked before every access to the disk.

        Raises:
            FileTransferError: no space, no access, or not permitted.

        """
        super().__init__(permitted)
        self.expected = expected
        self.position = 0
        self._folder = folder
        self._is_new = False  # the partial file is ours, and nothing was in it
        self._part = folder / expected.part_name()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._part, _OPEN_FLAGS, 0o600)
        except OSError as error:
            raise _failed(error, folder) from error
        try:
            self._take_up()
        except BaseException:
            self._close(remove=self._is_new)  # else another one writes, or has written
            raise

    def digest(self) -> bytes:
        """Hash (`store.file_hash`) of the bytes that are here."""
        return self._hash.digest()

    def restart(self) -> None:
        """Begin at 0: what is here is not the beginning of the file."""
        with self._lock:
            self._check_permitted()
            self._truncate()

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes that begin at or before the end of what is here.

        Raises:
            FileTransferError: a gap, no space, or no longer permitted.

        """
        with self._lock:
            new = data[self.position - offset :] if offset < self.position else data
            end = offset + len(data)
            if offset > self.position or end > self.expected.size:
                raise FileTransferError(
                    "The file came in the wrong order.", files.STOP_DAMAGED
                )
            if not new:
                return
            self._check_permitted()
            try:
                write_at(self._descriptor, self.position, new)
            except OSError as error:
                raise self.unwritable(error) from error
            self._hash.update(new)
            self.position += len(new)

    def follow(self, position: int, digests: Sequence[bytes]) -> None:
        """Take what the other process has written, and the digests of its blocks.

        Raises:
            FileTransferError: it is not permitted any more.
            ValueError: no writer comes to such a position.

        """
        with self._lock:
            self._check_permitted()
            hashed = self._hash.position + len(digests) * BLOCK_BYTES
            if not max(self.position, hashed) <= position <= self.expected.size:
                raise ValueError("a position that does not follow")
            self._hash.append(digests)
            self.position = position

    def take_back(self) -> None:
        """Hash what nobody has hashed before `position`, and go on writing here.

        Raises:
            FileTransferError: it cannot be read, or is not permitted any more.

        """
        while (start := self._hash.position) < self.position:
            with self._lock:
                self._check_permitted()
                size = min(BLOCK_BYTES, self.position - start)
                try:
                    data = read_at(self._descriptor, start, size)
                except OSError as error:
                    raise self.unwritable(error) from error
                if len(data) < size:
                    raise self.unwritable(OSError(errno.EIO, os.strerror(errno.EIO)))
                self._hash.update(data)

    def unwritable(self, error: OSError) -> FileTransferError:
        """Say why the system does not let it be written."""
        return _failed(error, self._folder)

    def finish(self, digest: bytes) -> Path:
        """Compare the hash and give the file its name; returns where it is now.

        Raises:
            FileTransferError: it is not what was sent (and is removed), or it cannot
                be given a name.

        """
        with self._lock:
            self._check_permitted()
            if self.digest() != digest or self.position != self.expected.size:
                self._close(remove=True)
                raise FileTransferError(
                    "The file was damaged on the way and has been removed.",
                    files.STOP_DAMAGED,
                )
            try:
                os.fsync(self._descriptor)
                os.utime(self._part, (self.expected.modified,) * 2)
                if _CLOSED_TO_MOVE:
                    self._close(remove=False)
                path = self._give_name()  # while it is locked: it is nobody else's
            except (OSError, OverflowError) as error:
                raise _failed(error, self._folder) from error
            self._close(remove=False)
            return path

    def close(self, *, keep: bool) -> None:
        """Let go; with `keep` the next try goes on from here. Harmless twice."""
        with self._lock:
            self._close(remove=not keep or not self.position)

    def _take_up(self) -> None:
        try:
            status = os.fstat(self._descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise FileTransferError(
                    f"{self._part} is in the way.", files.STOP_UNWRITABLE
                )
            _lock(self._descriptor)
            self._require_same(status)
            self._is_new = not status.st_size
            if status.st_size > self.expected.size:
                self._truncate()
            needed = self.expected.size - min(status.st_size, self.expected.size)
            if shutil.disk_usage(self._folder).free < needed:
                raise FileTransferError(
                    f"There is not enough space in {self._folder}.",
                    files.STOP_NO_SPACE,
                )
            while data := read_at(self._descriptor, self.position, BLOCK_BYTES):
                self._check_permitted()
                self._hash.update(data)
                self.position += len(data)
        except OSError as error:
            raise _failed(error, self._folder) from error

    def _require_same(self, status: os.stat_result) -> None:
        """Whoever had the lock before may have renamed or removed the file."""
        try:
            found = self._part.lstat()
        except FileNotFoundError:
            found = None
        if found is None or not os.path.samestat(found, status):
            raise _busy()

    def _truncate(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self._hash.restart()
        self.position = 0

    def _give_name(self) -> Path:
        """Reserve a name that nothing has, then move the file there."""
        for number in range(1, _MOST_NUMBERS):
            name = self._folder / numbered(self.expected.name, number)
            try:
                os.close(os.open(name, _OPEN_FLAGS | os.O_EXCL, 0o600))
            except FileExistsError:
                continue
            try:
                self._part.replace(name)
            except OSError:
                name.unlink(missing_ok=True)
                raise
            return name
        raise FileTransferError(
            f"Too many files are called {self.expected.name}.", files.STOP_UNWRITABLE
        )

    def _close(self, *, remove: bool) -> None:
        if self._descriptor < 0:
            return
        if remove and not _CLOSED_TO_MOVE:
            self._part.unlink(missing_ok=True)  # while it is locked
        os.close(self._descriptor)
        self._descriptor = -1
        if remove and _CLOSED_TO_MOVE:
            self._part.unlink(missing_ok=True)


def _lock(descriptor: int) -> None:
    """Refuse a partial file that another transfer is writing to."""
    try:
        import fcntl
    except ImportError:
        return  # Windows does not open a file twice for writing
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _busy() from error


def _busy() -> FileTransferError:
    return FileTransferError("This file is being received already.", files.STOP_BUSY)


def _failed(error: OSError | OverflowError, folder: Path) -> FileTransferError:
    if isinstance(error, OSError) and error.errno in _FULL:
        return FileTransferError(
            f"There is not enough space in {folder}.", files.STOP_NO_SPACE
        )
    why = error.strerror if isinstance(error, OSError) else "a bad time"
    return FileTransferError(
        f"The file cannot be written to {folder}: {why}.", files.STOP_UNWRITABLE
    )
