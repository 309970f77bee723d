"""Moves the bytes of one file between a lane and the disk, in a process of its own.

    the session's process                       the worker
    starts it with two descriptors, JOB ──────►
                                         ◄────── READY (receiver: the first bytes came)
    START: from where ─────────────────────────► reads, hashes, seals, sends;
                                         ◄────── MOVED ...  or opens, writes, hashes
                                         ◄────── the last one: DONE or what went wrong

The interpreter that serves the session has nothing to do with single pieces. Keys come
on the standard input, never as arguments. The worker has no judgement: names,
permissions and what is told to the peer are the business of whoever started it, who
kills it when the file is stopped; it ends by itself when its input ends.

Few imports, since each large file starts one of these.
"""

import io
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from p2p_remote.errors import RemoteSupportError
from p2p_remote.net.lane_gate import STALL_SECONDS, LaneGate
from p2p_remote.session.lane import (
    LENGTH_BYTES,
    LaneChunk,
    LaneEnd,
    LaneOpener,
    LaneSealer,
)
from p2p_remote.store.file_access import read_at, write_at
from p2p_remote.store.file_hash import BLOCK_BYTES, block_hash
from p2p_remote.wire.files import CHUNK_BYTES

TELL_INTERVAL = 0.02  # s between reports
MOST_DIGESTS = 64  # in one report
_READ_BUFFER = 256 * 1024

# Kinds of reports; their value: 0, a position, or the number of an error of the system.
READY, MOVED, DONE, BROKEN, FILE_ERROR, FILE_SHORT = range(6)
LAST = frozenset((DONE, BROKEN, FILE_ERROR, FILE_SHORT))

_JOB = struct.Struct("<?32sQIQii")
_START = struct.Struct("<QQ")
REPORT_HEAD = struct.Struct("<BQB")


@dataclass(frozen=True, slots=True)
class LaneJob:
    """What to move. `count`: records before, in this direction of the connection."""

    sends: bool
    key: bytes = field(repr=False)
    count: int
    number: int
    size: int
    connection: int  # descriptors
    file: int

    def pack(self) -> bytes:
        """Bytes for a worker's input."""
        return _JOB.pack(
            self.sends,
            self.key,
            self.count,
            self.number,
            self.size,
            self.connection,
            self.file,
        )


@dataclass(frozen=True, slots=True)
class Start:
    """Move from `position`, and hash from `block`, where the block of it begins."""

    position: int
    block: int

    def pack(self) -> bytes:
        """Bytes for a worker's input."""
        return _START.pack(self.position, self.block)


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says. `digests`: of the blocks that were completed, in order."""

    kind: int
    value: int = 0
    digests: tuple[bytes, ...] = ()

    def pack(self) -> bytes:
        """Bytes of a worker's output."""
        head = REPORT_HEAD.pack(self.kind, self.value, len(self.digests))
        return head + b"".join(self.digests)


Wait = Callable[[], Start]
Tell = Callable[[Report], None]


class _FileError(Exception):
    """The file cannot be read or written; it has the error as its cause."""


class _ShortFileError(Exception):
    """The file ends before its size."""


def work(job: LaneJob, connection: socket.socket, wait: Wait, tell: Tell) -> None:
    """Do a job to its end, whatever that is; the last report says it.

    Args:
        job: what to move.
        connection: to move it by; the caller closes it.
        wait: called once, after READY; blocks until it is known from where.
        tell: takes reports.

    """
    try:
        if job.sends:
            _send(job, connection, wait, tell)
        else:
            _receive(job, connection, wait, tell)
    except _FileError as error:
        cause = error.__cause__
        tell(Report(FILE_ERROR, (isinstance(cause, OSError) and cause.errno) or 0))
    except _ShortFileError:
        tell(Report(FILE_SHORT))
    except (OSError, ValueError, RemoteSupportError):
        tell(Report(BROKEN))
    else:
        tell(Report(DONE))


