"""Frames: round trips, sizes and refusals."""

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import frames
from p2p_remote.wire.frames import (
    Ack,
    Close,
    Credit,
    Latest,
    Padding,
    PathChallenge,
    PathResponse,
    Ping,
    Rekey,
    Stream,
    decode_packet,
    encode_frame,
    encode_packet,
    encode_stream,
    stream_overhead,
)

EXAMPLES = [
    ("ack", "95000a64cd03e893030102", Ack(10, 100, 1000, (3, 1, 2))),
    ("stream", "9401050a c4026869", Stream(5, 10, b"hi")),
    ("credit", "930306cd1000", Credit(6, 4096)),
    ("ping", "9104", Ping()),
    ("latest", "94050107c40178", Latest(1, 7, b"x")),
    ("path challenge", "9206c4080102030405060708", PathChallenge(bytes(range(1, 9)))),
    ("path response", "9207c4080102030405060708", PathResponse(bytes(range(1, 9)))),
    ("close", "930800a3627965", Close(0, "bye")),
    ("padding", "9209c4020000", Padding(bytes(2))),
    ("rekey", "930a00c40201ff", Rekey(0, b"\x01\xff")),
]


@pytest.mark.parametrize(("name", "data", "frame"), EXAMPLES)
def test_known_bytes(name, data, frame):
    """Every frame has the bytes that the protocol document prints."""
    assert encode_frame(frame) == bytes.fromhex(data)
    assert decode_packet(b"\x91" + bytes.fromhex(data)) == [frame]


def test_every_frame_type_has_an_example():
    """The examples cover the table of frames."""
    assert {type(frame) for *_, frame in EXAMPLES} == set(frames._TYPES)


@given(
    st.integers(0, frames.MAX_CHANNEL),
    st.one_of(st.integers(0, 2**33), st.integers(0, frames.MAX_OFFSET)),
    st.binary(min_size=1, max_size=1160),
)
@settings(max_examples=50)
def test_size_of_a_stream_frame_is_known_beforehand(channel, offset, data):
    """`stream_overhead` is exact, and the bytes are plain msgpack."""
    encoded = encode_stream(channel, offset, data)
    assert len(encoded) == len(data) + stream_overhead(offset)
    assert decode_packet(encode_packet([encoded])) == [Stream(channel, offset, data)]


def test_many_frames_in_a_packet():
    """A packet holds 64 frames and not one more."""
    ping = encode_frame(Ping())
    assert decode_packet(encode_packet([ping] * 64)) == [Ping()] * 64
    with pytest.raises(ValueError, match="too many"):
        encode_packet([ping] * 65)
    with pytest.raises(MalformedMessageError):
        decode_packet(b"\xdc\x00\x41" + ping * 65)


REFUSED = {
    "nothing": b"",
    "no frames": b"\x90",
    "not an array": b"\x01",
    "trailing byte": b"\x91\x91\x04\x00",
    "frame is a number": b"\x91\x04",
    "empty frame": b"\x91\x90",
    "map": b"\x91\x81\x01\x02",
    "text as type": msgpack.packb([["1"]]),
    "bool as type": msgpack.packb([[True, 1, 1, b"x"]]),
    "tile frames do not exist": msgpack.packb([[2, 1, 1, 0, 1, b"x"]]),
    "unknown type": msgpack.packb([[11]]),
    "field missing": msgpack.packb([[1, 5, b"x"]]),
    "field too many": msgpack.packb([[4, 0]]),
    "stream without data": msgpack.packb([[1, 5, 0, b""]]),
    "stream at a negative offset": msgpack.packb([[1, 5, -1, b"x"]]),
    "stream beyond all offsets": msgpack.packb([[1, 5, 2**57, b"x"]]),
    "channel 16": msgpack.packb([[1, 16, 0, b"x"]]),
    "bool as channel": msgpack.packb([[1, True, 0, b"x"]]),
    "text as data": msgpack.packb([[1, 5, 0, "x"]]),
    "float as offset": msgpack.packb([[1, 5, 0.0, b"x"]]),
    "ack without runs": msgpack.packb([[0, 5, 0, 0, []]]),
    "ack with an open gap": msgpack.packb([[0, 5, 0, 0, [1, 1]]]),
    "ack with an empty run": msgpack.packb([[0, 5, 0, 0, [1, 1, 0]]]),
    "ack below zero": msgpack.packb([[0, 5, 0, 0, [7]]]),
    "ack of 17 runs": msgpack.packb([[0, 99, 0, 0, [1] * 33]]),
    "ack with a huge run": msgpack.packb([[0, 5, 0, 0, [2**63]]]),
    "credit beyond all offsets": msgpack.packb([[3, 5, 2**57]]),
    "token of 7 bytes": msgpack.packb([[6, bytes(7)]]),
    "close with bytes": msgpack.packb([[8, 0, b"x"]]),
    "close with code 256": msgpack.packb([[8, 256, ""]]),
    "rekey step 2": msgpack.packb([[10, 2, b""]]),
    "rekey too long": msgpack.packb([[10, 0, bytes(257)]]),
    "too long": msgpack.packb([[9, bytes(1500)]]),
    "deep": b"\x91" * 1400,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    """Anything but an array of valid frames is malformed."""
    with pytest.raises(MalformedMessageError):
        decode_packet(REFUSED[name])


def test_text_of_a_close_is_made_printable():
    """A goodbye cannot carry escape sequences into a terminal."""
    (frame,) = decode_packet(encode_packet([encode_frame(Close(0, "\x1b[2Jbye"))]))
    assert frame == Close(0, "\ufffd[2Jbye")


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_are_frames_or_malformed(data):
    """No bytes make the parser raise anything else."""
    try:
        decode_packet(data)
    except MalformedMessageError:
        return
