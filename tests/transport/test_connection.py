"""The connection as a whole: paths, silence, goodbyes, bounds."""

import pytest

from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import MAX_LATEST, Connection
from p2p_remote.transport.events import (
    AnswerOverdue,
    ConnectionLost,
    LatestReceived,
    PathHeard,
    PathProven,
    PeerClosed,
    PeerHeard,
    PeerSilent,
)
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_CONTROL,
    CHANNEL_CURSOR,
    CHANNEL_INPUT,
    CHANNEL_SCREEN,
    CHANNEL_TERMINAL,
)
from tests.support.connections import LEFT, RIGHT, Pair, sealings
from tests.support.network import Line


def quiet_pair(seed: int = 1, config: Config | None = None) -> Pair:
    """Two connections 20 ms apart that have heard each other."""
    pair = Pair(seed, Line(delay=0.02), config=config)
    pair.left.send(CHANNEL_CONTROL, b"hello")
    pair.right.send(CHANNEL_CONTROL, b"hello")
    pair.network.run_for(0.5)
    return pair


def kinds(events: list[object]) -> list[type]:
    return [type(event) for event in events]


# Messages and values


def test_a_message_arrives_after_half_a_round_trip():
    """Nothing but the line delays a lone message."""
    pair = quiet_pair()
    sent = pair.network.now
    pair.left.send(CHANNEL_INPUT, b"key")
    pair.network.run_for(0.1)
    assert pair.right.messages[CHANNEL_INPUT] == [b"key"]
    assert pair.right.arrivals[CHANNEL_INPUT][0] - sent == pytest.approx(0.02)


def test_our_own_mistakes_are_value_errors():
    """A message too large or a channel that is none is refused at once."""
    pair = quiet_pair()
    now = pair.network.now
    with pytest.raises(ValueError, match="cannot go"):
        pair.left.send(CHANNEL_CONTROL, bytes(8 * 1024 + 1))
    with pytest.raises(ValueError, match="cannot go"):
        pair.left.send(7, b"")
    with pytest.raises(ValueError, match="no value"):
        pair.left.connection.send_latest(16, b"", now)
    with pytest.raises(ValueError, match="no value"):
        pair.left.connection.send_latest(1, bytes(MAX_LATEST + 1), now)


def test_the_newest_value_wins():
    """Of values sent at once only the last leaves; each is told once."""
    pair = quiet_pair()
    now = pair.network.now
    for value in (b"1", b"2", b"3"):
        pair.left.connection.send_latest(7, value, now)
    pair.left.connection.send_latest(8, bytes(MAX_LATEST), now)
    pair.network.run_for(0.5)
    assert pair.right.events == [
        LatestReceived(7, b"3"),
        LatestReceived(8, bytes(MAX_LATEST)),
    ]


def test_a_lost_value_is_sent_again():
    """A value that no newer one replaced gets through a loss."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.connection.send_latest(1, b"here", pair.network.now)
    pair.network.run_for(0.01)
    pair.up.down = False
    pair.network.run_for(1)
    assert pair.right.events == [LatestReceived(1, b"here")]


def test_a_lost_value_that_was_replaced_is_forgotten():
    """Only the newest value of a kind is worth sending again."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.connection.send_latest(1, b"old", pair.network.now)
    pair.network.run_for(0.01)
    pair.up.down = False
    pair.left.connection.send_latest(1, b"new", pair.network.now)
    pair.network.run_for(1)
    assert pair.right.events == [LatestReceived(1, b"new")]


def test_an_older_value_that_comes_late_is_dropped():
    """Reordering does not bring an old value back."""
    pair = quiet_pair()
    pair.up.reorder, pair.up.reorder_gap = 1.0, 0.05
    pair.left.connection.send_latest(1, b"old", pair.network.now)
    pair.network.run_for(0.01)
    pair.up.reorder = 0.0
    pair.left.connection.send_latest(1, b"new", pair.network.now)
    pair.network.run_for(1)
    assert pair.right.events == [LatestReceived(1, b"new")]


def test_urgent_channels_overtake():
    """Input and control pass a megabyte of everything else."""
    pair = Pair(2, Line(rate=2e6, delay=0.02, queue=1.0))
    for channel in (CHANNEL_BULK, CHANNEL_SCREEN, CHANNEL_TERMINAL, CHANNEL_CURSOR):
        pair.left.send(channel, bytes(200_000))
    pair.network.run_for(0.5)
    sent = pair.network.now
    pair.left.send(CHANNEL_INPUT, b"key")
    pair.left.send(CHANNEL_CONTROL, b"revoke")
    pair.network.run_for(5)
    for channel in (CHANNEL_INPUT, CHANNEL_CONTROL):
        assert pair.right.arrivals[channel][0] - sent < 0.1
    arrivals = pair.right.arrivals
    assert arrivals[CHANNEL_CURSOR] < arrivals[CHANNEL_TERMINAL]
    assert arrivals[CHANNEL_TERMINAL] < arrivals[CHANNEL_SCREEN]
    assert arrivals[CHANNEL_SCREEN] < arrivals[CHANNEL_BULK]


