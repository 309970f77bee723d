"""Which key each ID belongs to, in an SQLite file.

Reads are answered at once from the file (some 15 us); writes are collected and go out
in one transaction when `flush` is called, from whatever thread. Besides ID, key and
counter a row holds the days the key was first and last seen, nothing else: no address,
no time of day.
"""

import sqlite3
import threading
import time
from pathlib import Path

from p2p_remote.errors import StateError
from rendezvous.registry import Claim, ClaimsAtHand

RETENTION_DAYS = 400  # a key not seen for so long loses its ID
_SECONDS_PER_DAY = 86_400
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS claim (
    id INTEGER PRIMARY KEY,
    public BLOB NOT NULL,
    counter INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    first_day INTEGER NOT NULL,
    last_day INTEGER NOT NULL
);
"""
_UPSERT = """
INSERT INTO claim (id, public, counter, verified, first_day, last_day)
VALUES (?1, ?2, ?3, ?4, ?5, ?5)
ON CONFLICT (id) DO UPDATE SET
    first_day = iif(public = excluded.public, first_day, excluded.first_day),
    public = excluded.public,
    counter = excluded.counter,
    verified = excluded.verified,
    last_day = excluded.last_day
"""


def today() -> int:
    """Number of the day, counted from 1970-01-01 UTC."""
    return int(time.time()) // _SECONDS_PER_DAY


class SqliteClaims(ClaimsAtHand):
    """Claims in a file. Meets `registry.Claims`."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            StateError: it cannot be written, or is not a file of ours.

        """
        self._path = path
        self._pending: dict[int, Claim] = {}
        self._writing: dict[int, Claim] = {}
        self._swap_lock = threading.Lock()
        self._write_lock = threading.Lock()
        try:
            path.touch(mode=0o600)
            self._writer = sqlite3.connect(path, check_same_thread=False)
            self._prepare()
            self._reader = sqlite3.connect(path, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StateError(
                f"The database {path} cannot be used: {reason}."
            ) from error

    def __len__(self) -> int:
        """Number of claims in the file."""
        row = self._reader.execute("SELECT count(*) FROM claim").fetchone()
        return int(row[0])

    def get(self, peer_id: int) -> Claim | None:
        """Claim on this ID."""
        claim = self._pending.get(peer_id) or self._writing.get(peer_id)
        if claim is not None:
            return claim
        row = self._reader.execute(
            "SELECT public, counter, verified FROM claim WHERE id = ?", (peer_id,)
        ).fetchone()
        return None if row is None else Claim(row[0], row[1], bool(row[2]))

    def put(self, peer_id: int, claim: Claim) -> None:
        """Remember a claim; it is in the file after the next `flush`."""
        with self._swap_lock:
            self._pending[peer_id] = claim

    @property
    def has_pending(self) -> bool:
        """Whether `flush` has anything to write."""
        return bool(self._pending)

    def flush(self) -> None:
        """Write what was put since the last time.

        Raises:
            StateError: the file cannot be written; what was put is kept for next time.

        """
        with self._write_lock:
            with self._swap_lock:
                self._writing = self._pending
                self._pending = {}
            day = today()
            rows = [
                (peer_id, claim.public, claim.counter, claim.verified, day)
                for peer_id, claim in self._writing.items()
            ]
            try:
                with self._writer:
                    self._writer.executemany(_UPSERT, rows)
            except sqlite3.Error as error:
                with self._swap_lock:
                    self._pending = {**self._writing, **self._pending}
                raise StateError(
                    f"The database {self._path} cannot be written: {error}."
                ) from error
            finally:
                self._writing = {}

    def close(self) -> None:
        """Write what is left and close the file."""
        try:
            self.flush()
        finally:
            self._reader.close()
            self._writer.close()

    def _prepare(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _SCHEMA_VERSION):
            raise StateError(f"The database {self._path} was made by a newer version.")
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = NORMAL")
        with self._writer:
            self._writer.executescript(_SCHEMA)
            self._writer.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            self._writer.execute(
                "DELETE FROM claim WHERE last_day < ?", (today() - RETENTION_DAYS,)
            )
