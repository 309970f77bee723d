"""Pictures by cosines: close to the original, exact in size, refused when broken."""

import zlib

import numpy as np
import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import dct, jpeg
from p2p_remote.screen.arrays import OPAQUE, frame_of
from tests.support.screen_link import Link
from tests.support.screen_scenes import photo


def picture(width, height, seed=1):
    image = photo(np.random.default_rng(seed), height, width)
    return image.view("<u4")[:, :, 0]


def decibel(one, other):
    error = frame_of(np.ascontiguousarray(one))[..., :3].astype(float)
    error -= frame_of(np.ascontiguousarray(other))[..., :3]
    return 10 * np.log10(65025 / max((error**2).mean(), 1e-9))


@pytest.mark.parametrize("size", [(160, 96), (161, 95), (33, 17), (16, 16), (1, 1)])
def test_pictures_come_back(size):
    """Of any size, the better the higher the quality."""
    image = picture(*size)
    found = [
        decibel(image, dct.decode(dct.encode(image, quality), *size))
        for quality in (10, 50, 90)
    ]
    assert found == sorted(found)
    assert found[1] > 30
    decoded = dct.decode(dct.encode(image, 50), *size)
    assert decoded.shape == image.shape
    assert (decoded & OPAQUE == OPAQUE).all()


@pytest.mark.parametrize("colour", [0x000000, 0xFFFFFF, 0x0000FF, 0xFF0000, 0x00FF00])
def test_flat_colours_keep_their_colour(colour):
    """Also the loudest, which the table of colours could cut off."""
    image = np.full((48, 48), colour, np.uint32)
    decoded = frame_of(dct.decode(dct.encode(image, 70), 48, 48)).astype(int)
    wanted = frame_of(image).astype(int)
    assert abs(decoded - wanted)[..., :3].max() <= 4


@pytest.mark.skipif(not jpeg.available(), reason="simplejpeg is missing")
def test_it_is_nearly_as_good_as_jpeg():
    """Within a decibel, at less than twice the bytes."""
    image = np.ascontiguousarray(picture(256, 192))
    ours, theirs = dct.encode(image, 70), jpeg.encode(image, 70)
    assert len(ours) < 2 * len(theirs)
    quality = decibel(image, dct.decode(ours, 256, 192))
    assert quality > decibel(image, jpeg.decode(theirs, 256, 192)) - 1


def test_broken_pictures_are_refused():
    """Another size, quality or length; damage; bytes behind the end."""
    good = dct.encode(picture(64, 48), 50)
    bad = [b"", b"\0" + good[1:], b"\x65" + good[1:], good[:-3], good + b"x", good[:1]]
    for data in bad:
        with pytest.raises(MalformedMessageError):
            dct.decode(data, 64, 48)
    for size in ((64, 49), (65, 48), (16, 192 + 16), (32, 48)):
        with pytest.raises(MalformedMessageError):
            dct.decode(good, *size)


@pytest.mark.parametrize("value", [0x00, 0x7F, 0x80, 0xFF])
def test_any_coefficients_give_some_picture(value):
    """What a peer makes up cannot leave the range of a pixel, nor raise."""
    packed = zlib.compressobj(wbits=-15)
    data = packed.compress(bytes([value]) * (16 * 16 // 64 * 65 * 3 // 2))
    decoded = dct.decode(b"\x01" + data + packed.flush(), 16, 16)
    assert decoded.shape == (16, 16)


def test_without_jpeg_photographs_go_by_cosines_and_become_exact(monkeypatch):
    """Whichever side lacks the library; text beside them stays exact."""
    random = np.random.default_rng(4)
    for takes_jpeg in (True, False):
        monkeypatch.setattr(jpeg, "_codec", None if takes_jpeg else jpeg._codec)
        link = Link(320, 240)
        link.encoder.lossy = True
        link.encoder.photos.takes_jpeg = takes_jpeg
        frame = np.zeros((240, 320, 4), np.uint8)
        link.send(frame)
        frame[64:192, 64:256] = photo(random, 128, 192)
        frame[8:20, 8:15] = 255
        link.send(frame)
        shown = link.decoder.framebuffer
        assert np.array_equal(shown[:64, :, :3], frame[:64, :, :3])
        assert not link.shows(frame)
        link.carry(link.encoder.refine())
        assert link.shows(frame)
        monkeypatch.undo()
