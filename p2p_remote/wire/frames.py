"""Frames: what is inside a sealed session packet.

The plaintext of a packet is one msgpack array of 1..64 frames; a frame is an array
`[type, field, ...]`:

    0  Ack            largest, delay_us, received_us, [run, gap, run, ...]
    1  Stream         channel, offset, bytes
    3  Credit         channel, limit
    4  Ping
    5  Latest         kind, serial, bytes
    6  PathChallenge  8 bytes
    7  PathResponse   8 bytes
    8  Close          code, text
    9  Padding        bytes
    10 Rekey          step, bytes

Frames are made and read for every packet, so they are named tuples checked by hand
instead of the dataclasses of `wire.codec`; the bounds are as strict. Anything else
than these frames is a `MalformedMessageError`.
"""

from struct import Struct
from typing import Any, NamedTuple

import msgpack

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import text as wire_text
from p2p_remote.wire.constants import MAX_ANY_DATAGRAM

ACK = 0
STREAM = 1
CREDIT = 3
PING = 4
LATEST = 5
PATH_CHALLENGE = 6
PATH_RESPONSE = 7
CLOSE = 8
PADDING = 9
REKEY = 10

MAX_FRAMES = 64  # frames of one packet
MAX_ACK_RUNS = 31  # 16 runs of received packets and the 15 gaps between them
MAX_NUMBER = 2**48 - 1  # packet numbers, as in the packet header
MAX_OFFSET = 2**56  # bytes of a channel in one session: 70 PB
MAX_CHANNEL = 15
MAX_LATEST_KIND = 15
MAX_SERIAL = 2**32 - 1
MAX_CLOSE_TEXT = 200  # characters
MAX_REKEY = 256  # bytes
TOKEN_BYTES = 8  # of a path challenge
TIME_MASK = 2**32 - 1  # times on the wire are microseconds modulo 2^32 (71 minutes)
MAX_ACK_DELAY_US = 60_000_000

REKEY_OFFER = 0
REKEY_ANSWER = 1

STREAM_OVERHEAD = 11  # bytes of a Stream frame beside its data, offset below 2^32
STREAM_OVERHEAD_LONG = 15
_LONG_OFFSET = 2**32
_FIXARRAY = 0x90
_MAX_FIXARRAY = 15


class Ack(NamedTuple):
    """Packets received, newest first.

    `runs` alternates: packets received in a row down from `largest`, packets missing
    below them, packets received below those... `delay_us` is how long the receiver
    held the acknowledgement of `largest`; `received_us` is when `largest` came in by
    the receiver's clock (RFC 9000 section 19.3, with a timestamp).
    """

    largest: int
    delay_us: int
    received_us: int
    runs: tuple[int, ...]


class Stream(NamedTuple):
    """Bytes of a channel at an offset (RFC 9000 section 19.8)."""

    channel: int
    offset: int
    data: bytes


class Credit(NamedTuple):
    """The sender of a channel may send below offset `limit` (RFC 9000 19.10)."""

    channel: int
    limit: int


class Ping(NamedTuple):
    """Asks for an acknowledgement and nothing else."""


class Latest(NamedTuple):
    """A value of which only the newest counts; `serial` grows by one per value."""

    kind: int
    serial: int
    data: bytes


class PathChallenge(NamedTuple):
    """Asks for the token back on the path this came by (RFC 9000 section 8.2)."""

    token: bytes


class PathResponse(NamedTuple):
    """The token of a challenge."""

    token: bytes


class Close(NamedTuple):
    """The sender has ended the connection; `code` is one of `wire.control.REASONS`."""

    code: int
    text: str


class Padding(NamedTuple):
    """Bytes without meaning, to give a packet a size (RFC 8899)."""

    data: bytes


class Rekey(NamedTuple):
    """A step of the key exchange of `crypto.sealing`: offer, then answer."""

    step: int
    body: bytes


Frame = (
    Ack
    | Stream
    | Credit
    | Ping
    | Latest
    | PathChallenge
    | PathResponse
    | Close
    | Padding
    | Rekey
)

NOT_ELICITING = (Ack, Close, PathChallenge, PathResponse, Padding)
"""Frames that ask for no acknowledgement (RFC 9000 section 13.2.1, with more)."""

_TYPES: dict[type[Any], int] = {
    Ack: ACK,
    Stream: STREAM,
    Credit: CREDIT,
    Ping: PING,
    Latest: LATEST,
    PathChallenge: PATH_CHALLENGE,
    PathResponse: PATH_RESPONSE,
    Close: CLOSE,
    Padding: PADDING,
    Rekey: REKEY,
}

_STREAM_HEAD = Struct(">BBBBIBH")
_STREAM_HEAD_LONG = Struct(">BBBBQBH")


def encode_frame(frame: Frame) -> bytes:
    """Bytes of one frame."""
    data: bytes = msgpack.packb((_TYPES[type(frame)], *frame))
    return data


def encode_stream(channel: int, offset: int, data: bytes) -> bytes:
    """Bytes of a Stream frame; its size is known beforehand, to the byte.

    The integers are written in their longer msgpack forms for that.
    """
    if offset < _LONG_OFFSET:
        head = _STREAM_HEAD.pack(0x94, STREAM, channel, 0xCE, offset, 0xC5, len(data))
    else:
        head = _STREAM_HEAD_LONG.pack(
            0x94, STREAM, channel, 0xCF, offset, 0xC5, len(data)
        )
    return head + data


def stream_overhead(offset: int) -> int:
    """Bytes of a Stream frame at `offset` beside its data."""
    return STREAM_OVERHEAD if offset < _LONG_OFFSET else STREAM_OVERHEAD_LONG


