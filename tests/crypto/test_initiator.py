"""The calling side: paths, retransmission, cookies, failures."""

import pytest

from p2p_remote.crypto.handshake import (
    CallOptions,
    HandshakeFailed,
    PeerAnswered,
)
from p2p_remote.errors import (
    AuthenticationFailedError,
    NoSuchPeerError,
    RefusedError,
)
from p2p_remote.wire import handshake as wire
from p2p_remote.wire.address import Endpoint, RelayPath
from tests.support.handshakes import (
    CALLED_ENDPOINT,
    CALLER_ENDPOINT,
    RELAY,
    SERVER,
    Pair,
    make_initiator,
    make_pair,
    make_responder,
)


def send_times(pair: Pair, until: float) -> list[float]:
    """Times at which the initiator sends, asked only when its timer says so."""
    times = []
    while (due := pair.initiator.next_timer()) is not None and due < until:
        pair.now = max(pair.now, due)
        pair.initiator.handle_timer(pair.now)
        times.extend(round(pair.now, 6) for _ in pair.from_initiator())
        assert pair.initiator.next_timer() != due
    return times


def test_m1_is_repeated_on_every_path_from_when_it_was_added():
    """M1 leaves at 0, 0.25, 0.6, 1.2, 2.4, 4.8 s."""
    pair = Pair(make_initiator(path=None), make_responder())
    assert pair.from_initiator() == []
    assert pair.initiator.next_timer() == 15.0
    pair.initiator.add_path(RELAY, padded=False)
    pair.initiator.add_path(RELAY, padded=False)
    assert send_times(pair, 5.0) == [0.0, 0.25, 0.6, 1.2, 2.4, 4.8]


def test_all_paths_carry_the_same_m1_padded_where_direct():
    """Over a relay the core goes, to an endpoint the core with zeros up to 512."""
    initiator = make_initiator()
    initiator.add_path(CALLED_ENDPOINT, padded=True)
    core = initiator.first_message()
    assert len(core) == 119
    assert {p: d for d, p in initiator.datagrams_to_send(0.0)} == {
        RELAY: core,
        CALLED_ENDPOINT: core.ljust(512, b"\0"),
    }


def test_the_first_m2_fixes_the_path():
    """M3 goes where the first M2 came from; a second M2 changes nothing."""
    pair = make_pair()
    pair.initiator.add_path(CALLED_ENDPOINT, padded=True)
    for data, path in pair.from_initiator():
        pair.to_responder(data, path)
    (relayed, _), (direct, where) = pair.from_responder()
    assert relayed == direct
    pair.to_initiator(direct, where)
    pair.to_initiator(relayed, RELAY)
    assert pair.initiator_events == [PeerAnswered(CALLED_ENDPOINT)]
    ((proof, path),) = pair.from_initiator()
    assert (proof[0], path) == (wire.CALLER_PROOF, CALLED_ENDPOINT)
    pair.to_responder(proof, path)
    pair.release()
    pair.exchange()
    left, right = pair.results()
    assert left.path == right.path == CALLED_ENDPOINT


def test_m2_is_taken_from_a_path_that_was_not_added():
    """The relay path of a CALL becomes known with the answer on it."""
    pair = Pair(make_initiator(path=None), make_responder())
    pair.to_responder(pair.initiator.first_message(), RELAY)
    pair.exchange()
    assert pair.initiator_events == [PeerAnswered(RELAY)]
    assert pair.verified().path == RELAY


def test_m3_is_repeated_until_m4_and_the_call_ends_in_time():
    """M3 leaves at 0, 0.25, 0.5, 1, 2, 4, 6 s ... and no longer than the timeout."""
    pair = make_pair()
    pair.initiator = make_initiator(CallOptions(ringing_timeout=7.0))
    pair.to_responder(*pair.from_initiator()[0])
    pair.to_initiator(*pair.from_responder()[0])
    assert send_times(pair, 100.0) == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0]
    failed = pair.initiator.next_event()
    assert isinstance(failed, HandshakeFailed)
    assert isinstance(failed.error, RefusedError)
    assert pair.initiator.next_timer() is None
    assert pair.now == 7.0


