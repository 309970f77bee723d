"""Photo blocks to side parts of bounded size."""

from collections.abc import Iterator

import numpy as np

from p2p_remote.screen import dct, jpeg, vp8
from p2p_remote.screen.arrays import BLOCK, Bits, Pixels
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.scaling import reduced
from p2p_remote.screen.side import (
    ARRANGEMENT_CROP,
    ARRANGEMENT_MOSAIC,
    ARRANGEMENT_REGION,
    KIND_DCT,
    KIND_DELTA,
    KIND_JPEG,
    KIND_VP8,
    MAX_PICTURE,
    MOSAIC_COLUMNS,
    Side,
    build,
    encode_delta,
    mosaic_size,
)
from p2p_remote.screen.vp8 import RegionStreams

LOSSLESS = 100  # a quality
QUALITIES = (85, 70, 50, 30)
"""Qualities of JPEG, best first."""
HALF = 20  # a quality: JPEG of a picture half as wide and high
PREVIEW = 10  # a quality: JPEG of a picture four times smaller in both directions

_BLOCKS_DELTA = 40  # blocks of a lossless side part: 120 KiB before deflate
_BLOCKS_JPEG = 512  # blocks of a JPEG: 0.5 Mpx, some 50-150 kB
_BOX_BLOCKS = MAX_PICTURE // (BLOCK * BLOCK)  # of the box around them, about
_CROP_SHARE = 0.7  # of chosen blocks, from which the box itself is coded
_BYTES_PER_BLOCK = {
    100: 1000.0,
    85: 170.0,
    70: 100.0,
    50: 72.0,
    30: 50.0,
    HALF: 34.0,
    PREVIEW: 12.0,
}
_SHIFTS = {HALF: 1, PREVIEW: 2}
_SHIFTED_QUALITY = 50
VIDEO_QUALITIES = (50, 30, HALF, PREVIEW)
"""Qualities of a region of video, best first."""
_STREAM_SHARE = 0.6  # of the line for a region as VP8
_STREAM_RATE = 1000.0  # bytes per second and block at most: 36 dB
_VIDEO_RATE = 15  # pictures per second that come before their quality
_PREVIEW_FROM = 4  # budgets that the worst JPEG would take
_MEMORY = 0.7  # share of the old estimate that a new measurement leaves


