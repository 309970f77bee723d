"""VP8 of regions: what is refused before the library sees it, and streams of films."""

import random as randomness

import numpy as np
import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import side, vp8
from p2p_remote.screen.arrays import frame_of
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.side import KIND_VP8
from tests.support.screen_scenes import photo

needs_vp8 = pytest.mark.skipif(not vp8.available(), reason="av is missing")
RATE = 250_000.0  # bytes/s
PLAYER = Rect(107, 83, 161, 131)


def film(count, width=PLAYER.width, height=PLAYER.height):
    """A photograph that moves by two pixels per picture."""
    wide = photo(np.random.default_rng(1), height, width + 2 * count)
    return [np.ascontiguousarray(wide[:, 2 * n : 2 * n + width]) for n in range(count)]


def pixels(image):
    return np.ascontiguousarray(image).view("<u4")[:, :, 0]


def key_header(width=162, height=132, tag=0x10, start=b"\x9d\x01\x2a"):
    sides = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return tag.to_bytes(3, "little") + start + sides


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x10\0",
        key_header()[:9],
        key_header(width=164),
        key_header(height=134),
        key_header(width=162 | 1 << 14),
        key_header(tag=0x00),
        key_header(tag=0x18),
        key_header(tag=0x10 | 5 << 5),
        key_header(start=b"\x9d\x01\x2b"),
    ],
    ids=[
        "empty", "tag", "cut", "width", "height", "scaled", "hidden", "version",
        "partition", "start code",
    ],
)  # fmt: skip
def test_headers_are_checked_before_the_library(data):
    """Each field of a key picture, just beyond its bound."""
    with pytest.raises(MalformedMessageError):
        vp8._require_picture(data, (162, 132))


def test_good_headers_pass():
    """A key picture of that size, and a picture that follows one."""
    assert vp8._require_picture(key_header(), (162, 132))
    assert not vp8._require_picture(b"\x11\0\0", (162, 132))


def test_vp8_is_refused_where_nobody_asked_for_it():
    """Only who has told that ability takes it; blocks never come that way."""
    no_map = np.zeros((0, 0), np.bool_)
    part = side.Side(
        KIND_VP8, side.ARRANGEMENT_REGION, 0, Rect(0, 0, 9, 9), no_map, b"\0"
    )
    parsed = side.parse(side.build(part), 9, 9)
    with pytest.raises(MalformedMessageError):
        side.decode_picture(parsed, 9, 9)
    streams = vp8.Streams(is_allowed=False)
    with pytest.raises(MalformedMessageError):
        side.decode_picture(parsed, 9, 9, streams)
    blocks = np.ones((1, 1), np.bool_)
    crop = side.Side(KIND_VP8, side.ARRANGEMENT_CROP, 0, Rect(0, 0, 1, 1), blocks, b"")
    with pytest.raises(MalformedMessageError):
        side.parse(side.build(crop), 9, 9)


@needs_vp8
def test_a_stream_of_any_size_is_followed():
    """Odd sides too; later pictures are far smaller than the first."""
    coder = vp8.RegionEncoder(PLAYER.width, PLAYER.height, 100_000)
    decoder = vp8.RegionDecoder(PLAYER.width, PLAYER.height)
    sizes = []
    for image in film(12):
        data = coder.encode(pixels(image))
        shown = decoder.decode(data)
        assert shown.shape == (PLAYER.height, PLAYER.width)
        error = frame_of(shown)[..., :3].astype(float) - image[..., :3]
        assert 10 * np.log10(65025 / (error**2).mean()) > 26
        sizes.append(len(data))
    assert max(sizes[1:]) < sizes[0]


@needs_vp8
def test_streams_begin_with_a_key_picture_and_end_with_damage():
    """What cannot be followed is refused, until a key picture comes."""
    coder = vp8.RegionEncoder(64, 48, 50_000)
    first, second, third = (b"\1" + coder.encode(pixels(i)) for i in film(3, 64, 48))
    streams = vp8.Streams(is_allowed=True)
    bad = (second, b"", b"\4" + first[1:], b"\1", first[:40])
    for payload in bad:
        with pytest.raises(MalformedMessageError):
            streams.decode(payload, 64, 48)
    streams.decode(first, 64, 48)
    with pytest.raises(MalformedMessageError):
        streams.decode(second, 64, 50)
    with pytest.raises(MalformedMessageError):
        streams.decode(second, 64, 48)
    streams.decode(first, 64, 48)
    streams.decode(second, 64, 48)
    streams.clear()
    with pytest.raises(MalformedMessageError):
        streams.decode(third, 64, 48)


@needs_vp8
def test_there_are_four_streams_and_the_oldest_gives_way():
    """Each region has one; a line of another rate begins a new one."""
    streams = vp8.RegionStreams()
    image = pixels(film(1, 64, 48)[0])
    numbers = [
        streams.encode(image, (x, 0, 64, 48), 9e4)[0] for x in (0, 64, 128, 192, 256)
    ]
    assert numbers == [0, 1, 2, 3, 0]
    assert not streams.has((0, 0, 64, 48))
    following = streams.encode(image, (64, 0, 64, 48), 9e4)
    assert following[1] & 1
    anew = streams.encode(image, (64, 0, 64, 48), 2e4)
    assert not anew[1] & 1
    assert anew[0] == 1
    streams.clear()
    assert not streams.has((64, 0, 64, 48))


@needs_vp8
def test_a_film_on_a_thin_line_is_a_stream_and_exact_when_it_stops():
    """Through a key frame of the display in its middle."""
    encoder, decoder = Encoder(320, 256), Decoder(takes_vp8=True)
    encoder.lossy, encoder.link_rate = True, 30_000.0
    encoder.photos.takes_vp8 = True
    frame = np.full((256, 320, 4), 200, np.uint8)
    kinds = []
    for number, image in enumerate(film(16)):
        if number == 10:
            encoder.reset()
        frame[PLAYER.y : PLAYER.bottom, PLAYER.x : PLAYER.right] = image
        for update in encoder.encode(frame, None):
            decoder.apply(update)
            if update.side:
                kinds.append(update.side[0])
    assert kinds[-1] == KIND_VP8
    assert kinds.count(KIND_VP8) > 3
    assert not np.array_equal(decoder.framebuffer[..., :3], frame[..., :3])
    for update in encoder.refine():
        decoder.apply(update)
    assert np.array_equal(decoder.framebuffer[..., :3], frame[..., :3])


@needs_vp8
@pytest.mark.parametrize("count", [700, pytest.param(20_000, marks=pytest.mark.long)])
def test_damaged_pictures_raise_nothing_else(count):
    """Hundreds of mutated pictures, each after a good one."""
    random = randomness.Random(5)
    coder = vp8.RegionEncoder(64, 48, 50_000)
    packets = [coder.encode(pixels(image)) for image in film(4, 64, 48)]
    streams = vp8.Streams(is_allowed=True)
    for _ in range(count):
        streams.decode(b"\0" + packets[0], 64, 48)
        data = bytearray(random.choice(packets))
        for _ in range(random.choice((1, 3, 20))):
            data[random.randrange(len(data))] = random.randrange(256)
        try:
            shown = streams.decode(b"\0" + bytes(data), 64, 48)
        except MalformedMessageError:
            continue
        assert shown.shape == (48, 64)
