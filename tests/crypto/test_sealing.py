"""Sealed packets: vectors, forgeries, replays, epochs."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.crypto.rekey import (
    OLD_EPOCH_GRACE,
    REJECT_AFTER,
    REJECT_AFTER_PACKETS,
    REKEY_AFTER_INITIATOR,
    REKEY_AFTER_PACKETS,
    REKEY_AFTER_RESPONDER,
    EpochKeys,
    RekeyExchange,
)
from p2p_remote.crypto.sealing import Sealing
from p2p_remote.errors import (
    AuthenticationFailedError,
    MalformedMessageError,
    ProtocolError,
)
from p2p_remote.wire.packet import OVERHEAD
from tests.crypto.make_vectors import VECTORS
from tests.support.handshakes import seeded

CHAIN = bytes(range(32))
RANDOM_I, RANDOM_R = seeded("i"), seeded("r")
LOW_ORDER = bytes(32)


def make_sealings(chain: bytes = CHAIN) -> tuple[Sealing, Sealing]:
    """Initiator's and responder's end at time 0."""
    left = Sealing(chain, initiator=True, local_index=1, remote_index=2, now=0.0)
    right = Sealing(chain, initiator=False, local_index=2, remote_index=1, now=0.0)
    return left, right


def passes(sender: Sealing, receiver: Sealing, now: float) -> bool:
    """Whether a fresh packet arrives."""
    number, datagram = sender.seal(b"text", now)
    return receiver.open(datagram, now) == (number, b"text")


def rekey(offerer: Sealing, answerer: Sealing, now: float) -> None:
    """Run one exchange without packets in between."""
    offer = offerer.offer(seeded(f"offer {now}"), now)
    answer = answerer.answer(offer, seeded(f"answer {now}"), now)
    offerer.finish(answer, now)


def test_the_published_packets():
    """Packets of both directions and of two epochs are the vectors', byte for byte."""
    vectors = json.loads((VECTORS / "packets.json").read_text("utf-8"))
    chain = bytes.fromhex(vectors["chain_key"])
    index_i, index_r = vectors["index_i"], vectors["index_r"]
    ends = [
        Sealing(
            chain, initiator=True, local_index=index_i, remote_index=index_r, now=0.0
        ),
        Sealing(
            chain, initiator=False, local_index=index_r, remote_index=index_i, now=0.0
        ),
    ]
    for packet in vectors["packets"]:
        if packet["epoch"] == 1 and ends[0].epoch == 0:
            offer = ends[0].offer(lambda _: bytes.fromhex(vectors["secret_i"]), 1.0)
            assert offer.hex() == vectors["offer"]
            answer = ends[1].answer(
                offer, lambda _: bytes.fromhex(vectors["secret_r"]), 1.0
            )
            assert answer.hex() == vectors["answer"]
            ends[0].finish(answer, 1.0)
        sender, receiver = ends[packet["direction"]], ends[1 - packet["direction"]]
        plaintext = bytes.fromhex(packet["plaintext"])
        number, datagram = sender.seal(plaintext, 1.0)
        assert number == packet["number"]
        assert datagram.hex() == packet["datagram"]
        assert receiver.open(datagram, 1.0) == (number, plaintext)
    assert [end.epoch for end in ends] == [1, 1]


@settings(max_examples=50, derandomize=True)
@given(st.binary(max_size=1445))
def test_round_trip(plaintext):
    """Any plaintext arrives, 27 bytes longer on the way."""
    left, right = make_sealings()
    number, datagram = left.seal(plaintext, 0.0)
    assert len(datagram) == len(plaintext) + OVERHEAD
    assert right.open(datagram, 0.0) == (number, plaintext)


def test_flipped_bits_and_truncations_are_refused():
    """All flips and truncations of 20 packets; afterwards the true ones arrive."""
    left, right = make_sealings()
    for size in range(20):
        number, datagram = left.seal(bytes(size), 0.0)
        for bit in range(8 * len(datagram)):
            changed = bytearray(datagram)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(AuthenticationFailedError):
                right.open(bytes(changed), 0.0)
        for length in range(len(datagram)):
            with pytest.raises(AuthenticationFailedError):
                right.open(datagram[:length], 0.0)
        with pytest.raises(AuthenticationFailedError):
            right.open(datagram + b"\0", 0.0)
        assert right.open(datagram, 0.0) == (number, bytes(size))


def test_replayed_and_reflected_packets_are_refused():
    """A packet arrives once, and never at its sender."""
    left, right = make_sealings()
    same_index = Sealing(CHAIN, initiator=True, local_index=2, remote_index=2, now=0.0)
    _, datagram = left.seal(b"x", 0.0)
    right.open(datagram, 0.0)
    for end in (left, right, same_index):
        with pytest.raises(AuthenticationFailedError):
            end.open(datagram, 0.0)


def test_a_forged_packet_does_not_move_the_window():
    """A high forged number does not make true ones look old."""
    left, right = make_sealings()
    _, datagram = left.seal(b"x", 0.0)
    forged = datagram[:5] + b"\xff" * 6 + datagram[11:]
    with pytest.raises(AuthenticationFailedError):
        right.open(forged, 0.0)
    assert right.open(datagram, 0.0) == (0, b"x")


