"""One file on its way: what has happened to it and who waits for more."""

import asyncio
from typing import TypeVar

from p2p_remote.errors import FileTransferError
from p2p_remote.net.bulk_lane import Lane
from p2p_remote.services import events as se
from p2p_remote.services.lane_process import LaneWorker
from p2p_remote.services.transfer_lanes import LaneSearch
from p2p_remote.session import file_events as fe
from p2p_remote.store.incoming_files import IncomingFile
from p2p_remote.store.outgoing_files import OutgoingFile
from p2p_remote.wire import files as wire_files

EventT = TypeVar("EventT", bound=fe.FileEvent)

_REASONS = {
    wire_files.STOP_REFUSED: "The customer said no to this file.",
    wire_files.STOP_BY_PERSON: "The transfer was stopped here.",
    wire_files.STOP_REVOKED: "The customer does not allow files any more.",
    wire_files.STOP_UNREADABLE: "The other side cannot read this: it is missing, "
    "protected, or no file.",
    wire_files.STOP_CHANGED: "The file changed while it was sent.",
    wire_files.STOP_NO_SPACE: "The other side has not enough space for this file.",
    wire_files.STOP_UNWRITABLE: "The other side cannot write this file.",
    wire_files.STOP_DAMAGED: "The file was damaged on the way.",
    wire_files.STOP_BUSY: "The other side has too many transfers open.",
    wire_files.STOP_UNANSWERED: "The customer did not answer about this file in time.",
    wire_files.STOP_TOO_SOON: "The customer was not asked: they said no less than a "
    "minute ago. Wait, or let them type yes.",
    wire_files.STOP_NOT_VERIFIED: "The customer was not asked: files need your six "
    "digits, a machine that they know, or the password.",
}
_OTHER = "The other side stopped the transfer."


def stopped(event: fe.FileStopped) -> FileTransferError:
    """Say why a transfer was stopped."""
    text = _REASONS.get(event.reason, _OTHER)
    if event.by_peer and event.reason == wire_files.STOP_BY_PERSON:
        text = _OTHER
    return FileTransferError(text, event.reason)


class Job:
    """State and events of one transfer, on the loop."""

    def __init__(self, number: int, name: str, size: int, *, incoming: bool) -> None:
        """Begin with nothing moved."""
        self.number = number
        self.name = name
        self.size = size
        self.incoming = incoming
        self.position = 0  # bytes written at the receiver's
        self.by_lane = False
        self.search: LaneSearch | None = None
        self.file: IncomingFile | OutgoingFile | None = None
        self.lanes: list[Lane] = []
        self.worker: LaneWorker | None = None  # of the lane that is used
        self.awaits_lane = False  # sender: nothing is sent through the session yet
        self.lane_is_ready = False  # sender: for the rest of the file
        self.turn = asyncio.Lock()  # who writes: the session's loop or the worker
        self._events: asyncio.Queue[fe.FileEvent | None] = asyncio.Queue()
        self._change = asyncio.Event()
        self._stopped: FileTransferError | None = None
        self._reported_at = float("-inf")

    def put(self, event: fe.FileEvent) -> None:
        """Take an event for `next`; a stop is for everybody who waits."""
        if isinstance(event, fe.FileStopped):
            self.fail(stopped(event))
        else:
            self._events.put_nowait(event)

    def fail(self, error: FileTransferError) -> None:
        """End it: everybody who waits, in whatever thread, gets to know."""
        self._stopped = self._stopped or error
        self._events.put_nowait(None)
        self.wake()
        self.close_lanes()

    def wait_no_more(self) -> None:
        """Send through the session, if no lane is ready."""
        self.awaits_lane = False
        self.wake()

    def close_lanes(self) -> None:
        """Look for no lane any more, and use none."""
        if self.search is not None:
            self.search.close()
        if self.worker is not None:
            self.worker.stop()
        for lane in self.lanes:
            lane.close()
        self.lanes.clear()

    @property
    def has_worker(self) -> bool:
        """Whether a process has a part in it."""
        return self.worker is not None and not self.worker.is_over

    async def leave_lanes(self) -> None:
        """Use no lane any more; nothing moves by one when this returns."""
        self.close_lanes()
        if self.worker is not None:
            await self.worker.over()

    def on_written(self, position: int) -> None:
        """The receiver has everything before `position`."""
        self.position = position
        self.wake()

    def wake(self) -> None:
        """Let `changed` return."""
        self._change.set()

    @property
    def stop_reason(self) -> int | None:
        """Why either side stopped it, None if neither has."""
        return None if self._stopped is None else self._stopped.reason

    @property
    def is_idle(self) -> bool:
        """Whether no event waits to be taken."""
        return self._events.empty()

    def check(self) -> None:
        """Raise what ended the transfer, if anything has.

        Raises:
            FileTransferError: it was stopped.

        """
        if self._stopped is not None:
            raise self._stopped

    async def changed(self) -> None:
        """Wait until something has changed.

        Raises:
            FileTransferError: it was stopped.

        """
        await self._change.wait()
        self._change.clear()
        self.check()

    async def next(self, kind: type[EventT]) -> EventT:
        """Next event, which is of this kind: the machine sees to the order.

        Raises:
            FileTransferError: the transfer was stopped.

        """
        event = await self._next()
        if not isinstance(event, kind):
            raise TypeError(f"{type(event).__name__} out of order")
        return event

    async def next_bytes(self) -> fe.FileChunk | fe.FileSent:
        """Next bytes of the file, or its end.

        Raises:
            FileTransferError: the transfer was stopped.

        """
        event = await self._next()
        if not isinstance(event, fe.FileChunk | fe.FileSent):
            raise TypeError(f"{type(event).__name__} out of order")
        return event

    async def _next(self) -> fe.FileEvent:
        event = None
        while event is None:
            self.check()
            event = await self._events.get()
        self.check()
        return event

    def is_report_due(self, now: float, interval: float) -> bool:
        """Whether progress has not been reported for `interval` (s)."""
        due = now - self._reported_at >= interval
        if due:
            self._reported_at = now
        return due

    def report(
        self, state: str, *, text: str = "", path: str = ""
    ) -> se.TransferReport:
        """Describe the transfer as it is now."""
        return se.TransferReport(
            self.number,
            self.incoming,
            self.name,
            self.size,
            self.position,
            state,
            self.by_lane,
            text,
            path,
        )
