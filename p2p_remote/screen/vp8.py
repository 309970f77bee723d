"""VP8 (RFC 6386) by PyAV, where it is installed (the `video` extra).

Only for regions of video, and only where both sides have it. Unlike everything else,
a picture refers to the one before, so a damaged one ends its stream.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.arrays import OPAQUE, Pixels, frame_of

try:
    import av as _av  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    _av = None  # type: ignore[assignment, unused-ignore]

_library: Any = _av

STREAMS = 4  # regions at a time

_RATE = 25  # pictures per second for which bytes are shared out
_TAG = 3  # bytes before every picture
_KEY_HEADER = b"\x9d\x01\x2a"
_HEADER = 10  # bytes of the header of a key picture
_SIZE_BITS = 0x3FFF  # of each side; the other two would ask for scaling
_PICTURE_MS = 1000 // _RATE
_NEVER = 1 << 30  # pictures between key pictures that nobody asks for
_OPTIONS = {
    "deadline": "realtime",
    "cpu-used": "8",
    "lag-in-frames": "0",
    "auto-alt-ref": "0",
    "max-intra-rate": "400",
    "qmin": "4",
    "qmax": "56",
}


def available() -> bool:
    """Whether regions can be coded and decoded here."""
    return _library is not None


def _even(side: int) -> int:
    """Colour is kept for squares of 2x2 pixels."""
    return side + side % 2


class RegionEncoder:
    """A stream of pictures of one size; begins with a key picture."""

    def __init__(self, width: int, height: int, rate: float) -> None:
        """`rate` in bytes per second, at 25 pictures in each."""
        self._size = _even(width), _even(height)
        self._count = 0
        context = _library.CodecContext.create("libvpx", "w")
        context.width, context.height = self._size
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, 1000)
        context.framerate = Fraction(_RATE)
        context.bit_rate = int(8 * rate)
        context.gop_size = _NEVER
        context.thread_count = 1
        context.options = _OPTIONS
        self._context = context

    def encode(self, image: Pixels) -> bytes:
        """The next picture (height, width)."""
        height, width = image.shape
        missing = ((0, self._size[1] - height), (0, self._size[0] - width))
        padded = np.ascontiguousarray(np.pad(image, missing, "edge"))
        frame = _library.VideoFrame.from_ndarray(frame_of(padded), format="bgra")
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = self._count * _PICTURE_MS, Fraction(1, 1000)
        self._count += 1
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


def _require_picture(data: bytes, size: tuple[int, int]) -> bool:
    """Whether a picture of that size, shown at once, is a key picture.

    The header of RFC 6386, section 9.1: what the library would take memory for.
    """
    if len(data) < _TAG:
        raise MalformedMessageError("VP8 picture is too short")
    tag = int.from_bytes(data[:_TAG], "little")
    is_key, version, is_shown, first = (
        not tag & 1,
        tag >> 1 & 7,
        bool(tag >> 4 & 1),
        tag >> 5,
    )
    head = _HEADER if is_key else _TAG
    if version > 3 or not is_shown or head + first > len(data):
        raise MalformedMessageError("VP8 picture of another kind")
    if is_key:
        width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
        if data[_TAG:6] != _KEY_HEADER or (width, height) != size:
            raise MalformedMessageError("VP8 picture of another size")
    return is_key


class RegionDecoder:
    """The other end of a stream."""

    def __init__(self, width: int, height: int) -> None:
        """Size of the region in pixels."""
        self.size = width, height
        self._padded = _even(width), _even(height)
        self._has_key = False
        self._context = _library.CodecContext.create("vp8", "r")
        self._context.thread_count = 1

    def decode(self, data: bytes) -> Pixels:
        """Opaque pixels (height, width) of the next picture.

        Raises:
            MalformedMessageError: damaged or of another size; the stream is over.

        """
        is_key = _require_picture(data, self._padded)
        if not (is_key or self._has_key):
            raise MalformedMessageError("VP8 stream without a key picture")
        self._has_key = True
        try:
            frames = self._context.decode(_library.Packet(data))
        except (_library.FFmpegError, ValueError) as error:
            raise MalformedMessageError("VP8 picture is damaged") from error
        if len(frames) != 1 or (frames[0].width, frames[0].height) != self._padded:
            raise MalformedMessageError("VP8 picture is damaged")
        image = frames[0].reformat(format="bgra").to_ndarray()
        width, height = self.size
        pixels: Pixels = np.ascontiguousarray(image).view("<u4")[:height, :width, 0]
        return pixels | OPAQUE


class Streams:
    """The streams of one display at its viewer."""

    def __init__(self, *, is_allowed: bool) -> None:
        """`is_allowed`: whether this side has said that it takes VP8."""
        self._is_allowed = is_allowed and available()
        self._streams: dict[int, RegionDecoder] = {}

    def clear(self) -> None:
        """A key frame of the display ends all streams."""
        self._streams.clear()

    def decode(self, payload: bytes, width: int, height: int) -> Pixels:
        """Picture of a region; the payload is u8 stream, then VP8.

        A key picture begins its stream anew.

        Raises:
            MalformedMessageError: not asked for, damaged, or no such stream; it is
                over then.

        """
        if not self._is_allowed:
            raise MalformedMessageError("VP8, which nobody has asked for")
        number, data = (payload[0], payload[1:]) if payload else (STREAMS, b"")
        if number >= STREAMS:
            raise MalformedMessageError("no such VP8 stream")
        stream = self._streams.pop(number, None)
        if len(data) > _TAG and not data[0] & 1:
            stream = RegionDecoder(width, height)
        if stream is None or stream.size != (width, height):
            raise MalformedMessageError("VP8 stream of another region")
        pixels = stream.decode(data)
        self._streams[number] = stream
        return pixels


class RegionStreams:
    """The streams of one display at its customer."""

    def __init__(self) -> None:
        """No stream yet."""
        self._streams: dict[tuple[int, int, int, int], _Stream] = {}

    def clear(self) -> None:
        """A key frame of the display ends all streams."""
        self._streams.clear()

    def has(self, place: tuple[int, int, int, int]) -> bool:
        """Whether the region at `place` (left, top, width, height) has a stream."""
        return place in self._streams

    def encode(
        self, image: Pixels, place: tuple[int, int, int, int], rate: float
    ) -> bytes:
        """Payload of the region at `place`; `rate` in bytes per second for it."""
        stream = self._streams.pop(place, None)
        if stream is None or not 0.5 < rate / stream.rate < 2:
            number = self._free_number() if stream is None else stream.number
            coder = RegionEncoder(image.shape[1], image.shape[0], rate)
            stream = _Stream(number, rate, coder)
        self._streams[place] = stream
        return bytes([stream.number]) + stream.coder.encode(image)

    def _free_number(self) -> int:
        """A number that no region uses, or that of the one used longest ago."""
        used = {stream.number for stream in self._streams.values()}
        free = set(range(STREAMS)) - used
        if free:
            return min(free)
        return self._streams.pop(next(iter(self._streams))).number


class _Stream:
    def __init__(self, number: int, rate: float, coder: RegionEncoder) -> None:
        self.number, self.rate, self.coder = number, rate, coder
