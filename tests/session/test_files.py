"""The machine of file transfers: order, permissions, windows, hostile peers."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError, ProtocolError, UsageError
from p2p_remote.session import file_events as fe
from p2p_remote.session.files import WINDOW
from p2p_remote.wire import files
from p2p_remote.wire.address import Endpoint
from tests.support.files import FilePair, count, last

DIGEST = bytes(range(32))


def test_a_file_to_the_customer_goes_through_all_steps() -> None:
    pair = FilePair("file_in")
    number = pair.technician.new_number()
    pair.technician.offer(number, "../../b:ad.txt", 5, 7, pair.now)
    pair.run()
    assert pair.at_customer == [fe.FileOffered(number, "b_ad.txt", 5, 7)]
    pair.customer.accept(number, 2, DIGEST, pair.now)
    pair.run()
    assert pair.at_technician == [fe.FileAccepted(number, 2, DIGEST)]
    pair.technician.begin(number, 2, pair.now)
    pair.technician.send_chunk(number, b"llo", pair.now)
    pair.run()
    assert pair.at_customer[1:] == [
        fe.FileBegun(number, 2),
        fe.FileChunk(number, 2, b"llo"),
    ]
    pair.customer.written(number, 5, pair.now)
    pair.run()
    assert last(pair.at_technician, fe.FileProgress) == fe.FileProgress(number, 5)
    pair.technician.sent(number, DIGEST, pair.now)
    pair.run()
    assert last(pair.at_customer, fe.FileSent).digest == DIGEST
    pair.customer.stored(number, pair.now)
    pair.run()
    assert pair.at_technician[-1] == fe.FileStored(number)
    assert not pair.technician.open_numbers
    assert not pair.customer.open_numbers


def test_a_file_from_the_customer_is_offered_when_it_was_asked_for() -> None:
    pair = FilePair("file_out")
    number = pair.technician.get("/var/log/syslog", pair.now)
    pair.run()
    assert pair.at_customer == [fe.FileWanted(number, "/var/log/syslog")]
    pair.customer.offer(number, "syslog", 3, 7, pair.now)
    pair.run()
    assert pair.at_technician == [fe.FileOffered(number, "syslog", 3, 7)]
    pair.technician.accept(number, 0, DIGEST, pair.now)
    pair.run()
    pair.customer.begin(number, 0, pair.now)
    pair.customer.send_chunk(number, b"abc", pair.now)
    pair.run()
    assert last(pair.at_technician, fe.FileChunk).data == b"abc"


@pytest.mark.parametrize("granted", ["file_out", "control"])
def test_the_right_to_take_is_not_the_right_to_bring(granted: str) -> None:
    """Each direction has its own permission; nothing else covers it."""
    pair = FilePair(granted)
    number = pair.technician.new_number()
    pair.technician.offer(number, "a", 5, 0, pair.now)
    pair.run()
    assert pair.at_customer == [fe.FileAsked(number, incoming=True, name="a", size=5)]
    assert not pair.customer.permitted(number, pair.now)
    pair.customer.accept(number, 0, DIGEST, pair.now)
    assert not pair.to_technician.waiting


def test_one_file_may_be_allowed_without_the_next() -> None:
    pair = FilePair()
    first = pair.technician.new_number()
    second = pair.technician.new_number()
    for number in (first, second):
        pair.technician.offer(number, "a", 5, 0, pair.now)
    pair.run()
    pair.customer.allow(first)
    assert last(pair.at_customer, fe.FileOffered).number == first
    assert pair.customer.permitted(first, pair.now)
    assert not pair.customer.permitted(second, pair.now)
    asked = pair.customer.next_asked()
    assert asked is not None
    assert asked.number == second
    with pytest.raises(UsageError):
        pair.customer.allow(first)


def test_a_permission_lets_all_of_its_direction_go_on() -> None:
    pair = FilePair()
    inward = pair.technician.new_number()
    pair.technician.offer(inward, "a", 5, 0, pair.now)
    outward = pair.technician.get("/x\x1b[2J", pair.now)
    pair.run()
    assert "\x1b" not in last(pair.at_customer, fe.FileAsked).name
    pair.grants.grant("file_out", pair.now + 60)
    pair.customer.granted("file_out")
    assert last(pair.at_customer, fe.FileWanted) == fe.FileWanted(outward, "/x\x1b[2J")
    assert count(pair.at_customer, fe.FileOffered) == 0
    pair.customer.withdraw("file_in", files.STOP_REFUSED, pair.now)
    pair.run()
    assert pair.at_technician == [
        fe.FileStopped(inward, files.STOP_REFUSED, by_peer=True)
    ]
    assert pair.customer.next_asked() is None


@pytest.mark.parametrize("taken", ["view", "file_in"])
def test_a_right_taken_back_holds_before_anybody_is_told(taken: str) -> None:
    pair = FilePair("file_in")
    number = pair.moving(5)
    assert pair.customer.permitted(number, pair.now)
    pair.grants.revoke(taken)
    assert not pair.customer.permitted(number, pair.now)


def test_what_was_allowed_once_ends_with_the_session() -> None:
    pair = FilePair()
    number = pair.technician.new_number()
    pair.technician.offer(number, "a", 5, 0, pair.now)
    pair.run()
    pair.customer.allow(number)
    pair.grants.revoke_all()
    assert not pair.customer.permitted(number, pair.now)


def test_no_more_is_sent_than_may_wait_to_be_written() -> None:
    pair = FilePair("file_in")
    number = pair.moving(2 * WINDOW)
    pair.to_customer.free = 10 * WINDOW
    sent = 0
    while room := pair.technician.room(number, pair.now):
        size = min(room, files.CHUNK_BYTES)
        pair.technician.send_chunk(number, bytes(size), pair.now)
        sent += size
    assert sent == WINDOW
    pair.run()
    pair.customer.written(number, 10, pair.now)
    pair.run()
    assert pair.technician.room(number, pair.now) == 10


def test_a_sender_beyond_the_window_is_thrown_out() -> None:
    pair = FilePair("file_in")
    number = pair.moving(2 * WINDOW)
    chunk = bytes(files.CHUNK_BYTES)
    for offset in range(0, WINDOW + len(chunk), len(chunk)):
        pair.to_the_customer(files.Chunk(number, offset, chunk))
    with pytest.raises(ProtocolError):
        pair.to_the_customer(files.Chunk(number, WINDOW + len(chunk), chunk))


def test_bytes_that_come_twice_are_reported_once() -> None:
    """After a lane broke, the sender begins again where the last report said."""
    pair = FilePair("file_in")
    number = pair.moving(10)
    pair.to_the_customer(files.Chunk(number, 0, b"0123"))
    pair.to_the_customer(files.Chunk(number, 2, b"2345"))
    pair.to_the_customer(files.Chunk(number, 1, b"12"))
    chunks = [event for event in pair.at_customer if isinstance(event, fe.FileChunk)]
    assert [(each.offset, each.data) for each in chunks] == [(0, b"0123"), (4, b"45")]


def test_bytes_that_came_elsewhere_are_counted() -> None:
    pair = FilePair("file_in")
    number = pair.moving(10)
    pair.technician.go_on_from(number, 6)
    pair.customer.written(number, 6, pair.now)
    pair.run()
    assert last(pair.at_technician, fe.FileProgress).position == 6
    pair.technician.send_chunk(number, b"6789", pair.now)
    pair.run()
    assert last(pair.at_customer, fe.FileChunk) == fe.FileChunk(number, 6, b"6789")


@pytest.mark.parametrize("by", ["technician", "customer"])
def test_either_side_stops_a_transfer_and_late_bytes_do_no_harm(by: str) -> None:
    pair = FilePair("file_in")
    number = pair.moving(10)
    pair.technician.send_chunk(number, b"01", pair.now)
    getattr(pair, by).stop(number, files.STOP_BY_PERSON, pair.now)
    pair.run()
    stopped = {
        "technician": last(pair.at_technician, fe.FileStopped),
        "customer": last(pair.at_customer, fe.FileStopped),
    }
    assert {side: event.by_peer for side, event in stopped.items()} == {
        "technician": by == "customer",
        "customer": by == "technician",
    }
    pair.technician.send_chunk(number, b"23", pair.now)
    pair.customer.written(number, 2, pair.now)
    pair.run()


HOSTILE = [
    files.Chunk(1, 5, b"x"),  # a gap
    files.Chunk(1, 0, bytes(11)),  # behind the end
    files.Sent(1, DIGEST),  # too early
    files.Stored(1),  # not the receiver's
    files.Written(1, 1),
    files.Accept(1, 0, DIGEST),
    files.Begin(1, 0),  # once only
    files.Offer(1, 10, 0, "again"),
    files.Get(1, "/etc/passwd"),
]


@pytest.mark.parametrize("message", HOSTILE, ids=lambda m: type(m).__name__)
def test_a_technician_who_breaks_the_order_is_thrown_out(
    message: files.FileMessage,
) -> None:
    pair = FilePair("file_in", "file_out")
    assert pair.moving(10) == 1
    with pytest.raises(ProtocolError):
        pair.to_the_customer(message)


def test_a_customer_offers_only_what_was_asked_for() -> None:
    pair = FilePair("file_in")
    number = pair.moving(10)
    pair.to_the_technician(files.Offer(9, 10, 0, "unasked"))
    assert not count(pair.at_technician, fe.FileOffered)
    with pytest.raises(ProtocolError):
        pair.to_the_technician(files.Offer(number, 10, 0, "instead"))
    with pytest.raises(ProtocolError):
        pair.to_the_technician(files.Get(10, "/etc/passwd"))
    with pytest.raises(ProtocolError):
        pair.to_the_technician(files.Written(number, 11))


def test_a_customer_cannot_claim_more_than_the_file_has() -> None:
    pair = FilePair("file_in")
    number = pair.technician.new_number()
    pair.technician.offer(number, "a", 5, 0, pair.now)
    with pytest.raises(ProtocolError):
        pair.to_the_technician(files.Accept(number, 6, DIGEST))


def test_only_so_many_transfers_wait() -> None:
    pair = FilePair()
    for number in range(1, 200, 2):
        pair.to_the_customer(files.Offer(number, 1, 0, "a"))
    pair.to_the_customer(files.Get(200, "/a"))
    assert len(pair.customer.open_numbers) == 64
    assert files.FILES.decode(pair.to_technician.waiting[-1]) == files.Stop(
        200, files.STOP_BUSY
    )


def test_files_of_both_directions_are_taken_in_any_order() -> None:
    """A file that is asked for overtakes one that is still being opened."""
    pair = FilePair("file_in", "file_out")
    sent = pair.technician.new_number()
    got = [pair.technician.get("/a", pair.now) for _ in range(2)]
    pair.run()
    pair.technician.offer(sent, "a", 5, 0, pair.now)
    pair.run()
    assert pair.customer.open_numbers == (*got, sent)


@pytest.mark.parametrize(
    "message", [files.Get(3, "/a"), files.Offer(4, 1, 0, "a"), files.Get(2, "/a")]
)
def test_no_number_begins_two_transfers(message: files.FileMessage) -> None:
    """Neither of the same direction nor of the other one, also after the end."""
    pair = FilePair()
    for number in (pair.technician.get("/a", pair.now), pair.technician.new_number()):
        pair.technician.offer(number, "a", 5, 0, pair.now)
        pair.run()
        pair.customer.stop(number, files.STOP_REFUSED, pair.now)
    with pytest.raises(ProtocolError):
        pair.to_the_customer(message)


def test_a_lane_is_only_offered_for_an_open_transfer() -> None:
    pair = FilePair("file_in")
    number = pair.moving(5)
    here = [Endpoint("192.0.2.1", 5), Endpoint("2001:db8::1", 6)]
    pair.customer.open_lane(number, bytes(32), here, pair.now)
    pair.customer.open_lane(number + 1, bytes(32), here, pair.now)
    pair.run()
    assert pair.at_technician[-1] == fe.LaneOffered(number, bytes(32), tuple(here))
    assert count(pair.at_technician, fe.LaneOffered) == 1


def test_a_path_has_a_length() -> None:
    pair = FilePair()
    for path in ("", "x" * 1025):
        with pytest.raises(UsageError):
            pair.technician.get(path, pair.now)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_understood(data: bytes) -> None:
    """A peer's bytes never raise anything but the two errors of a peer."""
    pair = FilePair("file_in", "file_out")
    for machine in (pair.customer, pair.technician):
        with contextlib.suppress(MalformedMessageError, ProtocolError):
            machine.receive(data, pair.now)


