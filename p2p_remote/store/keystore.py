"""The identity file: one key, readable by its owner only."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import StateError
from p2p_remote.store.paths import write_private

FILE_NAME = "identity"
_MAX_BYTES = 4096


def load_identity(state_dir: Path, random: Callable[[int], bytes]) -> Identity:
    """Read the identity of this machine, or make one at the first start.

    Raises:
        StateError: the file is malformed, readable by others, or not ours.

    """
    path = state_dir / FILE_NAME
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        identity = Identity.generate(random)
        save_identity(state_dir, identity)
        return identity
    except OSError as error:
        raise StateError(
            f"The identity file {path} cannot be read: {error.strerror}."
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        _require_private(path, os.fstat(file.fileno()))
        data = file.read(_MAX_BYTES + 1)
    try:
        return Identity.from_bytes(data)
    except StateError as error:
        raise StateError(
            f"The identity file {path} is damaged ({error}) "
            "Move it away to get a new ID, or put your copy back."
        ) from error


def save_identity(state_dir: Path, identity: Identity) -> None:
    """Write the identity file."""
    write_private(state_dir / FILE_NAME, identity.to_bytes())


def holds_identity(folder: Path) -> bool:
    """Whether a folder holds the key of a machine."""
    path = folder / FILE_NAME
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return False
        Identity.from_bytes(path.read_bytes())
    except (OSError, StateError):
        return False
    return True


def _require_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StateError(f"The identity file {path} is not an ordinary file.")
    if os.name != "posix":
        return
    if status.st_uid != os.geteuid():
        raise StateError(f"The identity file {path} belongs to another user.")
    if status.st_mode & 0o077:
        raise StateError(
            f"The identity file {path} can be read by others. "
            f"Run: chmod 600 {path} -- and if somebody may have copied it, "
            "move it away to get a new ID."
        )
