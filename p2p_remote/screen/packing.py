"""Packers of update bodies, and the history that both ends keep.

`compress` and `decompress` of lz4 always get exact sizes: a block is never trusted to
know its own length.
"""

import zlib

import lz4.block

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.screen import (
    PACKER_DEFLATE,
    PACKER_HUFFMAN,
    PACKER_LZ4,
    PACKER_LZ4_HISTORY,
    PACKER_RAW,
)

HISTORY = 65_536  # bytes; the reach of an lz4 match
DEFLATE_HISTORY = 32_768  # bytes at the end of it; the reach of a deflate match

_RAW_DEFLATE = -15  # zlib's window bits for a stream without header and checksum


class History:
    """The last 64 KiB of remembered bodies, the same on both ends."""

    def __init__(self) -> None:
        """Begin empty."""
        self.data = b""

    def remember(self, raw: bytes) -> None:
        """Add a body."""
        self.data = (self.data + raw)[-HISTORY:]

    def clear(self) -> None:
        """Forget everything."""
        self.data = b""


def _lz4_bound(length: int) -> int:
    """Largest lz4 block of `length` bytes (LZ4_compressBound)."""
    return length + length // 255 + 16


def _decompress_lz4(body: bytes, raw_length: int, dictionary: bytes) -> bytes:
    try:
        raw: bytes = lz4.block.decompress(
            body, uncompressed_size=raw_length, dict=dictionary
        )
    except (lz4.block.LZ4BlockError, ValueError) as error:
        raise MalformedMessageError("lz4 block is damaged") from error
    return raw


def _inflate(body: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(_RAW_DEFLATE)
    try:
        block = inflater.decompress(body, limit)
    except zlib.error as error:
        raise MalformedMessageError("deflate stream is damaged") from error
    if not inflater.eof or inflater.unused_data:
        raise MalformedMessageError("deflate stream of wrong length")
    return block


def inflate_exactly(data: bytes, length: int, dictionary: bytes = b"") -> bytes:
    """`length` bytes out of a raw deflate stream that holds no more; bounded memory.

    Raises:
        MalformedMessageError: damaged, another length, or bytes behind the stream.

    """
    inflater = zlib.decompressobj(_RAW_DEFLATE, zdict=dictionary)
    try:
        # A limit of 0 would be none at all.
        raw = inflater.decompress(data, max(length, 1))
        # A full output buffer can leave the end-of-block code unread.
        rest = inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error as error:
        raise MalformedMessageError("deflate stream is damaged") from error
    if rest or len(raw) != length or not inflater.eof or inflater.unused_data:
        raise MalformedMessageError("deflate stream of wrong length")
    return raw


def unpack(packer: int, body: bytes, raw_length: int, history: History) -> bytes:
    """The body of exactly `raw_length` bytes, which the caller has bounded.

    Raises:
        MalformedMessageError: unknown packer, damaged data or another length; longer
            than unpacked, as only a stream of blocks that hold nothing is.

    """
    if len(body) > raw_length:
        raise MalformedMessageError("packed body is longer than unpacked")
    if packer == PACKER_RAW:
        raw = body
    elif packer == PACKER_LZ4:
        raw = _decompress_lz4(body, raw_length, b"")
    elif packer == PACKER_LZ4_HISTORY:
        raw = _decompress_lz4(body, raw_length, history.data)
    elif packer == PACKER_HUFFMAN:
        block = _inflate(body, _lz4_bound(raw_length))
        raw = _decompress_lz4(block, raw_length, history.data)
    elif packer == PACKER_DEFLATE:
        raw = inflate_exactly(body, raw_length, history.data[-DEFLATE_HISTORY:])
    else:
        raise MalformedMessageError("unknown packer")
    if len(raw) != raw_length:
        raise MalformedMessageError("unpacked body of wrong length")
    return raw


def deflate_huffman(block: bytes) -> bytes:
    """Huffman-only raw deflate of `block`."""
    deflater = zlib.compressobj(
        level=1, wbits=_RAW_DEFLATE, memLevel=9, strategy=zlib.Z_HUFFMAN_ONLY
    )
    return deflater.compress(block) + deflater.flush()


def pack_fast(raw: bytes, history: History) -> tuple[int, bytes]:
    """Packer and body for fast links: about 0.5 GB/s."""
    if history.data:
        packer, dictionary = PACKER_LZ4_HISTORY, history.data
    else:
        packer, dictionary = PACKER_LZ4, b""
    body: bytes = lz4.block.compress(raw, store_size=False, dict=dictionary)
    return (packer, body) if len(body) < len(raw) else (PACKER_RAW, raw)


def pack_smooth(raw: bytes, plane: int) -> tuple[int, bytes]:
    """Packer and body for noise, which nothing repeats: Huffman codes alone.

    `raw` ends with planes of `plane` bytes, each with a code of its own.
    """
    deflater = zlib.compressobj(
        level=1, wbits=_RAW_DEFLATE, memLevel=9, strategy=zlib.Z_HUFFMAN_ONLY
    )
    parts = []
    start = 0
    for end in range(len(raw) % plane or plane, len(raw), plane):
        parts.append(deflater.compress(raw[start:end]))
        parts.append(deflater.flush(zlib.Z_BLOCK))
        start = end
    body = b"".join((*parts, deflater.compress(raw[start:]), deflater.flush()))
    return (PACKER_DEFLATE, body) if len(body) < len(raw) else (PACKER_RAW, raw)


def pack_tiny(raw: bytes, history: History) -> tuple[int, bytes]:
    """Packer and body for a few hundred bytes: what was sent before is what helps.

    Deflate has shorter codes for that than lz4; the time is that of its dictionary.
    """
    deflater = zlib.compressobj(
        level=6, wbits=_RAW_DEFLATE, zdict=history.data[-DEFLATE_HISTORY:]
    )
    body = deflater.compress(raw) + deflater.flush()
    return (PACKER_DEFLATE, body) if len(body) < len(raw) else (PACKER_RAW, raw)


def pack_small(raw: bytes, history: History, level: int) -> tuple[int, bytes]:
    """Packer and body for slow links: lz4 of `level`, Huffman codes if they gain."""
    block: bytes = lz4.block.compress(
        raw,
        mode="high_compression",
        compression=level,
        store_size=False,
        dict=history.data,
    )
    coded = deflate_huffman(block)
    choices = (
        (PACKER_RAW, raw),
        (PACKER_LZ4_HISTORY, block),
        (PACKER_HUFFMAN, coded),
    )
    return min(choices, key=lambda choice: len(choice[1]))
