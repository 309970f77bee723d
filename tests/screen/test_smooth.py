"""Parts of photographs that are sent as differences."""

import numpy as np

from p2p_remote.screen import layout
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.packing import History, unpack
from p2p_remote.screen.scan import changes_of, is_smooth
from tests.support.screen_scenes import photo


def test_a_strip_of_a_photograph_costs_less_than_its_blocks():
    """What a dragged window uncovers is sent to the pixel, as differences."""
    background = photo(np.random.default_rng(3), 576, 960)
    frame = background.copy()
    frame[100:420, 200:520] = 240
    encoder, decoder = Encoder(960, 576), Decoder()
    for update in encoder.encode(frame, None):
        decoder.apply(update)
    frame[100:420, 200:223] = background[100:420, 200:223]
    updates = encoder.encode(frame, None)
    assert sum(len(update.body) + len(update.side) for update in updates) < 1.7 * (
        320 * 23
    )
    assert not any(update.side for update in updates)
    bodies = [
        layout.parse(unpack(update.packer, update.body, update.raw_length, History()))
        for update in updates
        if update.raw_length > 1000
    ]
    assert bodies
    assert all(body.smooth for body in bodies)
    for update in updates:
        decoder.apply(update)
    assert np.array_equal(decoder.framebuffer[..., :3], frame[..., :3])


def test_what_is_smooth():
    """Gradients are; text, noise of full range and few pixels are not."""

    def judged(values):
        pixels = np.array(values, np.uint32)
        changes = changes_of(pixels)
        return is_smooth(changes, pixels[changes])

    ramp = np.arange(4000) % 200 * 0x010101
    assert judged(ramp)
    assert not judged(ramp[:100])
    assert not judged(np.where(np.arange(4000) % 9, 0xFFFFFF, 0x101010))
    assert not judged(np.random.default_rng(1).integers(0, 1 << 24, 4000))
