"""Is a way there, and is anybody: on the loopback, and with addresses made up."""

import asyncio
import errno
import socket

import pytest

from p2p_remote.net import reachability
from p2p_remote.net.interfaces import InterfaceAddress
from p2p_remote.net.reachability import Knock, has_way, is_connected, knock
from p2p_remote.wire.address import Endpoint

LOOPBACK = "127.0.0.1"


async def test_a_listener_takes_and_a_closed_port_refuses() -> None:
    """Each port of a host is told apart, all in the time of one."""
    server = await asyncio.start_server(
        lambda _reader, writer: writer.close(), LOOPBACK
    )
    taken = server.sockets[0].getsockname()[1]
    with socket.create_server((LOOPBACK, 0)) as gone:
        refused = gone.getsockname()[1]
    met = await knock((Endpoint(LOOPBACK, port) for port in (taken, refused)), 10.0)
    assert met == {taken: Knock.TAKEN, refused: Knock.REFUSED}
    server.close()


async def test_who_says_nothing_is_given_up() -> None:
    """A full queue of a listener answers nothing, as a firewall does."""
    with (
        socket.create_server((LOOPBACK, 0), backlog=0) as busy,
        socket.create_connection(busy.getsockname()),
    ):
        endpoint = Endpoint(*busy.getsockname())
        met = await knock([endpoint], 0.05)
    assert met == {endpoint.port: Knock.SILENCE}


async def test_a_router_may_say_that_there_is_no_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That is neither a refusal nor silence."""

    async def unreachable(*_: object) -> None:
        raise OSError(errno.EHOSTUNREACH, "no route")

    monkeypatch.setattr(asyncio, "open_connection", unreachable)
    assert await knock([Endpoint("192.0.2.1", 9)], 5.0) == {9: Knock.NO_WAY}


def test_the_way_to_oneself_is_always_there() -> None:
    """The system is asked, and nothing is sent."""
    assert has_way(Endpoint(LOOPBACK, 9))


@pytest.mark.parametrize(
    ("addresses", "ways", "connected"),
    [
        ([], (), False),
        ([("lo", LOOPBACK, 8)], (LOOPBACK, "127.0.0.0"), False),
        ([("eth0", "192.168.1.10", 24)], ("192.168.1.0",), True),
        ([("eth0", "192.168.1.10", 24)], (), False),
        ([("ppp0", "203.0.113.7", 32)], (), True),
        ([("eth0", "192.168.1.10", 24), ("wlan0", "2001:db8::5", 64)], (), False),
        ([("wlan0", "2001:db8::5", 64)], ("2001:db8::",), True),
    ],
)
def test_a_network_is_one_whose_neighbours_could_be_reached(
    monkeypatch: pytest.MonkeyPatch,
    addresses: list[tuple[str, str, int]],
    ways: tuple[str, ...],
    connected: bool,
) -> None:
    """An address on a link that is down does not count."""
    found = [InterfaceAddress(*each) for each in addresses]
    monkeypatch.setattr(reachability, "interface_addresses", lambda: found)
    monkeypatch.setattr(reachability, "has_way", lambda each: each.host in ways)
    assert is_connected() is connected
