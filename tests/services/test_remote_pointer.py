"""Where the customer's pointer is and what it looks like, as it is told."""

from p2p_remote.screen.cursor import pack_shape
from p2p_remote.services.remote_pointer import RemotePointer
from p2p_remote.wire.screen import CursorPosition, CursorShape

SHAPE = CursorShape(2, 3, 1, 1, pack_shape(bytes(24)))


def test_shape_and_place_come_in_any_order() -> None:
    """Each leaves the other as it was."""
    pointer = RemotePointer()
    shaped = pointer.take(SHAPE)
    assert not shaped.visible
    placed = pointer.take(CursorPosition(7, 8, 1))
    assert (placed.x, placed.y, placed.visible) == (7, 8, True)
    assert placed.shape is shaped.shape
    assert placed.shape is not None
    assert placed.shape.pixels.shape == (3, 2, 4)


def test_a_shape_that_cannot_be_read_is_none() -> None:
    """The pointer is shown by a mark then, not by an old shape."""
    pointer = RemotePointer()
    pointer.take(SHAPE)
    pointer.take(CursorPosition(7, 8, 1))
    broken = pointer.take(CursorShape(9, 9, 0, 0, b"nonsense"))
    assert broken.shape is None
    assert (broken.x, broken.y, broken.visible) == (7, 8, True)
