"""Encoder and decoder together: exact after every update, whatever happens."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.screen import jpeg
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.encoder import RAW_LIMIT, Encoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.packing import History
from tests.support.screen_link import Link
from tests.support.screen_scenes import SCENES, Font, Size, page, photo

needs_jpeg = pytest.mark.skipif(not jpeg.available(), reason="simplejpeg is missing")
SMALL = Size(480, 288)
SLOW = 250_000.0  # bytes/s


@pytest.mark.parametrize("link_rate", [None, SLOW])
@pytest.mark.parametrize("scene", SCENES)
def test_scenes_are_exact_after_every_update(scene, link_rate):
    """Typing, scrolling, dragging, switching, video and photographs."""
    link = Link(SMALL.width, SMALL.height)
    link.encoder.link_rate = link_rate
    for frame in islice(SCENES[scene](SMALL), 8):
        link.send(frame)
        assert link.shows(frame)
        assert not link.encoder.pending
        assert link.encoder.encode(frame, None) == []


@needs_jpeg
@pytest.mark.parametrize("scene", ["web scroll", "window drag", "video", "photo"])
def test_lossy_scenes_become_exact_when_refined(scene):
    """Wherever lossy pixels were moved, copied or cached to, they are found again."""
    link = Link(SMALL.width, SMALL.height)
    link.encoder.lossy = True
    for step, frame in enumerate(islice(SCENES[scene](SMALL), 8)):
        link.send(frame)
        assert not link.encoder.pending
        if step % 3 == 2:
            while link.encoder.refinable:
                link.carry(link.encoder.refine(20_000))
            assert link.shows(frame)
    error = link.decoder.framebuffer[..., :3].astype(float) - frame[..., :3]
    assert 10 * np.log10(65025 / max((error**2).mean(), 1e-9)) > 34
    link.carry(link.encoder.refine())
    assert link.shows(frame)
    assert link.encoder.refine() == []


@needs_jpeg
def test_refinement_waits_and_climbs():
    """Nothing at once, better pictures after a while, exact ones after 3 s."""
    link = Link(256, 128)
    link.encoder.lossy, link.encoder.link_rate = True, SLOW
    frame = photo(np.random.default_rng(1), 128, 256)
    link.send(frame)

    def error():
        shown = link.decoder.framebuffer[..., :3].astype(float)
        return ((shown - frame[..., :3]) ** 2).mean()

    errors = [error()]
    assert link.encoder.refine(still=0.2) == []
    for still in (0.5, 1.5, 3.0):
        assert link.carry(link.encoder.refine(still=still))
        assert link.encoder.refine(still=still) == []
        errors.append(error())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0
    assert not link.encoder.refinable


@needs_jpeg
def test_text_is_exact_beside_a_photograph():
    """Only photographic blocks are lossy; letters never are."""
    random = np.random.default_rng(1)
    frame = page(random, 480, 640, Font(1, 19, is_smooth=True))
    frame[:192, 320:] = photo(random, 192, 320)
    link = Link(640, 480)
    link.encoder.lossy = True
    link.send(frame)
    assert not link.encoder.pending
    is_exact = (link.decoder.framebuffer[..., :3] == frame[..., :3]).all(axis=2)
    assert is_exact[:192, 320:].mean() < 0.5
    # Pictures that the page has of its own begin at column 80 and end at 400.
    is_text = frame[..., 1] < 80
    assert is_text[200:, 416:].sum() > 500
    assert is_exact[200:, 416:].all()


def test_the_ignored_byte_never_counts():
    """Any change of the fourth byte sends nothing, and moves nothing wrong."""
    random = np.random.default_rng(2)
    link = Link(SMALL.width, SMALL.height)
    for frame in islice(SCENES["log scroll"](SMALL), 4):
        noisy = frame.copy()
        noisy[..., 3] = random.integers(0, 256, noisy.shape[:2])
        link.send(noisy)
        assert link.shows(noisy)
        noisy[..., 3] ^= 0x55
        assert link.encoder.encode(noisy, None) == []


def test_a_key_frame_carries_the_size_and_begins_anew():
    """A decoder that has seen nothing can begin at any reset."""
    frames = islice(SCENES["window switch"](SMALL), 5)
    link = Link(SMALL.width, SMALL.height)
    for step, frame in enumerate(frames):
        if step == 3:
            link.encoder.reset()
            assert link.encoder.pending
            link.decoder, link.history = Decoder(), History()
        link.send(frame, [Rect(0, 0, 1, 1)] if step == 3 else None)
        assert link.shows(frame)
    assert [body.size for body in link.bodies if body.size] == [(480, 288)] * 2


def test_a_new_size_is_a_new_encoder():
    """The decoder follows the key frame of another encoder to another size."""
    link = Link(60, 40)
    random = np.random.default_rng(3)
    for width, height in ((60, 40), (333, 77), (1, 1), (17, 300)):
        link.encoder = Encoder(width, height)
        frame = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
        link.send(frame)
        assert link.shows(frame)


def test_raw_bodies_are_bounded():
    """A screen of noise becomes many updates, so other channels go in between."""
    noise = np.random.default_rng(4).integers(0, 2, (700, 900, 1), dtype=np.uint8)
    frame = np.repeat(noise * 255, 4, axis=2)
    frame[::3] ^= 0x1F
    encoder = Encoder(900, 700)
    updates = encoder.encode(frame, None)
    assert len(updates) > 3
    assert max(update.raw_length for update in updates) <= RAW_LIMIT
    assert max(len(update.side) for update in updates) <= RAW_LIMIT


def test_damage_bounds_the_comparison():
    """What lies outside of the damaged rows is not looked at until it is damaged."""
    link = Link(100, 100)
    frame = np.zeros((100, 100, 4), np.uint8)
    link.send(frame)
    frame[10, 5] = frame[50, 5] = 200
    link.send(frame, [Rect(0, 5, 100, 10)])
    assert link.decoder.framebuffer[10, 5, 0] == 200
    assert link.decoder.framebuffer[50, 5, 0] == 0
    assert link.encoder.encode(frame, []) == []
    link.send(frame, [Rect(5, 50, 1, 1)])
    assert link.shows(frame)


def test_one_changed_pixel_is_a_few_bytes():
    """A caret costs an exact rectangle and nothing else."""
    link = Link(1920, 1080)
    frame = np.zeros((1080, 1920, 4), np.uint8)
    link.send(frame)
    frame[500:513, 700:708] = 230
    assert link.send(frame) < 60
    assert link.bodies[-1].rectangles[:, :4].tolist() == [[700, 500, 8, 13]]


def test_scrolling_is_a_copy():
    """A scrolled log sends its new lines, not its old ones."""
    link = Link(SMALL.width, SMALL.height)
    sizes = [link.send(frame) for frame in islice(SCENES["log scroll"](SMALL), 6)]
    assert max(sizes[1:]) < sizes[0] / 4
    moves = [body.copies[0, 4:].tolist() for body in link.bodies if len(body.copies)]
    assert len(moves) == 5
    assert all(dx == 0 and dy in (13, 26, 39) for dx, dy in moves)


def test_a_dragged_window_is_a_copy():
    """With or without the hint of the pointer, the window moves by reference."""
    size = Size(1280, 720)
    for hint in (None, (13, 5)):
        link = Link(size.width, size.height)
        sizes = [
            link.send(frame, motion=hint)
            for frame in islice(SCENES["window drag"](size), 4)
        ]
        assert max(sizes[1:]) < sizes[0] / 8
        moves = [b.copies[0, 4:].tolist() for b in link.bodies if len(b.copies)]
        assert moves == [[-13, -5]] * 3


def test_content_that_comes_back_is_a_hit():
    """The second round through three windows comes from the cache."""
    link = Link(960, 540)
    sizes = [
        link.send(frame) for frame in islice(SCENES["window switch"](Size(960, 540)), 9)
    ]
    assert sum(sizes[3:6]) < sum(sizes[:3]) / 4
    assert sum(sizes[6:9]) < sum(sizes[:3]) / 4
    assert sum(len(body.hits) for body in link.bodies) > 100


def test_rectangles_are_trimmed_against_the_moved_picture():
    """A copy that breaks pixels is repaired by the rectangles of the same update."""
    random = np.random.default_rng(6)
    link = Link(640, 400)
    frame = random.integers(0, 256, (400, 640, 4), dtype=np.uint8)
    frame[..., :3] &= 0xC0
    link.send(frame)
    moved = frame.copy()
    moved[50:350, 100:600] = frame[63:363, 93:593]
    # Spots inside the moved area that stayed, and spots that changed.
    moved[100:110, 200:230] = frame[100:110, 200:230]
    moved[200:203, 300:500, :3] = 7
    link.send(moved)
    assert len(link.bodies[-1].copies) + len(link.bodies[-2].copies)
    assert link.shows(moved)


def test_frames_of_another_shape_are_a_mistake_of_the_caller():
    """Shape and layout are checked before anything happens."""
    encoder = Encoder(64, 48)
    with pytest.raises(ValueError, match="shape"):
        encoder.encode(np.zeros((64, 48, 4), np.uint8), None)
    with pytest.raises(ValueError, match="shape"):
        encoder.encode(np.zeros((96, 64, 4), np.uint8)[::2], None)


def draw_on(frame, data):
    """Change `frame` in one of many ways."""
    height, width = frame.shape[:2]
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    w, h = data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y))
    random = np.random.default_rng(data.draw(st.integers(0, 999)))
    area = frame[y : y + h, x : x + w]
    kind = data.draw(st.sampled_from(["fill", "noise", "text", "scroll", "drag", "x"]))
    if kind == "fill":
        area[...] = random.integers(0, 256, 4)
    elif kind == "noise":
        area[...] = random.integers(0, 256, area.shape)
    elif kind == "text":
        area[...] = (random.random((h, w, 1)) < 0.2) * np.uint8(200)
    elif kind == "scroll":
        area[...] = np.roll(area, data.draw(st.integers(-40, 40)), axis=0)
    elif kind == "drag":
        shift = data.draw(st.integers(-40, 40)), data.draw(st.integers(-40, 40))
        frame[...] = np.roll(frame, shift, axis=(0, 1))
    else:
        area[..., 3] = random.integers(0, 256, (h, w))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.data())
def test_any_history_converges(data):
    """Changes, budgets, focus, views, resets, link rates and refinement in any order.

    After the last change, calls until nothing is pending make both ends equal.
    """
    width, height = data.draw(st.integers(1, 420)), data.draw(st.integers(1, 300))
    link = Link(width, height)
    link.encoder.lossy = jpeg.available() and data.draw(st.booleans())
    frame = np.zeros((height, width, 4), np.uint8)
    rect = st.builds(
        Rect, st.integers(-9, width), st.integers(-9, height),
        st.integers(0, width), st.integers(0, height),
    )  # fmt: skip
    for _ in range(data.draw(st.integers(1, 5))):
        for _ in range(data.draw(st.integers(0, 2))):
            draw_on(frame, data)
        step = data.draw(st.sampled_from(["", "reset", "view", "rate", "refine"]))
        if step == "reset":
            link.encoder.reset()
        elif step == "view":
            link.encoder.view = data.draw(st.none() | rect)
        elif step == "rate":
            link.encoder.link_rate = data.draw(st.sampled_from([None, SLOW, 3e6]))
        elif step == "refine":
            link.carry(link.encoder.refine(data.draw(st.sampled_from([None, 500]))))
        link.send(
            frame,
            None,
            budget=data.draw(st.sampled_from([None, 0, 300, 5_000])),
            focus=data.draw(st.none() | rect),
            motion=data.draw(st.sampled_from([None, (0, 13), (5, -7)])),
        )
    link.encoder.view = None
    for _ in range(2000):
        if not link.encoder.pending:
            break
        link.send(frame, [], budget=2_000)
    assert not link.encoder.pending
    link.carry(link.encoder.refine())
    assert link.shows(frame)
