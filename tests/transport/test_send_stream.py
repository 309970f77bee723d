"""The sending end of a channel."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.transport.channels import ChannelLimits
from p2p_remote.transport.receive_stream import ReceiveStream
from p2p_remote.transport.send_stream import SendStream
from p2p_remote.wire.frames import STREAM_OVERHEAD

LIMITS = ChannelLimits("test", message=3000, window=1 << 20, buffer=0)


@given(st.lists(st.binary(max_size=2500), max_size=8), st.integers(0, 2**32))
@settings(max_examples=100)
def test_lost_and_split_chunks_put_the_stream_together_again(messages, seed):
    """Whatever is lost and however small the space then, every byte arrives."""
    rng = random.Random(seed)
    out, back = SendStream(5, LIMITS.window), ReceiveStream(LIMITS)
    for message in messages:
        out.write(message)
    got = []
    while out.can_send():
        space = rng.randint(60, 1200)
        chunk = out.take(space)
        if chunk is None:
            continue
        assert len(chunk.data) + STREAM_OVERHEAD <= space
        if rng.random() < 0.3:
            out.on_lost(chunk)
        else:
            got += back.receive(chunk.offset, chunk.data)
    assert got == messages
    assert out.waiting == 0


def test_nothing_is_sent_past_the_credit():
    """New data stops at the limit; more credit lets it go on."""
    out = SendStream(6, 100)
    out.write(bytes(500))
    chunk = out.take(1000)
    assert chunk is not None
    assert len(chunk.data) == 100
    assert not out.can_send()
    assert out.take(1000) is None
    out.limit = 150
    chunk = out.take(1000)
    assert chunk is not None
    assert (chunk.offset, len(chunk.data)) == (100, 50)


def test_a_chunk_delivered_late_is_not_sent_again():
    """An acknowledgement that comes after all empties the queue of the lost."""
    out = SendStream(5, 1000)
    out.write(b"hello")
    chunk = out.take(100)
    assert chunk is not None
    out.on_lost(chunk)
    assert out.lost_bytes == 9
    chunk.delivered = True
    assert out.take(100) is None
    assert out.waiting == 0


def test_a_chunk_with_a_copy_under_way_is_not_lost():
    """Only the loss of the last copy calls for another one."""
    out = SendStream(0, 1000)
    out.write(b"hello")
    chunk = out.take(100)
    assert chunk is not None
    chunk.copies = 1
    out.on_lost(chunk)
    assert not out.can_send()
