"""Every single-bit flip and every truncation of M0..M5: nothing accepted, no fault.

A flip of M1 or M2 cannot be seen at once, since nothing in them is proven; it has to
break the handshake at M3. A flip of M3, M4 or M5 has to be ignored where it arrives.
"""

from collections.abc import Iterator
from dataclasses import replace

from p2p_remote.crypto.handshake import (
    HandshakeFailed,
    Limits,
    PeerAnswered,
    RefusalReason,
    ResponderOptions,
)
from p2p_remote.wire import handshake as wire
from p2p_remote.wire.address import Path, RelayPath
from tests.support.handshakes import (
    CALLER_ENDPOINT,
    RELAY,
    SERVER,
    Pair,
    call,
    make_initiator,
    make_pair,
    make_responder,
)

TIRELESS = ResponderOptions(limits=Limits(forgeries=10**9, half_open=10**9))


def flips(data: bytes, size: int | None = None) -> Iterator[bytes]:
    """`data` with each bit flipped in turn, of the first `size` bytes."""
    for bit in range(8 * (size or len(data))):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed)


def one(datagrams: list[tuple[bytes, Path]]) -> bytes:
    """Bytes of the only datagram."""
    ((data, _),) = datagrams
    return data


def until_proof(path: Path = RELAY) -> tuple[Pair, bytes]:
    """Pair whose M3 is about to arrive, and that M3."""
    pair = make_pair(path=path)
    pair.responder = make_responder(TIRELESS)
    pair.to_responder(one(pair.from_initiator()), path)
    pair.to_initiator(one(pair.from_responder()), path)
    return pair, one(pair.from_initiator())


def is_broken(initiator_pair: Pair, answer: bytes) -> bool:
    """Whether a handshake with this M2 comes to nothing.

    The pair's responder is waiting for M3, its initiator is used up.
    """
    initiator_pair.to_initiator(answer, RELAY)
    if not initiator_pair.initiator_events:
        return True  # ignored: the call goes on waiting
    event = initiator_pair.initiator_events[-1]
    if isinstance(event, HandshakeFailed):
        return True
    assert isinstance(event, PeerAnswered)
    initiator_pair.to_responder(one(initiator_pair.from_initiator()), RELAY)
    return not initiator_pair.responder_events


def test_flips_of_m0_bring_only_another_m0():
    """392 flips: the echo does not fit, or the responder does not know the cookie."""
    responder = make_responder()
    for number in range(17):
        call(responder, number, RelayPath(SERVER, 100 + number))
    pair = Pair(make_initiator(), responder)
    pair.to_responder(one(pair.from_initiator()), RELAY)
    reply = one(pair.from_responder())
    for changed in flips(reply):
        fooled = Pair(make_initiator(), responder)
        fooled.from_initiator()
        fooled.to_initiator(changed, RELAY)
        for request, path in fooled.from_initiator():
            fooled.to_responder(request, path)
            assert one(fooled.from_responder()) == reply
    pair.to_initiator(reply, RELAY)
    pair.to_responder(one(pair.from_initiator()), RELAY)
    assert one(pair.from_responder())[0] == wire.CALL_ANSWER


def test_flips_of_m1_break_the_handshake():
    """952 flips of the core: no handshake with any of them gets past M3."""
    core = make_initiator().first_message()
    responder = make_responder(TIRELESS)
    for changed in flips(core):
        pair = Pair(make_initiator(), responder)
        pair.from_initiator()
        pair.to_responder(changed, RELAY)
        for answer, _ in pair.from_responder():
            if answer[0] == wire.CALL_ANSWER:
                assert is_broken(pair, answer)
        assert not pair.responder_events
        for known in list(responder._calls._by_handle.values()):
            responder._calls.remove(known)


def test_flips_of_a_direct_m1s_padding_are_ignored():
    """3,144 flips behind the core: no answer at all."""
    responder = make_responder()
    initiator = make_initiator(path=CALLER_ENDPOINT)
    direct = one(initiator.datagrams_to_send(0.0))
    assert len(direct) == wire.DIRECT_CALL_REQUEST_LENGTH
    padding = direct[wire.CALL_REQUEST_LENGTH :]
    for changed in flips(padding):
        data = direct[: wire.CALL_REQUEST_LENGTH] + changed
        responder.receive_datagram(data, CALLER_ENDPOINT, 0.0)
    assert not responder.datagrams_to_send(0.0)
    responder.receive_datagram(direct, CALLER_ENDPOINT, 0.0)
    assert responder.datagrams_to_send(0.0)


def test_flips_of_m2_break_the_handshake():
    """1,224 flips: the initiator ignores or fails, or its M3 does not hold."""
    responder = make_responder(TIRELESS)
    responder.receive_datagram(make_initiator().first_message(), RELAY, 0.0)
    answer = one(responder.datagrams_to_send(0.0))
    for changed in flips(answer):
        pair = Pair(make_initiator(), responder)
        pair.from_initiator()
        assert is_broken(pair, changed)
    pair = Pair(make_initiator(), responder)
    pair.from_initiator()
    assert not is_broken(pair, answer)


