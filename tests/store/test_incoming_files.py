"""Files that come in: partial, complete, named anew, and never over another."""

import errno
import os
from collections import namedtuple
from pathlib import Path

import pytest

from p2p_remote.errors import FileTransferError
from p2p_remote.store import incoming_files
from p2p_remote.store.file_hash import BLOCK_BYTES, block_hash
from p2p_remote.store.incoming_files import Expected, IncomingFile
from p2p_remote.wire import files
from tests.support.files import file_digest


def expected(size: int = 6, name: str = "a.txt", sender: bytes = b"k") -> Expected:
    return Expected(sender, name, size, 1_000_000)


def yes() -> bool:
    return True


def no() -> bool:
    return False


def receive(folder: Path, data: bytes) -> Path:
    sink = IncomingFile(folder, expected(len(data)), yes)
    sink.write(0, data)
    return sink.finish(file_digest(data))


def reason(caught: pytest.ExceptionInfo[FileTransferError]) -> int:
    return caught.value.reason


def test_a_whole_file_gets_its_name_and_time(tmp_path: Path) -> None:
    path = receive(tmp_path / "new" / "folder", b"abcdef")
    assert path == tmp_path / "new" / "folder" / "a.txt"
    assert path.read_bytes() == b"abcdef"
    assert path.stat().st_mtime == 1_000_000
    assert not path.stat().st_mode & 0o111


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"mine")
    (tmp_path / "a (2).txt").symlink_to("/nowhere")
    assert receive(tmp_path, b"abcdef") == tmp_path / "a (3).txt"
    assert (tmp_path / "a.txt").read_bytes() == b"mine"


def test_a_broken_file_goes_on_where_it_was(tmp_path: Path) -> None:
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"abc")
    sink.close(keep=True)
    sink.close(keep=False)  # the first counts
    again = IncomingFile(tmp_path, expected(), yes)
    assert again.position == 3
    assert again.digest() == file_digest(b"abc")
    again.write(2, b"cdef")
    assert again.finish(file_digest(b"abcdef")).read_bytes() == b"abcdef"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    "other",
    [expected(7), expected(name="b.txt"), expected(sender=b"other")],
    ids=["size", "name", "sender"],
)
def test_another_file_does_not_go_on_with_it(tmp_path: Path, other: Expected) -> None:
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"abc")
    sink.close(keep=True)
    fresh = IncomingFile(tmp_path, other, yes)
    assert fresh.position == 0
    fresh.close(keep=False)


def test_a_beginning_that_is_another_one_is_thrown_away(tmp_path: Path) -> None:
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"xyz")
    sink.restart()
    sink.write(0, b"abcdef")
    assert sink.finish(file_digest(b"abcdef")).read_bytes() == b"abcdef"


def test_a_partial_file_that_is_too_long_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / expected().part_name()).write_bytes(b"1234567")
    sink = IncomingFile(tmp_path, expected(), yes)
    assert sink.position == 0
    sink.close(keep=False)


def test_a_damaged_file_is_removed(tmp_path: Path) -> None:
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"abcdef")
    with pytest.raises(FileTransferError) as caught:
        sink.finish(file_digest(b"abcdeX"))
    assert reason(caught) == files.STOP_DAMAGED
    sink.close(keep=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("offset", "data"), [(1, b"b"), (0, b"1234567")])
def test_gaps_and_too_much_are_refused(
    tmp_path: Path, offset: int, data: bytes
) -> None:
    sink = IncomingFile(tmp_path, expected(), yes)
    with pytest.raises(FileTransferError):
        sink.write(offset, data)
    sink.close(keep=True)
    assert not list(tmp_path.iterdir())


def test_what_is_not_permitted_touches_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    with pytest.raises(FileTransferError) as caught:
        IncomingFile(folder, expected(), no)
    assert reason(caught) == files.STOP_REVOKED
    assert not folder.exists()
    allowed = [True]
    sink = IncomingFile(folder, expected(), lambda: allowed[0])
    sink.write(0, b"ab")
    allowed[0] = False
    with pytest.raises(FileTransferError):
        sink.write(2, b"c")
    with pytest.raises(FileTransferError):
        sink.finish(file_digest(b"ab"))
    assert (folder / expected().part_name()).read_bytes() == b"ab"
    sink.close(keep=False)


@pytest.mark.parametrize("kind", ["symlink", "hard link", "folder"])
def test_no_link_is_followed(tmp_path: Path, kind: str) -> None:
    """Whatever lies where the partial file goes: it is left alone."""
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    folder = tmp_path / "in"
    folder.mkdir()
    part = folder / expected().part_name()
    if kind == "symlink":
        part.symlink_to(target)
    elif kind == "hard link":
        part.hardlink_to(target)
    else:
        part.mkdir()
    with pytest.raises(FileTransferError) as caught:
        IncomingFile(folder, expected(), yes)
    assert reason(caught) == files.STOP_UNWRITABLE
    assert target.read_bytes() == b"mine"


def test_the_same_file_twice_at_once_is_refused(tmp_path: Path) -> None:
    """The first one goes on and gets its name."""
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"abc")
    with pytest.raises(FileTransferError) as caught:
        IncomingFile(tmp_path, expected(), yes)
    assert reason(caught) == files.STOP_BUSY
    sink.write(3, b"def")
    assert sink.finish(file_digest(b"abcdef")).read_bytes() == b"abcdef"


