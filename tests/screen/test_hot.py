"""Hot patches: packed and checked, and shown only as long as they are newer."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import layout
from p2p_remote.screen.arrays import OPAQUE, Pixels
from p2p_remote.screen.geometry import Rect
from p2p_remote.screen.hot import (
    MAX_PATCH_PIXELS,
    MAX_PATCHES,
    MAX_RECTANGLES,
    Part,
    pack_patch,
    unpack_patch,
)
from p2p_remote.screen.hot_view import HotView
from p2p_remote.screen.layout import Body
from p2p_remote.screen.packing import History, unpack
from p2p_remote.screen.writer import UpdateWriter
from p2p_remote.wire.screen import HOT, PACKER_RAW, HotPatch

SIZE = (200, 100)


def part(rect: Rect, seed: int = 1) -> Part:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 1 << 24, (rect.height, rect.width), np.uint32)
    return Part(rect, pixels)


def patch(serial: int, rect: Rect, colour: int) -> HotPatch:
    pixels = np.full((rect.height, rect.width), colour, np.uint32)
    return pack_patch([Part(rect, pixels)], serial, SIZE)


def raw_patch(body: Body, flags: int = 0) -> HotPatch:
    raw = layout.build(body)
    raw = bytes([raw[0] | flags]) + raw[1:]
    return HotPatch(1, *SIZE, len(raw), raw, PACKER_RAW)


def pixels_body(*rows: tuple[int, int, int, int, int, int]) -> Body:
    count = sum(row[2] * row[3] for row in rows)
    return Body(
        rectangles=np.array(rows, np.int64).reshape(-1, 6),
        changes=np.zeros(count, np.bool_),
    )


class Viewer:
    """A view after its first key frame."""

    def __init__(self) -> None:
        self.writer = UpdateWriter(0)
        self.view = HotView()
        self.view.apply(self.writer.write(Body(size=SIZE)))

    def update(self, retires: int = 0) -> list[Rect]:
        return self.view.apply(replace(self.writer.write(Body()), retires=retires))

    def colour(self, x: int, y: int) -> int:
        blue, green, red, _ = self.view.framebuffer[y, x].tolist()
        return blue | green << 8 | red << 16


@given(
    st.lists(
        st.tuples(
            st.integers(0, 150),
            st.integers(0, 60),
            st.integers(1, 50),
            st.integers(1, 40),
        ),
        min_size=1,
        max_size=MAX_RECTANGLES,
    )
)
def test_a_patch_arrives_as_it_was_made(rows: list[tuple[int, int, int, int]]) -> None:
    """Rectangles and their pixels come out of the wire form as they went in."""
    parts = [part(Rect(*row), seed) for seed, row in enumerate(rows)]
    found = unpack_patch(HOT.decode(HOT.encode(pack_patch(parts, 7, SIZE))))
    assert [each.rect for each in found] == [each.rect for each in parts]
    for one, other in zip(found, parts, strict=True):
        assert np.array_equal(one.pixels, other.pixels | OPAQUE)


def test_a_letter_takes_a_few_hundred_bytes() -> None:
    """What a key press changes fits one packet many times over."""
    random = np.random.default_rng(3)
    pixels: Pixels = np.where(random.random((16, 20)) < 0.4, 0xFFFFFF, 0x202020).astype(
        np.uint32
    )
    message = HOT.encode(pack_patch([Part(Rect(5, 5, 20, 16), pixels)], 1, SIZE))
    assert len(message) < 250


BAD: dict[str, HotPatch] = {
    "no body": HotPatch(1, *SIZE, 0, b"", PACKER_RAW),
    "no rectangle": raw_patch(Body()),
    "nine rectangles": raw_patch(pixels_body(*[(0, 0, 1, 1, 1, 0)] * 9)),
    "too many pixels": replace(
        raw_patch(pixels_body((0, 0, MAX_PATCH_PIXELS + 1, 1, 1, 0))), width=16_384
    ),
    "right of the display": raw_patch(pixels_body((190, 0, 11, 1, 1, 0))),
    "below the display": raw_patch(pixels_body((0, 99, 1, 2, 1, 0))),
    "key frame": raw_patch(Body(size=SIZE)),
    "remembered": raw_patch(pixels_body((0, 0, 1, 1, 1, 0)), layout.FLAG_REMEMBER),
    "copy": raw_patch(Body(copies=np.array([[0, 0, 8, 8, 1, 1]], np.int64))),
    "store": raw_patch(Body(stores=np.array([[0, 0]], np.int64))),
    "wrong length": HotPatch(1, *SIZE, 50, bytes(40), PACKER_RAW),
}


@pytest.mark.parametrize("name", BAD)
def test_a_patch_that_breaks_a_bound_has_no_effect(name: str) -> None:
    """It is refused before anything is shown or allocated for it."""
    viewer = Viewer()
    with pytest.raises(MalformedMessageError):
        viewer.view.show(BAD[name])
    assert viewer.view.patches == 0
    assert not viewer.view.framebuffer[..., :3].any()


def test_an_update_that_retires_a_patch_shows_the_picture_of_the_stream() -> None:
    """Until then the patch is above it; later patches stay."""
    viewer = Viewer()
    assert viewer.view.show(patch(1, Rect(10, 10, 20, 20), 0x111111))
    viewer.view.show(patch(2, Rect(20, 20, 20, 20), 0x222222))
    assert (viewer.colour(12, 12), viewer.colour(25, 25)) == (0x111111, 0x222222)
    viewer.update()
    assert (viewer.colour(12, 12), viewer.colour(25, 25)) == (0x111111, 0x222222)
    assert Rect(10, 10, 20, 20) in viewer.update(retires=1)
    assert (viewer.colour(12, 12), viewer.colour(25, 25)) == (0, 0x222222)
    viewer.update(retires=2)
    assert np.array_equal(viewer.view.framebuffer, viewer.view.reference)
    assert viewer.view.patches == 0


def test_a_patch_that_comes_too_late_or_twice_is_not_shown() -> None:
    """Retired serials and those already seen change nothing."""
    viewer = Viewer()
    viewer.update(retires=3)
    assert viewer.view.show(patch(3, Rect(0, 0, 8, 8), 0xFF)) == []
    assert viewer.view.show(patch(5, Rect(0, 0, 8, 8), 0xFF)) != []
    assert viewer.view.show(patch(4, Rect(0, 0, 8, 8), 0xEE)) == []
    assert viewer.colour(0, 0) == 0xFF


def test_patches_of_another_display_are_not_shown() -> None:
    """Around a change of size a patch may meet the wrong picture."""
    view = HotView()
    assert view.show(patch(1, Rect(0, 0, 8, 8), 0xFF)) == []
    viewer = Viewer()
    assert viewer.view.show(replace(patch(1, Rect(0, 0, 8, 8), 0xFF), width=201)) == []
    assert viewer.view.patches == 0


def test_a_key_frame_ends_all_patches() -> None:
    """A picture that begins anew has nothing over it."""
    viewer = Viewer()
    viewer.view.show(patch(1, Rect(0, 0, 8, 8), 0xFF))
    viewer.view.apply(viewer.writer.write(Body(size=SIZE)))
    assert viewer.view.patches == 0
    assert viewer.colour(0, 0) == 0


def test_the_oldest_of_too_many_patches_gives_way() -> None:
    """A peer that never retires any holds no more memory than for `MAX_PATCHES`."""
    viewer = Viewer()
    for number in range(MAX_PATCHES + 5):
        viewer.view.show(patch(number + 1, Rect(number, 0, 2, 2), 0x010101 * number))
    assert viewer.view.patches == MAX_PATCHES
    assert viewer.colour(0, 0) == 0
    assert viewer.colour(MAX_PATCHES + 4, 0) != 0


def test_a_patch_over_another_replaces_it() -> None:
    """What is covered altogether is not kept."""
    viewer = Viewer()
    for serial in range(1, 10):
        viewer.view.show(patch(serial, Rect(0, 0, 8 + serial, 8), serial))
    assert viewer.view.patches == 1
    assert viewer.colour(0, 0) == 9


@given(st.binary(max_size=80), st.integers(0, 5), st.integers(0, 1 << 18))
def test_any_bytes_give_a_patch_or_are_refused(
    body: bytes, packer: int, length: int
) -> None:
    """Nothing else than `MalformedMessageError` comes of a peer's bytes."""
    viewer = Viewer()
    try:
        viewer.view.show(HotPatch(1, *SIZE, length, body, packer))
    except MalformedMessageError:
        assert viewer.view.patches == 0


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(-3, 3),
)
def test_a_damaged_patch_stays_inside_the_display(
    damage: list[tuple[int, int]], longer: int
) -> None:
    """Changed bytes give other pixels or a refusal, and never touch the stream."""
    viewer = Viewer()
    good = pack_patch([part(Rect(30, 20, 9, 8)), part(Rect(60, 20, 3, 8))], 1, SIZE)
    raw = bytearray(unpack(good.packer, good.body, good.raw_length, History()))
    for place, value in damage:
        raw[place % len(raw)] = value
    bad = HotPatch(1, *SIZE, len(raw) + longer, bytes(raw), PACKER_RAW)
    with contextlib.suppress(MalformedMessageError):
        for rect in viewer.view.show(bad):
            assert Rect(0, 0, *SIZE).contains(rect)
    assert not viewer.view.reference[..., :3].any()
    viewer.update(retires=1)
    assert np.array_equal(viewer.view.framebuffer, viewer.view.reference)
