"""Local addresses and host candidates."""

import pytest

from p2p_remote.net import interfaces
from p2p_remote.net.interfaces import (
    MAX_HOST_CANDIDATES,
    InterfaceAddress,
    host_candidates,
    interface_addresses,
    is_usable,
    same_subnet,
)
from p2p_remote.traversal.candidate import CandidateKind

LAPTOP = [
    InterfaceAddress("lo", "127.0.0.1", 8),
    InterfaceAddress("lo", "::1", 128),
    InterfaceAddress("docker0", "172.17.0.1", 16),
    InterfaceAddress("br-1a2b3c", "172.18.0.1", 16),
    InterfaceAddress("virbr0", "192.168.122.1", 24),
    InterfaceAddress("wlan0", "192.168.1.23", 24),
    InterfaceAddress("wlan0", "2001:db8:1::23", 64),
    InterfaceAddress("wlan0", "2001:db8:1::24", 64),
    InterfaceAddress("wlan0", "2001:db8:1::25", 64),
    InterfaceAddress("wlan0", "fe80::23", 64, zone=3),
    InterfaceAddress("eth0", "10.0.0.9", 8),
    InterfaceAddress("tun0", "10.8.0.2", 24),
]


@pytest.fixture
def laptop(monkeypatch):
    monkeypatch.setattr(interfaces, "interface_addresses", lambda: LAPTOP)
    sources = {"192.0.2.1": "10.0.0.9", "2001:db8::1": "2001:db8:1::24"}
    monkeypatch.setattr(
        interfaces, "_source_address", lambda destination: sources[destination[1][0]]
    )


def test_this_computer_has_a_loopback():
    """The library's answer is read as it is meant."""
    found = [each for each in interface_addresses() if each.host == "127.0.0.1"]
    assert found[0].prefix_length == 8
    assert not is_usable(found[0])


def test_candidates_of_a_laptop(laptop):
    """Ways to the world first; no loopback, containers, machines, link-local IPv6."""
    found = host_candidates(4711)
    assert [each.endpoint.host for each in found] == [
        "10.0.0.9",
        "2001:db8:1::24",
        "192.168.1.23",
        "10.8.0.2",
        "2001:db8:1::23",
    ]
    assert {each.endpoint.port for each in found} == {4711}
    assert {each.kind for each in found} == {CandidateKind.HOST}
    assert [each.prefix_length for each in found] == [8, 64, 24, 24, 64]


def test_a_server_with_many_addresses(monkeypatch):
    """Six at most are told."""
    many = [InterfaceAddress(f"eth{n}", f"10.{n}.0.1", 24) for n in range(20)]
    monkeypatch.setattr(interfaces, "interface_addresses", lambda: many)
    assert len(host_candidates(1)) == MAX_HOST_CANDIDATES


def test_without_a_network_there_are_no_candidates(monkeypatch):
    """And no error."""
    monkeypatch.setattr(interfaces, "interface_addresses", lambda: LAPTOP[:2])
    assert host_candidates(1) == []


def test_asking_for_the_way_sends_nothing_and_survives_no_way():
    """No route to an address means no preferred source."""
    assert interfaces._source_address((2, ("255.255.255.255", 9))) is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.168.1.99", True),
        ("192.168.2.99", False),
        ("10.200.1.1", True),
        ("2001:db8:1::99", True),
        ("2001:db8:2::99", False),
        ("nonsense", False),
    ],
)
def test_same_subnet(host, expected):
    """By the prefix of each of our addresses."""
    assert same_subnet(host, LAPTOP) is expected