PACKET_OVERHEAD = 3  # bytes of the outer array, at most


def encode_packet(frames: list[bytes]) -> bytes:
    """Plaintext of a packet of encoded frames."""
    count = len(frames)
    if count <= _MAX_FIXARRAY:
        return bytes((_FIXARRAY | count,)) + b"".join(frames)
    if count > MAX_FRAMES:
        raise ValueError("too many frames")
    return b"\xdc" + count.to_bytes(2, "big") + b"".join(frames)


def decode_packet(plaintext: bytes) -> list[Frame]:
    """Frames of a packet.

    Raises:
        MalformedMessageError: anything else than an array of valid frames.

    """
    if len(plaintext) > MAX_ANY_DATAGRAM:
        raise MalformedMessageError("packet too large")
    try:
        rows = msgpack.unpackb(
            plaintext,
            use_list=False,
            raw=False,
            max_array_len=MAX_FRAMES,
            max_bin_len=MAX_ANY_DATAGRAM,
            max_str_len=MAX_CLOSE_TEXT * 4,
            max_map_len=0,
            max_ext_len=0,
        )
    except (ValueError, msgpack.exceptions.UnpackException) as error:
        raise MalformedMessageError("not msgpack") from error
    if type(rows) is not tuple or not rows:
        raise MalformedMessageError("a packet is an array of frames")
    frames: list[Frame] = []
    acks = 0
    for row in rows:
        if type(row) is not tuple or not row or type(row[0]) is not int:
            raise MalformedMessageError("not a frame")
        reader = _READERS.get(row[0])
        if reader is None:
            raise MalformedMessageError(f"unknown frame type {row[0]}")
        size, read = reader
        if len(row) != size:
            raise MalformedMessageError("wrong number of fields in a frame")
        acks += row[0] == ACK
        frames.append(read(row))
    if acks > 1:
        raise MalformedMessageError("two acknowledgements in a packet")
    return frames


def _is_int(value: Any, high: int) -> bool:
    return type(value) is int and 0 <= value <= high


def _is_blob(value: Any, high: int) -> bool:
    return type(value) is bytes and len(value) <= high


def _read_ack(row: tuple[Any, ...]) -> Ack:
    _, largest, delay_us, received_us, runs = row
    if not (
        _is_int(largest, MAX_NUMBER)
        and _is_int(delay_us, MAX_ACK_DELAY_US)
        and _is_int(received_us, TIME_MASK)
        and type(runs) is tuple
        and len(runs) % 2 == 1
        and len(runs) <= MAX_ACK_RUNS
    ):
        raise MalformedMessageError("malformed acknowledgement")
    total = 0
    for run in runs:
        if type(run) is not int or run < 1:
            raise MalformedMessageError("malformed run of an acknowledgement")
        total += run
    if total > largest + 1:
        raise MalformedMessageError("acknowledgement below packet 0")
    return Ack(largest, delay_us, received_us, runs)


def _read_stream(row: tuple[Any, ...]) -> Stream:
    _, channel, offset, data = row
    if (
        type(channel) is not int
        or not 0 <= channel <= MAX_CHANNEL
        or type(offset) is not int
        or not 0 <= offset <= MAX_OFFSET
        or type(data) is not bytes
        or not data
    ):
        raise MalformedMessageError("malformed stream frame")
    return Stream(channel, offset, data)


def _read_credit(row: tuple[Any, ...]) -> Credit:
    if not (_is_int(row[1], MAX_CHANNEL) and _is_int(row[2], MAX_OFFSET)):
        raise MalformedMessageError("malformed credit")
    return Credit(row[1], row[2])


def _read_ping(_row: tuple[Any, ...]) -> Ping:
    return Ping()


def _read_latest(row: tuple[Any, ...]) -> Latest:
    _, kind, serial, data = row
    if not (
        _is_int(kind, MAX_LATEST_KIND)
        and _is_int(serial, MAX_SERIAL)
        and _is_blob(data, MAX_ANY_DATAGRAM)
    ):
        raise MalformedMessageError("malformed message frame")
    return Latest(kind, serial, data)


def _read_token(row: tuple[Any, ...]) -> PathChallenge | PathResponse:
    token = row[1]
    if type(token) is not bytes or len(token) != TOKEN_BYTES:
        raise MalformedMessageError("malformed path token")
    return PathChallenge(token) if row[0] == PATH_CHALLENGE else PathResponse(token)


def _read_close(row: tuple[Any, ...]) -> Close:
    _, code, text = row
    if not _is_int(code, 255) or type(text) is not str:
        raise MalformedMessageError("malformed close")
    return Close(code, wire_text.clean(text, MAX_CLOSE_TEXT))


def _read_padding(row: tuple[Any, ...]) -> Padding:
    if not _is_blob(row[1], MAX_ANY_DATAGRAM):
        raise MalformedMessageError("malformed padding")
    return Padding(row[1])


def _read_rekey(row: tuple[Any, ...]) -> Rekey:
    _, step, body = row
    if not (_is_int(step, REKEY_ANSWER) and _is_blob(body, MAX_REKEY)):
        raise MalformedMessageError("malformed key exchange")
    return Rekey(step, body)


_READERS: dict[int, tuple[int, Any]] = {
    ACK: (5, _read_ack),
    STREAM: (4, _read_stream),
    CREDIT: (3, _read_credit),
    PING: (1, _read_ping),
    LATEST: (4, _read_latest),
    PATH_CHALLENGE: (2, _read_token),
    PATH_RESPONSE: (2, _read_token),
    CLOSE: (3, _read_close),
    PADDING: (2, _read_padding),
    REKEY: (3, _read_rekey),
}