def test_a_peer_that_takes_nothing_ends_the_connection():
    """What waits to be sent is bounded; beyond it the connection is given up."""
    pair = quiet_pair()
    pair.up.down = True
    for _ in range(600):
        pair.left.send(CHANNEL_INPUT, bytes(1024))
    pair.network.run_for(0.01)
    assert kinds(pair.left.events) == [ConnectionLost]


def test_memory_of_a_stalled_transfer_is_bounded():
    """Without acknowledgements no more than a window is kept under way."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.pour(CHANNEL_BULK, 60_000)
    pair.network.run_for(10)
    statistics = pair.left.connection.statistics()
    assert statistics.bytes_in_flight < statistics.window + 60 * 1200
    assert statistics.channels[CHANNEL_BULK].bytes_waiting < 5_000_000


# Life and death


def test_an_idle_connection_sends_only_keepalives():
    """A minute of silence costs a few small packets and says nothing."""
    pair = quiet_pair()
    before = pair.left.connection.statistics()
    pair.network.run_for(60)
    after = pair.left.connection.statistics()
    assert pair.left.events == pair.right.events == []
    assert after.packets_sent - before.packets_sent < 60
    assert after.bytes_sent - before.bytes_sent < 60 * 60


def test_silence_is_told_and_so_is_its_end():
    """Silent 2 s after the first unanswered packet, heard when it is over."""
    pair = quiet_pair()
    pair.up.down = pair.down.down = True
    pair.left.send(CHANNEL_INPUT, b"x")
    pair.network.run_for(1.9)
    assert kinds(pair.left.events) == [AnswerOverdue]
    pair.network.run_for(0.2)
    silent = pair.left.events[-1]
    assert isinstance(silent, PeerSilent)
    assert 2 <= silent.seconds < 3
    pair.up.down = pair.down.down = False
    pair.network.run_for(2)
    assert kinds(pair.left.events) == [AnswerOverdue, PeerSilent, PeerHeard]


def test_a_watched_peer_is_missed_within_two_seconds():
    """The side that only receives notices too, if it watches."""
    pair = quiet_pair()
    pair.right.connection.watch_peer(active=True)
    pair.network.run_for(10)
    assert pair.right.events == []
    pair.up.down = pair.down.down = True
    pair.network.run_for(2.1)
    assert kinds(pair.right.events) == [AnswerOverdue, PeerSilent]
    pair.right.connection.watch_peer(active=False)


def test_a_dead_line_ends_the_connection_after_30_seconds():
    """Nothing authentic for 30 s, and both sides give up."""
    pair = quiet_pair()
    pair.up.down = pair.down.down = True
    pair.network.run_for(29)
    assert ConnectionLost not in kinds(pair.left.events + pair.right.events)
    pair.network.run_for(2)
    for side in (pair.left, pair.right):
        assert kinds(side.events)[-1] is ConnectionLost
        assert side.connection.is_closed
        assert side.connection.next_timer() is None
        assert side.connection.datagrams_to_send(pair.network.now) == []


def test_a_goodbye_is_told_with_its_reason():
    """Both sides end; the one that left reports nothing of its own."""
    pair = quiet_pair()
    pair.left.connection.close(7, "time is over", pair.network.now)
    pair.network.run_for(1)
    assert pair.right.events == [PeerClosed(7, "time is over")]
    assert pair.left.events == []
    assert pair.left.connection.is_closed
    assert pair.right.connection.is_closed
    pair.right.send(CHANNEL_INPUT, b"too late")
    assert pair.right.connection.datagrams_to_send(pair.network.now) == []


def test_a_goodbye_survives_losses():
    """It is repeated until it is answered."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.connection.close(0, "bye", pair.network.now)
    pair.network.run_for(0.01)
    pair.up.down = False
    pair.network.run_for(2)
    assert pair.right.events == [PeerClosed(0, "bye")]


def test_a_goodbye_waits_for_the_line():
    """It is said, less and less often, for as long as the other side may wait."""
    pair = quiet_pair()
    pair.up.down = pair.down.down = True
    pair.left.connection.close(0, "bye", pair.network.now)
    sent = pair.up.sent
    pair.network.run_for(20)
    assert pair.up.sent - sent < 20
    pair.up.down = pair.down.down = False
    pair.network.run_for(2.5)
    assert pair.right.events[-1] == PeerClosed(0, "bye")
    assert pair.left.connection.is_closed


def test_a_goodbye_is_said_again_to_who_still_talks():
    """A packet shows that the line is there, and that nobody has heard it."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.connection.close(0, "bye", pair.network.now)
    pair.network.run_for(8)
    pair.up.down = False
    pair.network.run_for(0.01)
    pair.right.send(CHANNEL_INPUT, b"is anybody there?")
    pair.network.run_for(0.2)
    assert PeerClosed(0, "bye") in pair.right.events


def test_two_goodbyes_at_the_same_moment_end_both():
    """Each is an answer to the other, also if one of them is lost."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.connection.close(0, "bye", pair.network.now)
    pair.right.connection.close(0, "bye", pair.network.now)
    pair.network.run_for(0.001)
    pair.up.down = False
    pair.network.run_for(1)
    assert pair.left.connection.is_closed
    assert pair.right.connection.is_closed


