"""Datagrams in a TCP stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.framing import (
    MAX_FRAMED,
    TLS_HEAD,
    Deframer,
    begins_tls,
    framed,
)

datagrams = st.lists(st.binary(min_size=1, max_size=200), max_size=8)


@given(datagrams, st.integers(1, 64))
def test_whatever_the_pieces_the_datagrams_come_out_whole(sent, piece):
    """A stream keeps no borders; the lengths do."""
    stream = b"".join(framed(each) for each in sent)
    deframer = Deframer()
    got = []
    for at in range(0, len(stream), piece):
        got += deframer.feed(stream[at : at + piece])
    assert got == sent


@pytest.mark.parametrize("length", [0, MAX_FRAMED + 1, 0xFFFF])
def test_impossible_lengths_end_the_stream(length):
    """Nothing waits for 64 KB that somebody else's protocol seems to announce."""
    with pytest.raises(MalformedMessageError):
        Deframer().feed(length.to_bytes(2, "little"))


def test_the_longest_datagram_fits():
    """A relayed datagram of full size is taken."""
    longest = bytes(MAX_FRAMED)
    assert Deframer().feed(framed(longest)) == [longest]


@given(st.lists(st.binary(max_size=3000), max_size=5))
def test_any_bytes_give_datagrams_or_the_one_error(pieces):
    """Parsers raise only MalformedMessageError."""
    deframer = Deframer()
    try:
        for each in pieces:
            assert all(0 < len(d) <= MAX_FRAMED for d in deframer.feed(each))
    except MalformedMessageError:
        pass


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x16\x03\x01", True),
        (b"\x16\x03\x03", True),
        (b"\x16\x03", True),
        (b"\x16", True),
        (b"\x16\x03\x10", False),
        (b"\x16\x04\x01", False),
        (b"\x40\x00\x10", False),
        (b"GET", False),
    ],
)
def test_tls_is_told_from_frames(head, expected):
    """By the three bytes that a record begins with, or as many as there are."""
    assert begins_tls(head) is expected


@given(st.integers(1, MAX_FRAMED), st.integers(0x10, 0xFF))
def test_no_datagram_of_ours_looks_like_tls(length, first):
    """Whatever its length, because none begins with less than 0x10."""
    assert not begins_tls(framed(bytes((first,)) + bytes(length - 1))[:TLS_HEAD])
