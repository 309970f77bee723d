"""First pictures on thin lines."""

import numpy as np
import pytest

from p2p_remote.screen import jpeg
from p2p_remote.screen.arrays import pixels_of
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import Encoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.scaling import reduced
from p2p_remote.wire.screen import SCREEN
from tests.support.screen_scenes import photo

needs_jpeg = pytest.mark.skipif(not jpeg.available(), reason="simplejpeg is missing")
RATE = 250_000  # bytes/s: 2 Mbit/s
BUDGET = RATE // 20  # bytes of 50 ms


class ThinLine:
    """Encoder and decoder with a line between that takes its time."""

    def __init__(self, width, height):
        self.encoder, self.decoder = Encoder(width, height), Decoder()
        self.encoder.link_rate = RATE
        self.encoder.lossy = True
        self.seconds = 0.0

    def carry(self, updates):
        """Apply updates; time passes by their bytes."""
        for update in updates:
            self.decoder.apply(update)
            self.seconds += len(SCREEN.encode(update)) / RATE

    def error(self, frame):
        """Root of the mean square of what differs, in steps of a colour."""
        shown = self.decoder.framebuffer[..., :3].astype(np.int16)
        return float(np.sqrt(np.square(shown - frame[..., :3]).mean()))


def test_reduced_is_the_mean_of_squares():
    """Also where the last squares are not whole."""
    image = np.random.default_rng(1).integers(0, 256, (9, 14, 4)).astype(np.uint8)
    image[..., 3] = 0
    small = reduced(pixels_of(image), 2).view(np.uint8).reshape(3, 4, 4)
    padded = np.pad(image, ((0, 3), (0, 2), (0, 0)), "edge").astype(int)
    means = padded.reshape(3, 4, 4, 4, 4).sum(axis=(1, 3)) >> 4
    assert np.array_equal(small[..., :3], means[..., :3])


@needs_jpeg
def test_a_full_screen_photograph_is_recognised_within_a_second():
    """At 2 Mbit/s and full resolution: a preview at once, then better and better."""
    frame = photo(np.random.default_rng(5), 1080, 1920)
    line = ThinLine(1920, 1080)
    line.carry(line.encoder.encode(frame, None, budget=BUDGET))
    while line.encoder.pending:
        line.carry(line.encoder.encode(frame, [], budget=BUDGET))
    assert line.seconds < 0.5
    assert line.error(frame) < 12
    errors = [line.error(frame)]
    for still in (0.1, 0.3, 1.0):
        while updates := line.encoder.refine(BUDGET, still=still):
            line.carry(updates)
        errors.append(line.error(frame))
    assert errors == sorted(errors, reverse=True)
    line.carry(line.encoder.refine(still=3.0))
    assert line.error(frame) == 0


@needs_jpeg
def test_typing_beside_a_video_is_sent_first():
    """A letter in the focus is exact after the first update of each call."""
    random = np.random.default_rng(6)
    frame = np.full((720, 1280, 4), 240, np.uint8)
    line = ThinLine(1280, 720)
    line.carry(line.encoder.encode(frame, None))
    focus = Rect(100, 600, 400, 80)
    for number in range(5):
        frame[40:400, 40:680] = photo(random, 360, 640)
        letter = slice(620, 636), slice(120 + 10 * number, 128 + 10 * number)
        frame[letter] = random.integers(0, 2, (16, 8, 1)) * 255
        before = line.seconds
        updates = line.encoder.encode(frame, None, budget=BUDGET, focus=focus)
        line.carry(updates[:1])
        assert np.array_equal(
            line.decoder.framebuffer[letter][..., :3], frame[letter][..., :3]
        )
        assert line.seconds - before < 0.005
        line.carry(updates[1:])
        assert line.seconds - before < 0.15
