"""Bytes of an unpacked body."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen import layout
from p2p_remote.screen.layout import Body, build, parse
from p2p_remote.screen.scan import changes_of


def table(rows, width):
    return np.array(rows, np.int64).reshape(-1, width)


def body_with(scanned, rectangles, **fields):
    scanned = np.array(scanned, np.uint32)
    changes = changes_of(scanned)
    return Body(
        rectangles=table(rectangles, 6),
        changes=changes,
        values=scanned[changes],
        **fields,
    )


VECTORS = [
    ("nothing", Body(), "0400"),
    ("key frame", Body(size=(640, 360)), "05" + "8002" + "6801" + "00"),
    (
        "one grey pixel",
        body_with([0x808080], [(3, 4, 1, 1, 1, 0)]),
        "04" + "01" + "0300" + "0400" + "0100" + "0100" + "01" + "00" + "80" + "80",
    ),
    (
        "two colours, remembered",
        body_with([0x102030, 0x203040], [(0, 0, 2, 1, 1, 0)], remember=True),
        "08" + "01" + "0000" + "0000" + "0200" + "0100" + "01" + "00" + "c0"
        # G, B-G, R-G
        + "2030" + "1010" + "f0f0",
    ),
    (
        "two colours, smooth",
        body_with([0x102030, 0x203040], [(0, 0, 2, 1, 1, 0)], smooth=True),
        "10" + "01" + "0000" + "0000" + "0200" + "0100" + "01" + "00" + "c0"
        # Each plane minus the value before.
        + "2010" + "1000" + "f000",
    ),
    (
        "copy, store and hits",
        Body(
            copies=table([(1, 2, 11, 22, -1, 5)], 6),
            stores=table([(7, 0)], 2),
            hits=table([(3, 9), (4, 8)], 2),
        ),
        "06" + "0100" + "0100" + "0200"
        # left, top, right, bottom, dx, dy
        + "0100" + "0200" + "0b00" + "1600" + "ffff" + "0500"
        # tile, slot
        + "0700" + "0000"
        # tiles 3, +1; slots 9, -1
        + "0300" + "0100" + "0900" + "ffff" + "00",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "data"), VECTORS, ids=lambda v: str(v)[:20])
def test_bytes_are_those_of_the_document(name, body, data):
    """Bodies have exactly the bytes that the layout says."""
    assert build(body).hex() == data
    same(parse(bytes.fromhex(data)), body)


def same(one, two):
    assert (one.size, one.remember) == (two.size, two.remember)
    for name in ("copies", "stores", "hits", "rectangles", "changes", "values"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


def rows(*bounds, limit):
    return st.lists(st.tuples(*(st.integers(*b) for b in bounds)), max_size=limit)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.data())
def test_round_trip(data):
    """Whatever is built is parsed to the same body."""
    signed, index = (-(2**15), 2**15 - 1), (0, 2**15 - 1)
    rectangles = [
        (x, y, w, h, p, p * f // 256)
        for x, y, w, h, p, f in data.draw(
            rows(
                (0, 65535),
                (0, 65535),
                (1, 6),
                (1, 6),
                (1, 255),
                (0, 255),
                limit=data.draw(st.sampled_from([3, 300])),
            )
        )
    ]
    pixels = sum(w * h for _, _, w, h, *_ in rectangles)
    seed = data.draw(st.integers(0, 99))
    scanned = np.random.default_rng(seed).choice(
        np.array([0, 0x808080, 0x123456, 0xFFFFFF], np.uint32), pixels
    )
    body = body_with(
        scanned,
        rectangles,
        size=data.draw(st.sampled_from([None, (1, 1), (65535, 65535)])),
        remember=data.draw(st.booleans()),
        copies=table(data.draw(rows(*[signed] * 6, limit=3)), 6),
        stores=table(data.draw(rows(index, index, limit=4)), 2),
        hits=table(data.draw(rows(index, index, limit=4)), 2),
    )
    same(parse(build(body)), body)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(254, 300))
def test_many_rectangles_use_the_long_count(count):
    """Up to 254 rectangles are counted in one byte, more in three."""
    body = body_with([1] * count, [(0, 0, 1, 1, 1, 0)] * count)
    data = build(body)
    assert data[1] == (254 if count == 254 else 255)
    same(parse(data), body)


@pytest.mark.parametrize(("name", "body", "data"), VECTORS, ids=lambda v: str(v)[:20])
def test_every_truncation_and_every_extra_byte_is_refused(name, body, data):
    """A body ends exactly where its contents end."""
    raw = bytes.fromhex(data)
    for end in range(len(raw)):
        with pytest.raises(MalformedMessageError):
            parse(raw[:end])
    with pytest.raises(MalformedMessageError):
        parse(raw + b"\0")


RECTANGLE = struct.pack("<BHHHHBB", 1, 0, 0, 1, 1, 1, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x20\0",
        b"\x80\0",
        b"\x02" + bytes(6) + b"\0",
        b"\x02" + struct.pack("<HHH", 4097, 0, 0) + bytes(12 * 4097) + b"\0",
        b"\x02" + struct.pack("<HHH", 0, 4097, 0) + bytes(4 * 4097) + b"\0",
        b"\x02" + struct.pack("<HHH", 0, 0, 4097) + bytes(4 * 4097) + b"\0",
        b"\x04" + struct.pack("<BH", 255, 254) + bytes(10 * 254),
        b"\x04" + struct.pack("<BH", 255, 513) + bytes(10 * 513),
        b"\x04" + struct.pack("<BHHHHBB", 1, 0, 0, 0, 1, 1, 0),
        b"\x04" + struct.pack("<BHHHHBB", 1, 0, 0, 1, 0, 1, 0),
        b"\x04" + struct.pack("<BHHHHBB", 1, 0, 0, 1, 1, 0, 0) + b"\0",
        b"\x04" + struct.pack("<BHHHHBB", 1, 0, 0, 1, 1, 3, 3) + b"\0",
        b"\x04" + RECTANGLE + b"\x40",
        b"\x04" + struct.pack("<BHHHHBB", 1, 0, 0, 513, 1024, 1, 0) + bytes(70_000),
    ],
    ids=[
        "empty", "flag 0x20", "flag 0x80", "no operations", "copies", "stores", "hits",
        "short long count", "rectangles", "no width", "no height", "no pitch",
        "phase not below pitch", "padding bit", "pixels",
    ],
)  # fmt: skip
def test_broken_bounds_are_refused(raw):
    """Each bound of the layout, just beyond it."""
    with pytest.raises(MalformedMessageError):
        parse(raw)


def test_as_many_pixels_as_allowed():
    """The largest update decodes; it is the bound that the refusals test."""
    raw = b"\x04" + struct.pack("<BHHHHBB", 1, 0, 0, 512, 1024, 1, 0) + bytes(1 << 16)
    assert len(parse(raw).changes) == layout.MAX_PIXELS
