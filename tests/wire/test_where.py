"""WHERE and HERE."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.first_byte import Kind, kind_of
from p2p_remote.wire.where import Here, Where, decode_here, transaction_of

TRANSACTION = bytes(range(8))
SEEN = Endpoint("192.0.2.33", 40_000)


@pytest.mark.parametrize("other", [None, Endpoint("2001:db8::1", 7)])
def test_round_trip(other):
    """What was written is read."""
    here = Here(TRANSACTION, SEEN, 3480, other)
    assert decode_here(here.encode()) == here
    assert transaction_of(Where(TRANSACTION).encode()) == TRANSACTION


def test_the_answer_is_smaller_than_the_question():
    """Nobody can use the server to send more than they spend."""
    assert len(Here(TRANSACTION, SEEN).encode()) < len(Where(TRANSACTION).encode())


def test_addresses_are_masked():
    """No router finds its own address in an answer to rewrite it."""
    assert bytes((192, 0, 2, 33)) not in Here(b"8 bytes!", SEEN).encode()


def test_kind():
    """Both are rendezvous messages by their first byte."""
    assert kind_of(Where(TRANSACTION).encode()) is Kind.RENDEZVOUS
    assert kind_of(Here(TRANSACTION, SEEN).encode()) is Kind.RENDEZVOUS


@given(
    st.binary(max_size=80)
    | st.binary(min_size=46, max_size=46).map(lambda tail: b"\x25\x01" + tail)
)
def test_anything_is_read_or_refused(data):
    """Bytes from anywhere give a HERE or a MalformedMessageError, nothing else."""
    for read in (decode_here, transaction_of):
        try:
            read(data)
        except MalformedMessageError:
            continue