OVER = [
    files.Accept(9, 0, DIGEST),
    files.Begin(9, 0),
    files.Chunk(9, 0, b"x"),
    files.Written(9, 1),
    files.Sent(9, DIGEST),
    files.Stored(9),
    files.Stop(9, files.STOP_BY_PERSON),
    files.LaneOpen(9, DIGEST, ()),
]


@pytest.mark.parametrize("message", OVER, ids=lambda m: type(m).__name__)
def test_what_is_said_of_a_transfer_that_is_over_changes_nothing(
    message: files.FileMessage,
) -> None:
    """It may have crossed a Stop on the line."""
    pair = FilePair("file_in", "file_out")
    pair.to_the_customer(message)
    pair.to_the_technician(message)
    assert not pair.at_customer
    assert not pair.at_technician


def test_what_we_do_for_a_transfer_that_is_over_says_nothing() -> None:
    """A task that has not heard of the end yet goes on for a moment."""
    pair = FilePair("file_in")
    for machine, wire in (
        (pair.technician, pair.to_customer),
        (pair.customer, pair.to_technician),
    ):
        machine.offer(9, "a", 1, 0, pair.now)
        machine.begin(9, 0, pair.now)
        machine.send_chunk(9, b"x", pair.now)
        machine.go_on_from(9, 1)
        machine.sent(9, DIGEST, pair.now)
        machine.accept(9, 0, DIGEST, pair.now)
        machine.written(9, 1, pair.now)
        machine.stored(9, pair.now)
        machine.stop(9, files.STOP_BY_PERSON, pair.now)
        assert machine.room(9, pair.now) == 0
        assert not wire.waiting
    assert not pair.customer.permitted(9, pair.now)


def test_room_is_told_on() -> None:
    pair = FilePair()
    pair.technician.room_available()
    assert pair.at_technician == [fe.RoomForFiles()]


def test_a_file_begins_only_where_both_agreed() -> None:
    pair = FilePair("file_in")
    number = pair.technician.new_number()
    pair.technician.offer(number, "a", 10, 0, pair.now)
    pair.run()
    pair.customer.accept(number, 5, DIGEST, pair.now)
    with pytest.raises(ProtocolError):
        pair.to_the_customer(files.Begin(number, 3))
