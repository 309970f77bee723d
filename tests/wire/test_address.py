"""Addresses as bytes."""

import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire.address import (
    Endpoint,
    RelayPath,
    pack_endpoint,
    unpack_endpoint,
)


@pytest.mark.parametrize(
    "endpoint", [Endpoint("192.0.2.1", 1), Endpoint("2001:db8::5", 65535)]
)
def test_round_trip(endpoint: Endpoint) -> None:
    """IPv4 and IPv6 endpoints survive packing in 18 bytes."""
    packed = pack_endpoint(endpoint)
    assert len(packed) == 18
    assert unpack_endpoint(packed) == endpoint


@pytest.mark.parametrize("data", [b"", bytes(17), bytes(18), bytes(19)])
def test_wrong_lengths_and_port_0_are_refused(data: bytes) -> None:
    """Anything but 18 bytes with a port is malformed."""
    with pytest.raises(MalformedMessageError):
        unpack_endpoint(data)


def test_text_forms() -> None:
    """IPv6 is bracketed; a relay names its channel."""
    assert str(Endpoint("192.0.2.1", 7)) == "192.0.2.1:7"
    assert str(Endpoint("::1", 7)) == "[::1]:7"
    assert "0000002a" in str(RelayPath(Endpoint("::1", 7), 42))
