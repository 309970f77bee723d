"""The side part of an update: photo blocks, lossy or as lossless plane deltas.

Blocks of 32x32 pixels inside a box of whole blocks are chosen by a bit map. The
picture is either the box itself (crop) or the chosen blocks put side by side (mosaic).
Or it is a region: a box of pixels, without a map.
With a `shift` the picture is 2^shift times smaller in both directions.
"""

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import dct, jpeg
from p2p_remote.screen.arrays import BLOCK, OPAQUE, Bits, Pixels
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.packing import inflate_exactly
from p2p_remote.screen.vp8 import Streams

KIND_JPEG = 1
KIND_DELTA = 2  # planes G, B-G, R-G minus left and upper neighbour, raw deflate
KIND_DCT = 3  # see `dct`
KIND_VP8 = 4  # of a region; see `vp8`

ARRANGEMENT_CROP = 0
ARRANGEMENT_MOSAIC = 1
ARRANGEMENT_REGION = 2  # the box is in pixels; all of it is written

MAX_PICTURE = 1 << 20  # pixels of the display under a lossy picture
MAX_DELTA = 1 << 17  # pixels of a lossless picture
MAX_SHIFT = 3
MOSAIC_COLUMNS = 32  # blocks side by side in a mosaic

_HEADER = struct.Struct("<BBBHHHH")
_JPEG_BYTES = 3  # per pixel; noise at the quality of 85 takes two
_DCT_BYTES = 1  # the same; it takes a third more than JPEG, but is deflated
_HEAD = 2048  # bytes beside that
_DELTA_SLACK = 256  # bytes of deflate around incompressible planes
_RAW_DEFLATE = -15
_MEMORY = 9


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Header, bit map and payload of a side part.

    `box` is in blocks; `blocks` has the shape (box.height, box.width). Of a region,
    `box` is in pixels and `blocks` is empty.
    """

    kind: int
    arrangement: int
    shift: int
    box: Rect
    blocks: Bits
    payload: bytes

    def area(self, width: int, height: int) -> Rect:
        """Pixels of the box on a display of that size."""
        if self.arrangement == ARRANGEMENT_REGION:
            return self.box
        pixels = Rect(
            self.box.x * BLOCK,
            self.box.y * BLOCK,
            self.box.width * BLOCK,
            self.box.height * BLOCK,
        )
        return pixels.intersection(Rect(0, 0, width, height))

    def effort(self, width: int, height: int) -> int:
        """Units that decoding costs for a display of that size; see `effort`."""
        picture_width, picture_height = self.picture_size(width, height)
        pixels = picture_width * picture_height << 2 * self.shift
        if self.kind == KIND_DCT:
            pixels //= 2
        return pixels + (len(self.payload) if self.kind != KIND_JPEG else 0)

    def picture_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the picture for a display of that size."""
        if self.arrangement == ARRANGEMENT_MOSAIC:
            columns, rows = mosaic_size(int(np.count_nonzero(self.blocks)))
            side = BLOCK >> self.shift
            return columns * side, rows * side
        area = self.area(width, height)
        round_up = (1 << self.shift) - 1
        return (
            (area.width + round_up) >> self.shift,
            (area.height + round_up) >> self.shift,
        )