@pytest.mark.parametrize("when", ["renamed", "removed"])
def test_the_lock_is_held_until_the_name_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Nobody takes the partial file up while it is renamed or removed."""
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"abcdef")
    refused = []

    def take_up(path: Path, *_: object, **__: object) -> None:
        with pytest.raises(FileTransferError) as caught:
            IncomingFile(tmp_path, expected(), yes)
        refused.append(reason(caught))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace" if when == "renamed" else "unlink", take_up)
        if when == "renamed":
            sink.finish(file_digest(b"abcdef"))
        else:
            sink.close(keep=False)
    assert refused == [files.STOP_BUSY]


@pytest.mark.parametrize("now", ["renamed", "removed", "another"])
def test_a_partial_file_that_is_no_longer_it_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: str
) -> None:
    """It was opened while the one before was about to be finished."""
    part = tmp_path / expected().part_name()
    part.write_bytes(b"abc")
    lock = incoming_files._lock

    def late(descriptor: int) -> None:
        if now == "removed":
            part.unlink()
        else:
            part.rename(tmp_path / "a.txt")
        if now == "another":
            part.write_bytes(b"xyz")
        lock(descriptor)

    monkeypatch.setattr(incoming_files, "_lock", late)
    with pytest.raises(FileTransferError) as caught:
        IncomingFile(tmp_path, expected(), yes)
    assert reason(caught) == files.STOP_BUSY
    if now != "removed":
        assert (tmp_path / "a.txt").read_bytes() == b"abc"


def test_a_name_that_cannot_be_given_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came is kept under its partial name."""
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"abcdef")

    def fails(path: Path, name: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(FileTransferError) as caught:
        sink.finish(file_digest(b"abcdef"))
    assert reason(caught) == files.STOP_UNWRITABLE
    sink.close(keep=True)
    (left,) = tmp_path.iterdir()
    assert left.name == expected().part_name()


def test_what_is_there_already_outlives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next try goes on from it."""
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"abc")
    sink.close(keep=True)
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 -- as shutil has it
    with monkeypatch.context() as patched:
        patched.setattr(incoming_files.shutil, "disk_usage", lambda _: usage(9, 9, 0))
        with pytest.raises(FileTransferError, match="not enough space"):
            IncomingFile(tmp_path, expected(), yes)
    sink = IncomingFile(tmp_path, expected(), yes)
    assert sink.position == 3
    sink.close(keep=False)


def test_too_little_space_is_said_before_anything_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 -- as shutil has it
    monkeypatch.setattr(incoming_files.shutil, "disk_usage", lambda _: usage(10, 5, 5))
    with pytest.raises(FileTransferError, match="not enough space") as caught:
        IncomingFile(tmp_path, expected(), yes)
    assert reason(caught) == files.STOP_NO_SPACE
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_in_the_middle_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.write(0, b"ab")

    def full(_descriptor: int, _data: bytes, _offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(FileTransferError, match="not enough space") as caught:
            sink.write(2, b"c")
    assert reason(caught) == files.STOP_NO_SPACE
    assert sink.position == 2
    sink.close(keep=True)


def test_a_folder_that_cannot_be_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileTransferError) as caught:
        IncomingFile(tmp_path / "file" / "in", expected(), yes)
    assert reason(caught) == files.STOP_UNWRITABLE


def test_another_process_writes_meanwhile(tmp_path: Path) -> None:
    """What it reports counts as written and is hashed, by it or by us."""
    data = os.urandom(2 * BLOCK_BYTES + 50)
    sink = IncomingFile(tmp_path, expected(len(data)), yes)
    sink.write(0, data[:100])
    assert sink.lend() == 0
    os.pwrite(sink.descriptor, data[100 : BLOCK_BYTES + 100], 100)
    first = block_hash()
    first.update(data[:BLOCK_BYTES])
    sink.follow(BLOCK_BYTES + 100, (first.digest(),))
    assert sink.position == BLOCK_BYTES + 100
    os.pwrite(sink.descriptor, data[BLOCK_BYTES + 100 : -10], BLOCK_BYTES + 100)
    sink.follow(len(data) - 10, ())  # its digest has not come
    sink.take_back()
    sink.write(len(data) - 20, data[-20:])
    assert sink.finish(file_digest(data)).read_bytes() == data


@pytest.mark.parametrize(
    ("position", "digests"),
    [(3, ()), (101, ()), (100, (bytes(32),))],
    ids=["back", "behind the end", "more hashed than written"],
)
def test_positions_that_do_not_follow_are_refused(
    tmp_path: Path, position: int, digests: tuple[bytes, ...]
) -> None:
    sink = IncomingFile(tmp_path, expected(100), yes)
    sink.write(0, b"abcdef")
    sink.lend()
    with pytest.raises(ValueError, match="position"):
        sink.follow(position, digests)
    assert sink.position == 6
    sink.close(keep=False)


def test_another_process_has_no_more_permission_than_we(tmp_path: Path) -> None:
    allowed = [True]
    sink = IncomingFile(tmp_path, expected(), lambda: allowed[0])
    sink.lend()
    allowed[0] = False
    for call in (sink.lend, lambda: sink.follow(3, ())):
        with pytest.raises(FileTransferError) as caught:
            call()
        assert reason(caught) == files.STOP_REVOKED
    assert sink.position == 0
    sink.close(keep=False)


def test_a_part_that_was_cut_behind_our_back_is_noticed(tmp_path: Path) -> None:
    sink = IncomingFile(tmp_path, expected(), yes)
    sink.follow(5, ())
    with pytest.raises(FileTransferError) as caught:
        sink.take_back()
    assert reason(caught) == files.STOP_UNWRITABLE
    sink.close(keep=False)
