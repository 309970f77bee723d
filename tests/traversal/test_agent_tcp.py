"""TCP candidates: when they are tried, and when never."""

import pytest

from p2p_remote.traversal.agent_events import TcpWanted
from p2p_remote.traversal.candidate import (
    CandidateKind,
    candidate,
    candidates_from_rows,
)
from p2p_remote.traversal.path_keeper import BETTER_TCP
from p2p_remote.wire.address import Endpoint, RelayPath, TcpEndpoint
from tests.support.paths import Paths, Way, way

PEER = TcpEndpoint("203.0.113.7", 50_000)
OWN = candidate(CandidateKind.TCP, TcpEndpoint("198.51.100.1", 50_000))
CHANNEL = RelayPath(Endpoint("192.0.2.1", 3479), 7)
RELAY = Way(CHANNEL, CHANNEL, 0.03)


def tcp_way(delay=0.03, *, down=False):
    """A connection between the two."""
    return Way(PEER, TcpEndpoint("198.51.100.1", 50_000), delay, down)


def sent_to(paths, path):
    """Checks of the left end on a path."""
    return paths.checks(paths.left, path)


def told(paths, peer=PEER, *, seen=PEER.host, own=True):
    """The left end knows a TCP candidate of the peer, and where the server sees it."""
    if own:
        paths.left.add_local([OWN])
    rows = [candidate(CandidateKind.TCP, peer).row()]
    paths.left.add_remote(candidates_from_rows(rows), paths.now)
    if seen is not None:
        paths.left.punch([Endpoint(seen, 4000)], paths.now)


def test_a_row_of_that_kind_becomes_a_tcp_endpoint():
    """And is told as it was."""
    (found,) = candidates_from_rows([candidate(CandidateKind.TCP, PEER).row()])
    assert found.endpoint == PEER
    assert isinstance(found.endpoint, TcpEndpoint)


@pytest.mark.parametrize(
    ("seen", "own"), [("203.0.113.8", True), (None, True), (PEER.host, False)]
)
def test_nobody_can_aim_our_connections(seen, own):
    """Only at the address that the server sees, and only if the peer can join in."""
    paths = Paths(tcp_way(), relay=RELAY)
    told(paths, seen=seen, own=own)
    paths.run(5.0)
    assert sent_to(paths, PEER) == []


def test_without_an_own_address_it_is_asked_for_now_and_then():
    """Whatever the peer tells in between."""
    paths = Paths(tcp_way(), relay=RELAY)
    told(paths, own=False)
    for _ in range(5):
        told(paths, own=False)
    paths.run(1.0)
    wanted = [e for e in paths.events[paths.left] if isinstance(e, TcpWanted)]
    assert len(wanted) == 1


def test_a_round_of_tries_is_bounded():
    """Fourteen checks, each of which may begin a connection."""
    paths = Paths(tcp_way(down=True), relay=RELAY)
    told(paths)
    paths.run(8.0)
    assert len(sent_to(paths, PEER)) == 14


def meet(paths):
    """Both ends know each other's TCP address."""
    told(paths)
    paths.right.add_local([candidate(CandidateKind.TCP, PEER)])
    paths.right.add_remote([OWN], paths.now)
    paths.right.punch([Endpoint(OWN.endpoint.host, 4000)], paths.now)


def test_tcp_is_better_than_the_relay_and_worse_than_udp():
    """However long the round trip of UDP is; and the search for UDP goes on."""
    udp = way("203.0.113.7", "198.51.100.1", 0.2)
    udp.down = True
    paths = Paths(tcp_way(), udp, relay=RELAY)
    meet(paths)
    paths.run(2.0)
    assert paths.left.selected == PEER
    assert paths.left.next_timer() is not None
    udp.down = False
    paths.run(70.0)
    assert paths.left.selected == udp.to_right
    assert paths.right.selected == udp.to_left


def test_the_address_of_a_connection_is_no_candidate_for_udp():
    """What the peer sees of a TCP connection says nothing about our UDP port."""
    paths = Paths(tcp_way(), relay=RELAY)
    meet(paths)
    paths.run(2.0)
    kinds = {kind for kind, _, _ in paths.left.local_rows()}
    assert kinds == {CandidateKind.TCP}


def test_tcp_is_called_direct():
    """With the protocol in the reason."""
    paths = Paths(tcp_way(), relay=RELAY)
    meet(paths)
    paths.run(2.0)
    selected = paths.events[paths.left][-1]
    assert selected.kind == "direct"
    assert selected.why == BETTER_TCP
