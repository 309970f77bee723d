"""The called side: release, refusal, silence."""

import pytest

from p2p_remote.crypto.handshake import (
    CallerVerified,
    CallOptions,
    HandshakeComplete,
    HandshakeFailed,
    Initiator,
    PasswordFailed,
    RefusalReason,
    Responder,
)
from p2p_remote.errors import AuthenticationFailedError
from p2p_remote.wire import handshake as wire
from p2p_remote.wire.address import RelayPath
from tests.support.handshakes import (
    CALLED,
    CALLER,
    CALLER_ENDPOINT,
    RELAY,
    SERVER,
    TARGET_ID,
    Pair,
    call,
    make_initiator,
    make_pair,
    make_responder,
    ringing,
    seeded,
)


def test_m4_waits_for_release_and_then_answers_every_m3():
    """Before release M3 again is met with silence, after it with the same M4."""
    pair = ringing()
    assert not pair.from_responder()
    pair.wait(0.25)
    ((proof, path),) = pair.from_initiator()
    pair.to_responder(proof, path)
    assert not pair.from_responder()
    pair.release()
    ((first, _),) = pair.from_responder()
    pair.to_responder(proof, CALLER_ENDPOINT)
    ((again, where),) = pair.from_responder()
    assert again == first
    assert where == CALLER_ENDPOINT
    assert len(first) == wire.ACCEPTANCE_LENGTH


def test_m4_is_kept_after_the_id_is_closed():
    """An invitation that is used up still gets its M4 again when the first is lost."""
    pair = ringing()
    pair.responder.stop_listening(TARGET_ID)
    pair.release()
    assert pair.from_responder()
    pair.wait(0.3)
    pair.exchange()
    assert pair.results()


def test_the_result_comes_on_release_and_only_once():
    """HandshakeComplete follows release; a second release does nothing."""
    pair = ringing()
    kinds = [type(event) for event in pair.responder_events]
    assert kinds == [CallerVerified]
    pair.release()
    pair.release()
    kinds = [type(event) for event in pair.responder_events]
    assert kinds == [CallerVerified, HandshakeComplete]
    assert len(pair.from_responder()) == 1


def test_the_caller_is_reported_as_it_proved_itself():
    """CallerVerified carries key, counter, name, wish, called ID and path."""
    event = ringing().verified()
    assert event.public == CALLER.public
    assert (event.counter, event.name, event.wanted) == (0, "Technician", 3)
    assert (event.target_id, event.path) == (TARGET_ID, RELAY)
    assert not event.password_verified
    assert ringing(password=b"p" * 32).verified().password_verified


def test_an_id_that_nobody_listens_for_is_silent():
    """Nothing comes back for another ID, or before listen, or after stop_listening."""
    responder = Responder(CALLED, seeded("r"), 0.0)
    assert call(responder, 1, RELAY) == []
    responder.listen(TARGET_ID + 1)
    assert call(responder, 2, RELAY) == []
    responder.listen(TARGET_ID)
    assert call(responder, 3, RELAY) == [wire.CALL_ANSWER]
    responder.stop_listening(TARGET_ID)
    assert call(responder, 4, RELAY) == []


def test_closing_an_id_ends_calls_that_have_not_proven_themselves():
    """M3 of an ID that is closed by now is met with silence."""
    pair = make_pair()
    pair.to_responder(*pair.from_initiator()[0])
    pair.to_initiator(*pair.from_responder()[0])
    pair.responder.stop_listening(TARGET_ID)
    pair.exchange()
    assert not pair.responder_events


def test_m1_again_gets_the_identical_m2_also_on_another_path():
    """A retransmitted M1 costs no second exchange."""
    responder = make_responder()
    request = make_initiator().first_message()
    other = RelayPath(SERVER, 8)
    for path in (RELAY, RELAY, other):
        responder.receive_datagram(request, path, 0.0)
    (first, _), (second, _), (third, where) = responder.datagrams_to_send(0.0)
    assert first == second == third
    assert where == other


def test_a_nonce_that_is_in_use_takes_no_other_m1():
    """A second M1 with the nonce of the first is ignored."""
    responder = make_responder()
    request = make_initiator().first_message()
    responder.receive_datagram(request, RELAY, 0.0)
    responder.datagrams_to_send(0.0)
    changed = request[:39] + bytes(32) + request[71:]
    responder.receive_datagram(changed, RELAY, 0.0)
    assert not responder.datagrams_to_send(0.0)


def test_a_wrong_password_is_reported_and_told_after_it_was_counted():
    """PasswordFailed comes first; M5 leaves on refuse; M3 again brings it again."""
    pair = Pair(make_initiator(password=b"w" * 32), make_responder(password=b"r" * 32))
    pair.exchange()
    (event,) = pair.responder_events
    assert isinstance(event, PasswordFailed)
    assert not pair.from_responder()
    pair.responder.refuse(event.handle, 0.0, RefusalReason.WRONG_PASSWORD)
    ((refusal, _),) = pair.from_responder()
    pair.wait(0.25)
    pair.exchange()
    failed = pair.initiator_events[-1]
    assert isinstance(failed, HandshakeFailed)
    assert isinstance(failed.error, AuthenticationFailedError)
    assert "password" in str(failed.error)
    assert len(refusal) == wire.REFUSAL_LENGTH


def test_refusal_without_reason_is_silence():
    """A caller that is refused in silence cannot tell that from ringing."""
    pair = ringing()
    pair.responder.refuse(pair.verified().handle, 0.0)
    pair.release()
    pair.wait(0.3)
    pair.exchange()
    assert [type(e).__name__ for e in pair.initiator_events] == ["PeerAnswered"]
    assert [type(e).__name__ for e in pair.responder_events] == ["CallerVerified"]


def test_m3_after_the_time_of_the_call_is_ignored():
    """The half-open time binds without any timer being handled."""
    pair = make_pair()
    pair.to_responder(*pair.from_initiator()[0])
    pair.to_initiator(*pair.from_responder()[0])
    pair.now = 15.0
    pair.exchange()
    assert not pair.responder_events


def test_own_mistakes_are_value_errors():
    """Passwords that were not stretched, short tokens and non-IDs are refused."""
    responder = make_responder()
    for arguments in (
        {"password": b"short"},
        {"token": b"short"},
    ):
        with pytest.raises(ValueError, match=r"password|token"):
            responder.listen(TARGET_ID, **arguments)
    with pytest.raises(ValueError, match="ID"):
        responder.listen(99)
    with pytest.raises(ValueError, match="password"):
        CallOptions(password=b"short")
    with pytest.raises(ValueError, match="token"):
        CallOptions(token=b"short")
    with pytest.raises(ValueError, match="32 bits"):
        CallOptions(wanted=2**32)
    with pytest.raises(ValueError, match="ID"):
        Initiator(CALLER, 99, seeded("x"), 0.0)


def test_unknown_handles_are_void():
    """Release and refuse of a call that does not exist do nothing."""
    responder = make_responder()
    responder.release(77, 0.0)
    responder.refuse(77, 0.0, RefusalReason.BUSY)
    assert not responder.datagrams_to_send(0.0)
    assert responder.next_event() is None
