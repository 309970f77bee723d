"""What LAN discovery believes of what it hears. tests/system has the real network."""

import asyncio
from types import SimpleNamespace

import pytest

from p2p_remote.net import lan_discovery
from p2p_remote.net.interfaces import InterfaceAddress
from p2p_remote.net.lan_discovery import (
    MAX_ADDRESSES,
    MAX_PEERS,
    NO_NETWORK,
    SERVICE_TYPE,
    LanDiscovery,
    near_endpoints,
)
from p2p_remote.wire.address import Endpoint

OWN = [
    InterfaceAddress("eth0", "192.168.1.2", 24),
    InterfaceAddress("eth0", "203.0.113.2", 24),
    InterfaceAddress("eth0", "fe80::2", 64, zone=2),
]
ADDED, REMOVED = SimpleNamespace(name="Added"), SimpleNamespace(name="Removed")


def service(number: object) -> str:
    return f"{number}.{SERVICE_TYPE}"


class Heard:
    """A discovery whose network is a table of records."""

    def __init__(self, monkeypatch, *, patience: float = 0.0) -> None:
        self.records: dict[int, tuple[Endpoint, ...]] = {}
        self.found: list[int] = []
        self.lost: list[int] = []
        self.asked: list[int] = []
        self.discovery = LanDiscovery(
            lambda number, _: self.found.append(number), self.lost.append
        )

        async def resolve(number, patience_ms):
            self.asked.append(number)
            await asyncio.sleep(patience)
            return self.records.get(number, ())

        monkeypatch.setattr(self.discovery, "_resolve", resolve)

    def change(self, name: str, state=ADDED) -> None:
        self.discovery._on_change(None, SERVICE_TYPE, name, state)

    async def settle(self) -> None:
        while self.discovery._lookups:
            await asyncio.gather(
                *self.discovery._lookups.values(), return_exceptions=True
            )


@pytest.fixture
def heard(monkeypatch):
    return Heard(monkeypatch)


def test_near_endpoints_come_first():
    """Our subnet before other private networks, IPv4 before IPv6, zones last."""
    hosts = ["fe80::9%2", "10.9.9.9", "203.0.113.9", "fd00::9", "192.168.1.9"]
    found = [each.host for each in near_endpoints(hosts, 4000, OWN)]
    assert found == ["203.0.113.9", "192.168.1.9", "fe80::9%2", "10.9.9.9", "fd00::9"]


@pytest.mark.parametrize(
    "host",
    [
        "198.51.100.66",
        "2001:db8::66",
        "127.0.0.1",
        "::1",
        "224.0.0.251",
        "255.255.255.255",
        "0.0.0.0",
        "fe80::9",
        "::ffff:192.168.1.9",
        "evil.example",
        "",
    ],
)
def test_forged_addresses_are_left_out(host):
    """Nobody on the LAN can aim us at strangers or at ourselves."""
    assert near_endpoints([host], 4000, OWN) == ()


def test_addresses_of_a_peer_are_few_and_different():
    """Eight at most, each once."""
    many = [f"192.168.1.{last}" for last in range(1, 100)] * 2
    found = near_endpoints(many, 4000, OWN)
    assert len(found) == len(set(found)) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "name",
    [
        "48291307",
        "4829130700",
        "082913070",
        "48291307x",
        "４８２９１３０７０",
        "482 913 070",
        "\x1b[31m",
        "",
    ],
)
async def test_names_that_are_no_ids_are_not_even_looked_up(heard, name):
    """Nine ASCII digits, the first not 0."""
    heard.change(service(name))
    heard.change(f"{name}._other._udp.local.")
    assert heard.asked == []


async def test_peers_come_change_and_go(heard):
    """The table follows what is heard; the same again is no news."""
    one, two = Endpoint("192.168.1.9", 1), Endpoint("192.168.1.9", 2)
    for endpoints in ((one,), (one,), (two,)):
        heard.records[482913070] = endpoints
        heard.change(service(482913070))
        await heard.settle()
    assert heard.found == [482913070, 482913070]
    assert heard.discovery.peers() == {482913070: (two,)}
    heard.change(service(482913070), REMOVED)
    assert heard.discovery.peers() == {}
    assert heard.lost == [482913070]


async def test_a_record_without_addresses_is_no_peer(heard):
    """Nothing to send to."""
    heard.change(service(482913070))
    await heard.settle()
    assert heard.discovery.peers() == {}


async def test_a_goodbye_ends_a_lookup(monkeypatch):
    """An answer that is still on its way does not bring the peer back."""
    heard = Heard(monkeypatch, patience=0.01)
    heard.records[482913070] = (Endpoint("192.168.1.9", 1),)
    heard.change(service(482913070))
    await asyncio.sleep(0)
    heard.change(service(482913070), REMOVED)
    await heard.settle()
    assert heard.discovery.peers() == {}


async def test_a_flood_of_peers_is_bounded(monkeypatch):
    """At most 256 peers and as many lookups, one for each."""
    heard = Heard(monkeypatch)
    for number in range(100_000_000, 100_000_000 + 3 * MAX_PEERS):
        heard.records[number] = (Endpoint("192.168.1.9", 1),)
        for _ in range(3):
            heard.change(service(number))
    assert len(heard.discovery._lookups) == MAX_PEERS
    await heard.settle()
    heard.change(service(100_000_000 + 2 * MAX_PEERS))
    await heard.settle()
    assert len(heard.discovery.peers()) == MAX_PEERS
    assert len(heard.asked) == MAX_PEERS + 1


async def test_our_own_advertisement_is_no_peer(heard):
    """We hear ourselves on every interface."""
    await heard.discovery.advertise(482913070, 4000)
    heard.records[482913070] = (Endpoint("192.168.1.2", 4000),)
    heard.change(service(482913070))
    await heard.settle()
    assert heard.discovery.peers() == {}


async def test_without_a_network(monkeypatch):
    """A reason instead of a crash; everything can be called."""
    monkeypatch.setattr(lan_discovery, "interface_addresses", list)
    discovery = LanDiscovery()
    assert await discovery.start() == NO_NETWORK
    await discovery.advertise(482913070, 4000)
    assert await discovery.find(100000007, 1) == ()
    await discovery.withdraw()
    await discovery.close()
    await discovery.close()


async def test_multicast_that_cannot_be_used(monkeypatch):
    """What the system says becomes the reason."""

    def refuse(**_):
        raise OSError("[Errno 1] not permitted")

    monkeypatch.setattr(lan_discovery, "interface_addresses", lambda: OWN)
    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", refuse)
    discovery = LanDiscovery()
    assert "not permitted" in await discovery.start()
    await discovery.close()
