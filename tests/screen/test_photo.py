"""Photo test and loss map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen.arrays import BLOCK, SEGMENT
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.losses import LossMap, exact_tiles
from p2p_remote.screen.photo import changed_blocks, clear_blocks, photo_blocks
from p2p_remote.screen.photo_coder import LOSSLESS, PREVIEW, PhotoCoder
from tests.support.screen_scenes import Font, page, photo, terminal


def pixels(image):
    return np.ascontiguousarray(image).view("<u4")[:, :, 0]


def everything(width, height):
    return np.ones((-(-height // BLOCK), -(-width // BLOCK)), np.bool_)


@pytest.mark.parametrize("size", [(640, 480), (333, 77), (31, 31), (1, 1)])
def test_text_is_no_photograph(size):
    """Not one block of a terminal is taken for a picture."""
    width, height = size
    random = np.random.default_rng(1)
    image = terminal(random, height, width, Font(1, 13, is_smooth=False))
    assert not photo_blocks(pixels(image), everything(width, height)).any()


def test_smoothed_text_is_no_photograph():
    """Nor one of a page with grey edges around its letters."""
    image = np.full((480, 640, 4), 255, np.uint8)
    random = np.random.default_rng(2)
    full = page(random, 480, 640, Font(2, 19, is_smooth=True))
    image[:, 416:] = full[:, 416:]
    found = photo_blocks(pixels(image), everything(640, 480))
    assert found.mean() < 0.02


def test_noise_between_black_and_white_is_no_photograph():
    """Large steps are edges, not shades."""
    random = np.random.default_rng(3)
    image = random.choice(np.array([0, 0xFFFFFF], np.uint32), (128, 128))
    assert not photo_blocks(image, everything(128, 128)).any()


@pytest.mark.parametrize("seed", range(3))
def test_photographs_are_found(seed):
    """Nearly every block of a picture is one, those cut by the edge too."""
    image = photo(np.random.default_rng(seed), 333, 501)
    found = photo_blocks(pixels(image), everything(501, 333))
    assert found.mean() > 0.98
    assert found[-1].mean() > 0.9
    assert found[:, -1].mean() > 0.9


def test_only_changed_blocks_are_looked_at():
    """A picture that stands still is left alone."""
    image = pixels(photo(np.random.default_rng(1), 256, 256))
    changed = np.zeros((8, 8), np.bool_)
    changed[2:4, 5] = True
    assert np.array_equal(photo_blocks(image, changed), changed)
    assert not photo_blocks(image, np.zeros((8, 8), np.bool_)).any()


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_blocks_and_segments_agree(width, height, data):
    """Clearing the changed blocks clears exactly all that differed."""
    columns = -(-width // SEGMENT)
    segments = np.zeros((height, columns), np.bool_)
    for _ in range(data.draw(st.integers(0, 3))):
        row = data.draw(st.integers(0, height - 1))
        segments[row, data.draw(st.integers(0, columns - 1))] = True
    blocks = changed_blocks(segments)
    assert blocks.shape == everything(width, height).shape
    for row, column in np.argwhere(segments).tolist():
        assert blocks[row // BLOCK, column * SEGMENT // BLOCK]
    assert np.count_nonzero(blocks) <= np.count_nonzero(segments)
    clear_blocks(segments, blocks)
    assert not segments.any()


def test_quality_follows_the_budget():
    """What does not fit at a good quality goes at the best one that fits."""
    coder = PhotoCoder()
    assert coder.quality_for(85, 1000, None) == 85
    assert coder.quality_for(85, 100, 1_000_000) == 85
    assert coder.quality_for(70, 100, 1_000_000) == 70
    assert coder.quality_for(85, 100, 11_000) == 70
    assert coder.quality_for(85, 1000, 13_000) == 30
    assert coder.quality_for(85, 1000, 100) == PREVIEW
    assert coder.blocks_for(LOSSLESS, None) * 3 * BLOCK * BLOCK <= 131_072
    assert coder.blocks_for(30, 1) == 1


class Canvas:
    """A picture whose pixels remember whether they are lossy, beside a loss map."""

    def __init__(self, width, height):
        self.truth = np.zeros((height, width), np.int64)
        self.map = LossMap(width, height)
        self.width, self.height = width, height

    def check(self):
        """No lossy pixel may lie in a block that counts as better."""
        loss = self.map.loss.repeat(BLOCK, 0).repeat(BLOCK, 1)
        assert (loss[: self.height, : self.width] >= self.truth).all()
        assert self.map.is_exact == (not self.map.loss.any())


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.data())
def test_loss_is_never_lost(width, height, data):
    """Through copies and rectangles, lossy pixels stay marked."""
    canvas = Canvas(width, height)
    rows, columns = canvas.map.loss.shape
    for _ in range(data.draw(st.integers(1, 8))):
        x = data.draw(st.integers(0, width - 1))
        y = data.draw(st.integers(0, height - 1))
        rect = Rect(
            x,
            y,
            data.draw(st.integers(1, width - x)),
            data.draw(st.integers(1, height - y)),
        )
        area = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
        kind = data.draw(st.sampled_from(["jpeg", "fill", "copy"]))
        if kind == "jpeg":
            chosen = np.zeros((rows, columns), np.bool_)
            chosen[y // BLOCK, x // BLOCK] = True
            quality = data.draw(st.sampled_from([30, 70, LOSSLESS]))
            canvas.map.set(Rect(0, 0, columns, rows), chosen, quality)
            top, left = y // BLOCK * BLOCK, x // BLOCK * BLOCK
            canvas.truth[top : top + BLOCK, left : left + BLOCK] = 100 - quality
        elif kind == "fill":
            canvas.map.fill(rect)
            canvas.truth[area] = 0
        else:
            dx = data.draw(st.integers(-rect.x, width - rect.right))
            dy = data.draw(st.integers(-rect.y, height - rect.bottom))
            canvas.map.copy(rect, dx, dy)
            source = rect.moved(dx, dy)
            canvas.truth[area] = canvas.truth[
                source.y : source.bottom, source.x : source.right
            ].copy()
        canvas.check()
    canvas.map.fill(Rect(0, 0, width, height))
    assert canvas.map.is_exact


def test_tiles_with_a_lossy_block_are_not_exact():
    """Also those at the edge that have fewer blocks."""
    canvas = LossMap(5 * BLOCK, 3 * BLOCK)
    assert exact_tiles(canvas.loss).tolist() == [True] * 6
    canvas.set(Rect(4, 2, 1, 1), np.ones((1, 1), np.bool_), 30)
    canvas.set(Rect(1, 1, 1, 1), np.ones((1, 1), np.bool_), 70)
    assert exact_tiles(canvas.loss).tolist() == [False, True, True, True, True, False]
