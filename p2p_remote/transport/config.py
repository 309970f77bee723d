"""What a user of the transport may choose."""

from dataclasses import dataclass

from p2p_remote.wire.constants import MAX_DATAGRAM


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of a `Connection`; the defaults are those of the protocol document."""

    keepalive: float = 3.0
    """Seconds of sending and hearing nothing before a keepalive leaves (+-20 %)."""

    silence: float = 2.0
    """Seconds without an authentic packet before `PeerSilent`."""

    lost_after: float = 30.0
    """Seconds without an authentic packet before `ConnectionLost`."""

    max_datagram: int = MAX_DATAGRAM
    """Bytes of the largest datagram sent before a larger one is known to pass."""

    initial_rtt: float = 0.1
    """Seconds assumed for a round trip until one is measured."""

    discover_mtu: bool = True
    """Look for a larger datagram that the path carries; off where there are no
    datagrams (a relay by TCP)."""

    repeats: bool = True
    """Send small urgent packets twice on lossy lines; off where a path loses nothing
    (a relay by TCP)."""
