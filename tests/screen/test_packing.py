"""Packers and the history."""

import lz4.block
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.packing import (
    HISTORY,
    History,
    deflate_huffman,
    pack_fast,
    pack_small,
    unpack,
)
from p2p_remote.wire.screen import (
    PACKER_HUFFMAN,
    PACKER_LZ4,
    PACKER_LZ4_HISTORY,
    PACKER_RAW,
)

TEXT = b"the quick brown fox jumps over the lazy dog " * 40


def history_of(*bodies):
    history = History()
    for body in bodies:
        history.remember(body)
    return history


def test_history_keeps_the_last_64_kib():
    """What is older is forgotten; a key frame forgets all."""
    history = history_of(b"a" * 60_000, b"b" * 10_000)
    assert len(history.data) == HISTORY
    assert history.data.startswith(b"a" * (HISTORY - 10_000) + b"b")
    history.clear()
    assert history.data == b""


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.binary(min_size=1, max_size=3000) | st.just(TEXT),
    st.sampled_from([b"", TEXT[:100], bytes(70_000)]),
    st.sampled_from([None, 4, 9]),
)
def test_round_trip(raw, past, level):
    """Every packer's choice comes back exactly, and never grows."""
    history = history_of(past)
    if level is None:
        packer, body = pack_fast(raw, history)
    else:
        packer, body = pack_small(raw, history, level)
    assert len(body) <= len(raw)
    assert unpack(packer, body, len(raw), history) == raw


def test_each_packer_is_chosen_where_it_gains():
    """Noise stays raw, repetition uses the history, text gains from Huffman codes."""
    noise = bytes(range(256))
    assert pack_fast(noise, History()) == (PACKER_RAW, noise)
    assert pack_small(noise, History(), 9) == (PACKER_RAW, noise)
    assert pack_fast(TEXT, History())[0] == PACKER_LZ4
    assert pack_fast(TEXT, history_of(TEXT))[0] == PACKER_LZ4_HISTORY
    assert pack_small(TEXT, history_of(TEXT), 9)[0] == PACKER_LZ4_HISTORY
    letters = bytes(i * i % 251 % 16 for i in range(4000))
    assert pack_small(letters, History(), 4)[0] == PACKER_HUFFMAN


def lz4_block(raw):
    return lz4.block.compress(raw, store_size=False)


@pytest.mark.parametrize(
    ("packer", "body", "length"),
    [
        (PACKER_RAW, b"abc", 2),
        (PACKER_RAW, b"abc", 4),
        (PACKER_LZ4, lz4_block(TEXT), len(TEXT) - 1),
        (PACKER_LZ4, lz4_block(TEXT), len(TEXT) + 1),
        (PACKER_LZ4, lz4_block(TEXT)[:-1], len(TEXT)),
        (PACKER_LZ4, b"", 5),
        (PACKER_LZ4, lz4.block.compress(TEXT), len(TEXT)),
        (PACKER_LZ4_HISTORY, b"\xff" * 50, 100),
        (PACKER_HUFFMAN, lz4_block(TEXT), len(TEXT)),
        (PACKER_HUFFMAN, deflate_huffman(lz4_block(TEXT))[:-1], len(TEXT)),
        (PACKER_HUFFMAN, deflate_huffman(lz4_block(TEXT)) + b"x", len(TEXT)),
        (PACKER_HUFFMAN, deflate_huffman(bytes(1 << 22)), 100),
        (PACKER_HUFFMAN, b"", 5),
        (4, b"abc", 3),
        (15, b"abc", 3),
    ],
)
def test_wrong_lengths_and_damage_are_refused(packer, body, length):
    """The unpacked length is exact, and nothing is unpacked beyond it."""
    with pytest.raises(MalformedMessageError):
        unpack(packer, body, length, History())


def test_a_bomb_stops_at_the_announced_length():
    """A block that unpacks to 16 MiB is refused without unpacking it."""
    bomb = lz4_block(bytes(1 << 24))
    assert len(bomb) < 70_000
    with pytest.raises(MalformedMessageError):
        unpack(PACKER_LZ4, bomb, 1000, History())
