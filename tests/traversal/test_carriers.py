"""The ways to a server."""

import pytest

from p2p_remote.traversal.carriers import Carriers, ways_to
from p2p_remote.wire.address import Endpoint, RelayPath, TcpEndpoint

SERVER = Endpoint("192.0.2.1", 3479)
TCP = TcpEndpoint("192.0.2.1", 3479)
OTHER = Endpoint("192.0.2.2", 3479)


@pytest.mark.parametrize(
    ("port", "ways"),
    [
        (3479, ["1:3479", "1:443", "tcp 1:3479", "tcp 1:443", "tls 1:443"]),
        (443, ["1:443", "tcp 1:443", "tls 1:443"]),
    ],
)
def test_the_ways_in_their_order(port, ways):
    """UDP before TCP before TLS, the named port before 443, none twice."""
    found = [str(each) for each in ways_to(Endpoint("192.0.2.1", port))]
    assert found == [each.replace("1:", "192.0.2.1:") for each in ways]


def test_a_server_keeps_its_name_whatever_way_is_used():
    """Its ways lead back to the name; better ones are those before the one in use."""
    carriers = Carriers([ways_to(SERVER), ways_to(OTHER)])
    assert carriers.current(SERVER) == SERVER
    assert carriers.better(SERVER) == ()
    assert carriers.use(TCP)
    assert not carriers.use(TCP)
    assert carriers.current(SERVER) == TCP
    assert carriers.current(OTHER) == OTHER
    assert carriers.server_of(TCP) == carriers.server_of(SERVER) == SERVER
    assert carriers.better(SERVER) == ways_to(SERVER)[:2]


def test_what_is_no_way_is_nobody():
    """Other endpoints and relay channels; an unknown server has itself."""
    carriers = Carriers([ways_to(SERVER)])
    assert carriers.server_of(Endpoint("192.0.2.1", 80)) is None
    assert carriers.server_of(RelayPath(SERVER, 1)) is None
    assert carriers.ways(OTHER) == (OTHER,)


def test_protocols_are_told_apart():
    """The same address and port is another path by TCP."""
    assert TCP != SERVER
    assert len({TCP, SERVER}) == 2
    assert str(TCP) == "tcp 192.0.2.1:3479"