def test_packets_out_of_order_arrive_and_old_ones_do_not():
    """Within 8192 numbers any order is good."""
    left, right = make_sealings()
    datagrams = [left.seal(b"", 0.0)[1] for _ in range(8193)]
    right.open(datagrams[8192], 0.0)
    for number in (1, 8191, 4000):
        assert right.open(datagrams[number], 0.0)[0] == number
    with pytest.raises(AuthenticationFailedError):
        right.open(datagrams[0], 0.0)


def test_packets_of_another_session_are_refused():
    """Other keys or another index: not ours."""
    left, _ = make_sealings()
    _, other = make_sealings(bytes(32))
    elsewhere = Sealing(CHAIN, initiator=False, local_index=3, remote_index=1, now=0.0)
    _, datagram = left.seal(b"x", 0.0)
    for end in (other, elsewhere):
        with pytest.raises(AuthenticationFailedError):
            end.open(datagram, 0.0)


@pytest.mark.parametrize("offers", ["initiator", "responder"])
def test_a_rekey_loses_no_packet_whatever_the_order(offers):
    """Packets sent at every step of an exchange arrive, late ones of epoch 0 too."""
    left, right = make_sealings()
    a, b = (left, right) if offers == "initiator" else (right, left)
    late = [end.seal(b"late", 0.0)[1] for end in (a, b)]
    offer = a.offer(RANDOM_I, 0.0)
    assert passes(a, b, 0.0)
    answer = b.answer(offer, RANDOM_R, 0.1)
    assert passes(b, a, 0.1)
    assert passes(a, b, 0.1)
    assert (a.epoch, b.epoch) == (0, 0)
    a.finish(answer, 0.2)
    assert (a.epoch, b.epoch) == (1, 0)
    assert passes(b, a, 0.2)
    assert passes(a, b, 0.3)
    assert (a.epoch, b.epoch) == (1, 1)
    assert passes(b, a, 0.4)
    assert b.open(late[0], 1.0)[1] == b"late"
    assert a.open(late[1], 1.0)[1] == b"late"


def test_the_old_epoch_ends_five_seconds_after_the_first_packet_of_the_new():
    """Then its late packets are refused, at both ends."""
    left, right = make_sealings()
    early = [left.seal(b"", 0.0)[1] for _ in range(2)]
    back = [right.seal(b"", 0.0)[1] for _ in range(2)]
    rekey(left, right, 10.0)
    assert left.open(back[0], 60.0)
    assert passes(left, right, 60.0)
    assert right.open(early[0], 60.0 + OLD_EPOCH_GRACE - 0.01)
    assert passes(right, left, 60.0)
    with pytest.raises(AuthenticationFailedError):
        right.open(early[1], 60.0 + OLD_EPOCH_GRACE)
    with pytest.raises(AuthenticationFailedError):
        left.open(back[1], 60.0 + OLD_EPOCH_GRACE)
    assert right._previous is left._previous is None


def test_both_offering_at_once_end_in_one_epoch():
    """The initiator's offer counts: one exchange, no packet lost."""
    left, right = make_sealings()
    offer_l, offer_r = left.offer(RANDOM_I, 0.0), right.offer(RANDOM_R, 0.0)
    assert left.answer(offer_r, RANDOM_I, 0.1) is None
    answer = right.answer(offer_l, RANDOM_R, 0.1)
    assert passes(right, left, 0.1)
    left.finish(answer, 0.2)
    assert passes(left, right, 0.2)
    assert passes(right, left, 0.2)
    assert (left.epoch, right.epoch) == (1, 1)
    assert not left.needs_rekey(1.0)
    assert not right.needs_rekey(1.0)
    rekey(right, left, 2.0)
    assert passes(right, left, 2.0)
    assert passes(left, right, 2.0)
    assert (left.epoch, right.epoch) == (2, 2)


def test_forty_epochs_in_a_row():
    """The phase goes round twice; numbers run on and all packets arrive."""
    left, right = make_sealings()
    numbers = []
    for turn in range(40):
        rekey(*((left, right) if turn % 3 else (right, left)), float(turn))
        for end, other in ((left, right), (right, left)) * 2:
            if end.epoch == turn + 1:
                number, datagram = end.seal(b"", float(turn))
                assert datagram[0] == 0xC0 | (turn + 1) % 16
                assert other.open(datagram, float(turn))[0] == number
                numbers.append((end is left, number))
        assert left.epoch == right.epoch == turn + 1
    assert len(set(numbers)) == len(numbers)


def test_offers_and_answers_that_come_twice_change_nothing():
    """The same offer gets the same answer; an answer after the fact is ignored."""
    left, right = make_sealings()
    offer = left.offer(RANDOM_I, 0.0)
    assert left.offer(RANDOM_I, 0.0) == offer
    answer = right.answer(offer, RANDOM_R, 0.0)
    assert right.answer(offer, RANDOM_R, 0.0) == answer
    assert right.offer(RANDOM_R, 0.0) is None
    left.finish(answer, 0.0)
    left.finish(answer, 0.0)
    assert passes(left, right, 0.0)
    assert right.answer(offer, RANDOM_R, 0.0) == answer
    stale = right.offer(RANDOM_R, 0.0)
    assert left.answer(offer, RANDOM_I, 0.0) is None
    assert int.from_bytes(stale[:4], "little") == 2
    assert (left.epoch, right.epoch) == (1, 1)


