"""IDs and keys in an SQLite file."""

import sqlite3
import stat
from contextlib import closing

import pytest

from p2p_remote.errors import StateError
from rendezvous import database
from rendezvous.database import SqliteClaims
from rendezvous.registry import Claim
from tests.support.raw_client import Bench, raw_client

ID = 482_913_070
CLAIM = Claim(bytes(range(32)), 3, verified=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "claims.sqlite3"


def test_a_claim_can_be_read_at_once_and_is_in_the_file_after_a_flush(path):
    """Nothing waits for the disk; another process sees it once it is written."""
    claims = SqliteClaims(path)
    claims.put(ID, CLAIM)
    assert claims.get(ID) == CLAIM
    assert claims.has_pending
    assert len(claims) == 0
    claims.flush()
    assert not claims.has_pending
    assert len(claims) == 1
    assert claims.get(ID) == CLAIM
    claims.close()


def test_claims_survive_a_restart(path):
    """Closing writes what is left."""
    claims = SqliteClaims(path)
    claims.put(ID, CLAIM)
    claims.close()
    again = SqliteClaims(path)
    assert again.get(ID) == CLAIM
    assert again.get(ID + 1) is None
    again.close()


def test_the_newer_claim_takes_the_place_of_the_older(path):
    """One key per ID."""
    claims = SqliteClaims(path)
    other = Claim(bytes(32), 0)
    for claim in (CLAIM, other):
        claims.put(ID, claim)
        claims.flush()
    assert claims.get(ID) == other
    assert len(claims) == 1
    claims.close()


def test_first_and_last_day_are_kept_and_nothing_else(path, monkeypatch):
    """A row has no address and no time of day; another key starts anew."""
    claims = SqliteClaims(path)
    for day, claim in ((100, CLAIM), (120, CLAIM), (130, Claim(bytes(32), 0))):
        monkeypatch.setattr(database, "today", lambda day=day: day)
        claims.put(ID, claim)
        claims.flush()
        with closing(sqlite3.connect(path)) as connection:
            row = connection.execute("SELECT * FROM claim").fetchone()
        first = 130 if day == 130 else 100
        assert row == (ID, claim.public, claim.counter, claim.verified, first, day)
    claims.close()


def test_keys_that_are_not_seen_any_more_are_erased(path, monkeypatch):
    """After 400 days an ID is free again."""
    monkeypatch.setattr(database, "today", lambda: 1000)
    claims = SqliteClaims(path)
    claims.put(ID, CLAIM)
    claims.close()
    for day, kept in ((1400, True), (1401, False)):
        monkeypatch.setattr(database, "today", lambda day=day: day)
        again = SqliteClaims(path)
        assert (again.get(ID) is not None) is kept
        again.close()


def test_the_file_is_readable_by_its_owner_only(path):
    """What is in it is nobody else's business."""
    SqliteClaims(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("case", ["directory", "missing folder", "another file"])
def test_a_file_that_cannot_be_used_is_named(tmp_path, case):
    """The error says which file, in one line."""
    path = tmp_path
    if case == "missing folder":
        path = tmp_path / "nowhere" / "claims.sqlite3"
    elif case == "another file":
        path = tmp_path / "letter.txt"
        path.write_text("Dear reader, this is no database. " * 20)
    with pytest.raises(StateError) as caught:
        SqliteClaims(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_a_newer_version_is_left_alone(path):
    """It may hold what we do not understand."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(StateError, match="newer version"):
        SqliteClaims(path)


def test_what_cannot_be_written_is_kept_for_the_next_time(path):
    """A full disk loses nothing that is still in memory."""
    claims = SqliteClaims(path)
    claims.put(ID, CLAIM)
    with closing(sqlite3.connect(path)) as other:
        other.execute("ALTER TABLE claim RENAME TO away")
        with pytest.raises(StateError, match="cannot be written"):
            claims.flush()
        assert claims.has_pending
        other.execute("ALTER TABLE away RENAME TO claim")
    claims.flush()
    assert len(claims) == 1
    claims.close()


def test_an_id_is_defended_after_a_restart(path):
    """A key that takes the ID while its owner is away has to prove itself."""
    claims = SqliteClaims(path)
    owner = raw_client(Bench(claims=claims), "owner", "198.51.100.1", peer_id=ID)
    assert owner.register()
    claims.close()

    claims = SqliteClaims(path)
    bench = Bench(claims=claims)
    thief = raw_client(bench, "thief", "198.51.100.1", peer_id=ID)
    assert not thief.register()
    assert bench.protocol.next_event().public == thief.identity.public
    owner.bench = bench
    assert owner.register()
    claims.close()
