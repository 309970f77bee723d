"""Decoder: order of effect, and every bound on what a peer may send."""

import resource
from dataclasses import replace

import lz4.block
import numpy as np
import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import layout
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.layout import Body
from p2p_remote.screen.scan import changes_of
from p2p_remote.screen.tile_cache import SLOTS
from p2p_remote.wire.screen import (
    PACKER_HUFFMAN,
    PACKER_LZ4,
    PACKER_LZ4_HISTORY,
    PACKER_RAW,
    ScreenUpdate,
)
from tests.support.screen_updates import fuzz


def table(rows, width):
    return np.array(rows, np.int64).reshape(-1, width)


def update(sequence, body, side=b"", packer=PACKER_RAW):
    raw = layout.build(body)
    packed = raw
    if packer != PACKER_RAW:
        packed = lz4.block.compress(raw, store_size=False)
    return ScreenUpdate(sequence, len(raw), packed, packer, side)


def filled(rows, colours):
    """Body with rectangles of one colour each."""
    scanned = np.concatenate(
        [
            np.full(row[2] * row[3], c, np.uint32)
            for row, c in zip(rows, colours, strict=True)
        ]
    )
    changes = changes_of(scanned)
    return Body(rectangles=table(rows, 6), changes=changes, values=scanned[changes])


def shown(decoder):
    return decoder.framebuffer.view("<u4")[:, :, 0] & 0xFFFFFF


@pytest.fixture
def decoder():
    """200x150, black except for a red and a green rectangle."""
    decoder = Decoder()
    decoder.apply(update(0, Body(size=(200, 150))))
    decoder.apply(
        update(
            1,
            filled([(0, 0, 64, 64, 1, 0), (64, 0, 64, 64, 5, 2)], [0xFF0000, 0x00FF00]),
        )
    )
    return decoder


def test_a_key_frame_begins_with_black():
    """It carries the size and forgets what was there."""
    decoder = Decoder()
    assert decoder.framebuffer.shape == (0, 0, 4)
    changed = decoder.apply(update(77, Body(size=(30, 20))))
    assert changed == [Rect(0, 0, 30, 20)]
    assert decoder.framebuffer.shape == (20, 30, 4)
    assert not shown(decoder).any()
    decoder.apply(update(78, filled([(0, 0, 30, 20, 1, 0)], [0x123456])))
    decoder.apply(update(500, Body(size=(31, 20))))
    assert (decoder.width, decoder.height) == (31, 20)
    assert not shown(decoder).any()


def test_order_of_effect(decoder):
    """Stores and copy sources read the old picture; then copies, hits, rectangles."""
    body = replace(
        filled([(10, 10, 4, 4, 1, 0)], [0x0000FF]),
        # Two copies that swap red and green: both read what was there before.
        copies=table([(64, 0, 128, 64, -64, 0), (0, 0, 64, 64, 64, 0)], 6),
        # Red is kept although a copy overwrites it, and shown on tile 4.
        stores=table([(0, 9)], 2),
        hits=table([(4, 9)], 2),
    )
    changed = decoder.apply(update(2, body))
    pixels = shown(decoder)
    assert (pixels[:64, 64:128] == 0xFF0000).all()
    assert pixels[0, 0] == 0x00FF00
    assert (pixels[64:128, :64] == 0xFF0000).all()
    assert (pixels[10:14, 10:14] == 0x0000FF).all()
    for rect in (Rect(0, 0, 128, 64), Rect(0, 64, 64, 64)):
        area = sum(one.intersection(rect).area for one in changed)
        assert area >= rect.area


def test_an_overlapping_copy_reads_the_old_picture(decoder):
    """A scroll by less than its height does not smear."""
    lines = [(0, y, 200, 1, 1, 0) for y in range(150)]
    decoder.apply(update(2, filled(lines, [y + 1 for y in range(150)])))
    decoder.apply(update(3, Body(copies=table([(0, 0, 200, 140, 0, 10)], 6))))
    assert shown(decoder)[:, 7].tolist() == [
        *range(11, 151),
        *range(141, 151),
    ]


