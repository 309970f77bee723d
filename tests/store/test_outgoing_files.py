"""Files that go out: read in order, hashed once, and watched for changes."""

import os
from pathlib import Path

import pytest

from p2p_remote.errors import FileTransferError
from p2p_remote.store.file_hash import BLOCK_BYTES, block_hash
from p2p_remote.store.keystore import load_identity
from p2p_remote.store.outgoing_files import OutgoingFile
from p2p_remote.wire import files
from tests.support.files import file_digest


def yes() -> bool:
    return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of six bytes."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"abcdef")
    os.utime(path, (1_000_000, 1_000_000))
    return path


def test_a_file_is_read_and_hashed_once_even_where_it_is_read_twice(
    path: Path,
) -> None:
    source = OutgoingFile(path, yes)
    assert (source.name, source.size, source.modified) == ("a.txt", 6, 1_000_000)
    assert source.read(0, 4) == b"abcd"
    assert source.read(2, 3) == b"cde"
    assert source.read(5, 100) == b"f"
    assert source.digest() == file_digest(b"abcdef")
    source.close()
    source.close()


def test_only_the_same_beginning_is_skipped(path: Path) -> None:
    for has, start in ((b"abc", 3), (b"abX", 0), (b"", 0)):
        source = OutgoingFile(path, yes)
        assert source.skip(len(has), file_digest(has)) == start
        source.read(start, 6)
        assert source.digest() == file_digest(b"abcdef")
        source.close()


def test_a_file_that_changes_is_noticed(path: Path) -> None:
    source = OutgoingFile(path, yes)
    source.read(0, 6)
    path.write_bytes(b"ABCDEF")
    with pytest.raises(FileTransferError) as caught:
        source.digest()
    assert caught.value.reason == files.STOP_CHANGED
    path.write_bytes(b"ab")
    with pytest.raises(FileTransferError) as caught:
        source.read(0, 6)
    assert caught.value.reason == files.STOP_CHANGED
    source.close()


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing", "device", "zero byte"])
def test_what_is_no_file_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    """A pipe must not block, a device must not be opened."""
    path = tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/null")
    elif kind == "zero byte":
        path = Path("/tmp/\0")  # noqa: S108 -- never opened
    with pytest.raises(FileTransferError) as caught:
        OutgoingFile(path, yes)
    assert caught.value.reason == files.STOP_UNREADABLE


@pytest.mark.parametrize("name", ["identity", "known_peers.json", "logs/a", "link"])
def test_nothing_beside_the_key_of_this_machine_is_sent(
    tmp_path: Path, name: str
) -> None:
    state = tmp_path / "state"
    (state / "logs").mkdir(parents=True)
    load_identity(state, os.urandom)
    for each in ("known_peers.json", "logs/a"):
        (state / each).write_text("secret")
    (tmp_path / "link").symlink_to(state / "identity")
    wanted = tmp_path / "link" if name == "link" else state / name
    with pytest.raises(FileTransferError, match="key of this machine"):
        OutgoingFile(wanted, yes)


def test_another_file_of_that_name_guards_nothing(path: Path) -> None:
    (path.parent / "identity").write_text("a poem")
    OutgoingFile(path, yes).close()


def test_nothing_is_read_without_permission(path: Path) -> None:
    with pytest.raises(FileTransferError) as caught:
        OutgoingFile(path, lambda: False)
    assert caught.value.reason == files.STOP_REVOKED
    allowed = [True]
    source = OutgoingFile(path, lambda: allowed[0])
    allowed[0] = False
    with pytest.raises(FileTransferError):
        source.read(0, 1)
    source.close()


def test_another_process_reads_meanwhile(tmp_path: Path) -> None:
    """What it does not hash is hashed when the file is taken back."""
    data = os.urandom(3 * BLOCK_BYTES + 50)
    path = tmp_path / "big"
    path.write_bytes(data)
    source = OutgoingFile(path, yes)
    source.read(0, BLOCK_BYTES + 10)
    assert source.lend() == BLOCK_BYTES
    assert os.pread(source.descriptor, 5, 3) == data[3:8]
    second = block_hash()
    second.update(data[BLOCK_BYTES : 2 * BLOCK_BYTES])
    source.follow((second.digest(),))
    source.take_back(3 * BLOCK_BYTES + 5)
    source.read(3 * BLOCK_BYTES, 50)
    assert source.digest() == file_digest(data)
    source.close()


def test_another_process_has_no_more_permission_than_we(path: Path) -> None:
    allowed = [True]
    source = OutgoingFile(path, lambda: allowed[0])
    allowed[0] = False
    for call in (source.lend, lambda: source.follow(()), lambda: source.take_back(3)):
        with pytest.raises(FileTransferError) as caught:
            call()
        assert caught.value.reason == files.STOP_REVOKED
    source.close()
