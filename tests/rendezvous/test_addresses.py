"""How the server names the places datagrams come from."""

import pytest

from p2p_remote.wire.address import Endpoint, pack_endpoint
from rendezvous import addresses
from rendezvous.fleet import elsewhere


@pytest.mark.parametrize(
    "endpoint", [Endpoint("203.0.113.9", 77), Endpoint("2001:db8::1", 65535)], ids=str
)
def test_an_address_holds_endpoint_and_listener(endpoint):
    """What was packed comes out again."""
    address = addresses.pack(endpoint, 3)
    assert len(address) == addresses.ENDPOINT_LENGTH + 1
    assert addresses.endpoint_of(address) == endpoint
    assert addresses.listener_of(address) == 3


def test_tcp_is_beside_the_number_and_elsewhere_is_no_tcp():
    """A connection names its listener; another node's client has neither."""
    endpoint = Endpoint("203.0.113.9", 77)
    by_tcp = addresses.pack(endpoint, addresses.TCP | 3)
    assert addresses.is_tcp(by_tcp)
    assert addresses.listener_of(by_tcp) == 3
    away = elsewhere(pack_endpoint(endpoint))
    assert not addresses.is_tcp(away)
    assert addresses.listener_of(away) >= addresses.MAX_LISTENERS


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "203.0.113.8", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
    ],
)
def test_limits_count_ipv4_addresses_and_ipv6_networks(left, right, same):
    """Ports do not matter; of IPv6 only the /64 does."""
    prefixes = [
        addresses.prefix_of(addresses.pack(Endpoint(host, port), 0))
        for port, host in enumerate((left, right), start=1)
    ]
    assert (prefixes[0] == prefixes[1]) is same
