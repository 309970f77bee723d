"""The called side under load and under attack: every bound holds."""

from p2p_remote.crypto.handshake import (
    CallerLost,
    CallerVerified,
    HandshakeFailed,
    Initiator,
    Limits,
    PasswordFailed,
    PasswordsExhausted,
    PeerAnswered,
    ResponderOptions,
)
from p2p_remote.errors import RefusedError
from p2p_remote.wire import handshake as wire
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.refusals import RefusalReason, wait_code
from tests.support.handshakes import (
    CALLER_ENDPOINT,
    RELAY,
    SERVER,
    Pair,
    attempt,
    call,
    everybody,
    make_initiator,
    make_pair,
    make_responder,
    rang,
    ringing,
)


def test_one_network_may_begin_four_direct_calls_in_15_s():
    """The fifth call from a /24 or a /64 is ignored; others and later ones are not."""
    responder = make_responder()
    for number in range(4):
        path = Endpoint(f"198.51.100.{number}", 4000)
        assert call(responder, number, path) == [wire.CALL_ANSWER]
    assert call(responder, 4, Endpoint("198.51.100.77", 1)) == []
    assert call(responder, 5, Endpoint("::ffff:198.51.100.78", 1)) == []
    assert call(responder, 6, Endpoint("198.51.101.1", 1)) == [wire.CALL_ANSWER]
    for number in range(4):
        path = Endpoint(f"2001:db8::{number:x}", 4000)
        assert call(responder, 10 + number, path) == [wire.CALL_ANSWER]
    assert call(responder, 14, Endpoint("2001:db8::ffff", 1)) == []
    assert call(responder, 15, Endpoint("2001:db8:0:1::1", 1)) == [wire.CALL_ANSWER]
    assert call(responder, 16, Endpoint("198.51.100.77", 1), 15.0) == [wire.CALL_ANSWER]


def test_proofs_do_not_free_the_limit_of_a_network():
    """Calls that went on to M4 still count, for 15 s and not for longer."""
    responder = make_responder(ResponderOptions(known=everybody))
    for number in range(4):
        initiator = make_initiator(path=CALLER_ENDPOINT, seed=f"p {number}")
        pair = Pair(initiator, responder)
        pair.exchange()
        pair.release()
    responder.datagrams_to_send(0.0)
    assert call(responder, 9, CALLER_ENDPOINT, 14.9) == []
    assert call(responder, 9, CALLER_ENDPOINT, 15.0) == [wire.CALL_ANSWER]


def test_the_half_open_table_is_bounded_and_forgets():
    """64 calls are half open at most; after 15 s all are forgotten."""
    responder = make_responder(
        ResponderOptions(limits=Limits(cookies_above=10**6)), seed="bounded"
    )
    for number in range(64):
        assert call(responder, number, RelayPath(SERVER, number)) == [wire.CALL_ANSWER]
    assert call(responder, 64, RELAY) == []
    assert responder.next_timer() == 15.0
    responder.handle_timer(15.0)
    assert responder.next_timer() is None
    assert call(responder, 65, RELAY, 15.0) == [wire.CALL_ANSWER]


def test_under_load_m1_is_answered_with_a_cookie_that_the_initiator_returns():
    """Above 16 half-open calls M0 comes; with its cookie the handshake completes."""
    for path in (RELAY, CALLER_ENDPOINT):
        responder = make_responder()
        for number in range(17):
            busy = RelayPath(SERVER, 100 + number)
            assert call(responder, number, busy) == [wire.CALL_ANSWER]
        pair = Pair(make_initiator(path=path), responder)
        ((request, _),) = pair.from_initiator()
        pair.to_responder(request, path)
        ((reply, where),) = pair.from_responder()
        assert (reply[0], where) == (wire.COOKIE_REPLY, path)
        assert len(reply) < len(request)
        pair.to_initiator(reply, path)
        pair.exchange()
        pair.release()
        pair.exchange()
        left, right = pair.results()
        assert left.chain_key == right.chain_key


def test_a_cookie_is_bound_to_path_request_and_time():
    """Elsewhere, with another M1 or after four minutes there is only a new M0."""
    responder = make_responder()
    for number in range(17):
        call(responder, number, RelayPath(SERVER, 100 + number))

    def answer(initiator: Initiator, cookie: bytes, path: Path, now: float) -> int:
        request = initiator.first_message()[: -wire.COOKIE_LENGTH] + cookie
        responder.receive_datagram(request, path, now)
        ((data, _),) = responder.datagrams_to_send(now)
        return data[0]

    mine, other = make_initiator(), make_initiator(seed="other")
    responder.receive_datagram(mine.first_message(), RELAY, 0.0)
    ((data, _),) = responder.datagrams_to_send(0.0)
    cookie = wire.CookieReply.unpack(data).cookie
    assert answer(mine, cookie, RelayPath(SERVER, 8), 0.0) == wire.COOKIE_REPLY
    assert answer(other, cookie, RELAY, 0.0) == wire.COOKIE_REPLY
    assert answer(mine, cookie, RELAY, 240.0) == wire.COOKIE_REPLY
    assert answer(mine, cookie, RELAY, 239.0) == wire.CALL_ANSWER


