"""What each channel may hold and how it is served."""

from dataclasses import dataclass

from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_CONTROL,
    CHANNEL_CURSOR,
    CHANNEL_HOT,
    CHANNEL_INPUT,
    CHANNEL_SCREEN,
    CHANNEL_TERMINAL,
)

_KIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """Bounds of one channel, in bytes.

    `message` is the largest message; `window` is how far ahead of what has been
    delivered the other side may send; `buffer` is how much may wait to be sent before
    the connection is given up, because the other side takes nothing.
    """

    name: str
    message: int
    window: int
    buffer: int


CHANNELS: dict[int, ChannelLimits] = {
    CHANNEL_INPUT: ChannelLimits("input", 20 * _KIB, 64 * _KIB, 512 * _KIB),
    CHANNEL_CONTROL: ChannelLimits("control", 8 * _KIB, 64 * _KIB, 512 * _KIB),
    CHANNEL_CURSOR: ChannelLimits("cursor", 512 * _KIB, 512 * _KIB, 2 * _MIB),
    CHANNEL_HOT: ChannelLimits("hot", 64 * _KIB, 256 * _KIB, _MIB),
    CHANNEL_TERMINAL: ChannelLimits("terminal", 256 * _KIB, 512 * _KIB, 4 * _MIB),
    CHANNEL_SCREEN: ChannelLimits("screen", 17 * _MIB, 4 * _MIB, 36 * _MIB),
    CHANNEL_BULK: ChannelLimits("bulk", _MIB, 4 * _MIB, 16 * _MIB),
}
"""All channels, most urgent first."""

URGENT = frozenset((CHANNEL_INPUT, CHANNEL_CONTROL))
"""Channels that neither wait for the window nor for the pacer."""

REPEATED = URGENT | {CHANNEL_HOT}
"""Channels whose chunks are sent twice on a lossy line, however busy it is."""

SCREEN_TURNS = 7  # packets of the screen for each one of bulk when both wait