def test_flips_of_m3_are_ignored():
    """4,096 flips: no event, no answer; then the true M3 is accepted."""
    pair, proof = until_proof()
    for changed in flips(proof):
        pair.responder.receive_datagram(changed, RELAY, 0.0)
    assert not pair.from_responder()
    assert pair.responder.next_event() is None
    pair.to_responder(proof, RELAY)
    assert pair.verified()


def test_flips_of_m3_again_are_ignored_after_release():
    """A changed copy of an accepted M3 does not bring M4 out again."""
    pair, proof = until_proof()
    pair.to_responder(proof, RELAY)
    pair.release()
    assert one(pair.from_responder())
    for changed in flips(proof):
        pair.responder.receive_datagram(changed, RELAY, 0.0)
    assert not pair.from_responder()


def test_flips_of_m4_are_ignored():
    """1,856 flips: the initiator goes on waiting; then the true M4 completes."""
    pair, proof = until_proof()
    pair.to_responder(proof, RELAY)
    pair.release()
    acceptance = one(pair.from_responder())
    pair.initiator_events.clear()
    for changed in flips(acceptance):
        pair.to_initiator(changed, RELAY)
    assert not pair.initiator_events
    pair.to_initiator(acceptance, RELAY)
    left, right = pair.results()
    assert left.chain_key == right.chain_key


def test_flips_of_m5_are_ignored():
    """272 flips: the initiator goes on waiting."""
    pair, proof = until_proof()
    pair.to_responder(proof, RELAY)
    pair.responder.refuse(pair.verified().handle, 0.0, RefusalReason.BUSY)
    refusal = one(pair.from_responder())
    pair.initiator_events.clear()
    for changed in flips(refusal):
        pair.to_initiator(changed, RELAY)
    assert not pair.initiator_events
    pair.to_initiator(refusal, RELAY)
    assert isinstance(pair.initiator_events[0], HandshakeFailed)


def test_truncations_and_extensions_are_ignored():
    """All 2,856 truncations of M0..M5 and one more byte: nothing happens."""
    pair, proof = until_proof()
    request = pair.initiator.first_message()
    answer = make_responder()
    answer.receive_datagram(request, RELAY, 0.0)
    answer_data = one(answer.datagrams_to_send(0.0))
    cookie = wire.CookieReply(pair.initiator.echo, bytes(32)).pack()
    fresh = make_initiator()
    fresh.datagrams_to_send(0.0)
    responder = make_responder()
    for whole, path in (
        (request, RELAY),
        (request.ljust(512, b"\0"), CALLER_ENDPOINT),
    ):
        for length in [*range(len(whole)), len(whole) + 1]:
            data = whole.ljust(length, b"\0")[:length]
            responder.receive_datagram(data, path, 0.0)
    assert not responder.datagrams_to_send(0.0)
    for whole in (cookie, answer_data):
        for length in [*range(len(whole)), len(whole) + 1]:
            fresh.receive_datagram(whole.ljust(length, b"\0")[:length], RELAY, 0.0)
    assert fresh.next_event() is None
    assert not fresh.datagrams_to_send(0.0)
    for length in [*range(len(proof)), len(proof) + 1]:
        pair.to_responder(proof.ljust(length, b"\0")[:length], RELAY)
    assert not pair.responder_events
    pair.to_responder(proof, RELAY)
    pair.release()
    acceptance = one(pair.from_responder())
    pair.initiator_events.clear()
    refusal = wire.Refusal(pair.initiator.echo, bytes(17)).pack()
    for whole in (acceptance, refusal):
        for length in [*range(len(whole)), len(whole) + 1]:
            if length != len(whole):
                pair.to_initiator(whole.ljust(length, b"\0")[:length], RELAY)
    assert not pair.initiator_events


def test_a_core_over_ip_and_a_padded_one_over_a_relay_are_ignored():
    """Each form of M1 counts only where it belongs."""
    responder = make_responder()
    request = make_initiator().first_message()
    responder.receive_datagram(request, CALLER_ENDPOINT, 0.0)
    responder.receive_datagram(request.ljust(512, b"\0"), RELAY, 0.0)
    assert not responder.datagrams_to_send(0.0)


def test_a_swapped_cookie_does_not_change_the_transcript():
    """A cookie proves a path; one taken away on the way does no harm."""
    pair = make_pair()
    request = wire.CallRequest.unpack(pair.initiator.first_message(), direct=False)
    other = replace(request, cookie=b"c" * 32)
    assert other.pack() != request.pack()
    assert other.transcript() == request.transcript()
