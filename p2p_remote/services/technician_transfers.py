"""Files at the technician's side, who starts all of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from p2p_remote.errors import SessionAbortedError
from p2p_remote.services import events as se
from p2p_remote.services.running_node import RunningNode
from p2p_remote.services.transfer_job import Job
from p2p_remote.services.transfers import Transfers
from p2p_remote.session import file_events as fe
from p2p_remote.session.file_names import safe_name
from p2p_remote.session.technician import TechnicianSession


class TechnicianTransfers(Transfers):
    """Sends and gets files, one after the other in each direction."""

    def __init__(
        self,
        session: TechnicianSession,
        running: RunningNode,
        notify: Callable[[se.ServiceEvent], None],
    ) -> None:
        """Serve this session."""
        super().__init__(session, running, notify)
        self._files = session.files
        self._sending, self._getting = asyncio.Lock(), asyncio.Lock()

    async def send(self, path: Path) -> se.TransferReport:
        """Send a file; returns when it has arrived, or why it has not.

        Raises:
            SessionAbortedError: the session ended before it was this file's turn.

        """
        async with self._sending:
            self._require_open()
            number = self._files.new_number()
            job = Job(number, path.name, 0, incoming=False)
            return await self._start(job, self._send(job, path))

    async def get(self, path: str, to: Path) -> se.TransferReport:
        """Get a file to a folder, or to a name; returns when it is here, or why not.

        Raises:
            SessionAbortedError: the session ended before it was this file's turn.
            UsageError: the path is empty or too long.

        """
        async with self._getting:
            self._require_open()
            number = self._files.get(path, self._now())
            self._running.poke()
            job = Job(number, safe_name(path), 0, incoming=True)
            return await self._start(job, self._get(job, to))

    async def _get(self, job: Job, to: Path) -> str:
        offer = await job.next(fe.FileOffered)
        is_folder = await self.in_thread(to.is_dir)
        folder = to if is_folder else to.parent
        job.name = offer.name if is_folder else to.name
        job.size = offer.size
        return await self._receive(job, folder, offer)

    def _on_new(self, event: fe.FileEvent) -> None:
        """Nothing begins at the customer's side."""

    def _permitted(self, number: int) -> Callable[[], bool]:
        # Hashing and copying stop with the session, too.
        return lambda: not self._closed and self._files.transfer(number) is not None

    def _require_open(self) -> None:
        if self._closed:
            raise SessionAbortedError("The session has ended.")