def test_who_talks_on_is_told_but_seldom_doubted():
    """A side that never takes the goodbye costs packets, not a search at each."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.connection.close(0, "bye", pair.network.now)
    for _ in range(250):
        pair.right.send(CHANNEL_INPUT, b"still here")
        pair.network.run_for(0.1)
    assert not pair.left.connection.is_closed
    assert len(pair.left.events) < 40


def test_a_goodbye_to_nobody_ends_too():
    """Who has not heard it by then has given up alone."""
    pair = quiet_pair()
    pair.up.down = True
    pair.left.connection.close(0, "bye", pair.network.now)
    pair.network.run_for(29)
    assert not pair.left.connection.is_closed
    pair.network.run_for(2)
    assert pair.left.connection.is_closed
    assert kinds(pair.left.events) == [AnswerOverdue] * len(pair.left.events)


# Paths


def test_a_packet_from_another_path_is_reported_and_not_followed():
    """The peer moves: its new path is told, while we keep sending on the old one."""
    pair = quiet_pair()
    pair.network.move(pair.left.host, "198.51.100.99")
    moved = Endpoint("198.51.100.99", LEFT.port)
    pair.left.send(CHANNEL_INPUT, b"from elsewhere")
    pair.network.run_for(1)
    assert PathHeard(moved) in pair.right.events
    assert pair.right.connection.path == LEFT
    assert pair.right.messages[CHANNEL_INPUT] == [b"from elsewhere"]
    pair.right.connection.set_path(moved, pair.network.now, reset=False)
    pair.right.events.clear()
    pair.right.send(CHANNEL_TERMINAL, b"follows")
    pair.network.run_for(1)
    assert pair.left.messages[CHANNEL_TERMINAL] == [b"follows"]
    assert pair.right.events == []


def test_a_new_path_in_a_transfer_loses_nothing():
    """With `reset` all that was under way is sent again and the rate is found anew."""
    pair = Pair(3, Line(rate=8e6, delay=0.02, queue=0.1))
    contents = [bytes([index]) * 20_000 for index in range(100)]
    pair.left.pour(CHANNEL_BULK, 0, iter(contents))
    pair.network.run_for(0.7)
    pair.network.move(pair.right.host, "203.0.113.77")
    pair.up.delay = 0.05
    path = Endpoint("203.0.113.77", RIGHT.port)
    pair.left.connection.set_path(path, pair.network.now, reset=True)
    assert pair.left.connection.statistics().bytes_in_flight == 0
    pair.network.run_for(6)
    assert pair.right.messages[CHANNEL_BULK] == contents
    assert pair.left.connection.statistics().min_rtt == pytest.approx(0.07, abs=0.005)


def test_a_challenge_proves_a_path():
    """The answer comes back on the path that the challenge took."""
    pair = quiet_pair()
    pair.network._add("203.0.113.9", pair.right.host)
    other = Endpoint("203.0.113.9", RIGHT.port)
    pair.left.connection.challenge_path(other, pair.network.now)
    pair.network.run_for(0.2)
    (event,) = pair.left.events
    assert isinstance(event, PathProven)
    assert event.path == other
    assert event.rtt == pytest.approx(0.04, abs=1e-6)


def test_only_challenges_of_ours_prove_anything():
    """An answer counts once, and only eight challenges are waited for."""
    pair = quiet_pair()
    nowhere = Endpoint("203.0.113.200", 1)
    for _ in range(3):
        pair.left.connection.challenge_path(RIGHT, pair.network.now)
    for _ in range(8):
        pair.left.connection.challenge_path(nowhere, pair.network.now)
    pair.network.run_for(1)
    assert pair.left.events == []


# Datagrams of others


def test_replays_and_forgeries_change_nothing():
    """Every datagram counts once; a changed one not at all."""
    pair = quiet_pair()
    left, right = pair.left.connection, pair.right.connection
    now = pair.network.now
    pair.left.send(CHANNEL_INPUT, b"once")
    datagrams = left.datagrams_to_send(now)
    before = right.statistics()
    for data, _ in datagrams:
        for position in range(len(data)):
            changed = bytearray(data)
            changed[position] ^= 0x10
            right.receive_datagram(bytes(changed), LEFT, now)
    assert right.next_event() is None
    for data, _ in datagrams * 5:
        right.receive_datagram(data, LEFT, now)
    after = right.statistics()
    assert after.packets_received - before.packets_received == len(datagrams)
    pair.network.run_for(0.1)
    assert pair.right.messages[CHANNEL_INPUT] == [b"once"]


def test_verbs_are_safe_on_a_fresh_connection():
    """Timers and drains before any traffic do no harm."""
    sealing, _ = sealings(5.0)
    connection = Connection(Config(), sealing, RIGHT, bytes, 5.0)
    connection.handle_timer(5.0)
    assert connection.datagrams_to_send(5.0) == []
    assert connection.next_event() is None
    due = connection.next_timer()
    assert due is not None
    assert 5.0 + 0.8 * 3 <= due <= 5.0 + 1.2 * 3
