"""Pointer shapes: BGRA pixels packed with lz4, with exact lengths on both ends."""

import lz4.block

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.screen import CursorShape

_BYTES_PER_PIXEL = 4


def pack_shape(pixels: bytes) -> bytes:
    """Pack the pixels of a pointer shape."""
    packed: bytes = lz4.block.compress(pixels, store_size=False)
    return packed


def unpack_shape(shape: CursorShape) -> bytes:
    """Return BGRA pixels, `width` * `height` of them, of a peer's pointer shape.

    Raises:
        MalformedMessageError: the packed bytes do not give exactly that many.

    """
    length = shape.width * shape.height * _BYTES_PER_PIXEL
    try:
        pixels: bytes = lz4.block.decompress(shape.image, uncompressed_size=length)
    except (lz4.block.LZ4BlockError, ValueError, MemoryError) as error:
        raise MalformedMessageError("damaged pointer shape") from error
    if len(pixels) != length:
        raise MalformedMessageError("pointer shape of another size")
    return pixels
