"""Files over whole sessions in virtual time: loss, outages, stops, resumption."""

import hashlib
from random import Random

import pytest

from p2p_remote.session import events as ev
from p2p_remote.session import file_events as fe
from p2p_remote.session.files import Files
from p2p_remote.wire import files as wire_files
from tests.scenarios.world import Person, World


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
                digest = _digest(bytes(self.stored))
                self.files.accept(number, len(self.stored), digest, now)
            case fe.FileWanted(number=number):
                self.files.offer(number, "a.bin", len(self.content), 0, now)
            case fe.FileAccepted(number=number, offset=offset, digest=digest):
                same = _digest(self.content[:offset]) == digest
                self.files.begin(number, offset if same else 0, now)
            case fe.FileBegun(offset=offset):
                del self.stored[offset:]
            case fe.FileChunk(number=number, offset=offset, data=data):
                assert offset == len(self.stored)
                self.stored += data
                self.files.written(number, len(self.stored), now)
            case fe.FileSent(number=number, digest=digest):
                assert _digest(bytes(self.stored)) == digest
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
                self.files.sent(number, _digest(self.content), now)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


def session(seed: int, loss: float) -> World:
    """A session in which files may go both ways."""
    world = World(seed, loss=loss)
    world.call()
    world.approve("view", "file_in", "file_out")
    return world


def run(world: World, disks: list[Disk], seconds: float) -> None:
    """Let both ends work for so long, or until one has an outcome."""
    for _ in range(int(seconds / 0.02)):
        for disk in disks:
            disk.step(world.network.now)
        if any(disk.outcome for disk in disks):
            return
        world.network.run_for(0.02)


CONTENT = Random(1).randbytes(400_000)


@pytest.mark.parametrize("loss", [0.0, 0.05])
@pytest.mark.parametrize("way", ["to the customer", "from the customer"])
def test_a_file_arrives_whole_whatever_is_lost(loss: float, way: str) -> None:
    """Every byte once and in order, in both directions."""
    world = session(3, loss)
    technician, customer = Disk(world.technician), Disk(world.customer)
    files = world.technician_session().files
    if way == "to the customer":
        technician.content = CONTENT
        source, target = technician, customer
        number = files.new_number()
        files.offer(number, "a.bin", len(CONTENT), 0, world.network.now)
    else:
        customer.content = CONTENT
        source, target = customer, technician
        files.get("/a.bin", world.network.now)
    run(world, [technician, customer], 60.0)
    assert isinstance(source.outcome, fe.FileStored)
    assert bytes(target.stored) == CONTENT


@pytest.mark.parametrize("same", [True, False])
def test_a_file_goes_on_only_with_its_own_beginning(same: bool) -> None:
    """A part that is not of this file is thrown away, and everything is sent."""
    world = session(4, 0.0)
    has = CONTENT[:250_000] if same else bytes(250_000)
    technician = Disk(world.technician, CONTENT)
    customer = Disk(world.customer, stored=has)
    files = world.technician_session().files
    number = files.new_number()
    files.offer(number, "a.bin", len(CONTENT), 0, world.network.now)
    run(world, [technician, customer], 60.0)
    assert bytes(customer.stored) == CONTENT
    begun = [e for e in world.customer.events if isinstance(e, fe.FileBegun)]
    assert begun == [fe.FileBegun(number, len(has) if same else 0)]


def test_a_permission_taken_back_stops_the_file_and_not_the_session() -> None:
    world = session(5, 0.0)
    technician, customer = Disk(world.technician, CONTENT), Disk(world.customer)
    files = world.technician_session().files
    number = files.new_number()
    files.offer(number, "a.bin", len(CONTENT), 0, world.network.now)
    while not customer.stored:
        run(world, [technician, customer], 0.02)
    own = world.customer_session()
    own.revoke("file_in", world.network.now)
    assert not own.files.permitted(number, world.network.now)
    own.files.withdraw("file_in", wire_files.STOP_REVOKED, world.network.now)
    world.customer.node.collect(world.network.now)
    run(world, [technician], 5.0)
    assert technician.outcome == fe.FileStopped(
        number, wire_files.STOP_REVOKED, by_peer=True
    )
    assert not world.technician.all_of(ev.SessionEnded)


def test_bytes_of_a_file_before_the_approval_end_the_session() -> None:
    """Nothing of a file is even looked at before the customer has said yes."""
    world = World(6)
    world.call()
    files = world.technician_session().files
    number = files.new_number()
    files.offer(number, "a.bin", 1, 0, world.network.now)
    world.technician.node.collect(world.network.now)
    world.network.run_for(2.0)
    ended = world.customer.all_of(ev.SessionEnded)
    assert [each.reason for each in ended] == ["protocol_error"]
    assert not any(isinstance(e, fe.FileEvent) for e in world.customer.events)
