"""Reassembly of a channel."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import ProtocolError
from p2p_remote.transport.channels import ChannelLimits
from p2p_remote.transport.receive_stream import ReceiveStream

LIMITS = ChannelLimits("test", message=300, window=4096, buffer=0)


def framed(messages: list[bytes]) -> bytes:
    return b"".join(len(m).to_bytes(4, "little") + m for m in messages)


@given(
    st.lists(st.binary(max_size=60), max_size=12),
    st.integers(0, 2**32),
    st.integers(1, 90),
)
@settings(max_examples=200)
def test_any_order_and_overlap_gives_the_messages_once_and_in_order(
    messages, seed, longest
):
    """Chunks cut anywhere, overlapping, repeated and shuffled come out the same."""
    data = framed(messages)
    rng = random.Random(seed)
    chunks = [
        (start, data[start : start + rng.randint(1, longest)])
        for start in (rng.randint(0, max(0, len(data) - 1)) for _ in range(30))
    ]
    chunks += [(start, data[start : start + 7]) for start in range(0, len(data), 7)]
    rng.shuffle(chunks)
    stream = ReceiveStream(LIMITS)
    got = []
    for offset, chunk in chunks:
        got += stream.receive(offset, chunk)
    assert got == messages
    assert stream.offset == len(data)
    assert not stream._fragments


def test_data_beyond_the_credit_is_refused():
    """A peer may not send past what it was given credit for."""
    stream = ReceiveStream(LIMITS)
    with pytest.raises(ProtocolError, match="credit"):
        stream.receive(0, bytes(4097))
    with pytest.raises(ProtocolError, match="credit"):
        stream.receive(4090, bytes(7))
    with pytest.raises(ProtocolError, match="credit"):
        stream.receive(2**50, b"x")


def test_a_message_above_the_limit_is_refused_at_its_length():
    """Four bytes are enough to refuse a message that is too large."""
    stream = ReceiveStream(LIMITS)
    with pytest.raises(ProtocolError, match="too large"):
        stream.receive(0, (301).to_bytes(4, "little"))


def test_the_number_of_fragments_is_bounded():
    """Single bytes with holes between them do not eat memory for ever."""
    stream = ReceiveStream(LIMITS)
    most = 64 + 4096 // 256
    for index in range(most):
        stream.receive(2 * index + 1, b"x")
    with pytest.raises(ProtocolError, match="fragments"):
        stream.receive(2 * most + 1, b"x")
    assert len(stream._fragments) == most


def test_credit_is_announced_at_half_of_the_window():
    """Credit moves on by what was delivered, not for every packet."""
    stream = ReceiveStream(LIMITS)
    stream.receive(0, framed([bytes(200)] * 11)[:2047])
    assert stream.new_limit() is None
    stream.receive(2047, framed([bytes(200)] * 11)[2047:2100])
    assert stream.new_limit() == 2100 + 4096
    assert stream.new_limit() is None


def test_old_data_is_ignored():
    """A chunk that was delivered already changes nothing."""
    stream = ReceiveStream(LIMITS)
    data = framed([b"one", b"two"])
    assert stream.receive(0, data) == [b"one", b"two"]
    assert stream.receive(0, data) == []
    assert stream.receive(3, data[3:] + framed([b"x"])) == [b"x"]
