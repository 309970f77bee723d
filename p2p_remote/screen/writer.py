"""Bodies to numbered, packed updates; the encoder's end of the history."""

from p2p_remote.screen import layout
from p2p_remote.screen.layout import Body
from p2p_remote.screen.packing import (
    History,
    pack_fast,
    pack_small,
    pack_smooth,
    pack_tiny,
)
from p2p_remote.wire.screen import PACKER_RAW, ScreenUpdate

FAST_LINK = 6_250_000  # bytes/s (50 Mbit/s); from here on lz4 alone costs least time

_REMEMBERED = 16_384  # bytes of a body that is always remembered
_TEXT_SHARE = 3  # pixels per changed one; larger bodies with fewer are no text
_PACKED = 12  # bytes of a body, from which packing may gain
_TINY_BODY = 2_048  # bytes
_SMALL_BODY = 32_768  # bytes; packed at a higher level
_LEVEL_SMALL, _LEVEL = 9, 4
_SEQUENCE_LIMIT = 1 << 32


class UpdateWriter:
    """Numbers and packs the updates of one display."""

    def __init__(self, display: int) -> None:
        """Begin with sequence number 0 and an empty history."""
        self.link_rate: float | None = None
        self._display = display
        self._sequence = 0
        self._history = History()

    def write(self, body: Body, side: bytes = b"") -> ScreenUpdate:
        """The next update; one with a size is a key frame and begins a new history."""
        raw = layout.build(body)
        if body.size:
            self._history.clear()
        # Noise would push everything useful out of the history.
        is_text = _TEXT_SHARE * len(body.values) <= len(body.changes)
        is_remembered = is_text or (len(raw) <= _REMEMBERED and not body.smooth)
        if is_remembered:
            raw = bytes([raw[0] | layout.FLAG_REMEMBER]) + raw[1:]
        if len(raw) < _PACKED:
            packer, packed = PACKER_RAW, raw
        elif body.smooth:
            packer, packed = pack_smooth(raw, len(body.values))
        elif len(raw) <= _TINY_BODY and not body.size:
            packer, packed = pack_tiny(raw, self._history)
        else:
            packer, packed = self._pack(raw, is_key=body.size is not None)
        if is_remembered:
            self._history.remember(raw)
        sequence = self._sequence
        self._sequence = (sequence + 1) % _SEQUENCE_LIMIT
        return ScreenUpdate(
            sequence, len(raw), packed, packer, side, display=self._display
        )

    def _pack(self, raw: bytes, *, is_key: bool) -> tuple[int, bytes]:
        """By the line: the fewer bytes it carries, the more time they are worth."""
        is_fast = self.link_rate is None or self.link_rate >= FAST_LINK
        is_small = len(raw) <= _SMALL_BODY
        if is_key or (is_fast and not is_small):
            return pack_fast(raw, self._history)
        level = _LEVEL_SMALL if is_small and not is_fast else _LEVEL
        return pack_small(raw, self._history, level)
