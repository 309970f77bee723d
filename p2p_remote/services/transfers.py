"""Files of one session: reads, writes and reports what `session.files` allows.

Every transfer is a task on the loop of the network; everything that touches the disk
or computes for long runs in threads, or in the process of a lane.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from p2p_remote.errors import FileTransferError, UsageError
from p2p_remote.services import events as se
from p2p_remote.services.running_node import RunningNode
from p2p_remote.services.transfer_by_lane import TransferByLane
from p2p_remote.services.transfer_job import Job
from p2p_remote.session import file_events as fe
from p2p_remote.session.roles import State
from p2p_remote.session.session import Session
from p2p_remote.store.incoming_files import Expected, IncomingFile
from p2p_remote.store.outgoing_files import OutgoingFile
from p2p_remote.wire import files as wire_files

_LOG = logging.getLogger(__name__)
REPORT_INTERVAL = 0.25  # s between reports of progress
WRITTEN_EVERY = 256 * 1024  # bytes after which the sender is told, at the latest
LEAST_READ = 16 * 1024  # bytes; less is not worth a turn of a thread
# After these, what came is removed; after all else it may be taken up again.
_REMOVED_AFTER = frozenset(
    (
        wire_files.STOP_BY_PERSON,
        wire_files.STOP_REVOKED,
        wire_files.STOP_CHANGED,
    )
)

ResultT = TypeVar("ResultT")
FileT = TypeVar("FileT", IncomingFile, OutgoingFile)


class Transfers:
    """What both sides share; see `CustomerTransfers` and `TechnicianTransfers`."""

    def __init__(
        self,
        session: Session,
        running: RunningNode,
        notify: Callable[[se.ServiceEvent], None],
    ) -> None:
        """Serve the files of `session`."""
        self._session = session
        self._machine = session.files
        self._running = running
        self._notify = notify
        self._loop = asyncio.get_running_loop()
        self._jobs: dict[int, Job] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="files")
        self._by_lane = TransferByLane(session, running, self._jobs, self)
        self._closed = False

    def on_event(self, event: fe.FileEvent) -> None:
        """Take an event of the session."""
        if isinstance(event, fe.RoomForFiles):
            for job in self._jobs.values():
                job.wake()
            return
        job_of_event = self._jobs.get(event.number)
        if job_of_event is None:
            self._on_new(event)
        elif isinstance(event, fe.FileProgress):
            job_of_event.on_written(event.position)
            self._report(job_of_event)
        elif isinstance(event, fe.LaneOffered):
            self._by_lane.offered(job_of_event, event)
        else:
            job_of_event.put(event)

    def stop(self, number: int) -> None:
        """Stop a transfer because a person wants it.

        Raises:
            UsageError: there is no such transfer.

        """
        if self._machine.transfer(number) is None:
            raise UsageError("There is no such transfer.")
        self._stop(number, wire_files.STOP_BY_PERSON)

    def stop_all(self) -> None:
        """Stop everything that is on its way."""
        for number in self._machine.open_numbers:
            self._stop(number, wire_files.STOP_BY_PERSON)

    async def close(self) -> None:
        """Let go of every file; what is incomplete can be taken up again."""
        self._closed = True
        await asyncio.sleep(0)  # a task that never began would never report its end
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    # For the two sides.

    def _on_new(self, event: fe.FileEvent) -> None:
        """Take an event of a transfer that has no job yet."""
        raise NotImplementedError

    def _permitted(self, number: int) -> Callable[[], bool]:
        """What is asked, in any thread, before the disk is touched."""
        raise NotImplementedError

    def _start(
        self, job: Job, work: Coroutine[Any, Any, str]
    ) -> "asyncio.Task[se.TransferReport]":
        """Run a job; the result is its last report."""
        self._jobs[job.number] = job
        task = self._loop.create_task(self._guard(job, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send(self, job: Job, path: Path) -> str:
        """Offer a file and send it."""
        source = await self._open(OutgoingFile, path, self._permitted(job.number))
        try:
            job.name, job.size = source.name, source.size
            self._machine.offer(
                job.number, source.name, source.size, source.modified, self._now()
            )
            self._running.poke()
            accepted = await job.next(fe.FileAccepted)
            start = await self.in_thread(source.skip, accepted.offset, accepted.digest)
            self._machine.begin(job.number, start, self._now())
            job.on_written(start)
            self._by_lane.search(job, source)
            await self._send_bytes(job, source)
            # What is written may go beyond what was hashed here: a worker sent it.
            await self.in_thread(source.take_back, source.size)
            digest = await self.in_thread(source.digest)
            self._machine.sent(job.number, digest, self._now())
            self._running.poke()
            await job.next(fe.FileStored)
        finally:
            await job.leave_lanes()
            source.close()
        return ""

    async def _send_bytes(self, job: Job, source: OutgoingFile) -> None:
        position = job.position
        while job.position < source.size:
            job.check()
            if job.lane_is_ready and position == job.position:
                await self._by_lane.send(job, source)
                position = job.position
                continue
            if job.lane_is_ready or job.awaits_lane or position == source.size:
                await job.changed()
                continue
            room = self._machine.room(job.number, self._now())
            if not room:
                await job.changed()
                continue
            size = min(wire_files.CHUNK_BYTES, max(room, LEAST_READ))
            data = await self.in_thread(source.read, position, size)
            self._machine.send_chunk(job.number, data, self._now())
            self._running.poke()
            position += len(data)

    async def _receive(self, job: Job, folder: Path, offer: fe.FileOffered) -> str:
        """Take a file into a folder; returns its path."""
        expected = Expected(
            self._session.handshake.peer_public, job.name, offer.size, offer.modified
        )
        sink = await self._open(
            IncomingFile, folder, expected, self._permitted(job.number)
        )
        try:
            self._machine.accept(job.number, sink.position, sink.digest(), self._now())
            self._running.poke()
            begun = await job.next(fe.FileBegun)
            if begun.offset != sink.position:
                await self.in_thread(sink.restart)
            job.position = begun.offset
            self._by_lane.search(job, sink)
            path = await self._receive_bytes(job, sink)
        except FileTransferError as error:
            self.fail(job, error)
            raise
        finally:
            await job.leave_lanes()
            async with job.turn:
                sink.close(keep=job.stop_reason not in _REMOVED_AFTER)
        self._machine.stored(job.number, self._now())
        self._running.poke()
        return str(path)

    async def _receive_bytes(self, job: Job, sink: IncomingFile) -> Path:
        told = sink.position
        while True:
            event = await job.next_bytes()
            if job.turn.locked():  # the sender uses the lane no more
                job.close_lanes()
            async with job.turn:
                if isinstance(event, fe.FileSent):
                    return await self.in_thread(sink.finish, event.digest)
                job.by_lane = False
                await self.in_thread(sink.write, event.offset, event.data)
            if job.is_idle or sink.position - told >= WRITTEN_EVERY:
                told = sink.position
                self._machine.written(job.number, told, self._now())
                self._running.poke()
            job.position = sink.position
            self._report(job)

    def moved(self, job: Job) -> None:
        """Tell of what a worker has written: everything before the job's position."""
        self._machine.written(job.number, job.position, self._now())
        self._running.poke()
        self._report(job)

    # Helpers of the above.

    async def _guard(
        self, job: Job, work: Coroutine[Any, Any, str]
    ) -> se.TransferReport:
        try:
            path = await work
        except FileTransferError as error:
            self._stop(job.number, error.reason)
            report = job.report("failed", text=str(error))
        except Exception:  # noqa: BLE001 -- one file never ends the session
            _LOG.exception("a file could not be transferred")
            self._stop(job.number, wire_files.STOP_UNWRITABLE)
            report = job.report("failed", text="The file could not be transferred.")
        except asyncio.CancelledError:
            if not self._closed:
                raise
            report = job.report("failed", text="The session has ended.")
        else:
            job.position = job.size
            report = job.report("done", path=path)
        finally:
            job.close_lanes()
            self._jobs.pop(job.number, None)
        self._notify(report)
        return report

    def fail(self, job: Job, error: FileTransferError) -> None:
        """End what the disk refused.

        It may hear of a permission taken back before the loop does; but when the
        session is over all are, and what came is kept.
        """
        over = self._session.state is not State.ACTIVE
        job.fail(FileTransferError(str(error)) if over else error)

    def _stop(self, number: int, reason: int) -> None:
        self._machine.stop(number, reason, self._now())
        self._running.poke()

    def _report(self, job: Job) -> None:
        if job.is_report_due(self._now(), REPORT_INTERVAL):
            self._notify(job.report("running"))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside; it is cancelled with the session."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def in_thread(
        self, function: Callable[..., ResultT], *arguments: Any
    ) -> ResultT:
        """Do what takes long, or touches the disk."""
        return await self._loop.run_in_executor(self._threads, function, *arguments)

    async def _open(self, kind: Callable[..., FileT], *arguments: Any) -> FileT:
        """Open a file in a thread; nobody waits any more: let go of it there."""
        opening = self._threads.submit(kind, *arguments)
        try:
            return await asyncio.shield(asyncio.wrap_future(opening))
        except asyncio.CancelledError:
            opening.add_done_callback(_let_go)
            raise

    def _now(self) -> float:
        return self._running.clock()


def _let_go(opening: "Future[Any]") -> None:
    """Close a file that was opened for nobody; what is incomplete stays."""
    if opening.cancelled() or opening.exception() is not None:
        return
    opened = opening.result()
    if isinstance(opened, IncomingFile):
        opened.close(keep=True)
    else:
        opened.close()
