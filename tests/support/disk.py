"""The disk at one end of a file transfer, in memory."""

import hashlib

from p2p_remote.session import file_events as fe
from p2p_remote.session.files import Files
from p2p_remote.wire import files as wire_files
from tests.scenarios.world import Person


class Disk:
    """One end of one transfer: reads from `content`, or writes to `stored`."""

    def __init__(
        self, person: Person, content: bytes = b"", stored: bytes = b""
    ) -> None:
        self.person = person
        self.content = content
        self.stored = bytearray(stored)
        self.outcome: object = None
        self._seen = 0
        self._writing = False

    @property
    def files(self) -> Files:
        """The machine of this end."""
        found: Files = self.person.session.files
        return found

    def step(self, now: float) -> None:
        """Answer what has happened since the last step."""
        events = self.person.events[self._seen :]
        self._seen += len(events)
        for event in events:
            if isinstance(event, fe.FileEvent):
                self._take(event, now)
        self._send_more(now)
        self.person.node.collect(now)

    def _take(self, event: fe.FileEvent, now: float) -> None:
        match event:
            case fe.FileOffered(number=number):
                digest = digest_of(bytes(self.stored))
                self.files.accept(number, len(self.stored), digest, now)
            case fe.FileWanted(number=number):
                self.files.offer(number, "a.bin", len(self.content), 0, now)
            case fe.FileAccepted(number=number, offset=offset, digest=digest):
                same = digest_of(self.content[:offset]) == digest
                self.files.begin(number, offset if same else 0, now)
            case fe.FileBegun(offset=offset):
                del self.stored[offset:]
            case fe.FileChunk(number=number, offset=offset, data=data):
                assert offset == len(self.stored)
                self.stored += data
                self.files.written(number, len(self.stored), now)
            case fe.FileSent(number=number, digest=digest):
                assert digest_of(bytes(self.stored)) == digest
                self.files.stored(number, now)
            case fe.FileStored() | fe.FileStopped():
                self.outcome = event
            case _:
                pass

    def _send_more(self, now: float) -> None:
        for number in self.files.open_numbers:
            transfer = self.files.transfer(number)
            if transfer is None or not transfer.sending:
                continue
            while room := self.files.room(number, now):
                at = transfer.position
                piece = self.content[at : at + min(room, wire_files.CHUNK_BYTES)]
                if not piece:
                    break
                self.files.send_chunk(number, piece, now)
            if self.content and transfer.written == transfer.size:
                self.files.sent(number, digest_of(self.content), now)


def digest_of(data: bytes) -> bytes:
    """Digest of a whole file, as both ends compare it."""
    return hashlib.blake2b(data, digest_size=32).digest()


def run_disks(disks: list[Disk], now: float) -> None:
    """Let every end answer what has happened."""
    for disk in disks:
        disk.step(now)
