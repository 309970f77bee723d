"""Where p2p-remote keeps its files."""

import os
from pathlib import Path

from p2p_remote.errors import StateError

STATE_DIR_VARIABLE = "P2P_REMOTE_STATE_DIR"


def state_dir(given: str | None) -> Path:
    """Return the folder of identity, settings and known peers, made if needed.

    Order: `given` (the flag), the environment, the platform's place for it.

    Raises:
        StateError: the folder cannot be made or written.

    """
    chosen = given or os.environ.get(STATE_DIR_VARIABLE)
    if chosen:
        path = Path(chosen).expanduser()
    else:
        import platformdirs

        path = Path(platformdirs.user_state_dir("p2p-remote", appauthor=False))
    return _made(path, "--state-dir", 0o700)


def downloads_dir(given: str | None) -> Path:
    """Return the folder for files that come in: `given`, or the user's downloads.

    Raises:
        StateError: `given` cannot be made or written.

    """
    if given:
        return _made(Path(given).expanduser(), "--downloads", 0o777)
    import platformdirs

    return Path(platformdirs.user_downloads_dir())


def _made(path: Path, option: str, mode: int) -> Path:
    """Return a folder that can be written to; `option` chooses another one."""
    advice = f"Choose another one with {option}."
    try:
        path.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise StateError(
            f"The folder {path} cannot be made: {error.strerror}. {advice}"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StateError(f"The folder {path} cannot be written to. {advice}")
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace a file as a whole, readable by its owner only.

    Raises:
        StateError: it cannot be written; the old content is kept.

    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}.") from error
