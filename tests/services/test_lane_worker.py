"""What a worker does with a file and a connection, in threads of this process."""

import errno
import os
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from p2p_remote.services.lane_worker import (
    BROKEN,
    DONE,
    FILE_ERROR,
    FILE_SHORT,
    MOVED,
    READY,
    LaneJob,
    Report,
    Start,
    unpack_job,
    work,
)
from p2p_remote.session.lane import LaneSealer
from p2p_remote.store.file_hash import BLOCK_BYTES, block_hash
from tests.support.files import tcp_pair

KEY = b"k" * 32
CONTENT = os.urandom(3 * BLOCK_BYTES + 70_000)


class End:
    """One end: a file, a connection, and what the worker says."""

    def __init__(self, path: Path, connection: socket.socket, *, sends: bool) -> None:
        self.file = os.open(path, os.O_RDWR | os.O_CREAT)
        self.path, self.connection = path, connection
        self.sends = sends
        self.said: queue.Queue[Report] = queue.Queue()
        self._thread: threading.Thread | None = None

    def begin(self, position: int = 0, size: int = len(CONTENT)) -> None:
        """Let it work, from this position."""
        job = LaneJob(self.sends, KEY, 1, 5, size, -1, self.file)
        start = Start(position, position - position % BLOCK_BYTES)
        self._thread = threading.Thread(
            target=work, args=(job, self.connection, lambda: start, self.said.put)
        )
        self._thread.start()

    def end(self) -> list[Report]:
        """All that was said when it is over."""
        assert self._thread is not None
        self._thread.join(20)
        assert not self._thread.is_alive()
        return list(self.said.queue)

    def close(self) -> None:
        """Let go of everything."""
        self.connection.close()
        if self._thread is not None:
            self._thread.join(20)
        os.close(self.file)


Ends = tuple[End, End]


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    """A sender that has the file, and a receiver that has nothing."""
    there, here = tcp_pair()
    (tmp_path / "there").write_bytes(CONTENT)
    sender = End(tmp_path / "there", there, sends=True)
    receiver = End(tmp_path / "here", here, sends=False)
    yield sender, receiver
    sender.close()
    receiver.close()


def blocks(first: int) -> list[bytes]:
    """Digests of the whole blocks from this number."""
    digests = []
    for block in range(first, len(CONTENT) // BLOCK_BYTES):
        found = block_hash()
        found.update(CONTENT[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES])
        digests.append(found.digest())
    return digests


@pytest.mark.parametrize("position", [0, 100, BLOCK_BYTES, BLOCK_BYTES + 9])
def test_the_rest_of_a_file_is_moved_and_hashed(ends: Ends, position: int) -> None:
    """Both ends give the digests of all blocks from the one that is open."""
    sender, receiver = ends
    receiver.path.write_bytes(CONTENT[:position])
    receiver.begin(position)
    sender.begin(position)
    for end in ends:
        said = end.end()
        assert said[0] == Report(READY)
        assert said[-1] == Report(DONE)
        moved = said[1:-1]
        assert {each.kind for each in moved} == {MOVED}
        assert moved[-1].value == len(CONTENT)
        positions = [each.value for each in moved]
        assert positions == sorted(positions)
        digests = [digest for each in moved for digest in each.digests]
        assert digests == blocks(position // BLOCK_BYTES)
    assert receiver.path.read_bytes() == CONTENT


def test_a_file_that_became_shorter_is_told(ends: Ends) -> None:
    sender, receiver = ends
    os.ftruncate(sender.file, len(CONTENT) - 1)
    receiver.begin()
    sender.begin()
    assert sender.end()[-1] == Report(FILE_SHORT)
    sender.connection.close()
    assert receiver.end()[-1] == Report(BROKEN)


def test_what_the_system_refuses_is_told(ends: Ends) -> None:
    sender, receiver = ends
    readable = os.open(receiver.path, os.O_RDONLY)
    os.dup2(readable, receiver.file)
    os.close(readable)
    receiver.begin()
    sender.begin()
    assert receiver.end()[-1] == Report(FILE_ERROR, errno.EBADF)
    receiver.connection.close()
    assert sender.end()[-1] == Report(BROKEN)
    assert receiver.path.read_bytes() == b""


@pytest.mark.parametrize(
    ("number", "offset", "size"),
    [(6, 4, 2), (5, 5, 1), (5, 3, 8), (5, 1 << 39, 1)],
    ids=["another file", "a gap", "behind the end", "far behind"],
)
def test_bytes_that_do_not_belong_there_are_not_written(
    ends: Ends, number: int, offset: int, size: int
) -> None:
    """What the other side seals is checked like all else that it says."""
    sender, receiver = ends
    receiver.begin(0, 10)
    sealer = LaneSealer(KEY, 1)
    sender.connection.sendall(sealer.confirm())
    sender.connection.sendall(sealer.chunk(5, 0, b"abcd"))
    sender.connection.sendall(sealer.chunk(number, offset, bytes(size)))
    assert receiver.end()[-1] == Report(BROKEN)
    assert receiver.path.read_bytes() == b"abcd"


def test_what_came_already_is_not_written_again(ends: Ends) -> None:
    sender, receiver = ends
    receiver.path.write_bytes(b"abcd")
    receiver.begin(4, 6)
    sealer = LaneSealer(KEY, 1)
    sender.connection.sendall(sealer.chunk(5, 2, b"XXef"))
    sender.connection.sendall(sealer.end())
    assert receiver.end()[1:] == [Report(MOVED, 6), Report(DONE)]
    assert receiver.path.read_bytes() == b"abcdef"


@pytest.mark.parametrize("fault", ["cut", "changed", "too long"])
def test_a_connection_that_was_touched_ends_the_work(ends: Ends, fault: str) -> None:
    sender, receiver = ends
    receiver.begin(0, 10)
    sealer = LaneSealer(KEY, 1)
    sender.connection.sendall(sealer.chunk(5, 0, b"abcd"))
    record = bytearray(sealer.chunk(5, 4, b"efgh"))
    if fault == "changed":
        record[-1] ^= 1
    elif fault == "too long":
        record[2] = 255
    sender.connection.sendall(record[:-1] if fault == "cut" else record)
    sender.connection.close()
    assert receiver.end()[-1] == Report(BROKEN)
    assert receiver.path.read_bytes() == b"abcd"


def test_a_job_goes_over_a_pipe_and_is_not_shown() -> None:
    job = LaneJob(True, KEY, 7, 5, 1 << 40, 8, 9)
    assert unpack_job(job.pack()) == job
    assert "kkk" not in repr(job)
