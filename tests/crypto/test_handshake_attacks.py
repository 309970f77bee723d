"""What somebody in the middle, or at one end, can try."""

import pytest

from p2p_remote.crypto.handshake import (
    CallOptions,
    HandshakeComplete,
    HandshakeFailed,
    Initiator,
    PasswordFailed,
    PeerAnswered,
    Responder,
)
from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import AuthenticationFailedError
from p2p_remote.wire import handshake as wire
from tests.support.handshakes import (
    CALLED,
    CALLER,
    CALLER_ID,
    RELAY,
    TARGET_ID,
    Pair,
    identity_of,
    make_initiator,
    make_pair,
    make_responder,
    seeded,
)

MALLORY = identity_of("mallory", 666_666_666)


def completed(pair: Pair) -> Pair:
    pair.exchange()
    pair.release()
    pair.exchange()
    return pair


def man_in_the_middle(seed: str) -> tuple[Pair, Pair]:
    """Mallory answers the caller and calls the customer; both halves complete."""
    towards_caller = Responder(MALLORY, seeded(f"{seed} left"), 0.0)
    towards_caller.listen(TARGET_ID)
    left = Pair(make_initiator(seed=f"{seed} caller"), towards_caller)
    towards_customer = Initiator(MALLORY, TARGET_ID, seeded(f"{seed} right"), 0.0)
    towards_customer.add_path(RELAY, padded=False)
    right = Pair(towards_customer, make_responder(seed=f"{seed} customer"))
    return completed(left), completed(right)


def test_the_digits_differ_with_somebody_in_the_middle():
    """Of 40 intercepted calls not one shows the same digits at both ends."""
    same = 0
    for number in range(40):
        left, right = man_in_the_middle(f"run {number}")
        caller, customer = left.results()[0], right.results()[1]
        assert caller.peer_public == customer.peer_public == MALLORY.public
        same += caller.digits == customer.digits
    assert same == 0


def test_the_digits_are_equal_without_anybody_in_the_middle():
    """Both ends of an honest call show the same six digits."""
    seen = set()
    for number in range(20):
        pair = Pair(
            make_initiator(seed=f"i{number}"), make_responder(seed=f"r{number}")
        )
        left, right = completed(pair).results()
        assert left.digits == right.digits
        assert len(left.digits) == 6
        assert left.digits.isdigit()
        seen.add(left.digits)
    assert len(seen) == 20


def test_a_relayed_m3_does_not_fit_another_call():
    """Mallory cannot pass the caller's M3 on in a call of her own."""
    honest = make_pair()
    honest.to_responder(*honest.from_initiator()[0])
    honest.to_initiator(*honest.from_responder()[0])
    ((proof, path),) = honest.from_initiator()
    victim = make_responder(seed="victim")
    mallory = Initiator(MALLORY, TARGET_ID, seeded("mallory"), 0.0)
    victim.receive_datagram(mallory.first_message(), path, 0.0)
    ((answer, _),) = victim.datagrams_to_send(0.0)
    nonce = wire.CallAnswer.unpack(answer).nonce
    spliced = proof[:1] + nonce[: wire.ECHO_LENGTH] + proof[1 + wire.ECHO_LENGTH :]
    victim.receive_datagram(spliced, path, 0.0)
    assert victim.next_event() is None


def test_a_recorded_handshake_replayed_to_the_responder_goes_nowhere():
    """M1 again gets a fresh M2, and the recorded M3 does not fit it."""
    recorded = []
    pair = make_pair()
    for _ in range(2):
        ((data, path),) = pair.from_initiator()
        recorded.append(data)
        pair.to_responder(data, path)
        for answer, where in pair.from_responder():
            pair.to_initiator(answer, where)
    assert pair.verified()
    fresh = make_responder(seed="after a restart")
    for data in recorded:
        fresh.receive_datagram(data, RELAY, 0.0)
    assert fresh.next_event() is None
    same = pair.responder
    while same.next_event() is not None:
        pass
    for data in recorded:
        same.receive_datagram(data, RELAY, 1.0)
    assert same.next_event() is None
    assert not same.datagrams_to_send(1.0)


def test_reflected_messages_are_ignored():
    """Nobody can be made to talk to himself."""
    pair = make_pair()
    ((request, path),) = pair.from_initiator()
    pair.to_initiator(request, path)
    pair.to_responder(request, path)
    ((answer, _),) = pair.from_responder()
    pair.to_responder(answer, path)
    pair.to_initiator(answer, path)
    ((proof, _),) = pair.from_initiator()
    pair.to_initiator(proof, path)
    pair.to_responder(proof, path)
    pair.release()
    ((acceptance, _),) = pair.from_responder()
    pair.to_responder(acceptance, path)
    assert not pair.from_responder()
    assert not pair.from_initiator()
    pair.to_initiator(acceptance, path)
    assert pair.results()