def test_a_call_ends_after_eight_forged_proofs():
    """Seven M3 with a wrong seal do no harm, the eighth ends the call."""
    for forgeries, accepted in ((7, True), (8, False)):
        pair = make_pair()
        pair.to_responder(*pair.from_initiator()[0])
        pair.to_initiator(*pair.from_responder()[0])
        ((proof, path),) = pair.from_initiator()
        for number in range(forgeries):
            forged = proof[:-1] + bytes([proof[-1] ^ number + 1])
            pair.to_responder(forged, path)
        pair.to_responder(proof, path)
        assert bool(pair.responder_events) is accepted


def test_calls_that_ring_are_not_counted_here():
    """Whoever knows the password, or needs none, rings as often as they call."""
    for password in (b"", b"r" * 32):
        responder = make_responder(password=password)
        for number in range(9):
            assert rang(attempt(responder, number, 0.0, password=password))


def test_a_password_where_none_is_set_locks_nobody_out():
    """There is nothing to be guessed, and strangers could do it at will."""
    responder = make_responder()
    for number in range(5):
        path = RelayPath(SERVER, number)
        assert call(responder, number, path) == [wire.CALL_ANSWER]
        guess = responder._calls.by_handle(number + 1)
        assert guess is not None
        responder._on_wrong_password(guess, 0.0)
        assert isinstance(responder.next_event(), PasswordFailed)
    assert rang(attempt(responder, 9, 0.0))


def test_a_caller_is_told_how_long_to_wait():
    """The seconds arrive in the error, and in its words."""
    pair = ringing()
    pair.responder.refuse(pair.verified().handle, 0.0, wait_code(42.0))
    pair.exchange()
    (failed,) = [e for e in pair.initiator_events if isinstance(e, HandshakeFailed)]
    assert isinstance(failed.error, RefusedError)
    assert failed.error.wait == 45
    assert "45 seconds" in str(failed.error)


def test_wrong_passwords_count_and_then_the_right_one_is_refused_too():
    """Beyond the limit right and wrong passwords are answered alike."""
    right, wrong = b"r" * 32, b"w" * 32
    options = ResponderOptions(known=everybody)
    responder = make_responder(options, password=right)
    for number in range(3):
        (failed, *_) = attempt(responder, number, 0.0, password=wrong)
        assert isinstance(failed, PasswordFailed)
    kinds = [
        [type(event) for event in attempt(responder, 9, 1.0, password=right)],
        [type(event) for event in attempt(responder, 8, 1.0, password=wrong)],
    ]
    assert kinds[0] == kinds[1]
    assert kinds[0] == [PasswordsExhausted, PeerAnswered, HandshakeFailed]
    assert rang(attempt(responder, 10, 600.0, password=right))


def test_a_yes_forgets_wrong_passwords():
    """Somebody was let in: the next wrong passwords begin anew."""
    right, wrong = b"r" * 32, b"w" * 32
    responder = make_responder(password=right)
    for number in range(3):
        attempt(responder, number, 0.0, password=wrong)
    assert not rang(attempt(responder, 3, 1.0, password=right))
    responder.forget_attempts()
    assert rang(attempt(responder, 4, 1.0, password=right))


def test_a_ringing_caller_that_falls_silent_is_lost():
    """12 s without an M3 the prompt is to be taken away, and release is void."""
    pair = ringing()
    for _ in range(10):
        pair.wait(2.0)
        pair.exchange()
    pair.now += 11.9
    pair.responder.handle_timer(pair.now)
    assert pair.responder.next_event() is None
    pair.now += 0.2
    pair.responder.handle_timer(pair.now)
    event = pair.responder.next_event()
    assert event == CallerLost(pair.verified().handle)
    pair.release()
    assert not pair.from_responder()


def test_too_many_attempts_are_not_called_wrong_passwords():
    """It is also said to callers who rang too often, where no password is set."""
    pair = ringing()
    refused = RefusalReason.TOO_MANY_ATTEMPTS
    pair.responder.refuse(pair.verified().handle, 0.0, refused)
    pair.exchange()
    (failed,) = [e for e in pair.initiator_events if isinstance(e, HandshakeFailed)]
    assert str(failed.error).startswith("Too many attempts ")
    assert "password" not in str(failed.error)


def test_ringing_calls_are_bounded_and_the_next_is_told_busy():
    """16 calls ring at most; an answered one makes room, refused ones first."""
    options = ResponderOptions(known=everybody)
    responder = make_responder(options)
    handles = []
    for number in range(16):
        (event, *_) = attempt(responder, number, 0.0)
        assert isinstance(event, CallerVerified)
        handles.append(event.handle)
    events = attempt(responder, 16, 0.0)
    assert isinstance(events[-1], HandshakeFailed)
    assert isinstance(events[-1].error, RefusedError)
    responder.release(handles[0], 0.0)
    for handle in handles[1:4]:
        responder.refuse(handle, 0.0)
    for number in range(17, 20):
        assert rang(attempt(responder, number, 1.0))
    assert responder._calls.by_handle(handles[0]) is not None
