"""What files that come in and files that go out have in common.

Each is hashed here, or in another process to which its descriptor is lent meanwhile.
"""

import threading
from collections.abc import Callable

from p2p_remote.errors import FileTransferError
from p2p_remote.store.file_hash import FileHash
from p2p_remote.wire import files


class LentFile:
    """An open file that asks before every access, and can be lent."""

    def __init__(self, permitted: Callable[[], bool]) -> None:
        """Nothing is open yet; `permitted` is asked before every access to the disk.

        Raises:
            FileTransferError: it is not permitted.

        """
        self._permitted = permitted
        self._lock = threading.Lock()  # nothing is done to a number that is free
        self._hash = FileHash()
        self._descriptor = -1
        self._check_permitted()

    @property
    def descriptor(self) -> int:
        """For another process that reads or writes."""
        return self._descriptor

    def lend(self) -> int:
        """Let another process go on; until `take_back` nothing is done here.

        Returns where the block begins that the other process hashes first.

        Raises:
            FileTransferError: it is not permitted any more.

        """
        with self._lock:
            self._check_permitted()
            return self._hash.rewind()

    def _check_permitted(self) -> None:
        if not self._permitted():
            raise FileTransferError(
                "The file was stopped: it is not allowed any more.",
                files.STOP_REVOKED,
            )
