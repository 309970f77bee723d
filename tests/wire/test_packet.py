"""Header of session packets and the rekey messages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.first_byte import Kind, kind_of, session_index
from p2p_remote.wire.packet import (
    MAX_NUMBER,
    OVERHEAD,
    PacketHeader,
    RekeyMessage,
    header_prefix,
)


@settings(max_examples=50, derandomize=True)
@given(st.integers(0, 15), st.integers(0, 2**32 - 1), st.integers(0, MAX_NUMBER))
def test_headers_round_trip(phase, index, number):
    """11 bytes; the first-byte table and the session index agree with them."""
    header = PacketHeader(phase, index, number)
    data = header.pack()
    assert len(data) == 11
    assert PacketHeader.unpack(data + bytes(16)) == header
    assert kind_of(data) is Kind.PACKET
    assert session_index(data) == index


def test_short_or_foreign_datagrams_are_malformed():
    """Fewer than 27 bytes, or another first byte."""
    good = PacketHeader(3, 1, 2).pack() + bytes(16)
    assert len(good) == OVERHEAD
    for data in (good[:-1], b"", b"\x44" + good[1:], b"\xd0" + good[1:]):
        with pytest.raises(MalformedMessageError):
            PacketHeader.unpack(data)


def test_a_phase_is_four_bits():
    """Sixteen is our mistake."""
    with pytest.raises(ValueError, match="phase"):
        header_prefix(16, 0)


def test_rekey_messages_round_trip():
    """36 bytes, no other length."""
    message = RekeyMessage(7, bytes(range(32)))
    assert RekeyMessage.unpack(message.pack()) == message
    for data in (b"", message.pack()[:-1], message.pack() + b"\0"):
        with pytest.raises(MalformedMessageError):
            RekeyMessage.unpack(data)
