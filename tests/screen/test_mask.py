"""The change mask and its bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.mask import mask_bytes, pack_mask, unpack_mask

RECTANGLES = st.tuples(
    st.integers(1, 40), st.integers(1, 90), st.integers(1, 50), st.integers(0, 49)
).map(lambda row: (0, 0, row[0], row[1], row[2], row[3] % row[2]))


def table(rows):
    return np.array(rows, np.int64).reshape(-1, 6)


def bit_by_bit(changes, rectangles):
    """The mask as the document says it, one bit after the other."""
    bits = []
    rest = list(changes)
    for _, _, width, height, pitch, phase in rectangles:
        head = min(phase, height)
        whole = (height - head) // pitch
        for rows, strips in (
            (head, 1),
            (pitch, whole),
            (height - head - whole * pitch, 1),
        ):
            for _ in range(strips):
                for _ in range(width):
                    bits += [rest.pop(0) for _ in range(rows)]
                    if rows >= 8:
                        bits += [False] * (-len(bits) % 8)
            bits += [False] * (-len(bits) % 8)
    assert not rest
    return np.packbits(np.array(bits, np.bool_)).tobytes()


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.lists(RECTANGLES, max_size=4), st.integers(0, 1 << 32))
def test_columns_of_strips_begin_with_a_byte(rows, seed):
    """Every bit is where the document says, and comes back."""
    pixels = sum(row[2] * row[3] for row in rows)
    changes = np.random.default_rng(seed).random(pixels) < 0.4
    packed = pack_mask(changes, table(rows))
    assert packed == bit_by_bit(changes, rows)
    assert len(packed) == mask_bytes(table(rows))
    assert np.array_equal(unpack_mask(packed, table(rows)), changes)


def test_a_letter_has_the_same_bytes_everywhere_in_a_line():
    """Nine columns of eleven rows, drawn twice at any distance."""
    letter = np.random.default_rng(1).random(9 * 11) < 0.5
    for gap in range(5):
        changes = np.concatenate((letter, np.zeros(11 * gap, np.bool_), letter))
        packed = pack_mask(changes, table([(0, 0, 18 + gap, 11, 11, 0)]))
        assert packed.startswith(packed[-2 * 9 :])


@pytest.mark.parametrize(
    ("row", "bit"), [((0, 0, 3, 9, 9, 0), 9), ((0, 0, 3, 5, 1, 0), 15)]
)
def test_bits_that_fill_bytes_are_zero(row, bit):
    """There is one mask for each picture."""
    packed = bytearray(pack_mask(np.ones(row[2] * row[3], np.bool_), table([row])))
    packed[bit // 8] |= 128 >> bit % 8
    with pytest.raises(MalformedMessageError):
        unpack_mask(bytes(packed), table([row]))
