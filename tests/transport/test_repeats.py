"""Urgent chunks are sent a second and a third time on lossy lines."""

from p2p_remote.transport.packet_builder import PacketBuilder
from p2p_remote.transport.repeats import Repeats
from p2p_remote.transport.send_stream import Chunk
from p2p_remote.wire.constants import CHANNEL_INPUT

GAP, PATIENCE = 0.006, 0.060  # s


def chunk(offset: int, size: int = 28) -> Chunk:
    """A chunk of input."""
    return Chunk(CHANNEL_INPUT, offset, bytes(size))


def due(repeats: Repeats, now: float, size: int = 1200) -> list[Chunk]:
    """What goes into a packet of its own now."""
    packet = PacketBuilder(size)
    repeats.fill(packet, PATIENCE, now)
    return packet.chunks


def riding(repeats: Repeats, size: int = 1200) -> list[Chunk]:
    """What rides along with an urgent packet."""
    packet = PacketBuilder(size)
    repeats.ride(packet)
    return packet.chunks


def test_a_second_time_soon_and_a_third_time_when_the_answer_is_overdue():
    """Then loss detection is alone with it."""
    repeats, sent = Repeats(), chunk(0)
    repeats.put(sent, GAP, 1.0)
    assert repeats.next_due() == 1.0 + GAP
    assert due(repeats, 1.005) == []
    assert due(repeats, 1.0 + GAP) == [sent]
    assert repeats.next_due() == 1.0 + PATIENCE
    assert due(repeats, 1.05) == []
    assert due(repeats, 1.0 + PATIENCE) == [sent]
    assert repeats.next_due() is None
    assert due(repeats, 9.0) == []


def test_what_is_delivered_is_not_repeated():
    """Neither the second nor the third time."""
    repeats = Repeats()
    for offset in range(2):
        repeats.put(chunk(offset), GAP, 1.0)
    first, second = due(repeats, 1.01)
    first.delivered = True
    assert riding(repeats) == [second]
    second.delivered = True
    late = chunk(2)
    repeats.put(late, GAP, 2.0)
    late.delivered = True
    assert repeats.next_due() is None
    assert due(repeats, 3.0) == []


def test_small_ones_ride_along_and_are_bounded():
    """The oldest go first, never two in one packet, never more than 128 bytes."""
    repeats = Repeats()
    for offset in range(10):
        repeats.put(chunk(offset), GAP, 1.0)
    repeats.put(chunk(99, 65), GAP, 1.0)
    assert riding(repeats) == []
    due(repeats, 1.01)
    assert [each.offset for each in riding(repeats)] == [0, 1, 2, 3]
    packet = PacketBuilder(1200)
    repeats.fill(packet, PATIENCE, 1.07)
    repeats.ride(packet)
    assert len(packet.chunks) == 11
    assert repeats.next_due() is None


def test_what_does_not_fit_waits_for_the_next_packet():
    """The second and the third time, and when riding along."""
    repeats = Repeats()
    for offset in range(3):
        repeats.put(chunk(offset, 60), GAP, 1.0)
    space = 180
    assert [each.offset for each in due(repeats, 1.01, space)] == [0, 1]
    assert [each.offset for each in due(repeats, 1.01, space)] == [2]
    assert [each.offset for each in riding(repeats, 120)] == [0]
    assert [each.offset for each in due(repeats, 1.07, space)] == [0, 1]
    assert [each.offset for each in due(repeats, 1.07, space)] == [2]
