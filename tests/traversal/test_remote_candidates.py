"""Guards: which of the peer's addresses may be checked."""

import pytest

from p2p_remote.traversal.candidate import CandidateKind, candidate
from p2p_remote.traversal.remote_candidates import RemoteCandidates
from p2p_remote.wire.address import Endpoint, RelayPath, TcpEndpoint

HOST, REFLEXIVE = CandidateKind.HOST, CandidateKind.SERVER_REFLEXIVE
PUBLIC = Endpoint("198.51.100.9", 4000)
PRIVATE = Endpoint("192.168.1.9", 4000)
LOOPBACK = Endpoint("127.0.0.1", 4000)
SERVER = Endpoint("203.0.113.1", 3479)


def told(*, reflexive: str = "198.51.100.9") -> RemoteCandidates:
    remote = RemoteCandidates()
    remote.own_path(RelayPath(SERVER, 1))
    remote.told(candidate(HOST, each) for each in (PRIVATE, LOOPBACK))
    remote.seen_by_server([Endpoint(reflexive, 4000)])
    return remote


def allowed(remote: RemoteCandidates, *own: Endpoint) -> set[Endpoint]:
    local = [candidate(REFLEXIVE, each) for each in own]
    return {each.endpoint for each in remote.allowed(local)}


def test_strangers_are_checked_at_public_addresses_only():
    """A private address means another computer here than there."""
    assert allowed(told(), Endpoint("192.0.2.5", 1)) == {PUBLIC}


def test_the_same_public_address_allows_private_ones():
    """Both behind one router, as the server sees it."""
    assert allowed(told(), Endpoint("198.51.100.9", 1)) == {PUBLIC, PRIVATE}


def test_a_peer_found_on_the_lan_may_be_checked_there():
    """LAN discovery says that private addresses are meant for us."""
    remote = told()
    remote.peer_is_on_our_lan()
    assert allowed(remote) == {PUBLIC, PRIVATE}


def test_a_private_server_allows_private_addresses():
    """Inside a company all addresses are private."""
    remote = told()
    remote.own_path(RelayPath(Endpoint("10.0.0.5", 3479), 1))
    assert allowed(remote) == {PUBLIC, PRIVATE}


@pytest.mark.parametrize("path", [LOOPBACK, RelayPath(LOOPBACK, 7)])
def test_loopback_needs_a_loopback_path_of_our_own(path):
    """Everything on one computer, as in the demo."""
    remote = told()
    remote.own_path(path)
    assert allowed(remote) == {PUBLIC, PRIVATE, LOOPBACK}


def test_what_is_told_anew_takes_the_place_of_what_was_told_before():
    """A peer that moves on leaves nothing behind; the server's word is kept apart."""
    remote = told()
    for port in range(1, 100):
        remote.told([candidate(REFLEXIVE, Endpoint("198.51.100.9", port))])
    assert allowed(remote) == {PUBLIC, Endpoint("198.51.100.9", 99)}
    remote.seen_by_server([])
    assert allowed(remote) == {Endpoint("198.51.100.9", 99)}


def test_only_the_newest_candidates_are_kept():
    """Eight at most, however many are told and seen."""
    remote = RemoteCandidates()
    remote.seen_by_server(Endpoint("198.51.100.9", port) for port in range(1, 7))
    remote.told(
        candidate(REFLEXIVE, Endpoint("198.51.100.9", port)) for port in range(7, 13)
    )
    kept = allowed(remote)
    assert kept == {Endpoint("198.51.100.9", port) for port in range(5, 13)}


def test_unsendable_addresses_are_not_even_remembered():
    """Multicast does not push real candidates out."""
    remote = told()
    multicast = [Endpoint("224.0.0.1", port) for port in range(1, 50)]
    remote.told(candidate(HOST, each) for each in multicast)
    assert allowed(remote) == {PUBLIC}


def tcp(remote: RemoteCandidates, host: str) -> list[Endpoint]:
    """What is connected to when peer and server name `host`."""
    to = TcpEndpoint(host, 22)
    remote.told([candidate(CandidateKind.TCP, to)])
    remote.seen_by_server([Endpoint(host, 4000)])
    own = TcpEndpoint("198.51.100.77", 5)
    local = [candidate(CandidateKind.TCP, own), candidate(REFLEXIVE, PRIVATE)]
    tried = [each.endpoint for each in remote.allowed(local)]
    assert remote.has_tcp is (to in tried)
    return [each for each in tried if isinstance(each, TcpEndpoint)]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "192.168.1.1", "169.254.1.1", "224.0.0.1", "0.0.0.0"]
)
def test_nobody_can_make_us_connect_to_our_own_network(host):
    """Not even peer and server together, by addresses that they invent for us both."""
    remote = told()
    remote.peer_is_on_our_lan()
    assert tcp(remote, host) == []


@pytest.mark.parametrize(
    ("server", "host", "tried"),
    [
        ("203.0.113.1", "198.51.100.9", True),
        ("10.0.0.5", "10.0.0.9", True),
        ("10.0.0.5", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
    ],
)
def test_a_connection_goes_where_the_server_is_or_to_a_public_address(
    server, host, tried
):
    """A company's own server sees its computers at private addresses."""
    remote = told()
    remote.own_path(RelayPath(Endpoint(server, 3479), 1))
    assert tcp(remote, host) == ([TcpEndpoint(host, 22)] if tried else [])


def test_the_peer_cannot_say_that_it_stands_behind_our_router():
    """It knows our address, and would have us look into our own network for it."""
    remote = told()
    ours = Endpoint("192.0.2.5", 4000)
    remote.told([candidate(HOST, PRIVATE), candidate(REFLEXIVE, ours)])
    assert allowed(remote, ours) == {PUBLIC, ours}
