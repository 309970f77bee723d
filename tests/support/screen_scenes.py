"""Drawn desktops in motion, for tests and benchmarks of the screen codec.

Every scene is a generator of frames (height, width, 4) BGRX of one array that it
changes in place, so a caller that keeps a frame copies it. Glyphs are strokes drawn
from a seed: sharp ones in a fixed pitch for terminals, smoothed ones of varying width
for pages. Text is made of a small vocabulary, so words repeat as they do in real text.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_LETTERS = 96


def _strokes(random: np.random.Generator, width: int, height: int) -> NDArray[np.bool_]:
    """One glyph: three straight strokes."""
    glyph = np.zeros((height, width), np.bool_)
    for _ in range(3):
        (x0, x1), (y0, y1) = random.integers(0, width, 2), random.integers(0, height, 2)
        steps = np.linspace(0, 1, 2 * max(width, height))
        columns = np.rint(x0 + (x1 - x0) * steps).astype(int)
        glyph[np.rint(y0 + (y1 - y0) * steps).astype(int), columns] = True
    return glyph


def _vocabulary(
    random: np.random.Generator, words: int = 400
) -> list[NDArray[np.int64]]:
    shares = 1 / np.arange(1, _LETTERS + 1)
    letters = shares / shares.sum()
    return [
        random.choice(_LETTERS, random.integers(2, 10), p=letters) for _ in range(words)
    ]


class Font:
    """Glyphs as coverage 0..255, all of one height, with their widths."""

    def __init__(self, seed: int, height: int, *, is_smooth: bool) -> None:
        random = np.random.default_rng(seed)
        self.height = height
        self.glyphs: list[Image] = []
        for _ in range(_LETTERS):
            width = int(random.integers(4, 10)) if is_smooth else 7
            glyph = np.zeros((height, width + 1), np.uint8)
            body = height - 5
            if is_smooth:
                fine = _strokes(random, 3 * width, 3 * body).reshape(body, 3, width, 3)
                cover = np.minimum(fine.mean(axis=(1, 3)) * 2.2, 1) * 255
                glyph[2 : 2 + body, :width] = cover.astype(np.uint8)
            else:
                glyph[2 : 2 + body, :width] = _strokes(random, width, body) * 255
            self.glyphs.append(glyph)
        self._words = [
            np.concatenate([self.glyphs[letter] for letter in word], axis=1)
            for word in _vocabulary(random)
        ]
        self._space = np.zeros((height, 6 if is_smooth else 8), np.uint8)

    def line(self, random: np.random.Generator, width: int, fill: float = 1.0) -> Image:
        """Coverage (height, width) of a line of words."""
        out = np.zeros((self.height, width), np.uint8)
        shares = 1 / np.arange(1, len(self._words) + 1)
        shares /= shares.sum()
        x = 0
        while x < width * fill:
            word = self._words[int(random.choice(len(self._words), p=shares))]
            if x + word.shape[1] > width:
                break
            out[:, x : x + word.shape[1]] = word
            x += word.shape[1] + self._space.shape[1]
        return out


def paint(
    target: Image, cover: Image, ink: tuple[int, int, int], paper: tuple[int, int, int]
) -> None:
    """Colour coverage into BGRX pixels of the same height and width."""
    share = cover[:, :, None].astype(np.uint16)
    mixed = share * np.array(ink, np.uint16) + (255 - share) * np.array(
        paper, np.uint16
    )
    target[:, :, :3] = (mixed + 127) // 255


def photo(random: np.random.Generator, height: int, width: int) -> Image:
    """Smooth shapes of many sizes with grain, as a camera sees them."""
    total = np.zeros((height, width, 3))
    for step in (256, 64, 16, 4):
        rows, columns = -(-height // step) + 2, -(-width // step) + 2
        coarse = random.normal(0, step**0.7, (rows, columns, 3))
        y, x = np.arange(height) / step, np.arange(width) / step
        top, left = y.astype(int), x.astype(int)
        down, right = (y - top)[:, None, None], (x - left)[None, :, None]
        upper = coarse[top][:, left] * (1 - right) + coarse[top][:, left + 1] * right
        lower = (
            coarse[top + 1][:, left] * (1 - right)
            + coarse[top + 1][:, left + 1] * right
        )
        total += upper * (1 - down) + lower * down
    total += random.normal(0, 2.0, (height, width, 1))
    image = np.zeros((height, width, 4), np.uint8)
    image[:, :, :3] = np.clip(total + 128, 0, 255)
    return image


def terminal(
    random: np.random.Generator, height: int, width: int, font: Font, fill: float = 0.7
) -> Image:
    """A screen full of terminal lines, light on dark."""
    image = np.zeros((height, width, 4), np.uint8)
    for y in range(0, height - font.height, font.height):
        share = float(random.random()) * fill
        paint(
            image[y : y + font.height],
            font.line(random, width, share),
            (220, 220, 220),
            (0, 0, 0),
        )
    return image


def page(random: np.random.Generator, height: int, width: int, font: Font) -> Image:
    """A long page: paragraphs of smoothed text, headings with a tint, pictures."""
    image = np.full((height, width, 4), 255, np.uint8)
    y = 20
    while y + 260 < height:
        image[y : y + 40, 60 : width - 60, :3] = random.integers(200, 255, 3)
        y += 52
        if random.random() < 0.25:
            image[y : y + 200, 80:400] = photo(random, 200, 320)
            y += 212
        for _ in range(int(random.integers(4, 12))):
            if y + font.height > height:
                break
            line = font.line(random, width - 160, 0.6 + 0.4 * random.random())
            paint(
                image[y : y + font.height, 80 : width - 80],
                line,
                (40, 30, 30),
                (255, 255, 255),
            )
            y += font.height
        y += 24
    return image


@dataclass(frozen=True)
class Size:
    """Of a scene, in pixels."""

    width: int = 1920
    height: int = 1080


def typing(size: Size, seed: int = 1) -> Iterator[Image]:
    """One more letter and the cursor behind it per frame."""
    random = np.random.default_rng(seed)
    font = Font(seed, 13, is_smooth=False)
    frame = terminal(random, size.height, size.width, font)
    x, y = 8, size.height // 2 // 13 * 13
    frame[y : y + 13] = 0
    yield frame
    while True:
        glyph = font.glyphs[int(random.integers(0, 26))]
        paint(frame[y : y + 13, x : x + 8], glyph, (220, 220, 220), (0, 0, 0))
        x += 8
        if x + 16 > size.width:
            x = 8
            frame[y : y + 13] = 0
        frame[y : y + 13, x : x + 8, :3] = 220
        yield frame


def log_scroll(size: Size, seed: int = 2) -> Iterator[Image]:
    """A terminal that scrolls by one to three lines per frame."""
    random = np.random.default_rng(seed)
    font = Font(seed, 13, is_smooth=False)
    frame = terminal(random, size.height, size.width, font)
    rows = (size.height - 1) // 13 * 13
    while True:
        yield frame
        for _ in range(int(random.integers(1, 4))):
            frame[: rows - 13] = frame[13:rows].copy()
            line = font.line(random, size.width, float(random.random()))
            paint(frame[rows - 13 : rows], line, (220, 220, 220), (0, 0, 0))


def web_scroll(size: Size, seed: int = 3) -> Iterator[Image]:
    """A page that scrolls under a fixed head, with a scroll bar."""
    random = np.random.default_rng(seed)
    font = Font(seed, 19, is_smooth=True)
    head = size.height // 9
    long_page = page(random, 8 * size.height, size.width - 15, font)
    frame = np.full((size.height, size.width, 4), 225, np.uint8)
    line = font.line(random, size.width, 0.4)
    paint(frame[10:29], line, (0, 0, 0), (225, 225, 225))
    offset, step = 0, 53
    while True:
        frame[head:, :-15] = long_page[offset : offset + size.height - head]
        bar = head + offset // 10
        frame[head:, -15:, :3] = 240
        frame[bar : bar + size.height // 10, -13:-2, :3] = 160
        yield frame
        if not 0 <= offset + step <= 7 * size.height:
            step = -step
        offset += step


def window_drag(size: Size, seed: int = 4) -> Iterator[Image]:
    """A window of text dragged over a photographic wallpaper."""
    random = np.random.default_rng(seed)
    wallpaper = photo(random, size.height, size.width)
    font = Font(seed, 19, is_smooth=True)
    height, width = size.height // 2, size.width // 2
    window = page(random, height, width, font)
    window[:24, :, :3] = (120, 80, 60)
    x, y, dx, dy = 40, 30, 13, 5
    frame = wallpaper.copy()
    while True:
        frame[:] = wallpaper
        frame[y : y + height, x : x + width] = window
        yield frame
        dx = -dx if not 0 <= x + dx <= size.width - width else dx
        dy = -dy if not 0 <= y + dy <= size.height - height else dy
        x, y = x + dx, y + dy


def window_switch(size: Size, seed: int = 5) -> Iterator[Image]:
    """Three windows raised in turn; each changes a little while it is hidden."""
    random = np.random.default_rng(seed)
    sharp, smooth = Font(seed, 13, is_smooth=False), Font(seed, 19, is_smooth=True)
    windows = [
        terminal(random, size.height, size.width, sharp),
        page(random, size.height, size.width, smooth),
        page(random, size.height, size.width, smooth),
    ]
    frame = windows[0].copy()
    while True:
        for window in windows:
            frame[:] = window
            yield frame
            x = int(random.integers(0, size.width // 2))
            line = smooth.line(random, size.width // 3)
            y = int(random.integers(0, size.height - 20))
            paint(
                window[y : y + 19, x : x + line.shape[1]],
                line,
                (0, 0, 0),
                (255, 255, 255),
            )


def video(size: Size, seed: int = 6) -> Iterator[Image]:
    """A moving picture of a third of the screen's sides in a page of text."""
    random = np.random.default_rng(seed)
    frame = page(random, size.height, size.width, Font(seed, 19, is_smooth=True))
    height, width = size.height // 3, size.width // 3
    scene = photo(random, 2 * height, 2 * width)
    step = 0
    while True:
        x, y = 3 * step % width, 2 * step % height
        part = scene[y : y + height, x : x + width, :3].astype(np.int16)
        part += random.integers(-3, 4, (height, width, 1), dtype=np.int16)
        frame[100 : 100 + height, 100 : 100 + width, :3] = np.clip(part, 0, 255)
        yield frame
        step += 1


def photo_change(size: Size, seed: int = 7) -> Iterator[Image]:
    """A new photograph on the whole screen each time."""
    random = np.random.default_rng(seed)
    while True:
        yield photo(random, size.height, size.width)


SCENES: dict[str, Callable[[Size], Iterator[Image]]] = {
    "typing": typing,
    "log scroll": log_scroll,
    "web scroll": web_scroll,
    "window drag": window_drag,
    "window switch": window_switch,
    "video": video,
    "photo": photo_change,
}
"""Scenes by the name that benchmarks print."""
