"""Copies, stores and hits in as many updates as their effort takes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen import effort
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.mirror import Operations
from p2p_remote.screen.motion import Copy


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.integers(-6, 6), st.integers(-9, 9), st.integers(1, 200), st.integers(0, 1 << 16)
)
def test_a_copy_in_bands_is_the_same_copy(dx, dy, most, seed):
    """No band overwrites what a later one reads, whichever way it moves."""
    frame = np.random.default_rng(seed).integers(0, 99, (40, 30), dtype=np.uint32)
    copy = Copy(Rect(6, 9, 18, 22), dx, dy)
    at_once, in_bands = frame.copy(), frame.copy()
    at_once[9:31, 6:24] = frame[9 + dy : 31 + dy, 6 + dx : 24 + dx]
    parts = copy.parts(most)
    for part in parts:
        part.apply(in_bands)
    assert np.array_equal(at_once, in_bands)
    assert len(parts) == -(-22 // max(most // 18, 1))


def test_light_operations_are_one_update():
    """With room for rectangles beside them."""
    copy = Copy(Rect(0, 0, 1920, 1080), 0, 9)
    operations = Operations(copy, np.array([(1, 2)]), np.array([(3, 4)]))
    (body,) = operations.bodies()
    assert (len(body.copies), len(body.stores), len(body.hits)) == (1, 1, 1)
    assert effort.of_operations(body) < effort.BUDGET / 2


def test_heavy_operations_are_several_updates():
    """Each within the budget, in the order of their effect; the last one is free."""
    copy = Copy(Rect(0, 0, 8192, 8000), 0, 9)
    stores = [(tile, tile % 2048) for tile in range(1500)]
    hits = [(tile, 7) for tile in range(5000)]
    bodies = Operations(copy, np.array(stores), np.array(hits)).bodies()
    assert all(effort.of_operations(body) <= effort.BUDGET for body in bodies)
    kinds = [
        "stores" if len(b.stores) else "copies" if len(b.copies) else "hits"
        for b in bodies[:-1]
    ]
    assert kinds == sorted(kinds, key=["stores", "copies", "hits"].index)
    assert not effort.of_operations(bodies[-1])
    assert [tuple(r) for b in bodies for r in b.stores.tolist()] == stores
    assert [tuple(r) for b in bodies for r in b.hits.tolist()] == hits
    assert sum(effort.area_of(b.copies) for b in bodies) == copy.rect.area
