"""The lane's proof and records: nothing changed, cut, repeated or reordered passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import (
    AuthenticationFailedError,
    MalformedMessageError,
    RemoteSupportError,
)
from p2p_remote.session.lane import (
    HELLO_BYTES,
    LENGTH_BYTES,
    LaneChunk,
    LaneConfirmed,
    LaneEnd,
    LaneKeys,
    LaneOpener,
    LaneProof,
    LaneSealer,
)
from p2p_remote.wire.files import CHUNK_BYTES

SESSION, SECRET = bytes(32), bytes(range(32))
N1, N2 = b"1" * 32, b"2" * 32


def meet() -> tuple[LaneKeys, LaneKeys]:
    """Keys of the dialer and of the listener of one connection."""
    proof = LaneProof(SESSION, SECRET)
    hello = proof.hello(N1)
    answer = proof.answer(hello, N2)
    proof.check_answer(hello, answer)
    return (
        proof.keys(hello, answer, dialer=True),
        proof.keys(hello, answer, dialer=False),
    )


def open_record(opener: LaneOpener, record: bytes) -> object:
    """Content of a whole record."""
    length = opener.box_length(record[:LENGTH_BYTES])
    assert length == len(record) - LENGTH_BYTES
    return opener.open(record[LENGTH_BYTES:])


def test_both_ends_get_the_same_keys_and_each_direction_its_own() -> None:
    dialer, listener = meet()
    assert dialer.send == listener.receive
    assert dialer.receive == listener.send
    assert dialer.send != dialer.receive


def test_keys_are_of_one_connection() -> None:
    """Somebody who repeats a hello gets an answer, but no keys that were used."""
    proof = LaneProof(SESSION, SECRET)
    hello = proof.hello(N1)
    first = proof.keys(hello, proof.answer(hello, N2), dialer=False)
    again = proof.keys(hello, proof.answer(hello, N1), dialer=False)
    assert first.receive != again.receive


@pytest.mark.parametrize("at", [0, 31, 32, HELLO_BYTES - 1])
def test_first_bytes_prove_secret_and_session(at: int) -> None:
    proof = LaneProof(SESSION, SECRET)
    hello = bytearray(proof.hello(N1))
    hello[at] ^= 1
    with pytest.raises(AuthenticationFailedError):
        proof.answer(bytes(hello), N2)
    good = proof.hello(N1)
    for other in (LaneProof(b"x" * 32, SECRET), LaneProof(SESSION, b"x" * 32)):
        with pytest.raises(AuthenticationFailedError):
            other.answer(good, N2)
        with pytest.raises(AuthenticationFailedError):
            proof.check_answer(good, other.answer(other.hello(N1), N2))


def test_a_hello_is_no_answer() -> None:
    """What one end says cannot be reflected to it."""
    proof = LaneProof(SESSION, SECRET)
    hello = proof.hello(N1)
    with pytest.raises(AuthenticationFailedError):
        proof.check_answer(hello, hello)


def test_records_open_in_order() -> None:
    dialer, listener = meet()
    sealer, opener = LaneSealer(dialer.send), LaneOpener(listener.receive)
    data = bytes(CHUNK_BYTES)
    assert open_record(opener, sealer.confirm()) == LaneConfirmed()
    assert open_record(opener, sealer.chunk(7, 1 << 35, data)) == LaneChunk(
        7, 1 << 35, data
    )
    assert open_record(opener, sealer.chunk(7, 0, b"x")) == LaneChunk(7, 0, b"x")
    assert open_record(opener, sealer.end()) == LaneEnd()


@pytest.mark.parametrize("fault", ["repeated", "left out", "changed", "cut", "back"])
def test_a_stream_that_was_touched_does_not_open(fault: str) -> None:
    dialer, listener = meet()
    sealer, opener = LaneSealer(dialer.send), LaneOpener(listener.receive)
    first, second = sealer.chunk(1, 0, b"a"), sealer.chunk(1, 1, b"b")
    if fault == "left out":
        bad = second
    elif fault == "changed":
        bad = first[:-1] + bytes((first[-1] ^ 1,))
    elif fault == "cut":
        bad = first[:-1]
    elif fault == "back":
        bad = LaneSealer(dialer.receive).chunk(1, 0, b"a")
    else:
        open_record(opener, first)
        bad = first
    with pytest.raises(AuthenticationFailedError):
        opener.open(bad[LENGTH_BYTES:])


@given(st.binary(min_size=4, max_size=4))
def test_no_length_leads_beyond_a_record(head: bytes) -> None:
    try:
        length = LaneOpener.box_length(head)
    except MalformedMessageError:
        return
    assert 16 < length <= 16 + 13 + CHUNK_BYTES


@given(st.binary(max_size=40))
def test_any_content_is_a_record_or_refused(plaintext: bytes) -> None:
    dialer, listener = meet()
    sealer, opener = LaneSealer(dialer.send), LaneOpener(listener.receive)
    try:
        open_record(opener, sealer._seal(plaintext))
    except RemoteSupportError:
        return
    assert plaintext[0] in {0, 1, 2}


def test_no_chunk_lies_behind_the_largest_file() -> None:
    dialer, listener = meet()
    sealer, opener = LaneSealer(dialer.send), LaneOpener(listener.receive)
    with pytest.raises(MalformedMessageError):
        open_record(opener, sealer.chunk(1, 1 << 41, b"x"))
