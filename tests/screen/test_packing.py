"""Packers and the history."""

import zlib

import lz4.block
import numpy as np
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
    pack_smooth,
    pack_tiny,
    unpack,
)
from p2p_remote.wire.screen import (
    PACKER_DEFLATE,
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
    st.sampled_from(
        [
            pack_fast,
            lambda raw, history: pack_small(raw, history, 4),
            lambda raw, history: pack_small(raw, history, 9),
            pack_tiny,
            lambda raw, _: pack_smooth(raw, max(len(raw) // 4, 1)),
        ]
    ),
)
def test_round_trip(raw, past, pack):
    """Every packer's choice comes back exactly, and never grows."""
    history = history_of(past)
    packer, body = pack(raw, history)
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


def test_what_was_sent_before_costs_next_to_nothing():
    """A cursor that blinks sends the same bodies again and again."""
    shown, hidden = bytes(range(60)), bytes(range(60, 120))
    packer, body = pack_tiny(shown, history_of(bytes(40_000), shown, hidden))
    assert packer == PACKER_DEFLATE
    assert len(body) <= 6


def test_each_plane_of_a_photograph_has_its_own_code():
    """Planes of different noise are shorter with a code for each."""
    random = np.random.default_rng(1)
    planes = [random.geometric(share, 3000).astype(np.uint8) for share in (0.1, 0.8)]
    raw = b"head" + b"".join(plane.tobytes() for plane in planes)
    _, together = pack_smooth(raw, len(raw))
    packer, apart = pack_smooth(raw, 3000)
    assert packer == PACKER_DEFLATE
    assert len(apart) < 0.95 * len(together)
    assert unpack(packer, apart, len(raw), history_of(b"unused")) == raw


def deflate(raw):
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(raw) + deflater.flush()


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
        (PACKER_DEFLATE, deflate(TEXT), len(TEXT) - 1),
        (PACKER_DEFLATE, deflate(TEXT), len(TEXT) + 1),
        (PACKER_DEFLATE, deflate(TEXT)[:-1], len(TEXT)),
        (PACKER_DEFLATE, deflate(TEXT) + b"x", len(TEXT)),
        (PACKER_DEFLATE, deflate(bytes(1 << 22)), 100),
        (PACKER_DEFLATE, deflate(bytes(1 << 22)), 0),
        (PACKER_DEFLATE, b"", 5),
        (5, b"abc", 3),
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
