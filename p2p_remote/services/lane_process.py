"""The session's end of a worker that moves a file (`services.lane_worker`).

It gets descriptors, not bytes. Where descriptors cannot be inherited, the same work is
done in a thread.
"""

import asyncio
import contextlib
import logging
import queue
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import p2p_remote
from p2p_remote.net.bulk_lane import Lane
from p2p_remote.services.lane_worker import (
    BROKEN,
    LAST,
    MOST_DIGESTS,
    MOVED,
    READY,
    REPORT_HEAD,
    LaneJob,
    Report,
    Start,
    work,
)
from p2p_remote.wire.files import DIGEST_BYTES

OnMoved = Callable[[int, tuple[bytes, ...]], None]
_LOG = logging.getLogger(__name__)
_LIMIT = 4 * (REPORT_HEAD.size + MOST_DIGESTS * DIGEST_BYTES)  # bytes
NICENESS = 5  # the session goes first
# What the worker imports is found where ours is, and nowhere else. It begins with
# nothing but the standard library, which stays first; our package is the one that runs
# here, whatever other is installed; after them comes what `_search_path` gives.
_PROGRAM = f"""\
import os, sys
os.nice({NICENESS})
root, *others = sys.argv[1:]
sys.path.append(root)
import p2p_remote
sys.path[-1:] = [*others, root]
from p2p_remote.services.lane_worker import main
main()
"""
INHERITS = sys.platform != "win32" and not getattr(sys, "frozen", False)


class LaneWorker:
    """One worker, on the loop: started, given its start, and stopped."""

    def __init__(
        self,
        lane: Lane,
        job: LaneJob,
        on_moved: Callable[[int, tuple[bytes, ...]], None],
    ) -> None:
        """Begin at once to get ready.

        Args:
            lane: the connection; it is closed when the worker is over.
            job: what to move by it.
            on_moved: called on the loop with position and digests of blocks.

        """
        self._lane, self._job, self._on_moved = lane, job, on_moved
        self._change = asyncio.Event()
        self._ready = self._stopped = False
        self._last: Report | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._start: queue.SimpleQueue[Start | None] = queue.SimpleQueue()
        self._life = asyncio.get_running_loop().create_task(self._live())
        self._life.add_done_callback(lambda _: self._change.set())

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left."""
        return self._life.done()

    async def ready(self) -> bool:
        """Wait until it waits for its start; False: it is over."""
        while not self._ready and not self.is_over:
            await self._change.wait()
            self._change.clear()
        return self._ready and not self.is_over

    async def run(self, position: int, block: int) -> Report:
        """Let it move the file from here; returns its last report when it is over."""
        start = Start(position, block)
        self._start.put(start)
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(start.pack())
        await self.over()
        return self._last or Report(BROKEN)

    def stop(self) -> None:
        """End it now; nothing is read or written any more when `over` returns."""
        self._stopped = True
        self._start.put(None)
        self._lane.close()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def over(self) -> None:
        """Wait until nothing of it is left, even if the caller is cancelled."""
        await asyncio.wait((self._life,))

    def _take(self, report: Report) -> None:
        if self._stopped:
            return
        if report.kind == READY:
            self._ready = True
            self._change.set()
        elif report.kind == MOVED:
            self._on_moved(report.value, report.digests)
        elif report.kind in LAST:
            self._last = report
        else:
            raise ValueError("no such report")

    async def _live(self) -> None:
        if self._stopped:
            return  # the descriptors may be somebody else's by now
        if INHERITS:
            await self._run_process()
        else:
            await self._run_thread()

    async def _run_process(self) -> None:
        """Start a process, pass on what it says, and see to its end."""
        descriptors = (self._job.connection, self._job.file)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-c", _PROGRAM, *_search_path()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=descriptors,
                limit=_LIMIT,
            )
        except (OSError, ValueError) as error:
            _LOG.info("no process for a file: %s", error)
            self._lane.close()
            return
        self._process = process
        try:
            if process.stdin is not None and not self._stopped:
                process.stdin.write(self._job.pack())
                await self._read_reports(process)
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            _LOG.info("the process for a file is over: %s", error)
        finally:
            self.stop()
            await process.wait()

    async def _read_reports(self, process: asyncio.subprocess.Process) -> None:
        while process.stdout is not None and self._last is None:
            head = await process.stdout.readexactly(REPORT_HEAD.size)
            kind, value, count = REPORT_HEAD.unpack(head)
            if count > MOST_DIGESTS:
                raise ValueError("too many digests")
            data = await process.stdout.readexactly(count * DIGEST_BYTES)
            digests = (
                data[at : at + DIGEST_BYTES] for at in range(0, len(data), DIGEST_BYTES)
            )
            self._take(Report(kind, value, tuple(digests)))

    async def _run_thread(self) -> None:
        loop = asyncio.get_running_loop()

        def wait() -> Start:
            start = self._start.get()
            if start is None:
                raise OSError("stopped before the start")
            return start

        def tell(report: Report) -> None:
            loop.call_soon_threadsafe(self._take, report)

        with self._lane.connection.dup() as connection:
            await asyncio.to_thread(work, self._job, connection, wait, tell)
        self.stop()


def _search_path() -> list[str]:
    """Folder of our package, then where else to look for what it imports.

    Files of a peer may come into the current folder, so it is none of the others.
    """
    others = (each for each in sys.path if Path(each).is_absolute())
    root = Path(p2p_remote.__file__).parent.parent
    return [str(root), *(each for each in others if not _is_current(each))]


def _is_current(folder: str) -> bool:
    try:
        return Path(folder).samefile(".")
    except OSError:  # one of them is not there
        return False