def mosaic_size(count: int) -> tuple[int, int]:
    """Columns and rows, in blocks, of a mosaic of `count` blocks."""
    columns = min(count, MOSAIC_COLUMNS)
    return columns, -(-count // columns)


def build(side: Side) -> bytes:
    """Bytes of a side part."""
    box = side.box
    head = _HEADER.pack(
        side.kind,
        side.arrangement,
        side.shift,
        box.x,
        box.y,
        box.width,
        box.height,
    )
    return head + np.packbits(side.blocks).tobytes() + side.payload


def _check_header(side: Side, width: int, height: int) -> None:
    if not KIND_JPEG <= side.kind <= KIND_VP8:
        raise MalformedMessageError("unknown kind of side part")
    if side.arrangement > ARRANGEMENT_REGION:
        raise MalformedMessageError("unknown arrangement of blocks")
    if side.arrangement == ARRANGEMENT_REGION and side.kind == KIND_DELTA:
        raise MalformedMessageError("lossless region")
    if side.kind == KIND_VP8 and side.arrangement != ARRANGEMENT_REGION:
        raise MalformedMessageError("video of blocks")
    if side.shift and (side.kind in (KIND_DELTA, KIND_VP8) or side.shift > MAX_SHIFT):
        raise MalformedMessageError("side part is scaled too far")
    unit = 1 if side.arrangement == ARRANGEMENT_REGION else BLOCK
    grid = Rect(0, 0, -(-width // unit), -(-height // unit))
    if not side.box or not grid.contains(side.box):
        raise MalformedMessageError("blocks outside of the display")
    if side.box.area * unit * unit > 2 * MAX_PICTURE:
        raise MalformedMessageError("too many blocks in one screen update")


def parse(data: bytes, width: int, height: int) -> Side:
    """Read a side part for a display of that size; the payload is not decoded yet.

    Raises:
        MalformedMessageError: a field is out of bounds.

    """
    if len(data) < _HEADER.size:
        raise MalformedMessageError("side part is too short")
    kind, arrangement, shift, *place = _HEADER.unpack_from(data)
    empty = np.zeros((0, 0), np.bool_)
    box = Rect(*place)
    _check_header(Side(kind, arrangement, shift, box, empty, b""), width, height)
    if arrangement == ARRANGEMENT_REGION:
        side = Side(kind, arrangement, shift, box, empty, data[_HEADER.size :])
        _check_picture(side, *side.picture_size(width, height))
        return side
    end = _HEADER.size + (box.area + 7) // 8
    if len(data) < end:
        raise MalformedMessageError("side part is too short")
    packed = np.frombuffer(data[_HEADER.size : end], np.uint8)
    bits = np.unpackbits(packed).view(np.bool_)
    if bits[box.area :].any() or not bits.any():
        raise MalformedMessageError("wrong block map in a side part")
    blocks = bits[: box.area].reshape(box.height, box.width)
    side = Side(kind, arrangement, shift, box, blocks, data[end:])
    _check_picture(side, *side.picture_size(width, height))
    return side


def _check_picture(side: Side, width: int, height: int) -> None:
    """Bound the work of decoding by pixels and by bytes that may stand for none."""
    pixels, size = width * height, len(side.payload)
    if side.kind == KIND_DELTA:
        is_bounded = pixels <= MAX_DELTA and size <= 3 * pixels + _DELTA_SLACK
    else:
        each = _JPEG_BYTES if side.kind == KIND_JPEG else _DCT_BYTES
        is_bounded = (
            pixels << 2 * side.shift <= MAX_PICTURE and size <= each * pixels + _HEAD
        )
    if not is_bounded:
        raise MalformedMessageError("too large a picture in one screen update")


def _accumulate(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    down = np.add.accumulate(planes, axis=1, dtype=np.uint8)
    return np.add.accumulate(down, axis=2, dtype=np.uint8)


def encode_delta(image: Pixels) -> bytes:
    """Lossless payload of `image` (height, width), C-contiguous."""
    channels = image.view(np.uint8).reshape(*image.shape, 4)
    planes = np.zeros((3, image.shape[0] + 1, image.shape[1] + 1), np.uint8)
    inner = planes[:, 1:, 1:]
    inner[0] = channels[:, :, 1]
    np.subtract(channels[:, :, 0], inner[0], out=inner[1])
    np.subtract(channels[:, :, 2], inner[0], out=inner[2])
    across = planes[:, :, 1:] - planes[:, :, :-1]
    deltas = across[:, 1:] - across[:, :-1]
    # Looking for runs takes a third of the time and gains where much is flat or grey.
    is_flat = 2 * np.count_nonzero(deltas) < deltas.size
    deflater = zlib.compressobj(
        level=1,
        wbits=_RAW_DEFLATE,
        memLevel=_MEMORY,
        strategy=zlib.Z_RLE if is_flat else zlib.Z_HUFFMAN_ONLY,
    )
    parts = []
    for plane in deltas:
        # A code of its own for each plane.
        parts += [deflater.compress(plane.data), deflater.flush(zlib.Z_BLOCK)]
    return b"".join((*parts, deflater.flush()))


def decode_delta(payload: bytes, width: int, height: int) -> Pixels:
    """Opaque pixels (height, width) of a lossless payload of exactly that size.

    Raises:
        MalformedMessageError: damaged, or another size.

    """
    data = inflate_exactly(payload, 3 * width * height)
    deltas = np.frombuffer(data, np.uint8).reshape(3, height, width)
    green, blue, red = _accumulate(deltas)
    channels = np.empty((height, width, 4), np.uint8)
    channels[:, :, 1] = green
    np.add(green, blue, out=channels[:, :, 0])
    np.add(green, red, out=channels[:, :, 2])
    channels[:, :, 3] = int(OPAQUE) >> 24
    pixels: Pixels = channels.view("<u4")[:, :, 0]
    return pixels


def decode_picture(
    side: Side, width: int, height: int, streams: Streams | None = None
) -> Pixels:
    """Picture of `side` at the scale of the display.

    Raises:
        MalformedMessageError: damaged, or VP8 that does not fit `streams`.

    """
    picture_width, picture_height = side.picture_size(width, height)
    if side.kind == KIND_VP8:
        if streams is None:
            raise MalformedMessageError("VP8 without streams")
        return streams.decode(side.payload, picture_width, picture_height)
    if side.kind == KIND_DELTA:
        return decode_delta(side.payload, picture_width, picture_height)
    decode = jpeg.decode if side.kind == KIND_JPEG else dct.decode
    picture = decode(side.payload, picture_width, picture_height)
    if not side.shift:
        return picture
    times = 1 << side.shift
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def paste(side: Side, picture: Pixels, framebuffer: Pixels) -> None:
    """Write the chosen blocks of `picture` into the framebuffer (height, width)."""
    height, width = framebuffer.shape
    if side.arrangement != ARRANGEMENT_MOSAIC:
        area = side.area(width, height)
        target = framebuffer[area.y : area.bottom, area.x : area.right]
        crop = picture[: area.height, : area.width]
        # A region has no map, which is all of it.
        if side.blocks.all():
            target[...] = crop
            return
        chosen = side.blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        np.copyto(target, crop, where=chosen[: area.height, : area.width])
        return
    for index, (row, column) in enumerate(np.argwhere(side.blocks).tolist()):
        x = (side.box.x + column) * BLOCK
        y = (side.box.y + row) * BLOCK
        target = framebuffer[y : y + BLOCK, x : x + BLOCK]
        top = index // MOSAIC_COLUMNS * BLOCK
        left = index % MOSAIC_COLUMNS * BLOCK
        tile_height, tile_width = target.shape
        target[...] = picture[top : top + tile_height, left : left + tile_width]
