"""Lets a worker move a file by a lane, and the session go on where that ends.

The worker has the file from `lend` to `take_back`; nobody else reads or writes it
meanwhile. Whatever goes wrong with it, the transfer goes on through the session from
what is known to be written.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from p2p_remote.errors import FileTransferError
from p2p_remote.net.bulk_lane import Lane
from p2p_remote.net.lane_gate import STALL_SECONDS
from p2p_remote.services.lane_process import LaneWorker
from p2p_remote.services.lane_worker import (
    DONE,
    FILE_ERROR,
    FILE_SHORT,
    LaneJob,
    Report,
)
from p2p_remote.services.running_node import RunningNode
from p2p_remote.services.transfer_job import Job
from p2p_remote.services.transfer_lanes import LaneSearch
from p2p_remote.session import file_events as fe
from p2p_remote.session.session import Session
from p2p_remote.store.incoming_files import IncomingFile
from p2p_remote.store.outgoing_files import OutgoingFile

_LOG = logging.getLogger(__name__)
LEAST_BYTES = 8 << 20  # less is moved before a process is there
# So long the session carries nothing: to look for a lane, and to start a process. Both
# take the processor from keys and picture, and so do some thousand packets a second.
SEARCH_SECONDS, READY_SECONDS = 0.2, 1.0
MOST_WORKERS = 4  # at once; other files go through the session


class Service(Protocol):
    """What is needed of `Transfers`."""

    def moved(self, job: Job) -> None:
        """Everything before the position of the job is written."""

    def fail(self, job: Job, error: FileTransferError) -> None:
        """The file cannot go on, by whichever way."""

    async def in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Do what takes long."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside; it is cancelled with the session."""


class TransferByLane:
    """Lanes and workers of all files of one session."""

    def __init__(
        self,
        session: Session,
        running: RunningNode,
        jobs: Mapping[int, Job],
        service: Service,
    ) -> None:
        """`jobs` are those under way, by number."""
        self._session, self._running = session, running
        self._jobs, self._service = jobs, service

    def search(self, job: Job, file: IncomingFile | OutgoingFile) -> None:
        """Look for a lane, if the rest of this file is worth one."""
        job.file = file
        if job.size - job.position >= LEAST_BYTES:
            looks = self._search_of(job).start()
            if looks and not job.incoming and job.worker is None:
                self._await(job, SEARCH_SECONDS)

    def offered(self, job: Job, event: fe.LaneOffered) -> None:
        """Try the addresses that the other side has told."""
        self._search_of(job).dial(event)

    def _await(self, job: Job, seconds: float) -> None:
        """Let the session carry nothing for so long, or until the worker is ready."""
        worker, job.awaits_lane = job.worker, True

        def in_vain() -> None:
            if job.worker is worker:
                job.wait_no_more()

        asyncio.get_running_loop().call_later(seconds, in_vain)

    async def send(self, job: Job, source: OutgoingFile) -> None:
        """Let the worker send the rest; returns how far it came in `job.position`.

        Raises:
            FileTransferError: the file cannot be read, or was stopped.

        """
        worker, job.lane_is_ready = job.worker, False
        if worker is None or worker.is_over:
            return
        job.by_lane = True
        running = asyncio.ensure_future(worker.run(job.position, source.lend()))
        running.add_done_callback(lambda _: job.wake())
        try:
            await _until_written(job, source.size, running)
        except TimeoutError:
            pass
        finally:
            await job.leave_lanes()
        job.check()
        last = await running
        if last.kind == FILE_ERROR:
            raise source.unreadable(os.strerror(last.value))
        if last.kind == FILE_SHORT:
            raise source.changed()
        await self._service.in_thread(source.take_back, job.position)
        self._session.files.go_on_from(job.number, job.position)
        if job.position < source.size:
            _LOG.info("the connection for files broke; they go through the session")
            job.by_lane = False

    def _search_of(self, job: Job) -> LaneSearch:
        if job.search is None:

            def on_lane(lane: Lane) -> None:
                self._on_lane(job, lane)

            job.search = LaneSearch(self._session, job.number, self._running, on_lane)
        return job.search

    def _on_lane(self, job: Job, lane: Lane) -> None:
        """The sender takes the first and says so; the receiver sees which is used."""
        if job.number not in self._jobs or job.file is None or job.worker is not None:
            lane.close()
            return
        job.lanes.append(lane)
        if job.incoming:
            lane.when_used(lambda: self._use(job, job.file, lane))
        else:
            lane.announce()
            self._use(job, job.file, lane)

    def _use(
        self, job: Job, file: IncomingFile | OutgoingFile | None, lane: Lane
    ) -> None:
        """Start a worker for this lane, and let go of the others.

        Where lanes cannot be watched several are said to be used: the first counts.
        """
        if lane not in job.lanes or job.worker is not None:
            lane.close()
            return
        busy = sum(each.has_worker for each in self._jobs.values())
        if file is None or busy >= MOST_WORKERS:
            job.close_lanes()
            job.wait_no_more()
            return
        job.lanes.remove(lane)
        job.close_lanes()
        sends = isinstance(file, OutgoingFile)
        job.worker = LaneWorker(
            lane,
            LaneJob(
                sends,
                lane.keys.send if sends else lane.keys.receive,
                lane.sealer.count if sends else lane.opener.count,
                job.number,
                job.size,
                lane.connection.fileno(),
                file.descriptor,
            ),
            lambda position, digests: self._on_moved(job, position, digests),
        )
        if sends:
            self._await(job, READY_SECONDS)
        self._service.spawn(self._attend(job, job.worker))

    async def _attend(self, job: Job, worker: LaneWorker) -> None:
        """Wait until the worker is ready; at the receiver's let it write then."""
        is_ready = await worker.ready()
        if not isinstance(job.file, IncomingFile):
            job.lane_is_ready = is_ready
            job.wait_no_more()
        if not isinstance(job.file, IncomingFile) or not is_ready:
            return
        async with job.turn:
            try:
                job.by_lane = True
                last = await worker.run(job.file.position, job.file.lend())
                if last.kind == FILE_ERROR:
                    why = OSError(last.value, os.strerror(last.value))
                    raise job.file.unwritable(why)
                await self._service.in_thread(job.file.take_back)
            except FileTransferError as error:
                self._service.fail(job, error)
            finally:
                await job.leave_lanes()

    def _on_moved(self, job: Job, position: int, digests: tuple[bytes, ...]) -> None:
        """Go on with what a worker has moved, if it is still allowed."""
        try:
            if isinstance(job.file, OutgoingFile):
                job.file.follow(digests)
            elif job.file is not None:
                job.file.follow(position, digests)
                job.position = position
                self._service.moved(job)
        except FileTransferError as error:
            self._service.fail(job, error)


async def _until_written(
    job: Job, size: int, running: "asyncio.Future[Report]"
) -> None:
    """Wait until the receiver has everything, or the worker has failed.

    Raises:
        FileTransferError: the transfer was stopped.
        TimeoutError: nothing has moved for `STALL_SECONDS`.

    """
    while job.position < size and not _has_failed(running):
        before = job.position
        async with asyncio.timeout(STALL_SECONDS):
            while job.position == before and not _has_failed(running):
                await job.changed()


def _has_failed(running: "asyncio.Future[Report]") -> bool:
    """Whether a worker is over without having moved everything."""
    return running.done() and running.result().kind != DONE
