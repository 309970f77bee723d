"""Settings file: `settings.toml` in the state folder."""

import contextlib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from p2p_remote.errors import StateError
from p2p_remote.store.paths import write_private

FILE_NAME = "settings.toml"
_MAX_BYTES = 65_536
_THEME_LINE: Final = re.compile(rb"^[ \t]*theme[ \t]*=.*$", re.MULTILINE)
_THEME_NAME: Final = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file may say. Empty means not said.

    `rendezvous`: HOST or HOST:PORT of the server. `name`: the name that the other
    side is shown; never a user name unless it was put here. `theme`: the colours of
    the interface. `proxy`: URL of an HTTP proxy, or "none".
    """

    rendezvous: str = ""
    name: str = ""
    theme: str = ""
    proxy: str = field(default="", repr=False)


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
    return _parsed(data, path)


def _parsed(data: bytes, path: Path) -> Settings:
    try:
        values = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StateError(f"{path} is not valid TOML: {error}") from error
    known = {}
    for key in ("rendezvous", "name", "theme", "proxy"):
        value = values.pop(key, "")
        if not isinstance(value, str):
            raise StateError(f"{path}: '{key}' has to be text in quotes.")
        known[key] = value
    if values:
        raise StateError(f"{path}: unknown setting '{next(iter(values))}'.")
    return Settings(**known)


def keep_theme(state_dir: Path, theme: str) -> None:
    """Write the theme into the file, which stays as it is otherwise.

    A file that cannot be read or written, or would not be valid after it, is left
    alone: colours are not worth an error.
    """
    if not _THEME_NAME.fullmatch(theme):
        return
    path = state_dir / FILE_NAME
    line = f'theme = "{theme}"'.encode()
    with contextlib.suppress(OSError, StateError):
        old = path.read_bytes() if path.exists() else b""
        new, found = _THEME_LINE.subn(line, old, count=1)
        if not found:
            new = line + b"\n" + old
        if len(new) <= _MAX_BYTES and _parsed(new, path).theme == theme:
            write_private(path, new)
