"""Damaged screen updates for decoders under test."""

import copy
import random as randomness

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.packing import History, unpack
from p2p_remote.wire.screen import PACKER_DEFLATE, PACKER_RAW, ScreenUpdate
from tests.support.screen_scenes import Image, photo

_WIDTH, _HEIGHT = 200, 136
_INTERESTING = (0, 1, 2, 63, 64, 127, 128, 254, 255)


def _frames() -> list[Image]:
    random = np.random.default_rng(4)
    text = np.zeros((_HEIGHT, _WIDTH, 4), np.uint8)
    text[:, :, :3] = (random.random((_HEIGHT, _WIDTH, 1)) < 0.1) * 200
    scrolled = np.roll(text, -20, axis=0)
    other = np.roll(text[::-1], 31, axis=1).copy()
    mixed = text.copy()
    mixed[:96, :128] = photo(random, 96, 128)
    return [text, scrolled, other, text, mixed]


def _film() -> list[Image]:
    """Pictures of a film, as many as make it a region."""
    frames = []
    for seed in range(7):
        frame = np.zeros((_HEIGHT, _WIDTH, 4), np.uint8)
        frame[32:128, 32:160] = photo(np.random.default_rng(seed), 96, 128)
        frames.append(frame)
    return frames


def _recorded() -> list[tuple[Decoder, ScreenUpdate]]:
    """Good updates of many kinds, each with a decoder that is about to take it."""
    samples = []
    for link_rate, takes_jpeg in ((None, False), (1e5, False), (1e5, True)):
        encoder, decoder = Encoder(_WIDTH, _HEIGHT), Decoder(_WIDTH * _HEIGHT * 2)
        encoder.link_rate, encoder.lossy = link_rate, link_rate is not None
        encoder.photos.takes_jpeg = takes_jpeg
        frames = _frames() + (_film() if encoder.lossy else [])
        for frame in frames:
            for update in encoder.encode(frame, None) + encoder.refine():
                samples.append((copy.deepcopy(decoder), update))
                decoder.apply(update)
    return samples


def _raw(decoder: Decoder, update: ScreenUpdate) -> ScreenUpdate:
    """The same update unpacked, so that damage reaches the layout itself."""
    history = History()
    history.remember(decoder._history.data)
    raw = unpack(update.packer, update.body, update.raw_length, history)
    return ScreenUpdate(update.sequence, len(raw), raw, PACKER_RAW, update.side)


def _damaged(data: bytes, random: randomness.Random) -> bytes:
    """`data` with a few bytes changed, cut, repeated or added, most near its head."""
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        if not out:
            return random.randbytes(random.randrange(20))
        near = random.choice((8, 24, 80, len(out)))
        place = random.randrange(min(len(out), near))
        kind = random.randrange(8)
        if kind < 3:
            out[place] = random.choice(_INTERESTING)
        elif kind < 5:
            out[place] ^= 1 << random.randrange(8)
        elif kind == 5:
            del out[place : place + random.choice((1, 2, 10, len(out)))]
        elif kind == 6:
            out[place:place] = out[place : place + random.randrange(1, 20)]
        else:
            out[place : place + 4] = random.randbytes(4)
    return bytes(out)


def _mutated(update: ScreenUpdate, random: randomness.Random) -> ScreenUpdate:
    body, side, packer = update.body, update.side, update.packer
    length = update.raw_length
    if side and random.random() < 0.5:
        side = _damaged(side, random)
    else:
        body = _damaged(body, random)
    if packer == PACKER_RAW:
        length = len(body)
    choice = random.randrange(40)
    if choice == 0:
        length = random.randrange(1 << 21)
    elif choice == 1:
        packer = random.randrange(PACKER_DEFLATE + 2)
    return ScreenUpdate(update.sequence, length, body, packer, side)


def fuzz(count: int, seed: int) -> tuple[int, int]:
    """Apply `count` damaged updates; returns how many were accepted and refused.

    A decoder that has refused an update must go on as if it had never come, so it is
    used again; one that has accepted is replaced.

    Raises:
        Exception: whatever the decoder raises that is not MalformedMessageError.

    """
    random = randomness.Random(seed)
    samples = _recorded()
    samples += [
        (copy.deepcopy(decoder), _raw(decoder, update)) for decoder, update in samples
    ]
    fresh = [copy.deepcopy(decoder) for decoder, _ in samples]
    accepted = 0
    for _ in range(count):
        index = random.randrange(len(samples))
        try:
            fresh[index].apply(_mutated(samples[index][1], random))
        except MalformedMessageError:
            continue
        accepted += 1
        fresh[index] = copy.copy(samples[index][0])
        _detach(fresh[index])
    for decoder, (original, update) in zip(fresh, samples, strict=True):
        decoder.apply(update)
        original.apply(update)
        if not np.array_equal(decoder.framebuffer, original.framebuffer):
            raise AssertionError("a refused update has left a trace")
    return accepted, count - accepted


def _detach(decoder: Decoder) -> None:
    """Give a shallow copy its own picture, slots and history."""
    decoder._pixels = decoder._pixels.copy()
    decoder._slots = copy.copy(decoder._slots)
    decoder._slots._slots = list(decoder._slots._slots)
    decoder._history = copy.copy(decoder._history)