def test_history_is_used_by_later_bodies(decoder):
    """A remembered body is the dictionary of the next one."""
    body = replace(filled([(3, 3, 50, 1, 1, 0)], [0x777777]), remember=True)
    decoder.apply(update(2, body))
    raw = layout.build(body)
    packed = lz4.block.compress(raw, store_size=False, dict=raw)
    assert len(packed) < len(lz4.block.compress(raw, store_size=False))
    decoder.apply(ScreenUpdate(3, len(raw), packed, PACKER_LZ4_HISTORY))


def test_many_changed_rectangles_are_reported_as_few(decoder):
    """A caller never gets thousands of rectangles to redraw."""
    rows = [(x % 200, x // 200, 1, 1, 1, 0) for x in range(512)]
    changed = decoder.apply(update(2, filled(rows, [5] * 512)))
    assert len(changed) <= 64
    assert sum(rect.area for rect in changed) >= 512


def test_sequence_numbers_wrap():
    """After 2^32 - 1 comes 0, and nothing else."""
    decoder = Decoder()
    decoder.apply(update(2**32 - 1, Body(size=(9, 9))))
    with pytest.raises(MalformedMessageError, match="out of order"):
        decoder.apply(update(1, Body()))
    assert decoder.apply(update(0, Body())) == []


def test_memory_of_a_display_is_taken_in_steps():
    """A large display needs several, which change no pixel of what is painted."""
    decoder = Decoder()
    assert not decoder.prepare()
    decoder.apply(update(0, Body(size=(3000, 2000))))
    decoder.apply(update(1, filled([(2990, 1990, 10, 10, 1, 0)], [5])))
    painted = decoder.framebuffer.copy()
    steps = 1
    while decoder.prepare():
        steps += 1
    assert steps == 6
    assert not decoder.prepare()
    assert np.array_equal(decoder.framebuffer, painted)


def test_work_counts_what_is_done(decoder):
    """Callers bound effort per second by it; nothing that is done costs nothing."""

    def cost(body):
        before = decoder.work
        decoder.apply(update(decoder._next_sequence, body))
        return decoder.work - before

    nothing = cost(Body())
    assert nothing > 0
    assert cost(filled([(0, 0, 10, 10, 1, 0)], [5])) > nothing + 100
    assert cost(Body(copies=table([(0, 0, 160, 100, 0, 0)], 6))) > nothing + 1000
    assert cost(Body(stores=table([(0, 0)], 2), hits=table([(0, 0)], 2))) > 100
    assert cost(Body(size=(10, 10))) >= 100


ANY = ([(0, 0, 1, 1, 1, 0)], [1])


def copies(*rows):
    return Body(copies=table(rows, 6))


HOSTILE = {
    "key frame without width": update(9, Body(size=(0, 5))),
    "key frame without height": update(9, Body(size=(5, 0))),
    "key frame wider than 16384": update(9, Body(size=(16385, 1))),
    "key frame higher than 16384": update(9, Body(size=(1, 16385))),
    "key frame over 64 Mpx": update(9, Body(size=(16384, 4097))),
    "key frame by history": update(9, Body(size=(9, 9)), packer=PACKER_LZ4_HISTORY),
    "key frame with a copy": update(
        9, replace(copies((0, 0, 1, 1, 0, 0)), size=(9, 9))
    ),
    "key frame with a store": update(9, Body(size=(9, 9), stores=table([(0, 0)], 2))),
    "key frame with a rectangle outside": update(
        9, replace(filled([(0, 0, 10, 1, 1, 0)], [1]), size=(9, 9))
    ),
    "rectangle too wide": update(2, filled([(1, 0, 200, 1, 1, 0)], [1])),
    "rectangle too high": update(2, filled([(0, 1, 1, 150, 1, 0)], [1])),
    "rectangle far outside": update(2, filled([(65535, 65535, 1, 1, 1, 0)], [1])),
    "copy to the left": update(2, copies((-1, 0, 5, 5, 1, 0))),
    "copy above": update(2, copies((0, -1, 5, 5, 0, 1))),
    "copy to the right": update(2, copies((190, 0, 201, 5, -9, 0))),
    "copy below": update(2, copies((0, 140, 5, 151, 0, -9))),
    "copy from the left": update(2, copies((0, 0, 5, 5, -1, 0))),
    "copy from above": update(2, copies((0, 0, 5, 5, 0, -1))),
    "copy from the right": update(2, copies((190, 0, 200, 5, 1, 0))),
    "copy from below": update(2, copies((0, 140, 5, 150, 0, 1))),
    "copy of no width": update(2, copies((5, 0, 5, 5, 0, 0))),
    "copy turned over": update(2, copies((5, 5, 4, 4, 0, 0))),
    "copies of two screens": update(
        2, copies((0, 0, 200, 150, 0, 0), (0, 0, 200, 150, 0, 0))
    ),
    "store of no tile": update(2, Body(stores=table([(12, 0)], 2))),
    "store in no slot": update(2, Body(stores=table([(0, SLOTS)], 2))),
    "hit on no tile": update(
        2, Body(stores=table([(0, 0)], 2), hits=table([(12, 0)], 2))
    ),
    "hit of no slot": update(2, Body(hits=table([(0, SLOTS)], 2))),
    "hit of an empty slot": update(2, Body(hits=table([(0, 5)], 2))),
    "hit of a smaller tile": update(
        2, Body(stores=table([(3, 5)], 2), hits=table([(0, 5)], 2))
    ),
    "update left out": update(3, Body()),
    "update repeated": update(1, Body()),
    "body of one byte": ScreenUpdate(2, 1, b"\0", PACKER_RAW),
    "body over 256 KiB": ScreenUpdate(2, (1 << 18) + 1, b"x", PACKER_LZ4),
    "unknown packer": ScreenUpdate(2, 2, b"\4\0", 7),
    "bomb": ScreenUpdate(
        2, 200_000, lz4.block.compress(bytes(1 << 24), store_size=False), PACKER_LZ4
    ),
    "deflate damage": ScreenUpdate(2, 100, b"\xff" * 9, PACKER_HUFFMAN),
    "deflate damage in a tiny update": ScreenUpdate(2, 100, b"\xff" * 9),
    "side part too short": update(2, filled(*ANY), side=b"\1"),
    "side part outside": update(
        2, filled(*ANY), side=bytes([2, 0, 0, 7, 0, 0, 0, 1, 0, 1, 0, 128])
    ),
    "side part damaged": update(
        2, filled(*ANY), side=bytes([2, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 128, 9])
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_updates_are_refused_without_effect(decoder, name):
    """Each bound, just beyond it: refused, not for free, and the next one fits."""
    before, work = decoder.framebuffer.copy(), decoder.work
    with pytest.raises(MalformedMessageError):
        decoder.apply(HOSTILE[name])
    assert np.array_equal(decoder.framebuffer, before)
    assert decoder.work > work
    decoder.apply(update(2, Body()))


def test_nothing_comes_before_a_key_frame():
    """A decoder that knows no size takes nothing else."""
    with pytest.raises(MalformedMessageError):
        Decoder().apply(update(0, Body()))


def test_the_largest_display_is_the_callers_choice():
    """`max_pixels` binds before memory is taken."""
    with pytest.raises(MalformedMessageError):
        Decoder(max_pixels=100).apply(update(0, Body(size=(101, 1))))
    Decoder(max_pixels=100).apply(update(0, Body(size=(100, 1))))


def test_mutated_updates_raise_nothing_else_and_take_no_memory():
    """10,000 damaged updates: each is refused or shown; memory stays flat."""
    fuzz(count=2_000, seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    accepted, refused = fuzz(count=10_000, seed=2)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert accepted + refused == 10_000
    assert min(accepted, refused) > 500
    assert grown < 16 * 1024  # KiB