class _Progress:
    """Hashes what is moved, and tells now and then."""

    def __init__(self, start: Start, tell: Tell) -> None:
        self.position = start.position
        self._tell = tell
        self._told_at = time.monotonic()
        self._block = block_hash()
        self._room = BLOCK_BYTES  # bytes that the block still takes
        self._digests: list[bytes] = []

    def hash(self, data: memoryview) -> None:
        """Hash bytes that follow those before."""
        while data:
            part = data[: self._room]
            self._block.update(part)
            self._room -= len(part)
            data = data[len(part) :]
            if not self._room:
                self._digests.append(self._block.digest())
                self._block, self._room = block_hash(), BLOCK_BYTES

    def moved(self, size: int, *, end: int) -> None:
        """So many bytes more are where they belong; `end` is the size of the file."""
        self.position += size
        now = time.monotonic()
        if (
            now - self._told_at >= TELL_INTERVAL
            or len(self._digests) == MOST_DIGESTS
            or self.position == end
        ):
            self._told_at = now
            self._tell(Report(MOVED, self.position, tuple(self._digests)))
            self._digests.clear()


def _send(job: LaneJob, connection: socket.socket, wait: Wait, tell: Tell) -> None:
    connection.settimeout(STALL_SECONDS)
    if sys.platform == "linux":
        timeout = int(STALL_SECONDS * 1000)
        connection.setsockopt(socket.SOL_TCP, socket.TCP_USER_TIMEOUT, timeout)
    sealer, gate = LaneSealer(job.key, job.count), LaneGate(connection)
    tell(Report(READY))
    start = wait()
    progress, at = _Progress(start, tell), start.block
    while progress.position < job.size:
        data = memoryview(_read(job.file, at, min(BLOCK_BYTES, job.size - at)))
        progress.hash(data)
        while rest := at + len(data) - progress.position:
            part = data[-rest:][:CHUNK_BYTES]
            gate.send(sealer.chunk(job.number, progress.position, part))
            progress.moved(len(part), end=job.size)
        at += len(data)
    gate.send(sealer.end())


def _receive(job: LaneJob, connection: socket.socket, wait: Wait, tell: Tell) -> None:
    connection.settimeout(None)
    progress: _Progress | None = None
    with io.BufferedReader(socket.SocketIO(connection, "r"), _READ_BUFFER) as stream:
        for chunk in _chunks(stream, LaneOpener(job.key, job.count)):
            if chunk.number != job.number:
                raise ValueError("bytes of another file")
            if progress is None:
                tell(Report(READY))
                start = wait()
                progress = _Progress(start, tell)
                before = _read(job.file, start.block, start.position - start.block)
                progress.hash(memoryview(before))
            known = progress.position - chunk.offset
            if known < 0 or chunk.offset + len(chunk.data) > job.size:
                raise ValueError("bytes that do not follow")
            new = memoryview(chunk.data)[known:]
            _write(job.file, progress.position, new)
            progress.hash(new)
            progress.moved(len(new), end=job.size)


def _chunks(stream: io.BufferedIOBase, opener: LaneOpener) -> Iterator[LaneChunk]:
    """What comes until the end; cut before it is an error."""
    while True:
        length = LaneOpener.box_length(stream.read(LENGTH_BYTES))
        record = opener.open(stream.read(length))
        if isinstance(record, LaneEnd):
            return
        if isinstance(record, LaneChunk):
            yield record


def _read(descriptor: int, offset: int, size: int) -> bytes:
    try:
        data = read_at(descriptor, offset, size)
    except OSError as error:
        raise _FileError from error
    if len(data) < size:
        raise _ShortFileError
    return data


def _write(descriptor: int, offset: int, data: memoryview) -> None:
    try:
        write_at(descriptor, offset, data)
    except OSError as error:
        raise _FileError from error


def unpack_job(data: bytes) -> LaneJob:
    """LaneJob of `LaneJob.pack`."""
    return LaneJob(*_JOB.unpack(data))


def main() -> None:
    """Run as a process: job and start on the standard input, reports on the output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    job = unpack_job(_read_order(_JOB.size))
    starts: list[Start] = []
    started = threading.Event()

    def listen() -> None:
        starts.append(Start(*_START.unpack(_read_order(_START.size))))
        started.set()
        os.read(0, 1)
        os._exit(1)  # nobody is there any more

    def wait() -> Start:
        started.wait()
        return starts[0]

    threading.Thread(target=listen, daemon=True).start()
    with socket.socket(fileno=job.connection) as connection:
        work(job, connection, wait, lambda report: _tell(report.pack()))


def _read_order(size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            os._exit(1)
        data += more
    return data


def _tell(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]