def slices(blocks: Bits, most: int) -> Iterator[tuple[Rect, Bits]]:
    """Boxes in blocks with their part of `blocks`, each of at most `most` blocks.

    They end with a row of blocks where they can: boxes that overlap code twice.
    """
    rows_per_box = max(_BOX_BLOCKS // blocks.shape[1], 1)
    counts = np.count_nonzero(blocks, axis=1).tolist()
    first = total = 0
    for row, count in enumerate([*counts, most + 1]):
        if total and (total + count > most or row - first >= rows_per_box):
            yield _boxed(blocks, first, row)
            total = 0
        if not total:
            first = row
        if count > most and row < len(counts):
            yield from _parts(blocks, row, most)
        else:
            total += count


def _parts(blocks: Bits, row: int, most: int) -> Iterator[tuple[Rect, Bits]]:
    """Boxes of a row that has more than `most` blocks."""
    columns = np.flatnonzero(blocks[row])
    for start in range(0, len(columns), most):
        part = columns[start : start + most]
        left, right = int(part[0]), int(part[-1]) + 1
        chosen = blocks[row : row + 1, left:right].copy()
        yield Rect(left, row, right - left, 1), chosen


def _boxed(blocks: Bits, top: int, bottom: int) -> tuple[Rect, Bits]:
    """Box around the blocks of some rows, and which ones they are."""
    rows = np.flatnonzero(blocks[top:bottom].any(axis=1)) + top
    columns = np.flatnonzero(blocks[top:bottom].any(axis=0))
    box = Rect.from_edges(
        int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    )
    return box, blocks[box.y : box.bottom, box.x : box.right].copy()


def _mosaic(frame: Pixels, box: Rect, chosen: Bits) -> Pixels:
    """Chosen blocks side by side; blocks cut by the edge are padded by repetition."""
    places = np.argwhere(chosen).tolist()
    columns, rows = mosaic_size(len(places))
    picture = np.zeros((rows * BLOCK, columns * BLOCK), np.uint32)
    for index, (row, column) in enumerate(places):
        x, y = (box.x + column) * BLOCK, (box.y + row) * BLOCK
        block = frame[y : y + BLOCK, x : x + BLOCK]
        height, width = block.shape
        if (height, width) != (BLOCK, BLOCK):
            block = np.pad(block, ((0, BLOCK - height), (0, BLOCK - width)), "edge")
        top = index // MOSAIC_COLUMNS * BLOCK
        left = index % MOSAIC_COLUMNS * BLOCK
        picture[top : top + BLOCK, left : left + BLOCK] = block
    return picture


class PhotoCoder:
    """Codes blocks and learns how many bytes one takes."""

    def __init__(self) -> None:
        """Begin with typical sizes."""
        self.takes_jpeg = True
        """Whether the viewer decodes JPEG; it is used where it can be coded too."""
        self.takes_vp8 = False
        """Whether the viewer takes VP8 for regions of video, where it can be coded."""
        self._streams = RegionStreams()
        self._bytes_per_block = dict(_BYTES_PER_BLOCK)
        self._bytes_of_video = dict(_BYTES_PER_BLOCK)

    def quality_for(self, best: int, blocks: int, budget: int | None) -> int:
        """Best quality up to `best` at which `blocks` blocks fit into `budget`.

        Where the worst would take several budgets, a preview comes first.
        """
        choices = [quality for quality in QUALITIES if quality <= best]
        if budget is None:
            return choices[0]
        for quality in choices:
            if blocks * self._bytes_per_block[quality] <= budget:
                return quality
        worst = choices[-1]
        is_long = blocks * self._bytes_per_block[worst] > _PREVIEW_FROM * budget
        return PREVIEW if is_long else worst

    def blocks_for(self, quality: int, budget: int | None) -> int:
        """Blocks of one side part of about `budget` bytes."""
        most = _BLOCKS_DELTA if quality == LOSSLESS else _BLOCKS_JPEG
        if budget is None:
            return most
        return max(min(int(budget / self._bytes_per_block[quality]), most), 1)

    def encode(self, frame: Pixels, box: Rect, chosen: Bits, quality: int) -> bytes:
        """Side part of the `chosen` blocks of `box`, lossless or not."""
        count = int(np.count_nonzero(chosen))
        if count > _CROP_SHARE * box.area:
            arrangement = ARRANGEMENT_CROP
            rows = slice(box.y * BLOCK, box.bottom * BLOCK)
            columns = slice(box.x * BLOCK, box.right * BLOCK)
            picture = np.ascontiguousarray(frame[rows, columns])
        else:
            arrangement = ARRANGEMENT_MOSAIC
            picture = _mosaic(frame, box, chosen)
        shift = _SHIFTS.get(quality, 0)
        kind, payload = self._coded(picture, quality)
        _learn(self._bytes_per_block, quality, len(payload) / count)
        return build(Side(kind, arrangement, shift, box, chosen, payload))

    def video_quality_for(
        self, region: Rect, budget: int | None, rate: float | None
    ) -> int:
        """Best quality at which a region of video moves well, or the worst.

        `rate` is that of the line in bytes per second.
        """
        limits = [] if budget is None else [budget]
        if rate is not None:
            limits.append(int(rate / _VIDEO_RATE))
        blocks = region.area / (BLOCK * BLOCK)
        for quality in VIDEO_QUALITIES:
            size = blocks * self._bytes_of_video[quality]
            if all(size <= limit for limit in limits):
                return quality
        return VIDEO_QUALITIES[-1]

    def begin_anew(self) -> None:
        """Follow a key frame of the display."""
        self._streams.clear()

    def encode_stream(
        self, frame: Pixels, region: Rect, budget: int | None, rate: float | None
    ) -> bytes | None:
        """Side part of a region as VP8, where that pays; None where JPEG is as good.

        It is for lines that do not carry whole pictures; `rate` is in bytes per second.
        """
        place = (region.x, region.y, region.width, region.height)
        is_thin = self.video_quality_for(region, budget, rate) != VIDEO_QUALITIES[0]
        if not (self.takes_vp8 and vp8.available() and rate is not None):
            return None
        if region.area > MAX_PICTURE or not (is_thin or self._streams.has(place)):
            return None
        area = slice(region.y, region.bottom), slice(region.x, region.right)
        most = _STREAM_RATE * region.area / (BLOCK * BLOCK)
        image = np.ascontiguousarray(frame[area])
        payload = self._streams.encode(image, place, min(_STREAM_SHARE * rate, most))
        no_map = np.zeros((0, 0), np.bool_)
        return build(Side(KIND_VP8, ARRANGEMENT_REGION, 0, region, no_map, payload))

    def encode_region(self, frame: Pixels, region: Rect, quality: int) -> bytes:
        """Side part of a region (pixels) of at most `MAX_PICTURE` pixels, lossy."""
        area = slice(region.y, region.bottom), slice(region.x, region.right)
        kind, payload = self._coded(np.ascontiguousarray(frame[area]), quality)
        share = len(payload) * BLOCK * BLOCK / region.area
        _learn(self._bytes_of_video, quality, share)
        shift = _SHIFTS.get(quality, 0)
        no_map = np.zeros((0, 0), np.bool_)
        part = Side(kind, ARRANGEMENT_REGION, shift, region, no_map, payload)
        return build(part)

    def _coded(self, picture: Pixels, quality: int) -> tuple[int, bytes]:
        """Kind and payload of a picture, made smaller first where the quality is."""
        if quality == LOSSLESS:
            return KIND_DELTA, encode_delta(picture)
        if quality in _SHIFTS:
            picture = reduced(picture, _SHIFTS[quality])
            quality = _SHIFTED_QUALITY
        if self.takes_jpeg and jpeg.available():
            return KIND_JPEG, jpeg.encode(picture, quality)
        return KIND_DCT, dct.encode(picture, quality)


def _learn(sizes: dict[int, float], quality: int, share: float) -> None:
    """Follow what a block at this quality takes."""
    sizes[quality] = _MEMORY * sizes[quality] + (1 - _MEMORY) * share
