"""The files of one session, in both directions: a machine without disk and clock.

    technician sends      Offer ──► [asked] ► preparing ── Accept ──► checking
    technician gets       Get ────► [asked] ► preparing ── Offer ───► ...
    then, both ways       Begin, Chunk... ► moving, Written..., Sent, Stored

Whoever reads and writes hears `session.file_events` and answers with the methods
here. The customer's side is the only judge of what may be done there: what touches its
disk asks `CustomerFiles.permitted` directly before.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from p2p_remote.errors import ProtocolError
from p2p_remote.session import file_events as fe
from p2p_remote.session.file_names import safe_name
from p2p_remote.wire import files
from p2p_remote.wire.address import Endpoint, pack_endpoint, unpack_endpoint
from p2p_remote.wire.constants import CHANNEL_BULK

WINDOW = 2 * 1024 * 1024  # bytes sent on the channel that may wait to be written


class Line(Protocol):
    """What is needed of a `transport.Connection`."""

    def send_message(self, channel: int, data: bytes, now: float) -> None:
        """Queue a message."""

    def room(self, channel: int, now: float) -> int:
        """Bytes that may be queued now."""


class State(Enum):
    """Where one transfer is."""

    ASKED = "asked"  # customer: the person has not answered
    WANTED = "wanted"  # technician: the Get is on its way
    PREPARING = "preparing"  # the file is being opened here
    OFFERED = "offered"  # sender: waits for Accept
    CHECKING = "checking"  # sender: compares what the receiver has
    ACCEPTED = "accepted"  # receiver: waits for Begin
    MOVING = "moving"
    SENT = "sent"  # the receiver compares the hash


@dataclass(slots=True)
class Transfer:
    """One file. `position`: bytes sent or received; `written`: those on the disk."""

    number: int
    sending: bool
    state: State
    name: str
    size: int = 0
    modified: int = 0
    position: int = 0
    written: int = 0
    allowed_once: bool = False


class Files(ABC):
    """What both roles share; see `CustomerFiles` and `TechnicianFiles`."""

    def __init__(self, line: Line, emit: Callable[[fe.FileEvent], None]) -> None:
        """Speak on `line`, report to `emit`."""
        self._line = line
        self._emit = emit
        self._open: dict[int, Transfer] = {}
        self._on_message: dict[type[Any], Callable[[Any, float], None]] = {
            files.Offer: self._on_offer,
            files.Get: self._on_get,
            files.Accept: self._on_accept,
            files.Begin: self._on_begin,
            files.Chunk: self._on_chunk,
            files.Written: self._on_written,
            files.Sent: self._on_sent,
            files.Stored: self._on_stored,
            files.Stop: self._on_stop,
            files.LaneOpen: self._on_lane,
        }

    def receive(self, data: bytes, now: float) -> None:
        """Take a message of the other side.

        Raises:
            RemoteSupportError: it is malformed or breaks the rules.

        """
        message = files.FILES.decode(data)
        self._on_message[type(message)](message, now)

    def room_available(self) -> None:
        """Tell that the line takes more."""
        self._emit(fe.RoomForFiles())

    def transfer(self, number: int) -> Transfer | None:
        """Return an open transfer."""
        return self._open.get(number)

    @property
    def open_numbers(self) -> tuple[int, ...]:
        """Transfers that are not over."""
        return tuple(self._open)

    # Whoever holds the file here: sender.

    def offer(
        self, number: int, name: str, size: int, modified: int, now: float
    ) -> None:
        """Offer the file that is open for transfer `number`."""
        transfer = self._mine(number, State.PREPARING)
        if transfer is None:
            return
        transfer.name, transfer.size, transfer.modified = name, size, modified
        transfer.state = State.OFFERED
        short = name[: files.MAX_NAME]
        self._send(files.Offer(number, size, max(0, modified), short), now)

    def begin(self, number: int, offset: int, now: float) -> None:
        """Begin to send: from what was accepted, or from 0."""
        transfer = self._mine(number, State.CHECKING)
        if transfer is not None:
            transfer.state = State.MOVING
            transfer.position = transfer.written = offset
            self._send(files.Begin(number, offset), now)

    def room(self, number: int, now: float) -> int:
        """Bytes that may be given to `send_chunk` now; `RoomForFiles` tells of more."""
        transfer = self._mine(number, State.MOVING)
        if transfer is None:
            return 0
        room = WINDOW - (transfer.position - transfer.written)
        if room <= 0:
            return 0
        return min(room, self._line.room(CHANNEL_BULK, now))

    def send_chunk(self, number: int, data: bytes, now: float) -> None:
        """Send the next bytes, at most 64 KiB."""
        transfer = self._mine(number, State.MOVING)
        if transfer is not None and data:
            self._send(files.Chunk(number, transfer.position, data), now)
            transfer.position += len(data)

    def go_on_from(self, number: int, position: int) -> None:
        """Take `position` as what has been sent: it went, or got lost, elsewhere."""
        transfer = self._mine(number, State.MOVING)
        if transfer is not None:
            transfer.position = position

    def sent(self, number: int, digest: bytes, now: float) -> None:
        """Close the file with the hash of all of it; everything has been written."""
        transfer = self._mine(number, State.MOVING)
        if transfer is not None:
            transfer.state = State.SENT
            self._send(files.Sent(number, digest), now)

    # Whoever takes the file: receiver.

    def accept(self, number: int, offset: int, digest: bytes, now: float) -> None:
        """Take the file; `offset` bytes with this hash are here."""
        transfer = self._mine(number, State.PREPARING)
        if transfer is not None:
            transfer.state = State.ACCEPTED
            transfer.position = transfer.written = offset
            self._send(files.Accept(number, offset, digest), now)

    def written(self, number: int, position: int, now: float) -> None:
        """Everything before `position` is written, by whichever way it came."""
        transfer = self._mine(number, State.MOVING)
        if transfer is not None and position > transfer.written:
            transfer.written = position
            transfer.position = max(transfer.position, position)
            self._send(files.Written(number, position), now)

    def stored(self, number: int, now: float) -> None:
        """The file is complete and has its name."""
        if self._mine(number, State.SENT) is not None:
            del self._open[number]
            self._send(files.Stored(number), now)

    # Both.

    def stop(self, number: int, reason: int, now: float) -> None:
        """End a transfer without the file (`wire.files.STOP_...`)."""
        if self._open.pop(number, None) is not None:
            self._send(files.Stop(number, reason), now)
            self._emit(fe.FileStopped(number, reason, by_peer=False))

    def open_lane(
        self, number: int, secret: bytes, endpoints: list[Endpoint], now: float
    ) -> None:
        """Tell where a TCP connection for this transfer is taken."""
        if number in self._open:
            rows = tuple((pack_endpoint(each),) for each in endpoints)
            limited = rows[: files.MAX_LANE_ADDRESSES]
            self._send(files.LaneOpen(number, secret, limited), now)

    # Messages.

    @abstractmethod
    def _on_offer(self, message: files.Offer, now: float) -> None:
        """Take an offer: what it means depends on the side."""

    def _on_get(self, message: files.Get, now: float) -> None:
        raise ProtocolError("only the technician asks for files")

    def _on_accept(self, message: files.Accept, now: float) -> None:
        transfer = self._theirs(message.number, State.OFFERED, sending=True)
        if transfer is None:
            return
        if message.offset > transfer.size:
            raise ProtocolError("a file cannot go on behind its end")
        transfer.state = State.CHECKING
        self._emit(fe.FileAccepted(message.number, message.offset, message.digest))

    def _on_begin(self, message: files.Begin, now: float) -> None:
        transfer = self._theirs(message.number, State.ACCEPTED, sending=False)
        if transfer is None:
            return
        if message.offset not in (0, transfer.position):
            raise ProtocolError("a file begins at its begin or where it was left")
        transfer.state = State.MOVING
        transfer.position = transfer.written = message.offset
        self._emit(fe.FileBegun(message.number, message.offset))

    def _on_chunk(self, message: files.Chunk, now: float) -> None:
        transfer = self._theirs(message.number, State.MOVING, sending=False)
        if transfer is None:
            return
        end = message.offset + len(message.data)
        if message.offset > transfer.position or end > transfer.size:
            raise ProtocolError("bytes that do not belong to the file")
        if end - transfer.written > WINDOW + files.CHUNK_BYTES:
            raise ProtocolError("more of a file than may wait to be written")
        known = transfer.position - message.offset
        if known < len(message.data):
            start, transfer.position = transfer.position, end
            self._emit(fe.FileChunk(message.number, start, message.data[known:]))

    def _on_written(self, message: files.Written, now: float) -> None:
        transfer = self._theirs(message.number, State.MOVING, sending=True)
        if transfer is None:
            return
        if not transfer.written <= message.position <= transfer.size:
            raise ProtocolError("more is written than the file has")
        transfer.written = message.position
        self._emit(fe.FileProgress(message.number, message.position))

    def _on_sent(self, message: files.Sent, now: float) -> None:
        transfer = self._theirs(message.number, State.MOVING, sending=False)
        if transfer is None:
            return
        if transfer.position != transfer.size:
            raise ProtocolError("a file is closed before its end")
        transfer.state = State.SENT
        self._emit(fe.FileSent(message.number, message.digest))

    def _on_stored(self, message: files.Stored, now: float) -> None:
        if self._theirs(message.number, State.SENT, sending=True) is not None:
            del self._open[message.number]
            self._emit(fe.FileStored(message.number))

    def _on_stop(self, message: files.Stop, now: float) -> None:
        if self._open.pop(message.number, None) is not None:
            self._emit(fe.FileStopped(message.number, message.reason, by_peer=True))

    def _on_lane(self, message: files.LaneOpen, now: float) -> None:
        if message.number in self._open:
            endpoints = tuple(unpack_endpoint(row[0]) for row in message.addresses)
            self._emit(fe.LaneOffered(message.number, message.secret, endpoints))

    # Helpers of the above.

    def _mine(self, number: int, state: State) -> Transfer | None:
        """Transfer that our side goes on with; None if it is over or elsewhere."""
        transfer = self._open.get(number)
        return transfer if transfer is not None and transfer.state is state else None

    def _theirs(self, number: int, state: State, *, sending: bool) -> Transfer | None:
        """Transfer that a message goes on with; None if it is over on our side."""
        transfer = self._open.get(number)
        if transfer is None:
            return None
        if transfer.state is not state or transfer.sending is not sending:
            raise ProtocolError(f"a message for a file that is {transfer.state.value}")
        return transfer

    def _take_offer(self, transfer: Transfer, offer: files.Offer) -> None:
        transfer.name = safe_name(offer.name)
        transfer.size, transfer.modified = offer.size, offer.modified

    def _prepare_to_receive(self, transfer: Transfer) -> None:
        transfer.state = State.PREPARING
        self._emit(
            fe.FileOffered(
                transfer.number, transfer.name, transfer.size, transfer.modified
            )
        )

    def _send(self, message: files.FileMessage, now: float) -> None:
        self._line.send_message(CHANNEL_BULK, files.FILES.encode(message), now)