def test_a_call_to_oneself_is_refused():
    """An initiator with the responder's own key does not come through."""
    initiator = Initiator(CALLED, TARGET_ID, seeded("self"), 0.0)
    initiator.add_path(RELAY, padded=False)
    pair = Pair(initiator, make_responder())
    pair.exchange()
    assert not pair.responder_events
    assert not any(isinstance(e, HandshakeComplete) for e in pair.initiator_events)


def test_two_calls_that_cross_have_their_keys_apart():
    """A calls B while B calls A: nothing of one handshake fits the other."""
    first = make_pair()
    second = Pair(
        Initiator(CALLED, CALLER_ID, seeded("back"), 0.0),
        Responder(CALLER, seeded("back too"), 0.0),
    )
    second.initiator.add_path(RELAY, padded=False)
    second.responder.listen(CALLER_ID)
    acceptances = []
    for pair in (first, second):
        pair.exchange()
        pair.release()
        ((acceptance, _),) = pair.from_responder()
        acceptances.append(acceptance)
    first.to_initiator(acceptances[1], RELAY)
    second.to_initiator(acceptances[0], RELAY)
    for pair in (first, second):
        assert [type(e) for e in pair.initiator_events] == [PeerAnswered]
    for pair, acceptance in zip((first, second), acceptances, strict=True):
        pair.to_initiator(acceptance, RELAY)
    keys = {r.chain_key for pair in (first, second) for r in pair.results()}
    assert len(keys) == 2


@pytest.mark.parametrize("guess", [b"\0" * 32, b"g" * 32])
def test_a_password_guess_costs_a_counted_attempt(guess):
    """A caller with a guess learns only whether it was right, and it is reported."""
    pair = Pair(make_initiator(password=guess), make_responder(password=b"p" * 32))
    pair.exchange()
    (event,) = pair.responder_events
    assert isinstance(event, PasswordFailed)
    pair.responder.release(event.handle, 0.0)
    assert not pair.from_responder()


def test_a_false_customer_cannot_answer_without_the_password():
    """Who answers for the customer with another password gets no identity."""
    pair = Pair(make_initiator(password=b"p" * 32), make_responder(password=b"q" * 32))
    pair.exchange()
    (event,) = pair.responder_events
    assert isinstance(event, PasswordFailed)
    proof = wire.CallerProof.unpack(pair.responder._calls._by_handle[1].proof)
    assert CALLER.public not in proof.sealed


def test_random_messages_are_survived():
    """Right types and lengths with random content: no event, no exception."""
    random = seeded("noise")
    lengths = {0x40: 49, 0x41: 119, 0x42: 153, 0x43: 512, 0x44: 232, 0x45: 34}
    pair = make_pair()
    pair.exchange()
    events = len(pair.initiator_events) + len(pair.responder_events)
    for kind, length in lengths.items():
        for with_echo in (False, True):
            for _ in range(50):
                data = bytes([kind]) + random(length - 1)
                if with_echo:
                    data = data[:1] + pair.initiator.echo + data[17:]
                pair.to_initiator(data, RELAY)
                pair.to_responder(data, RELAY)
    assert events == len(pair.initiator_events) + len(pair.responder_events)


def test_names_keys_and_secrets_do_not_stand_in_reprs():
    """What may end in a log or a traceback tells no secret."""
    pair = make_pair(password=b"\x5a" * 32)
    pair.exchange()
    shown = repr(pair.responder._calls._by_handle)
    pair.release()
    pair.exchange()
    left, _ = pair.results()
    shown += repr(left) + repr(CALLER) + repr(CallOptions(password=b"\x5a" * 32))
    for secret in (
        b"\x5a" * 32,
        CALLER.secret,
        left.chain_key,
        left.check_key,
        left.secrets._chain,
    ):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


class RoleSwapper(Identity):
    """Signs with the other role's letter."""

    def sign(self, message: bytes) -> bytes:
        swapped = {b"p2pr1 I ": b"p2pr1 R ", b"p2pr1 R ": b"p2pr1 I "}
        return super().sign(swapped[message[:8]] + message[8:])


def swapper(identity: Identity) -> RoleSwapper:
    return RoleSwapper(
        identity.secret, identity.public, identity.counter, identity.peer_id
    )


def test_a_responder_that_signs_as_initiator_fails_the_call():
    """The role's letter in the signature counts at the initiator."""
    responder = Responder(swapper(CALLED), seeded("swap"), 0.0)
    responder.listen(TARGET_ID)
    pair = Pair(make_initiator(), responder)
    completed(pair)
    failed = pair.initiator_events[-1]
    assert isinstance(failed, HandshakeFailed)
    assert isinstance(failed.error, AuthenticationFailedError)


def test_an_initiator_that_signs_as_responder_is_refused():
    """The role's letter in the signature counts at the responder."""
    initiator = Initiator(swapper(CALLER), TARGET_ID, seeded("swap"), 0.0)
    initiator.add_path(RELAY, padded=False)
    pair = Pair(initiator, make_responder())
    pair.exchange()
    assert [type(e) for e in pair.initiator_events] == [PeerAnswered]
    assert not pair.responder_events