def test_a_call_without_answer_fails_after_15_s():
    """Nobody there: NoSuchPeerError."""
    pair = Pair(make_initiator(), make_responder())
    pair.wait(14.9)
    assert not pair.initiator_events
    pair.wait(0.1)
    (failed,) = pair.initiator_events
    assert isinstance(failed, HandshakeFailed)
    assert isinstance(failed.error, NoSuchPeerError)
    assert pair.from_initiator() == []


def test_a_cookie_is_sent_at_once_on_its_path_only():
    """M0 on one path does not touch the others; a path may be new."""
    initiator = make_initiator()
    initiator.add_path(CALLED_ENDPOINT, padded=True)
    initiator.datagrams_to_send(0.0)
    cookie = b"c" * 32
    reply = wire.CookieReply(initiator.echo, cookie).pack()
    initiator.receive_datagram(reply, CALLED_ENDPOINT, 0.1)
    ((data, path),) = initiator.datagrams_to_send(0.1)
    assert path == CALLED_ENDPOINT
    assert wire.CallRequest.unpack(data, direct=True).cookie == cookie
    for new, direct in (
        (RelayPath(SERVER, 9), False),
        (Endpoint("203.0.113.99", 5), True),
    ):
        initiator.receive_datagram(reply, new, 0.1)
        ((data, path),) = initiator.datagrams_to_send(0.1)
        assert path == new
        assert wire.CallRequest.unpack(data, direct=direct).cookie == cookie


def test_only_four_cookies_count_on_a_path():
    """A flood of forged M0 is not answered with a flood of M1."""
    initiator = make_initiator()
    initiator.datagrams_to_send(0.0)
    sent = 0
    for number in range(20):
        reply = wire.CookieReply(initiator.echo, bytes([number]) * 32).pack()
        initiator.receive_datagram(reply, RELAY, 0.01)
        sent += len(initiator.datagrams_to_send(0.01))
    assert sent == 4


def test_paths_are_bounded():
    """16 paths at most, wherever they come from."""
    initiator = make_initiator()
    for channel in range(40):
        initiator.add_path(RelayPath(SERVER, channel), padded=False)
        reply = wire.CookieReply(initiator.echo, bytes(32)).pack()
        initiator.receive_datagram(reply, RelayPath(SERVER, 100 + channel), 0.0)
    assert len(initiator.datagrams_to_send(0.0)) == 16


@pytest.mark.parametrize(
    ("mine", "theirs", "text"),
    [(b"", b"p" * 32, "needs"), (b"p" * 32, b"", "no session password")],
)
def test_a_password_on_one_side_only_fails_before_it_counts(mine, theirs, text):
    """The initiator sees in M2 that it cannot work and spends no attempt."""
    pair = Pair(make_initiator(password=mine), make_responder(password=theirs))
    pair.exchange()
    (failed,) = pair.initiator_events
    assert isinstance(failed, HandshakeFailed)
    assert isinstance(failed.error, AuthenticationFailedError)
    assert text in str(failed.error)
    assert not pair.responder_events


def test_messages_of_another_call_and_out_of_turn_are_ignored():
    """Foreign echoes, M4 before M2, M2 after M4: nothing happens."""
    pair = make_pair()
    other = make_pair()
    other.initiator = make_initiator(seed="other")
    other.exchange()
    other.release()
    ((foreign, _),) = other.from_responder()
    pair.exchange()
    pair.release()
    ((acceptance, path),) = pair.from_responder()
    pair.to_initiator(foreign, path)
    early = make_initiator()
    early.receive_datagram(acceptance, path, 0.0)
    assert early.next_event() is None
    for junk in (b"", b"\x44", b"\xff" * 300, acceptance[:16]):
        pair.to_initiator(junk, path)
    assert len(pair.initiator_events) == 1
    pair.to_initiator(acceptance, path)
    assert pair.results()
    count = len(pair.initiator_events)
    pair.to_initiator(acceptance, path)
    assert len(pair.initiator_events) == count
    assert pair.initiator.next_timer() is None


def test_a_direct_call_completes_with_both_names_cleaned():
    """Control characters in names do not survive."""
    pair = make_pair(path=CALLER_ENDPOINT)
    pair.initiator = make_initiator(
        CallOptions(name="Bad\x1b]0;title\x07"), path=CALLER_ENDPOINT
    )
    pair.exchange()
    assert pair.verified().name.isprintable()
    assert "\x1b" not in pair.verified().name
