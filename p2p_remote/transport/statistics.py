"""Figures of a connection, for the status line and for tests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """Bytes of one channel: sent for the first time, received, waiting."""

    bytes_sent: int
    bytes_received: int
    bytes_waiting: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of the current path. Times in seconds, sizes in bytes."""

    rtt: float
    min_rtt: float
    bytes_in_flight: int
    window: int
    rate: float
    """Bytes per second that the line is thought to carry."""
    loss: float
    """Share of packets lost of late."""
    datagram: int
    """Bytes of the largest datagram that is known to pass."""
    bytes_sent: int
    bytes_received: int
    packets_sent: int
    packets_received: int
    packets_lost: int
    packets_refused: int
    """Datagrams that did not authenticate, replays among them."""
    channels: dict[int, ChannelStatistics]
