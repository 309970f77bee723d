"""Tile cache of both ends."""

import numpy as np
import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.damage import Comparer
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.tile_cache import (
    SLOTS,
    TileSlots,
    carry_out_copies,
    grid_size,
    tile_rect,
)
from p2p_remote.screen.tile_index import TileIndex

WIDTH, HEIGHT = 300, 200  # 5 x 4 tiles, the last ones 44 wide and 8 high


def noise(seed):
    random = np.random.default_rng(seed)
    return random.integers(0, 1 << 24, (HEIGHT, WIDTH), dtype=np.uint32)


def rows(*pairs):
    return np.array(pairs, np.int64).reshape(-1, 2)


ALL = np.arange(20)
NONE = rows()


def test_tiles_are_numbered_row_by_row():
    """Those at the right and lower edge are smaller."""
    assert grid_size(WIDTH, HEIGHT) == (5, 4)
    assert tile_rect(6, WIDTH, HEIGHT) == Rect(64, 64, 64, 64)
    assert tile_rect(19, WIDTH, HEIGHT) == Rect(256, 192, 44, 8)


@pytest.mark.parametrize("tile", [0, 7, 9, 17, 19])
def test_a_stored_tile_is_shown_again(tile):
    """Tiles of every size come back exactly, also at another place of that size."""
    slots = TileSlots(WIDTH, HEIGHT)
    first, second = noise(1), noise(2)
    slots.check(rows((tile, 3)), rows((tile, 3)))
    slots.store(tile, 3, first)
    slots.check(rows(), rows((tile, 3)))
    rect = slots.show(tile, 3, second)
    area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
    assert np.array_equal(second[area], first[area])
    assert np.count_nonzero(second != noise(2)) <= rect.area


@pytest.mark.parametrize(
    ("stores", "hits"),
    [
        (rows((20, 0)), rows()),
        (rows((0, SLOTS)), rows()),
        (rows((-1, 0)), rows()),
        (rows((0, -1)), rows()),
        (rows(), rows((20, 0))),
        (rows(), rows((0, SLOTS))),
        (rows(), rows((0, 0))),
        (rows((0, 0)), rows((4, 0))),
        (rows((0, 0), (4, 0)), rows((0, 0))),
    ],
)
def test_operations_that_cannot_be_done_are_refused(stores, hits):
    """No such tile, no such slot, an empty slot, or one of another size."""
    with pytest.raises(MalformedMessageError):
        TileSlots(WIDTH, HEIGHT).check(stores, hits)


def all_tiles(index, current, reference):
    comparer = Comparer(WIDTH, HEIGHT)
    segments = comparer.segments(current, reference, np.ones(HEIGHT, np.bool_))
    return index.changed_tiles(segments)


def test_overwritten_content_is_found_again():
    """What was on the screen before is known by its pixels."""
    index = TileIndex(WIDTH, HEIGHT)
    one, two = noise(1), noise(2)
    tiles = all_tiles(index, two, one)
    assert tiles.tolist() == list(range(20))
    assert len(index.find(tiles, two)) == 0
    stored = index.store(tiles, one, NONE)
    assert stored[:, 0].tolist() == tiles.tolist()
    assert np.array_equal(index.find(tiles, one), stored)
    damaged = one.copy()
    damaged[70, 70] ^= 1  # in a row that its hash leaves out is the next one
    damaged[131, 70] ^= 1
    missed = set(range(20)) - set(index.find(tiles, damaged)[:, 0].tolist())
    assert missed == {6, 11}
    other = one | np.uint32(0xFF000000)
    other[:, :64] ^= 0xFF000000
    assert {0, 5, 10, 15} <= set(index.find(tiles, other)[:, 0].tolist())


def test_few_changed_tiles_are_no_case_for_the_cache():
    """Typing does not fill it."""
    one = noise(1)
    two = one.copy()
    two[:60, :200] = 0
    assert len(all_tiles(TileIndex(WIDTH, HEIGHT), two, one)) == 0


def test_the_same_content_is_stored_once():
    """Flat tiles of one colour share a slot."""
    index = TileIndex(WIDTH, HEIGHT)
    flat = np.full((HEIGHT, WIDTH), 5, np.uint32)
    stored = index.store(ALL, flat, NONE)
    # Four sizes of tile: inside, right edge, lower edge, corner.
    assert len(stored) <= 4
    assert len(index.store(ALL, flat, NONE)) == 0
    assert len(index.find(ALL, flat)) == 20


def test_what_never_comes_back_is_no_longer_stored():
    """Tiles of a video stop using slots, and may again after they were quiet."""
    index = TileIndex(WIDTH, HEIGHT)
    tiles = ALL[:10]
    counts = [len(index.store(tiles, noise(seed), NONE)) for seed in range(12)]
    assert counts[0] == 10
    assert counts[-1] == 0
    for _ in range(12):
        index.store(ALL[10:], noise(1), NONE)
    assert len(index.store(tiles, noise(99), NONE)) == 10


def test_the_oldest_slot_is_taken_when_all_are_full():
    """Slots stay below the bound, and those in use are spared."""
    index = TileIndex(WIDTH, HEIGHT)
    order = []
    seed = 0
    while len(order) < SLOTS + 40:
        index._restless[:] = 0
        order += index.store(ALL, noise(seed), NONE)[:, 1].tolist()
        seed += 1
    assert order[:SLOTS] == list(range(SLOTS))
    assert order[SLOTS : SLOTS + 40] == list(range(40))
    index._restless[:] = 0
    spared = index.store(ALL, noise(seed), rows(*((0, slot) for slot in range(SLOTS))))
    assert len(spared) == 0
    # What came before is found in slots anywhere.
    assert np.array_equal(index.find(ALL, noise(seed - 1))[:, 1], order[-20:])


@pytest.mark.parametrize(
    "vector", [(0, 70), (0, -70), (3, 0), (-3, 0), (5, -1), (0, 0)]
)
def test_a_copy_in_bands_reads_the_old_picture(vector):
    """Over more than one band, towards every side."""
    frame = np.random.default_rng(1).integers(0, 99, (900, 300), dtype=np.uint32)
    before = frame.copy()
    dx, dy = vector
    row = (5, 75, 295, 825, dx, dy)
    assert carry_out_copies(frame, np.array([row])) == [Rect(5, 75, 290, 750)]
    expected = before.copy()
    expected[75:825, 5:295] = before[75 + dy : 825 + dy, 5 + dx : 295 + dx]
    assert np.array_equal(frame, expected)
