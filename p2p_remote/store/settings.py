"""Settings file: `settings.toml` in the state folder, read only."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from p2p_remote.errors import StateError

FILE_NAME = "settings.toml"
_MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file may say. Empty means not said.

    `rendezvous`: HOST or HOST:PORT of the server. `name`: the name that the other
    side is shown; never a user name unless it was put here.
    """

    rendezvous: str = ""
    name: str = ""


def load_settings(state_dir: Path) -> Settings:
    """Read the settings.

    Raises:
        StateError: the file is not TOML, or a value is of the wrong kind.

    """
    path = state_dir / FILE_NAME
    try:
        data = path.read_bytes()[: _MAX_BYTES + 1]
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        values = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StateError(f"{path} is not valid TOML: {error}") from error
    known = {}
    for key in ("rendezvous", "name"):
        value = values.pop(key, "")
        if not isinstance(value, str):
            raise StateError(f"{path}: '{key}' has to be text in quotes.")
        known[key] = value
    if values:
        raise StateError(f"{path}: unknown setting '{next(iter(values))}'.")
    return Settings(**known)
