"""JPEG by simplejpeg, where it is installed (the `jpeg` extra)."""

from typing import Any

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import OPAQUE, Pixels, frame_of

try:
    import simplejpeg as _simplejpeg  # type: ignore[import-untyped, unused-ignore]
except ImportError:
    _simplejpeg = None

_codec: Any = _simplejpeg

_MARKER = 0xFF
_START_OF_IMAGE = b"\xff\xd8"
_START_OF_SCAN = 0xDA
_BASELINE = 0xC0  # SOF0
# Before the picture: SOF0, tables (DHT, DQT, DRI), APPn, a comment. Every other marker
# is refused: some have no length (a decoder would go on elsewhere than we do), some
# begin a picture of another kind.
_SEGMENTS = frozenset((_BASELINE, 0xC4, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE))
_MOST_SEGMENTS = 32  # before the picture; ours has nine
_COLOURS = ("YCbCr", "444"), ("YCbCr", "420")
_FINE_QUALITY = 85  # from here on colour is kept at full resolution


def available() -> bool:
    """Whether pictures can be coded and decoded here."""
    return _codec is not None


def encode(image: Pixels, quality: int) -> bytes:
    """Baseline JPEG of `image` (height, width), which must be C-contiguous."""
    sampling = "444" if quality >= _FINE_QUALITY else "420"
    data: bytes = _codec.encode_jpeg(
        frame_of(image), quality=quality, colorspace="BGRX", colorsubsampling=sampling
    )
    return data


def _require_one_baseline_scan(data: bytes) -> None:
    """Refuse progressive and multi-scan files: each scan costs a pass over the image.

    Walks the segments of ITU-T T.81 annex B up to the first scan; within the data of a
    scan 0xFF is followed by 0 or a restart marker only.
    """
    if data[:2] != _START_OF_IMAGE:
        raise MalformedMessageError("not a JPEG picture")
    offset, frames = 2, 0
    for _ in range(_MOST_SEGMENTS):
        if offset + 4 > len(data) or data[offset] != _MARKER:
            raise MalformedMessageError("JPEG picture is damaged")
        marker = data[offset + 1]
        length = int.from_bytes(data[offset + 2 : offset + 4], "big")
        offset += 2 + max(length, 2)
        if marker == _START_OF_SCAN:
            break
        if marker not in _SEGMENTS:
            raise MalformedMessageError("JPEG picture is not baseline")
        frames += marker == _BASELINE
    else:
        raise MalformedMessageError("JPEG picture has too many segments")
    if frames != 1 or data.find(b"\xff\xda", offset) >= 0:
        raise MalformedMessageError("JPEG picture has several frames or scans")


def decode(data: bytes, width: int, height: int) -> Pixels:
    """Opaque pixels (height, width) of a picture of exactly that size.

    Raises:
        MalformedMessageError: damaged, of another size, not baseline, or no decoder.

    """
    if _codec is None:
        raise MalformedMessageError("JPEG picture, but there is no decoder for it")
    _require_one_baseline_scan(data)
    try:
        *size, colours, sampling = _codec.decode_jpeg_header(data)
        if size != [height, width] or (colours, sampling) not in _COLOURS:
            raise MalformedMessageError("JPEG picture of another size or kind")
        image = _codec.decode_jpeg(data, colorspace="BGRX", fastdct=False)
    except (ValueError, RuntimeError) as error:
        raise MalformedMessageError("JPEG picture is damaged") from error
    pixels: Pixels = np.ascontiguousarray(image).view("<u4")[:, :, 0]
    pixels |= OPAQUE
    return pixels
