"""The most expensive screen updates that a decoder still takes, one of each kind."""

import struct
from collections.abc import Callable, Sequence

import numpy as np

from p2p_remote.screen import dct, jpeg, layout, side
from p2p_remote.screen.arrays import Pixels, Table
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.layout import Body
from p2p_remote.wire.screen import PACKER_DEFLATE, PACKER_RAW, ScreenUpdate

SIDE = 4096  # pixels of the display
_TILES = 2600
_NOISE = np.random.default_rng(1).integers(0, 1 << 24, (1024, 1024), dtype=np.uint32)


def _table(rows: Sequence[tuple[int, ...]], width: int) -> Table:
    return np.array(rows, np.int64).reshape(-1, width)


def update(sequence: int, body: Body, picture: bytes = b"") -> ScreenUpdate:
    """Unpacked update."""
    raw = layout.build(body)
    return ScreenUpdate(sequence, len(raw), raw, PACKER_RAW, picture)


def _noise(count: int) -> Pixels:
    """Grey values that all differ from their neighbours."""
    return (np.arange(count, dtype=np.uint32) * 7 % 255 + 1) * np.uint32(0x010101)


def _rectangles(rows: Sequence[tuple[int, ...]], every: int) -> Body:
    table = _table(rows, 6)
    changes = np.zeros(int((table[:, 2] * table[:, 3]).sum()), np.bool_)
    changes[::every] = True
    values = _noise(int(np.count_nonzero(changes)))
    return Body(rectangles=table, changes=changes, values=values)


def small_rectangles(sequence: int) -> ScreenUpdate:
    """As many as there may be, each in many strips."""
    places = [divmod(number, 32) for number in range(512)]
    rows = [(40 * x, 40 * y, 32, 32, 5, 2) for y, x in places]
    return update(sequence, _rectangles(rows, 3))


def narrow_rectangles(sequence: int) -> ScreenUpdate:
    """All pixels in strips of one row and one column."""
    rows = [(2 * x, 0, 1, 4096, 1, 0) for x in range(128)]
    return update(sequence, _rectangles(rows, 3))


def empty_blocks(length: int, content: int) -> bytes:
    """Raw deflate (RFC 1951) of `length` bytes: `content` zeros at the end.

    Before them stand blocks with a code of their own and nothing in it.
    """
    order = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1)
    fields = [(0, 1), (2, 2), (0, 5), (0, 5), (len(order) - 4, 4)]
    fields += [(int(symbol in (18, 1)), 3) for symbol in order]
    # 256 lengths of 0, then one of 1 for the end of the block and one for distances.
    fields += [(1, 1), (127, 7), (1, 1), (107, 7), (0, 1), (0, 1), (0, 1)]
    block = [value >> bit & 1 for value, bits in fields for bit in range(bits)]
    count = 8 * (length - content - 6) // len(block)
    bits = np.tile(np.array(block, np.uint8), count)
    bits = np.append(bits, np.array([1, 0, 0], np.uint8))
    head = np.packbits(bits, bitorder="little").tobytes()
    return head + struct.pack("<HH", content, content ^ 0xFFFF) + bytes(content)


def deflate_blocks(sequence: int) -> ScreenUpdate:
    """A packed body that is all headers; what it holds is refused last of all."""
    length = layout.MAX_BODY
    return ScreenUpdate(sequence, length, empty_blocks(length, 2), PACKER_DEFLATE)


def large_copy(sequence: int) -> ScreenUpdate:
    """Nearly the whole display moves by a row."""
    row = (0, 0, SIDE, SIDE - 17, 0, 1)
    return update(sequence, Body(copies=_table([row], 6)))


def small_copies(sequence: int) -> ScreenUpdate:
    """As many copies of a pixel as there may be."""
    rows: list[tuple[int, ...]] = [
        (x, 0, x + 1, 1, 0, 1) for x in range(layout.MAX_COUNT)
    ]
    return update(sequence, Body(copies=_table(rows, 6)))


def stores(sequence: int) -> ScreenUpdate:
    """Tiles are kept, most of them in a slot of their own."""
    rows: list[tuple[int, ...]] = [(tile, tile % 2048) for tile in range(_TILES)]
    return update(sequence, Body(stores=_table(rows, 2)))


def hits(sequence: int) -> ScreenUpdate:
    """Half of the tiles are kept and shown again elsewhere."""
    half = _TILES // 2
    kept: list[tuple[int, ...]] = [(tile, tile) for tile in range(half)]
    shown: list[tuple[int, ...]] = [(half + tile, tile) for tile in range(half)]
    return update(sequence, Body(stores=_table(kept, 2), hits=_table(shown, 2)))


def _picture(sequence: int, kind: int, rows: int, payload: bytes) -> ScreenUpdate:
    arrangement = side.ARRANGEMENT_MOSAIC
    blocks = np.ones((rows, 32), np.bool_)
    box = Rect(0, 0, 32, rows)
    part = side.Side(kind, arrangement, 0, box, blocks, payload)
    return update(sequence, Body(), side.build(part))


def dct_of_noise(sequence: int) -> ScreenUpdate:
    """The largest picture by cosines that its bytes leave room for."""
    payload = dct.encode(_NOISE, 40)
    return _picture(sequence, side.KIND_DCT, 32, payload)


def dct_of_blocks(sequence: int) -> ScreenUpdate:
    """A picture by cosines that is all headers; it is refused last of all."""
    pixels = 24 * 32 * 1024
    payload = b"\x32" + empty_blocks((1 << 20) - pixels // 2 - 1, 2)
    return _picture(sequence, side.KIND_DCT, 24, payload)


def jpeg_of_noise(sequence: int) -> ScreenUpdate:
    """The largest JPEG picture, as fine as its bytes may be."""
    return _picture(sequence, side.KIND_JPEG, 32, jpeg.encode(_NOISE, 92))


def deltas_of_noise(sequence: int) -> ScreenUpdate:
    """The largest lossless picture."""
    payload = side.encode_delta(_NOISE[:128])
    return _picture(sequence, side.KIND_DELTA, 4, payload)


def deltas_of_blocks(sequence: int) -> ScreenUpdate:
    """A lossless picture that is all headers; it is refused last of all."""
    payload = empty_blocks(3 * side.MAX_DELTA, 2)
    return _picture(sequence, side.KIND_DELTA, 4, payload)


TAKEN: dict[str, Callable[[int], ScreenUpdate]] = {
    "512 rectangles of 32x32 pixels": small_rectangles,
    "columns of one pixel": narrow_rectangles,
    "a copy of 16 Mpx": large_copy,
    "4,096 copies of a pixel": small_copies,
    "2,600 stored tiles": stores,
    "1,300 tiles stored and shown": hits,
    "lossless picture, noise": deltas_of_noise,
    "picture by cosines, noise": dct_of_noise,
}
"""By what they are; the display has `SIDE` x `SIDE` pixels."""
if jpeg.available():
    TAKEN["JPEG of 1 Mpx, noise"] = jpeg_of_noise

REFUSED: dict[str, Callable[[int], ScreenUpdate]] = {
    "body of empty deflate blocks": deflate_blocks,
    "lossless picture of empty deflate blocks": deltas_of_blocks,
    "picture by cosines of empty deflate blocks": dct_of_blocks,
}
"""What is refused only after most of its work."""
