"""Relayed datagrams on the wire."""

import pytest

from p2p_remote.session.relaying import unwrapped, wrapped
from p2p_remote.traversal.carriers import Carriers, ways_to
from p2p_remote.wire.address import Endpoint, RelayPath

SERVER = Endpoint("192.0.2.1", 3479)
CHANNEL = RelayPath(SERVER, 0x01020304)


@pytest.mark.parametrize("way", ways_to(SERVER))
def test_a_channel_is_the_same_by_every_way(way: Endpoint) -> None:
    """It leaves by the way in use, and comes back under the server's name."""
    carriers = Carriers([ways_to(SERVER)])
    carriers.use(way)
    data, path = wrapped(b"inner", CHANNEL, carriers)
    assert (data, path) == (b"\x30\x04\x03\x02\x01inner", way)
    assert unwrapped(data, carriers.server_of(path)) == (b"inner", CHANNEL)


def test_other_datagrams_go_as_they_are() -> None:
    """Straight to their endpoint."""
    peer = Endpoint("198.51.100.1", 4000)
    assert wrapped(b"x", peer, Carriers(())) == (b"x", peer)


@pytest.mark.parametrize("data", [b"\x30", b"\x30\x04\x03\x02\x01"])
def test_a_header_without_anything_is_nothing(data: bytes) -> None:
    """And so is what does not come from a server of ours."""
    assert unwrapped(data, SERVER) is None
    assert unwrapped(data + b"inner", None) is None
