"""Pointer shapes: BGRA pixels packed with lz4."""

import lz4.block


def pack_shape(pixels: bytes) -> bytes:
    """Pack the pixels of a pointer shape."""
    packed: bytes = lz4.block.compress(pixels, store_size=False)
    return packed
