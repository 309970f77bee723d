"""Loss detection and probes."""

import pytest

from p2p_remote.errors import ProtocolError
from p2p_remote.transport.recovery import Recovery, SentPacket
from p2p_remote.transport.send_stream import Chunk
from p2p_remote.wire.frames import Ack


def send(recovery: Recovery, numbers: range, now: float) -> None:
    for number in numbers:
        chunk = Chunk(5, number * 1000, b"x" * 100)
        chunk.copies = 1
        packet = SentPacket(number, now + number * 1e-3, 1200, [chunk])
        recovery.on_sent(packet, limited=False)


def numbers(packets: list[SentPacket]) -> list[int]:
    return [packet.number for packet in packets]


def test_three_newer_packets_make_a_loss():
    """Packet 0 is lost as soon as packet 3 is acknowledged (RFC 9002 6.1.1)."""
    recovery = Recovery(0.1)
    send(recovery, range(5), 10.0)
    result = recovery.on_ack(Ack(2, 0, 0, (2,)), 10.05)
    assert (numbers(result.acked), numbers(result.lost)) == ([1, 2], [])
    result = recovery.on_ack(Ack(3, 0, 0, (3,)), 10.051)
    assert (numbers(result.acked), numbers(result.lost)) == ([3], [0])
    assert recovery.bytes_in_flight == 1200


def test_time_makes_a_loss():
    """A packet older than an acknowledged one is lost after 9/8 round trips."""
    recovery = Recovery(0.1)
    send(recovery, range(2), 10.0)
    recovery.on_ack(Ack(1, 0, 0, (1,)), 10.041)
    due = recovery.next_timer()
    assert due == pytest.approx(10.0 + 0.040 * 9 / 8)
    assert recovery.on_timer(due - 1e-4) == ([], False)
    lost, probe = recovery.on_timer(due)
    assert (numbers(lost), probe) == ([0], False)
    assert recovery.sent == {}


def test_a_late_acknowledgement_raises_the_thresholds():
    """Reordering is learnt: what was called lost too early is not the next time."""
    recovery = Recovery(0.1)
    send(recovery, range(20), 10.0)
    assert numbers(recovery.on_ack(Ack(8, 0, 0, (8,)), 10.05).lost) == [0]
    recovery.on_ack(Ack(8, 0, 0, (9,)), 10.052)
    assert recovery.packet_threshold == 9
    assert recovery.time_factor == 10 / 8
    assert numbers(recovery.on_ack(Ack(17, 0, 0, (8, 1, 9)), 10.053).lost) == []


def test_a_probe_carries_the_oldest_wanted_data_and_backs_off():
    """Probe timeouts double, up to a second, and name the oldest data."""
    recovery = Recovery(0.1)
    send(recovery, range(2), 10.0)
    recovery.sent[0].chunks[0].delivered = True
    first = recovery.next_timer()
    assert first == pytest.approx(10.001 + 0.1 + 4 * 0.05 + 0.004)
    assert recovery.on_timer(first) == ([], True)
    assert recovery.oldest_wanted() == recovery.sent[1].chunks
    gaps, last = [], first
    for _ in range(4):
        due = recovery.next_timer()
        gaps.append(round(due - last, 3))
        assert recovery.on_timer(due) == ([], True)
        last = due
    assert gaps == [0.608, 1.0, 1.0, 1.0]


def test_an_acknowledgement_of_the_future_is_refused():
    """A peer that acknowledges what was never sent breaks the rules."""
    recovery = Recovery(0.1)
    send(recovery, range(3), 10.0)
    with pytest.raises(ProtocolError):
        recovery.on_ack(Ack(3, 0, 0, (1,)), 10.1)


def test_one_way_delay_survives_the_wrap_of_the_clock():
    """Times on the wire are modulo 2^32 microseconds."""
    recovery = Recovery(0.1)
    wrap = 2**32 / 1e6
    recovery.on_sent(SentPacket(0, wrap - 0.01, 1200, []), limited=False)
    result = recovery.on_ack(Ack(0, 0, 20_000, (1,)), wrap + 0.04)
    assert result.one_way == pytest.approx(0.03, abs=1e-5)
    assert result.rtt == pytest.approx(0.05)


def test_forgetting_the_path_takes_everything_out_of_flight():
    """After a change of path all that was under way is to be sent again."""
    recovery = Recovery(0.1)
    send(recovery, range(3), 10.0)
    packets = recovery.forget(10.1)
    assert numbers(packets) == [0, 1, 2]
    assert recovery.bytes_in_flight == 0
    assert all(chunk.copies == 0 for p in packets for chunk in p.chunks)
    recovery.on_ack(Ack(2, 0, 0, (3,)), 10.2)
    assert all(chunk.delivered for p in packets for chunk in p.chunks)
    assert recovery.packet_threshold == 3
