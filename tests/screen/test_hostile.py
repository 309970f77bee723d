"""Bounds on work and memory: the worst that is taken, and what lies beyond."""

import io
import resource

import numpy as np
import pytest
from PIL import Image

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import effort, jpeg, side
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.layout import Body
from p2p_remote.wire.screen import PACKER_DEFLATE, PACKER_LZ4, ScreenUpdate
from tests.support import worst_updates
from tests.support.screen_updates import fuzz

needs_jpeg = pytest.mark.skipif(not jpeg.available(), reason="simplejpeg is missing")


@pytest.fixture
def decoder():
    """A large black display."""
    decoder = Decoder()
    size = worst_updates.SIDE
    decoder.apply(worst_updates.update(0, Body(size=(size, size))))
    return decoder


@pytest.mark.parametrize("name", worst_updates.TAKEN)
def test_the_worst_updates_stay_within_the_budget(decoder, name):
    """Each is taken, and uses most of some bound."""
    update = worst_updates.TAKEN[name](1)
    before = decoder.work + effort.of_message(update)
    decoder.apply(update)
    assert effort.BUDGET / 4 < decoder.work - before <= effort.BUDGET


@pytest.mark.parametrize("name", worst_updates.REFUSED)
def test_work_for_nothing_is_refused_in_the_end(decoder, name):
    """Headers alone are bounded by their bytes, count, and leave nothing behind."""
    update = worst_updates.REFUSED[name](1)
    assert max(len(update.body), len(update.side)) > 200_000
    before = decoder.work
    with pytest.raises(MalformedMessageError):
        decoder.apply(update)
    assert decoder.work - before > effort.BUDGET / 4
    assert not decoder.framebuffer.any()


def rows(count, *row):
    return np.array([row] * count, np.int64).reshape(count, len(row))


@pytest.mark.parametrize(
    "body",
    [
        Body(copies=rows(1, 0, 0, 4096, 4096, 0, 0)),
        Body(copies=rows(4096, 0, 0, 64, 40, 0, 0)),
        Body(stores=rows(2700, 0, 0)),
        Body(stores=rows(1, 0, 0), hits=rows(2700, 0, 0)),
    ],
    ids=["copied pixels", "copies", "stores", "hits"],
)
def test_operations_beyond_the_budget_are_refused(decoder, body):
    """Alone, or beside a rectangle."""
    just_too_much = Body(
        copies=body.copies,
        stores=body.stores,
        hits=body.hits,
        rectangles=rows(1, 0, 0, 1, 1, 1, 0),
        changes=np.zeros(1, np.bool_),
    )
    with pytest.raises(MalformedMessageError):
        decoder.apply(worst_updates.update(1, just_too_much))
    decoder.apply(worst_updates.update(1, Body()))


@needs_jpeg
def test_a_picture_and_a_body_share_the_budget(decoder):
    """Two halves that are too much together are refused."""
    picture = worst_updates.jpeg_of_noise(1).side
    body = Body(stores=rows(100, 0, 0))
    with pytest.raises(MalformedMessageError):
        decoder.apply(worst_updates.update(1, body, picture))


def test_a_packed_body_is_never_longer_than_unpacked(decoder):
    """Whatever makes it so is there to cost time."""
    for packer in (PACKER_LZ4, PACKER_DEFLATE):
        with pytest.raises(MalformedMessageError):
            decoder.apply(ScreenUpdate(1, 2, bytes(3), packer))


@pytest.mark.parametrize("pixels", [side.MAX_DELTA, side.MAX_DELTA + 1024])
def test_bytes_of_lossless_pictures_are_bounded(pixels):
    """By their pixels, of which there are not many in one update."""
    blocks = np.ones((pixels // 1024, 1), np.bool_)
    box = Rect(0, 0, 1, len(blocks))
    for extra, fits in ((0, pixels == side.MAX_DELTA), (300, False)):
        payload = bytes(3 * pixels + extra)
        data = side.build(side.Side(side.KIND_DELTA, 0, 0, box, blocks, payload))
        if fits:
            assert len(side.parse(data, 32, 1 << 14).payload) == len(payload)
        else:
            with pytest.raises(MalformedMessageError):
                side.parse(data, 32, 1 << 14)


@needs_jpeg
def test_jpeg_of_other_kinds_is_refused():
    """Thousands of segments, other samplings, grey, more bytes than pixels."""
    codec = jpeg._codec
    frame = np.zeros((32, 32, 4), np.uint8)
    good = jpeg.encode(frame.view("<u4")[:, :, 0], 70)
    many = good[:2] + 100 * b"\xff\xfe\0\2" + good[2:]
    other = codec.encode_jpeg(frame, colorspace="BGRX", colorsubsampling="422")
    grey = codec.encode_jpeg(
        np.ascontiguousarray(frame[:, :, :1]),
        colorspace="Gray",
        colorsubsampling="Gray",
    )
    for data in (many, other, grey):
        with pytest.raises(MalformedMessageError):
            jpeg.decode(data, 32, 32)
    blocks = np.ones((1, 1), np.bool_)
    box = Rect(0, 0, 1, 1)
    part = side.Side(side.KIND_JPEG, 0, 0, box, blocks, good + bytes(8000))
    with pytest.raises(MalformedMessageError):
        side.parse(side.build(part), 32, 32)


@needs_jpeg
@pytest.mark.parametrize("unmeasured", [b"\xff", b"\xff\xd0", b"\xff\x01"])
def test_no_scan_of_a_jpeg_picture_hides_behind_a_length_that_is_none(unmeasured):
    """A decoder goes on right behind fill bytes and markers without a length."""
    noise = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", progressive=True, subsampling=2)
    good = jpeg.encode(np.zeros((32, 32), np.uint32), 70)
    data = good[:2] + unmeasured + file.getvalue()[2:]
    end = 4 + int.from_bytes(data[4:6], "big")
    data += bytes(end - len(data)) + good[2:]
    assert jpeg._codec.decode_jpeg(data).shape == (32, 32, 3)
    with pytest.raises(MalformedMessageError):
        jpeg.decode(data, 32, 32)


def test_a_display_takes_memory_only_where_it_is_painted():
    """A key frame of the largest display costs nothing by itself."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    decoder = Decoder()
    decoder.apply(worst_updates.update(0, Body(size=(16384, 4096))))
    assert decoder.framebuffer.shape == (4096, 16384, 4)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024  # KiB of 256 MiB


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_million_mutated_updates():
    """Nothing but refusals, and memory stays flat."""
    fuzz(count=2_000, seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = 0
    for seed in range(3, 23):
        accepted, refused = fuzz(count=50_000, seed=seed)
        done += accepted + refused
    assert done == 1_000_000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 * 1024  # KiB
