"""What happens on the display: the same steps for every program that is measured."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.bench.bench_screen_stage import Picture, Stage, Terminal

WIDTH, HEIGHT = 1920, 1080
_TEXT = (
    "the session of support begins when both sides agree and a line between them "
    "opens so that each letter which one of them types is seen by the other before "
    "the next word comes to mind while pictures wait for their turn in the queue"
)
_WORDS = _TEXT.split()
_DARK, _GREY, _LINK = (32, 32, 36), (96, 96, 104), (170, 80, 20)


@cache
def photo(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """Picture with the spectrum of a photograph and the noise of a camera."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(
        np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width) * width
    )
    frequency[0, 0] = 1.0
    light = []
    for _ in range(3):
        spectrum = np.fft.rfft2(random.standard_normal((height, width)))
        plane = np.fft.irfft2(spectrum / frequency**1.5, s=(height, width))
        light.append((plane - plane.mean()) / plane.std())
    noise = random.normal(0.0, 1.2, (height, width))
    planes = [
        128 + 46 * light[0] + 12 * light[1] * k + 8 * light[2] + noise
        for k in (-1.0, 0.2, 1.0)
    ]
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, :3] = np.stack(planes, axis=2).clip(0, 255).astype(np.uint8)
    return pixels


def _bgrx(image: Image.Image) -> Picture:
    rgb = np.asarray(image.convert("RGB"))
    pixels = np.zeros((*rgb.shape[:2], 4), np.uint8)
    pixels[:, :, :3] = rgb[:, :, ::-1]
    return pixels


def _sentence(random: np.random.Generator, count: int) -> str:
    return " ".join(_WORDS[int(n)] for n in random.integers(0, len(_WORDS), count))


