"""Pictures by the discrete cosine transform, where no JPEG library is.

As in JPEG (ITU-T T.81): brightness and halved colour, blocks of 8x8, the quantisation
tables of its annex K. Coefficients of one frequency stand together, which deflate packs
nearly as well as JPEG's own codes, and everything is whole arrays of numpy.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import OPAQUE, Pixels
from p2p_remote.screen.packing import inflate_exactly

_Plane = NDArray[np.float32]

_SIDE = 8
_STEP = 2 * _SIDE  # pixels of a block of colour
_PER_BLOCK = 65  # bytes: two of the mean, 63 others
_RAW_DEFLATE = -15
_QUALITY_BYTE = 1


def _matrix() -> _Plane:
    """Row k is the k-th cosine, orthonormal."""
    k, x = np.mgrid[0:_SIDE, 0:_SIDE]
    waves = np.cos((2 * x + 1) * k * np.pi / (2 * _SIDE)) / 2
    waves[0] /= np.sqrt(2)
    cosines: _Plane = waves.astype(np.float32)
    return cosines


def _zigzag() -> NDArray[np.intp]:
    """Places of the coefficients from low frequencies to high."""
    v, u = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    turn = np.where((u + v) % 2, v, u)
    return np.lexsort((turn, u + v))


_COSINES = _matrix()
_ORDER = _zigzag()
_LIGHT = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)
_COLOUR = np.full((_SIDE, _SIDE), 99)
_COLOUR[:4, :4] = (17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99)


def _steps(quality: int, *, is_colour: bool) -> _Plane:
    """Quantisation steps (8, 1, 8) of a quality of 1..100."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table = (_COLOUR if is_colour else _LIGHT).reshape(_SIDE, 1, _SIDE)
    steps = ((table * scale + 50) // 100).clip(1, 255)
    return steps.astype(np.float32)


def _padded(width: int, height: int) -> tuple[int, int]:
    """Size in whole blocks of colour."""
    return -(-width // _STEP) * _STEP, -(-height // _STEP) * _STEP


def _forward(plane: _Plane, steps: _Plane) -> list[bytes]:
    """Quantised coefficients of a plane in whole blocks: means, then the others."""
    height, width = plane.shape
    down = np.matmul(_COSINES, plane.reshape(-1, _SIDE, width))
    both = down.reshape(-1, _SIDE) @ _COSINES.T
    levels = both.reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE)
    levels /= steps
    np.rint(levels, out=levels)
    means = levels[:, 0, :, 0].astype(np.int16).ravel()
    deltas = np.diff(means, prepend=np.int16(0)).view(np.uint8).reshape(-1, 2)
    others = levels.clip(-127, 127).astype(np.int8).transpose(1, 3, 0, 2)
    ordered = others.reshape(_SIDE * _SIDE, -1)[_ORDER[1:]]
    return [deltas.T.tobytes(), ordered.tobytes()]


def _inverse(data: NDArray[np.uint8], size: tuple[int, int], steps: _Plane) -> _Plane:
    """Plane of `size` (width, height) from what `_forward` wrote."""
    width, height = size
    rows, columns = height // _SIDE, width // _SIDE
    count = rows * columns
    low, high = data[: 2 * count].reshape(2, count).astype(np.uint16)
    means = np.add.accumulate(low | high << np.uint16(8), dtype=np.uint16)
    levels = np.empty((_SIDE * _SIDE, rows, columns), np.float32)
    levels[0] = means.view(np.int16).reshape(rows, columns)
    others = data[2 * count :].view(np.int8).reshape(-1, rows, columns)
    levels[_ORDER[1:]] = others
    grid = levels.reshape(_SIDE, _SIDE, rows, columns).transpose(2, 0, 3, 1) * steps
    across = grid.reshape(-1, _SIDE) @ _COSINES
    both: _Plane = np.matmul(_COSINES.T, across.reshape(rows, _SIDE, width))
    return both.reshape(height, width)


def encode(image: Pixels, quality: int) -> bytes:
    """Payload of `image` (height, width) at a quality of 1..100."""
    height, width = image.shape
    wide, high = _padded(width, height)
    if (wide, high) != (width, height):
        image = np.pad(image, ((0, high - height), (0, wide - width)), "edge")
    channels = np.ascontiguousarray(image).view(np.uint8).reshape(high, wide, 4)
    blue, green, red = (channels[:, :, n].astype(np.float32) for n in range(3))
    light = 0.114 * blue + 0.587 * green + 0.299 * red
    parts = _forward(light - 128, _steps(quality, is_colour=False))
    for channel, scale in ((blue, 0.564), (red, 0.713)):
        difference = (channel - light) * np.float32(scale / 4)
        halves = difference[::2] + difference[1::2]
        plane = halves[:, ::2] + halves[:, 1::2]
        parts += _forward(plane, _steps(quality, is_colour=True))
    deflater = zlib.compressobj(level=1, wbits=_RAW_DEFLATE, memLevel=9)
    packed = [deflater.compress(part) for part in parts]
    return b"".join((bytes([quality]), *packed, deflater.flush()))


def decode(data: bytes, width: int, height: int) -> Pixels:
    """Opaque pixels (height, width) of a payload of exactly that size.

    Raises:
        MalformedMessageError: damaged, or of another size.

    """
    if len(data) < _QUALITY_BYTE or not 1 <= data[0] <= 100:
        raise MalformedMessageError("picture without a quality")
    quality = data[0]
    wide, high = _padded(width, height)
    light_bytes = wide * high // (_SIDE * _SIDE) * _PER_BLOCK
    colour_bytes = light_bytes // 4
    raw = inflate_exactly(data[_QUALITY_BYTE:], light_bytes + 2 * colour_bytes)
    planes = np.frombuffer(raw, np.uint8)
    light = _inverse(
        planes[:light_bytes], (wide, high), _steps(quality, is_colour=False)
    )
    light += 128.5
    halved = wide // 2, high // 2
    steps = _steps(quality, is_colour=True)
    cb, cr = (
        _inverse(part, halved, steps).repeat(2, axis=0).repeat(2, axis=1)
        for part in planes[light_bytes:].reshape(2, colour_bytes)
    )
    out = np.empty((high, wide, 4), np.uint8)
    for place, plane in (
        (0, light + 1.772 * cb),
        (1, light - 0.344 * cb - 0.714 * cr),
        (2, light + 1.402 * cr),
    ):
        out[:, :, place] = plane.clip(0, 255)
    out[:, :, 3] = int(OPAQUE) >> 24
    pixels: Pixels = out.view("<u4")[:height, :width, 0]
    return pixels
