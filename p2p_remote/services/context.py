"""What every command starts from: state folder, identity, settings, node options."""

import argparse
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import StateError, UsageError
from p2p_remote.net.proxy import NO_PROXY_AT_ALL, parse_proxy
from p2p_remote.services import wishes
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.store.keystore import load_identity, save_identity
from p2p_remote.store.paths import state_dir
from p2p_remote.store.settings import load_settings
from p2p_remote.wire.text import clean

RENDEZVOUS_VARIABLE = "P2P_REMOTE_RENDEZVOUS"
_MAX_PASSWORD = 1024  # bytes
_MAX_NAME = 64  # UTF-8 bytes, the field of the handshake


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that is the same for all commands."""

    state_dir: Path
    identity: Identity
    server: str | None
    lan: bool
    name: str
    theme: str = ""
    proxy: str = field(default="", repr=False)

    def node_options(
        self,
        *,
        listed: bool,
        password: str = "",
        wanted: tuple[str, ...] = wishes.SUPPORT,
    ) -> NodeOptions:
        """Options for a node of this machine; `wanted` is what its calls are for."""
        return NodeOptions(
            self.identity,
            server=self.server,
            proxy=self.proxy,
            lan=self.lan,
            listed=listed,
            name=self.name,
            password=password,
            wanted=wanted,
        )

    def keep_identity(self, identity: Identity) -> None:
        """Use another ID from the next start on."""
        save_identity(self.state_dir, identity)


def load_context(arguments: argparse.Namespace) -> Context:
    """Read settings and identity; flag before environment before settings file.

    Raises:
        StateError: a file cannot be used.
        UsageError: the proxy cannot be used.

    """
    folder = state_dir(arguments.state_dir)
    settings = load_settings(folder)
    environment = os.environ.get(RENDEZVOUS_VARIABLE)
    server = arguments.rendezvous
    if server is None:
        server = environment if environment is not None else settings.rendezvous
    name = arguments.name if arguments.name is not None else settings.name
    name = clean(name, _MAX_NAME).encode()[:_MAX_NAME].decode("utf-8", "ignore")
    return Context(
        folder,
        load_identity(folder, os.urandom),
        server or None,
        not arguments.no_lan,
        name,
        settings.theme,
        _proxy(arguments.proxy, settings.proxy),
    )


def _proxy(flag: str | None, setting: str) -> str:
    """Proxy that was chosen.

    Raises:
        UsageError: it cannot be used, or there is a password on the command line.

    """
    if flag and "@" in flag:
        raise UsageError(
            "--proxy: a password on the command line can be read by other users; put "
            "the proxy into settings.toml or the variable HTTPS_PROXY instead."
        )
    chosen = setting if flag is None else flag
    if chosen not in ("", NO_PROXY_AT_ALL):
        parse_proxy(chosen)
    return chosen


def read_password(file: str | None) -> str:
    """Read a session password; its trailing line break does not count.

    Raises:
        StateError: the file cannot be read, is empty, or is not text.

    """
    if file is None:
        return ""
    try:
        if file == "-":
            data = sys.stdin.buffer.readline(_MAX_PASSWORD)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(_MAX_PASSWORD)
        password = data.decode().rstrip("\r\n")
    except OSError as error:
        raise StateError(
            f"The password file {file} cannot be read: {error.strerror}."
        ) from error
    except UnicodeDecodeError as error:
        raise StateError("The password file is not UTF-8 text.") from error
    if not password:
        raise StateError("The password is empty.")
    return password
