"""Layouts of connectivity check and response."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import control
from p2p_remote.wire.connectivity import (
    CHECK_BYTES,
    MAC_BYTES,
    MAX_CANDIDATES,
    Check,
    CheckResponse,
    counter_of,
    parse,
    split,
    transaction,
)

TRANSACTION = bytes.fromhex("0700000001020304050607ff")
VECTORS = [
    (
        "check",
        Check(0x04030201, TRANSACTION, 0x0A0B0C0D),
        "50 01020304 0700000001020304050607ff 00 0d0c0b0a" + "00" * 13,
    ),
    (
        "nomination",
        Check(1, TRANSACTION, 0, nominate=True),
        "50 01000000 0700000001020304050607ff 01 00000000" + "00" * 13,
    ),
    (
        "restart",
        Check(1, TRANSACTION, 0, restart=True),
        "50 01000000 0700000001020304050607ff 02 00000000" + "00" * 13,
    ),
    (
        "response",
        CheckResponse(2, TRANSACTION, bytes(range(18))),
        "51 02000000 0700000001020304050607ff 000102030405060708090a0b0c0d0e0f1011",
    ),
]


@pytest.mark.parametrize(
    ("message", "octets"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS]
)
def test_layout(message, octets):
    """Messages have exactly these bytes and are read back from them."""
    body = bytes.fromhex(octets.replace(" ", ""))
    assert message.body() == body
    assert parse(body) == message


def test_a_response_is_no_larger_than_its_check():
    """Nobody gains bytes by making us answer."""
    for _, message, _ in VECTORS:
        assert len(message.body()) + MAC_BYTES == CHECK_BYTES


def test_unknown_flags_are_ignored():
    """A later version may set flags that this one does not know."""
    body = bytearray(Check(1, TRANSACTION, 5).body())
    body[17] |= 0xF0
    assert parse(bytes(body)) == Check(1, TRANSACTION, 5)


def test_counter_of_a_transaction():
    """The counter survives in the first four bytes."""
    assert counter_of(transaction(2**32 - 1, bytes(8))) == 2**32 - 1
    assert len(transaction(1, bytes(8))) == len(TRANSACTION)


@pytest.mark.parametrize(
    "datagram", [b"", b"\x50", b"\x50" * 50, b"\x50" * 52, b"\x52" * CHECK_BYTES]
)
def test_split_refuses_what_is_no_check(datagram):
    """Only the exact length and first byte pass."""
    with pytest.raises(MalformedMessageError):
        split(datagram)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(datagram):
    """Bytes of a peer give a message or MalformedMessageError."""
    try:
        body, mac = split(datagram)
    except MalformedMessageError:
        return
    assert parse(body).body()[0] == datagram[0]
    assert len(mac) == MAC_BYTES


def test_limit_of_candidates_is_that_of_the_message():
    """The agent and the control message allow the same number of candidates."""
    assert control.MAX_CANDIDATES == MAX_CANDIDATES
