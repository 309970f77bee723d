"""Peers whose key was verified: a pin is (ID, key) and vouches for nothing else."""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from p2p_remote.errors import StateError
from p2p_remote.store.paths import write_private
from p2p_remote.wire.text import clean

FILE_NAME = "known_peers.json"
_MAX_BYTES = 4 * 1024 * 1024
_MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class KnownPeer:
    """One verified peer. `how`: digits or password; `when`: ISO date."""

    peer_id: int
    key: str
    name: str
    how: str
    when: str


class KnownPeers:
    """The file of verified peers."""

    def __init__(self, state_dir: Path) -> None:
        """Read the file.

        Raises:
            StateError: the file is damaged.

        """
        self._path = state_dir / FILE_NAME
        self._peers: dict[str, KnownPeer] = {}
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StateError(
                f"{self._path} cannot be read: {error.strerror}."
            ) from error
        try:
            for row in json.loads(data[:_MAX_BYTES]):
                peer = KnownPeer(
                    int(row["peer_id"]),
                    bytes.fromhex(row["key"]).hex(),
                    clean(str(row["name"]), _MAX_NAME),
                    str(row["how"]),
                    str(row["when"]),
                )
                self._peers[peer.key] = peer
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"{self._path} is damaged. Move it away to forget all known peers."
            ) from error

    def find(self, key: bytes) -> KnownPeer | None:
        """Peer with this public key, if it was verified."""
        return self._peers.get(key.hex())

    def meet(self, peer_id: int, key: bytes, name: str) -> None:
        """Keep somebody whose digits were right, from today on.

        Raises:
            StateError: the file cannot be written.

        """
        today = dt.datetime.now(tz=dt.UTC).date().isoformat()  # noqa: TID251 -- the date kept with a pin
        self.remember(KnownPeer(peer_id, key.hex(), name, "digits", today))

    def remember(self, peer: KnownPeer) -> None:
        """Keep a verified peer.

        Raises:
            StateError: the file cannot be written.

        """
        self._peers[peer.key] = peer
        rows = [asdict(peer) for peer in self._peers.values()]
        write_private(self._path, json.dumps(rows, indent=1).encode())
