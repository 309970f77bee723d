"""The pure parts of the X11 client: requests, damage, authority file."""

import socket
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.desktop.x11_authority import authorisation
from p2p_remote.desktop.x11_connection import request
from p2p_remote.desktop.x11_damage import joined, row_bands
from p2p_remote.screen.geometry import Rect

RECTANGLES = st.lists(
    st.builds(
        Rect,
        st.integers(0, 100),
        st.integers(0, 100),
        st.integers(1, 30),
        st.integers(1, 30),
    ),
    max_size=60,
)
COOKIE = b"MIT-MAGIC-COOKIE-1"


def test_a_request_is_padded_to_words():
    assert request(43, 0) == struct.pack("<BBH", 43, 0, 1)
    assert request(98, 0, b"\5\0\0\0DAMGE") == (
        struct.pack("<BBH", 98, 0, 4) + b"\5\0\0\0DAMGE\0\0\0"
    )


@settings(max_examples=60, derandomize=True)
@given(RECTANGLES)
def test_joined_damage_still_covers_all_of_it(rectangles):
    groups = joined(rectangles, 8)

    assert len(groups) <= 8
    for rectangle in rectangles:
        assert any(group.contains(rectangle) for group in groups)


@settings(max_examples=60, derandomize=True)
@given(RECTANGLES)
def test_row_bands_cover_the_damage_and_stay_apart(rectangles):
    bands = row_bands(rectangles, 16)

    for rectangle in rectangles:
        assert any(
            top <= rectangle.y and rectangle.bottom <= bottom for top, bottom in bands
        )
    for (_, bottom), (top, _) in pairwise(bands):
        assert top - bottom >= 16


def entry(family, address, display, name, data):
    fields = b"".join(
        struct.pack(">H", len(part)) + part for part in (address, display, name, data)
    )
    return struct.pack(">H", family) + fields


@pytest.fixture
def local(tmp_path, monkeypatch):
    """A local connection and a function that writes the authority file."""
    place = tmp_path / "authority"
    monkeypatch.setenv("XAUTHORITY", str(place))
    one, other = socket.socketpair()
    with one, other:
        yield one, place.write_bytes


def test_the_cookie_of_this_host_and_display_is_taken(local):
    connection, write = local
    host = socket.gethostname().encode()
    write(
        entry(256, b"elsewhere", b"7", COOKIE, b"wrong host")
        + entry(256, host, b"8", COOKIE, b"wrong display")
        + entry(256, host, b"7", b"XDM-AUTHORIZATION-1", b"wrong kind")
        + entry(256, host, b"7", COOKIE, b"right")
    )

    assert authorisation(connection, 7) == (COOKIE, b"right")


def test_a_wild_entry_fits_every_host_and_display(local):
    """Display managers write these."""
    connection, write = local
    write(entry(65535, b"anything", b"", COOKIE, b"wild"))

    assert authorisation(connection, 7) == (COOKIE, b"wild")


def test_a_cut_off_file_still_counts_up_to_there(local):
    connection, write = local
    write(entry(65535, b"", b"", COOKIE, b"wild") + b"\1\0\0\x20abc")

    assert authorisation(connection, 7) == (COOKIE, b"wild")


def test_without_a_file_there_is_no_cookie(local):
    connection, _ = local

    assert authorisation(connection, 7) == (b"", b"")
