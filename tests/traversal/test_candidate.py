"""Candidates: priorities, rows of a peer, which addresses may be checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.traversal.candidate import (
    Candidate,
    CandidateKind,
    Scope,
    candidate,
    candidates_from_rows,
    in_subnet,
    is_on_link,
    is_sendable,
    priority,
    scope_of,
)
from p2p_remote.wire.address import Endpoint, pack_endpoint

HOST = CandidateKind.HOST


def test_priorities_follow_rfc_8445():
    """Host before peer-reflexive, mapped, server-reflexive; IPv6 before IPv4."""
    v4, v6 = Endpoint("192.0.2.1", 9), Endpoint("2001:db8::1", 9)
    order = (
        CandidateKind.HOST,
        CandidateKind.PEER_REFLEXIVE,
        CandidateKind.MAPPED,
        CandidateKind.SERVER_REFLEXIVE,
    )
    values = [priority(kind, end) for kind in order for end in (v6, v4)]
    assert values == sorted(values, reverse=True)
    assert priority(HOST, v6) == (126 << 24) + (65535 << 8) + 255
    assert priority(HOST, v4, 1) < priority(HOST, v4) < 2**32


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.251",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "ff02::fb",
        "::ffff:192.0.2.1",
        "::192.0.2.1",
        "fe80::1",
        "example.org",
        "",
    ],
)
def test_addresses_that_are_never_checked(host):
    """Multicast, broadcast, unspecified, reserved, zone-less link-local, names."""
    assert not is_sendable(Endpoint(host, 4000))


@pytest.mark.parametrize(
    "host",
    [
        "192.0.2.1",
        "10.0.0.1",
        "127.0.0.1",
        "::1",
        "2001:db8::1",
        "fd00::1",
        "fe80::1%2",
    ],
)
def test_addresses_that_may_be_checked(host):
    """Unicast addresses pass, ports 1 to 65535 only."""
    assert is_sendable(Endpoint(host, 1))
    assert is_sendable(Endpoint(host, 65535))
    assert not is_sendable(Endpoint(host, 0))
    assert not is_sendable(Endpoint(host, 65536))


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("127.0.0.2", Scope.LOOPBACK),
        ("::1", Scope.LOOPBACK),
        ("169.254.1.1", Scope.LINK),
        ("fe80::1%3", Scope.LINK),
        ("10.1.2.3", Scope.PRIVATE),
        ("172.31.0.1", Scope.PRIVATE),
        ("192.168.1.1", Scope.PRIVATE),
        ("100.64.0.1", Scope.PRIVATE),
        ("fd12::1", Scope.PRIVATE),
        ("172.32.0.1", Scope.PUBLIC),
        ("203.0.113.7", Scope.PUBLIC),
        ("2001:db8::1", Scope.PUBLIC),
    ],
)
def test_scopes(host, scope):
    """Documentation addresses count as public, a carrier's shared space as private."""
    assert scope_of(Endpoint(host, 1)) is scope


def test_on_link():
    """In the subnet of a local interface; public IPv4 never, loopback always."""
    local = [
        candidate(HOST, Endpoint("192.168.1.10", 1), prefix_length=24),
        candidate(HOST, Endpoint("203.0.113.10", 1), prefix_length=24),
        candidate(HOST, Endpoint("2001:db8:1::a", 1), prefix_length=64),
        candidate(HOST, Endpoint("10.0.0.1", 1)),
    ]
    on_link = {"192.168.1.77", "2001:db8:1::b", "127.0.0.1"}
    off_link = {"192.168.2.77", "203.0.113.77", "2001:db8:2::b", "10.0.0.2"}
    for host in on_link | off_link:
        assert is_on_link(Endpoint(host, 1), local) is (host in on_link), host


def test_subnets_of_different_families_never_match():
    """IPv4 and IPv6 have no subnet in common; prefix 0 holds everything."""
    assert not in_subnet("10.0.0.1", "fd00::1", 0)
    assert in_subnet("10.0.0.1", "192.168.0.1", 0)
    assert not in_subnet("no address", "192.168.0.1", 0)


def test_rows_of_a_peer():
    """Rows are read in order, useless ones are left out, eight at most stay."""
    good = candidate(HOST, Endpoint("192.0.2.1", 7))
    rows = [
        (9, 1, pack_endpoint(good.endpoint)),
        (0, 1, bytes(18)),
        (0, 1, pack_endpoint(Endpoint("224.0.0.1", 7))),
        good.row(),
    ]
    assert candidates_from_rows(rows) == [good]
    many = [
        Candidate(HOST, Endpoint("192.0.2.1", port), 5).row() for port in range(1, 30)
    ]
    assert len(candidates_from_rows(many)) == 8


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2**32 - 1), st.binary(max_size=20))
    )
)
def test_any_rows_are_survived(rows):
    """Whatever a peer puts into rows, only addresses that may be checked come out."""
    for each in candidates_from_rows(rows):
        assert is_sendable(each.endpoint)