def page(
    width: int, height: int, *, pictures: bool, seed: int = 5, paper: int = 255
) -> Picture:
    """Page of smooth letters; with `pictures`, like one of the web."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), (paper, paper, paper))
    draw = ImageDraw.Draw(image)
    text, head = ImageFont.load_default(16), ImageFont.load_default(28)
    y, line = 24, 0
    while y < height - 40:
        if line % 17 == 0:
            draw.text((40, y), _sentence(random, 5).title(), _DARK, font=head)
            y += 48
        elif pictures and line % 23 == 7:
            part = photo(40 + line % 3, 480, 270)
            image.paste(Image.fromarray(part[:, :, 2::-1].copy()), (60, y))
            draw.text((570, y + 20), _sentence(random, 6), _LINK, font=text)
            y += 290
        else:
            words = max((width - 120) // 45, 2)
            colour = _GREY if line % 5 == 4 else _DARK
            draw.text((40, y), _sentence(random, words), colour, font=text)
            y += 24
        line += 1
    return _bgrx(image)


def window_picture(width: int, height: int, seed: int) -> Picture:
    """Window of a program: title bar, buttons, text."""
    pixels = page(width, height, pictures=False, seed=seed, paper=250 - 3 * seed)
    pixels[:28, :, :3] = np.array([140, 90 + 20 * seed, 50], np.uint8)
    for x in range(8, 8 * 90, 90):
        pixels[34:58, x : x + 80, :3] = 215
    return pixels


class Workload:
    """`step` changes the display and returns how far something was dragged."""

    name: ClassVar[str]
    settle: ClassVar[float] = 0.0  # s that programs need to draw a step
    goal_bytes: ClassVar[float]
    goal_cpu: ClassVar[float]
    is_film: ClassVar[bool] = False
    most_steps: ClassVar[int] = 1 << 16  # after which content comes again
    background: ClassVar[Callable[[], Picture]] = staticmethod(
        lambda: window_picture(WIDTH, HEIGHT, 2)
    )

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self.root = stage.window(0, 0, type(self).background())
        self.set_up()

    def set_up(self) -> None:
        """Draw what stands there before the first step."""

    def step(self, number: int) -> tuple[int, int] | None:
        raise NotImplementedError

    def close(self) -> None:
        """End what `set_up` began."""


class Typing(Workload):
    """A letter per step in a real terminal."""

    name = "typing, xterm"
    settle, goal_bytes, goal_cpu = 0.06, 0.45, 1.8
    geometry = "120x40+300+150"

    def set_up(self) -> None:
        self.terminal = Terminal(self.stage, self.folder, self.geometry)
        self.stage.settle(1.2)
        for number in range(20):
            self.terminal.write(f"{number:3} {' '.join(_WORDS[:12])}\r\n")
        self.stage.settle(0.3)

    def step(self, number: int) -> None:
        self.terminal.write("make it better and faster than before "[number % 38])

    def close(self) -> None:
        self.terminal.close()


class Log(Typing):
    """Two lines per step in a terminal that fills the screen."""

    name = "log scroll, xterm"
    goal_bytes, goal_cpu = 0.015, 0.40
    geometry = "210x58+0+0"

    def set_up(self) -> None:
        super().set_up()
        self.random = np.random.default_rng(3)
        for _ in range(60):
            self.step(0)
        self.stage.settle(0.4)

    def step(self, number: int) -> None:
        for _ in range(2):
            value = int(self.random.integers(1 << 30))
            length = int(self.random.integers(6, 16))
            self.terminal.write(
                f"\r\n12:00:{value % 60:02} host service[{value % 9999}]: "
                f"{_sentence(self.random, length)} id={value:08x}"
            )


class Editor(Workload):
    """A letter per step in smooth type; the rest of its line moves on."""

    name = "typing, smooth text"
    goal_bytes, goal_cpu = 0.20, 1.4

    def set_up(self) -> None:
        self.text = _sentence(np.random.default_rng(9), 24)
        self.font = ImageFont.load_default(17)

    def step(self, number: int) -> None:
        typed = "quickly written words "[: number % 22 + 1]
        image = Image.new("RGB", (1500, 26), (244, 244, 244))
        text = f"{self.text[:60]}{typed}{self.text[60:]}"
        ImageDraw.Draw(image).text((10, 3), text, _DARK, font=self.font)
        self.stage.paint(self.root, _bgrx(image), 100, 500)


class Cursor(Typing):
    """The cursor of a real terminal, off and on."""

    name = "blinking cursor"

    def step(self, number: int) -> None:
        self.terminal.write("\x1b[?25l" if number % 2 else "\x1b[?25h")


class WebPage(Workload):
    """A page with pictures that scrolls by 60 rows."""

    name = "web page scroll"
    goal_bytes, goal_cpu = 0.08, 0.40
    size = (1400, 960)

    def set_up(self) -> None:
        self.long = self.stage.picture(page(1400, 5200, pictures=True))
        self.window = self.stage.window(200, 80, np.zeros((960, 1400, 4), np.uint8))
        self.stage.show(self.long, self.window, 0, self.size)

    def step(self, number: int) -> None:
        place = number * 60 % 8000
        top = place if place <= 4000 else 8000 - place
        self.stage.show(self.long, self.window, top, self.size)


class Drag(Workload):
    """A window dragged over a photograph."""

    name = "window drag"
    goal_bytes, goal_cpu = 0.28, 0.80
    background = staticmethod(lambda: photo(1))

    def set_up(self) -> None:
        self.window = self.stage.window(100, 100, window_picture(800, 560, 3))
        self.place = (100, 100)

    def step(self, number: int) -> tuple[int, int]:
        turn = number % 80
        way = turn if turn < 40 else 80 - turn
        before, self.place = self.place, (100 + 23 * way, 100 + 9 * way)
        self.stage.move(self.window, *self.place)
        return self.place[0] - before[0], self.place[1] - before[1]


class Switch(Workload):
    """Three windows come to the front in turn."""

    name = "window switch"
    goal_bytes, goal_cpu = 0.15, 0.70

    def set_up(self) -> None:
        self.windows = [
            self.stage.window(60 + 120 * k, 40 + 60 * k, window_picture(1400, 880, k))
            for k in (3, 1, 4)
        ]

    def step(self, number: int) -> None:
        self.stage.raise_window(self.windows[number % 3])


class Video(Workload):
    """A picture of 640x360 that changes everywhere in every step."""

    is_film = True

    name = "video 640x360"
    goal_bytes, goal_cpu = 0.55, 0.75
    goal_jpeg_bytes = 0.75
    frames = 24

    def set_up(self) -> None:
        one, two = (photo(seed, 1000, 600).astype(np.float32) for seed in (7, 8))
        random = np.random.default_rng(4)
        self.pixmaps = []
        for number in range(self.frames):
            x, y = 9 * number, 4 * number
            mixed = (
                0.6 * one[y : y + 360, x : x + 640]
                + 0.4 * two[200 - y : 560 - y, 300 - x : 940 - x]
                + random.normal(0, 1.0, (360, 640, 1))
            )
            frame = mixed.clip(0, 255).astype(np.uint8)
            self.pixmaps.append(self.stage.picture(frame))
        self.window = self.stage.window(600, 300, np.zeros((360, 640, 4), np.uint8))

    def step(self, number: int) -> None:
        turn = number % (2 * self.frames - 2)
        turn = min(turn, 2 * self.frames - 2 - turn)
        self.stage.show(self.pixmaps[turn], self.window, 0, (640, 360))


class Photo(Workload):
    """Another photograph fills the screen."""

    name = "photo, full screen"
    goal_bytes, goal_cpu = 0.55, 0.75

    most_steps = 8

    def set_up(self) -> None:
        self.photos = []
        for seed in (11, 12):
            for flip in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                flipped = photo(seed)[:: flip[0], :: flip[1]]
                self.photos.append(self.stage.picture(flipped))

    def step(self, number: int) -> None:
        shown = self.photos[number - 1]
        self.stage.show(shown, self.root, 0, (WIDTH, HEIGHT))


WORKLOADS: tuple[type[Workload], ...] = (
    Typing,
    Editor,
    Log,
    WebPage,
    Drag,
    Switch,
    Video,
    Cursor,
    Photo,
)
