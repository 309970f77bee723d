"""Reading and writing at offsets."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2p_remote.store import file_access
from p2p_remote.store.file_access import read_at, write_at


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    """A file that is empty."""
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def test_the_offset_of_the_descriptor_does_not_count(descriptor: int) -> None:
    write_at(descriptor, 3, b"defg")
    write_at(descriptor, 0, memoryview(b"abc"))
    os.lseek(descriptor, 2, os.SEEK_SET)
    assert read_at(descriptor, 1, 4) == b"bcde"
    assert read_at(descriptor, 5, 4) == b"fg"
    assert read_at(descriptor, 9, 4) == b""


def test_what_the_system_does_in_pieces_is_put_together(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = file_access._read, file_access._write
    monkeypatch.setattr(file_access, "_read", lambda d, at, _: read(d, at, 2))
    monkeypatch.setattr(
        file_access, "_write", lambda d, at, data: write(d, at, data[:2])
    )
    write_at(descriptor, 0, b"abcdefg")
    assert read_at(descriptor, 0, 9) == b"abcdefg"
    assert read_at(descriptor, 1, 3)[:3] == b"bcd"