def test_bad_offers_and_answers_are_the_peers_fault():
    """Wrong lengths, epochs and points: one of our errors, nothing changed."""
    left, right = make_sealings()
    offer = left.offer(RANDOM_I, 0.0)
    answer = right.answer(offer, RANDOM_R, 0.0)
    fresh = make_sealings()[1]
    bad_offers = (
        (fresh, b"short", MalformedMessageError),
        (fresh, b"\2\0\0\0" + offer[4:], ProtocolError),
        (fresh, b"\1\0\0\0" + LOW_ORDER, AuthenticationFailedError),
        (right, b"\1\0\0\0" + b"\x09" + bytes(31), ProtocolError),
    )
    for end, data, error in bad_offers:
        with pytest.raises(error):
            end.answer(data, RANDOM_R, 0.0)
    bad_answers = (
        (left, b"short", MalformedMessageError),
        (left, b"\2\0\0\0" + answer[4:], ProtocolError),
        (left, b"\1\0\0\0" + LOW_ORDER, AuthenticationFailedError),
        (fresh, answer, ProtocolError),
    )
    for end, data, error in bad_answers:
        with pytest.raises(error):
            end.finish(data, 0.0)
    left.finish(answer, 0.0)
    assert passes(left, right, 0.0)


def test_an_eavesdropper_with_the_old_chain_key_is_locked_out():
    """The fresh X25519 secret heals a leaked key."""
    left, right = make_sealings()
    spy = Sealing(CHAIN, initiator=False, local_index=2, remote_index=1, now=0.0)
    _, before = left.seal(b"x", 0.0)
    assert spy.open(before, 0.0)
    offer = left.offer(RANDOM_I, 0.0)
    spy.answer(offer, seeded("spy"), 0.0)
    left.finish(right.answer(offer, RANDOM_R, 0.0), 0.0)
    _, after = left.seal(b"x", 0.0)
    with pytest.raises(AuthenticationFailedError):
        spy.open(after, 0.0)


def test_when_a_rekey_is_due():
    """After 120 s at the initiator, 130 s at the responder; not while one runs."""
    left, right = make_sealings()
    assert not left.needs_rekey(REKEY_AFTER_INITIATOR - 0.1)
    assert left.needs_rekey(REKEY_AFTER_INITIATOR)
    assert not right.needs_rekey(REKEY_AFTER_INITIATOR)
    assert right.needs_rekey(REKEY_AFTER_RESPONDER)
    offer = left.offer(RANDOM_I, 120.0)
    assert not left.needs_rekey(150.0)
    answer = right.answer(offer, RANDOM_R, 150.0)
    assert not right.needs_rekey(150.0)
    left.finish(answer, 150.0)
    assert not left.needs_rekey(150.0 + REKEY_AFTER_INITIATOR - 0.1)


def test_a_rekey_is_due_after_a_million_packets_and_forced_after_sixteen():
    """The packet limits bind too, counted from the beginning of the epoch."""
    left, right = make_sealings()
    left._next_number = REKEY_AFTER_PACKETS - 1
    assert not left.needs_rekey(0.0)
    left.seal(b"", 0.0)
    assert left.needs_rekey(0.0)
    rekey(left, right, 0.0)
    assert not left.needs_rekey(0.0)
    left._next_number += REJECT_AFTER_PACKETS
    assert left.expired(0.0)
    with pytest.raises(ProtocolError):
        left.seal(b"", 0.0)


def test_without_a_rekey_everything_ends_after_180_s():
    """Neither sealing nor opening nor rekeying goes on."""
    left, right = make_sealings()
    _, datagram = left.seal(b"x", REJECT_AFTER - 0.1)
    assert not right.expired(REJECT_AFTER - 0.1)
    assert left.expired(REJECT_AFTER)
    assert left.expires_at() == REJECT_AFTER
    with pytest.raises(ProtocolError):
        left.seal(b"", REJECT_AFTER)
    with pytest.raises(AuthenticationFailedError):
        right.open(datagram, REJECT_AFTER)
    assert left.offer(RANDOM_I, REJECT_AFTER) is None
    offer = left.offer(RANDOM_I, 0.0)
    assert right.answer(offer, RANDOM_R, REJECT_AFTER) is None


def test_keys_do_not_stand_in_reprs():
    """A traceback with an epoch in it tells no key."""
    left, _ = make_sealings()
    shown = repr(left._current)
    assert "chain" not in shown
    assert "send_key" not in shown


def test_epochs_end_where_their_number_does():
    """After 2^32 - 1 epochs no offer is made."""
    last = EpochKeys.derive(CHAIN, 2**32 - 1, initiator=True)
    with pytest.raises(ProtocolError):
        RekeyExchange(initiator=True).offer(last, RANDOM_I)
