"""Pointer shapes: BGRA pixels packed with lz4, and how they lie over a picture."""

from dataclasses import dataclass

import lz4.block
import numpy as np
from numpy.typing import NDArray

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.screen import CursorShape

_PIXEL = 4  # bytes


@dataclass(frozen=True, slots=True, eq=False)
class PointerShape:
    """BGRA pixels (height, width, 4) and the pixel that points.

    The colours are multiplied by the opacity already, as X11 keeps them.
    """

    pixels: NDArray[np.uint8]
    hot_x: int
    hot_y: int

    def area(self, x: int, y: int) -> Rect:
        """What it covers when it points at a pixel; may reach beyond the picture."""
        height, width = self.pixels.shape[:2]
        return Rect(x - self.hot_x, y - self.hot_y, width, height)


def pack_shape(pixels: bytes) -> bytes:
    """Pack the pixels of a pointer shape."""
    packed: bytes = lz4.block.compress(pixels, store_size=False)
    return packed


def unpack_shape(message: CursorShape) -> PointerShape:
    """The shape that a message tells of, whose sides the schema has bounded.

    Raises:
        MalformedMessageError: damaged, or it points beside itself.

    """
    width, height = message.width, message.height
    if message.hot_x >= width or message.hot_y >= height:
        raise MalformedMessageError("pointer that points beside itself")
    length = width * height * _PIXEL
    try:
        raw = lz4.block.decompress(message.image, uncompressed_size=length)
    except (lz4.block.LZ4BlockError, ValueError) as error:
        raise MalformedMessageError("pointer shape is damaged") from error
    if len(raw) != length:
        raise MalformedMessageError("pointer shape of wrong length")
    pixels = np.frombuffer(raw, np.uint8).reshape(height, width, _PIXEL)
    return PointerShape(pixels, message.hot_x, message.hot_y)


def lay_over(picture: NDArray[np.uint8], shape: PointerShape, x: int, y: int) -> None:
    """Draw a shape that points at (x, y) into BGRX pixels, as far as it is inside."""
    area = shape.area(x, y)
    part = area.intersection(Rect(0, 0, picture.shape[1], picture.shape[0]))
    if not part:
        return
    own = part.moved(-area.x, -area.y)
    top = shape.pixels[own.y : own.bottom, own.x : own.right].astype(np.uint16)
    under = picture[part.y : part.bottom, part.x : part.right, :3]
    through = 255 - top[..., 3:]
    mixed = top[..., :3] + (under * through + 127) // 255
    under[...] = np.minimum(mixed, 255)
