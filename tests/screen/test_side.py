"""Photo blocks."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import jpeg, side
from p2p_remote.screen.arrays import BLOCK, OPAQUE, frame_of
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.photo_coder import LOSSLESS, PhotoCoder, slices
from tests.support.screen_scenes import photo

needs_jpeg = pytest.mark.skipif(not jpeg.available(), reason="simplejpeg is missing")


def picture(width, height, seed=1):
    image = photo(np.random.default_rng(seed), height, width)
    return image.view("<u4")[:, :, 0]


def decoded(data, framebuffer):
    height, width = framebuffer.shape
    part = side.parse(data, width, height)
    side.paste(part, side.decode_picture(part, width, height), framebuffer)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(1, 130), st.integers(1, 130), st.data())
def test_lossless_blocks_round_trip(width, height, data):
    """Chosen blocks arrive exactly, all others stay; crop, mosaic and cut edges."""
    columns, rows = -(-width // BLOCK), -(-height // BLOCK)
    chosen = np.array(
        data.draw(
            st.lists(st.booleans(), min_size=columns * rows, max_size=columns * rows)
        )
    ).reshape(rows, columns)
    source = np.random.default_rng(3).integers(
        0, 1 << 24, (height, width), dtype=np.uint32
    )
    target = np.full((height, width), OPAQUE)
    expected = target.copy()
    for box, blocks in slices(chosen, data.draw(st.integers(1, 20))):
        decoded(PhotoCoder().encode(source, box, blocks, LOSSLESS), target)
    mask = chosen.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width]
    expected[mask] = source[mask] | OPAQUE
    assert np.array_equal(target, expected)


def test_slices_are_bounded_and_complete():
    """Every block is in exactly one slice, and no slice exceeds its bounds."""
    random = np.random.default_rng(5)
    blocks = random.random((68, 512)) < 0.1
    seen = np.zeros(blocks.shape, np.int64)
    for box, chosen in slices(blocks, 37):
        assert 1 <= np.count_nonzero(chosen) <= 37
        assert box.area <= 1024
        seen[box.y : box.bottom, box.x : box.right] += chosen
    assert np.array_equal(seen, blocks)


def test_slices_end_with_rows_of_blocks():
    """Boxes of a full picture do not overlap, so nothing is coded twice."""
    boxes = [box for box, _ in slices(np.ones((34, 60), np.bool_), 512)]
    assert sum(box.area for box in boxes) == 34 * 60
    assert len(boxes) == 5


@needs_jpeg
@pytest.mark.parametrize("blocks", ["all", "few"])
def test_jpeg_blocks_are_close(blocks):
    """A photograph at quality 85 stays above 36 dB in both arrangements."""
    source = picture(200, 150)
    chosen = np.ones((5, 7), np.bool_)
    if blocks == "few":
        chosen[1::2, ::2] = False
        chosen[::2, 1::2] = False
    target = np.full(source.shape, OPAQUE)
    for box, part in slices(chosen, 512):
        decoded(PhotoCoder().encode(source, box, part, 85), target)
    mask = chosen.repeat(BLOCK, 0).repeat(BLOCK, 1)[:150, :200]
    error = frame_of(target)[..., :3].astype(float) - frame_of(source)[..., :3]
    assert 10 * np.log10(65025 / (error[mask] ** 2).mean()) > 36
    assert (target[~mask] == OPAQUE).all()


@needs_jpeg
def test_colour_is_not_halved_from_quality_85_on():
    """Sampling 4:2:0 caps quality near 42 dB, so fine pictures use 4:4:4."""
    source = np.ascontiguousarray(picture(64, 64))
    codec = jpeg._codec
    assert codec.decode_jpeg_header(jpeg.encode(source, 85))[3] == "444"
    assert codec.decode_jpeg_header(jpeg.encode(source, 70))[3] == "420"


@needs_jpeg
@pytest.mark.parametrize("shift", [1, 2, 3])
def test_scaled_pictures_are_enlarged(shift):
    """A picture of one colour fills its box at every scale, cut at the edge."""
    width, height = 100, 70
    size = -(-width // (1 << shift)), -(-height // (1 << shift))
    flat = np.full((size[1], size[0]), 0x606060, np.uint32)
    part = side.Side(
        side.KIND_JPEG,
        side.ARRANGEMENT_CROP,
        shift,
        Rect(0, 0, 4, 3),
        np.ones((3, 4), np.bool_),
        jpeg.encode(flat, 85),
    )
    target = np.full((height, width), OPAQUE)
    decoded(side.build(part), target)
    assert (abs(frame_of(target)[..., :3].astype(int) - 0x60) <= 1).all()


def header(kind=2, arrangement=0, shift=0, box=(0, 0, 2, 2), bits=b"\xf0", tail=b""):
    return struct.pack("<BBBHHHH", kind, arrangement, shift, *box) + bits + tail


@pytest.mark.parametrize(
    "data",
    [
        b"",
        header()[:10],
        header()[:11],
        header(kind=0),
        header(kind=4),
        header(arrangement=2),
        header(kind=2, shift=1),
        header(kind=1, shift=4),
        header(box=(0, 0, 0, 2)),
        header(box=(0, 0, 2, 0)),
        header(box=(1, 0, 2, 2)),
        header(box=(0, 1, 2, 2)),
        header(box=(65535, 65535, 2, 2)),
        header(bits=b"\x00"),
        header(bits=b"\xf8"),
    ],
)
def test_broken_headers_are_refused(data):
    """Each field of the header, just beyond its bound, on a screen of 2x2 blocks."""
    with pytest.raises(MalformedMessageError):
        side.parse(data, 64, 64)


def test_too_many_blocks_are_refused():
    """A side part holds at most 1 Mpx, and its box not much more."""
    full = header(box=(0, 0, 64, 32), bits=b"\xff" * 256)
    with pytest.raises(MalformedMessageError):
        side.parse(full, 4096, 4096)
    wide = header(arrangement=1, box=(0, 0, 64, 33), bits=b"\x80" + bytes(263))
    with pytest.raises(MalformedMessageError):
        side.parse(wide, 4096, 4096)


def deflated(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff" * 30,
        deflated(bytes(3 * 64 * 64 - 1)),
        deflated(bytes(3 * 64 * 64 + 1)),
        deflated(bytes(1 << 24)),
        deflated(bytes(3 * 64 * 64))[:-1],
        deflated(bytes(3 * 64 * 64)) + b"x",
    ],
)
def test_broken_deltas_are_refused(payload):
    """The planes have exactly the size of the picture; bombs stop there."""
    with pytest.raises(MalformedMessageError):
        side.decode_delta(payload, 64, 64)
    assert not side.decode_delta(deflated(bytes(3 * 64 * 64)), 64, 64)[0, 0] & 0xFFFFFF


@needs_jpeg
def test_broken_jpegs_are_refused():
    """Another size, damage, several scans and progressive files do not pass."""
    good = jpeg.encode(np.ascontiguousarray(picture(64, 64)), 70)
    assert jpeg.decode(good, 64, 64).shape == (64, 64)
    scan = good.index(b"\xff\xda")
    progressive = good.replace(b"\xff\xc0", b"\xff\xc2", 1)
    end = b"\xff\xd9"
    bad = [
        b"", good[:100], good[1:], b"\xff\xd8" + bytes(100), progressive,
        good[:-2] + good[scan:], good[:scan] + end, good[: scan + 30] + end,
    ]  # fmt: skip
    for data in bad:
        with pytest.raises(MalformedMessageError):
            jpeg.decode(data, 64, 64)
    for size in ((64, 63), (63, 64), (16, 256)):
        with pytest.raises(MalformedMessageError):
            jpeg.decode(good, *size)


def test_without_a_jpeg_library_jpeg_is_refused(monkeypatch):
    """A viewer that cannot decode says so instead of failing."""
    monkeypatch.setattr(jpeg, "_codec", None)
    assert not jpeg.available()
    with pytest.raises(MalformedMessageError):
        jpeg.decode(b"\xff\xd8", 8, 8)
