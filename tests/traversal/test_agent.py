"""Two agents behind every pair of NATs, in virtual time."""

import itertools

import pytest

from p2p_remote.traversal.agent_events import PathSelected
from p2p_remote.traversal.candidate import CandidateKind, candidate
from p2p_remote.traversal.paths import PrimingEndpoint
from p2p_remote.wire.address import Endpoint, RelayPath
from tests.support.agents import Laboratory
from tests.support.nat import KINDS, can_open

RESTRICTED = "port_restricted"
FORGIVING = "address_restricted"


def connected(left: str = RESTRICTED, right: str = RESTRICTED, **options) -> Laboratory:
    """Both ends on a direct path."""
    lab = Laboratory(left, right, **options)
    lab.introduce()
    lab.run_until_both("direct", 6)
    return lab


@pytest.mark.parametrize(("left", "right"), list(itertools.product(KINDS, KINDS)))
def test_every_pair_of_nats(left, right):
    """A direct path wherever simultaneous opening can work, else the relay stays."""
    lab = Laboratory(left, right)
    lab.introduce()
    lab.run(6)
    expected = "direct" if can_open(left, right) else "relay"
    assert (lab.left.kind, lab.right.kind) == (expected, expected)
    if expected == "relay":
        assert set(lab.left.selections() + lab.right.selections()) == {"relay"}


def test_time_to_a_direct_path():
    """One and a half round trips of 60 ms between cone NATs, and a paced check."""
    lab = Laboratory(RESTRICTED, RESTRICTED)
    lab.introduce()
    assert lab.run_until_both("direct", 1) <= 0.1


def test_the_relay_is_selected_from_the_start_without_an_event():
    """The handshake went over it, so it works."""
    lab = Laboratory(RESTRICTED, RESTRICTED)
    assert lab.left.agent.selected == RelayPath(Endpoint("203.0.113.1", 3479), 6)
    assert lab.left.events == []


def test_a_selection_tells_path_kind_and_round_trip():
    """The path is usable as it is, and the round trip was measured."""
    lab = connected()
    (event,) = lab.right.events
    assert isinstance(event, PathSelected)
    assert event.path == lab.right.agent.selected == lab.reflexive(lab.left)
    assert event.rtt == pytest.approx(0.06, abs=0.01)
    assert event.why


def test_routers_that_answer_strangers():
    """Priming that dies on the way keeps the peer's mapping clean."""
    lab = connected(RESTRICTED, RESTRICTED, spoils=True)
    assert lab.left.agent.selected == lab.reflexive(lab.right)
    primed = [path for _, path in lab.right.node.sent if type(path) is PrimingEndpoint]
    assert [path.ttl for path in primed] == [4, 4]
    assert not any(type(path) is PrimingEndpoint for _, path in lab.left.node.sent)


def test_priming_that_arrives_spoils_the_mapping():
    """The same without the low TTL: no direct path. This is what priming is for."""
    lab = Laboratory(RESTRICTED, RESTRICTED, spoils=True)
    lab.right.node.obeys_ttl = False
    # The callee's line is fast, so that its packets come first.
    for line in (lab.right.site.up, lab.left.site.down):
        line.delay = 0.001
    lab.left.site.up.delay = 0.03
    lab.introduce()
    lab.run(6)
    assert (lab.left.kind, lab.right.kind) == ("relay", "relay")


@pytest.mark.parametrize("seed", range(5))
def test_loss_and_duplicates(seed):
    """30 % loss both ways and 20 % duplicates: direct within the round."""
    lab = Laboratory(RESTRICTED, FORGIVING, seed=seed)
    for line in lab.lines():
        line.loss, line.duplicate, line.jitter = 0.16, 0.2, 0.01
    lab.introduce()
    lab.run_until_both("direct", 6)


def test_a_lossy_path_is_kept():
    """5 % loss for ten minutes is no reason to leave a path for good."""
    lab = connected(FORGIVING, FORGIVING, seed=3)
    for line in lab.lines():
        line.loss = 0.05
    lab.run(600)
    lab.run_until_both("direct", 10)


def test_at_most_fourteen_checks_to_an_address():
    """An address that never answers is left alone after a round."""
    lab = Laboratory("none", "none")
    agent = lab.left.agent
    silent = Endpoint("198.18.0.1", 4000)
    agent.add_remote(
        [candidate(CandidateKind.HOST, silent)], lab.network.now, same_lan=True
    )
    lab.run(50)
    assert len([path for _, path in lab.left.node.sent if path == silent]) == 14


def test_at_most_eight_candidates():
    """However many the peer and the server tell at once."""
    lab = Laboratory("none", "none")
    agent, now = lab.left.agent, lab.network.now
    told = [Endpoint("198.18.0.1", port) for port in range(1, 60)]
    agent.add_remote([candidate(CandidateKind.HOST, each) for each in told[:30]], now)
    agent.punch(told[30:], now)
    lab.run(5)
    checked = {path for _, path in lab.left.node.sent if isinstance(path, Endpoint)}
    assert len(checked) == 8


def test_private_addresses_of_strangers_are_not_checked():
    """Both homes may use 192.168.1.0/24: the peer's address is somebody else here."""
    lab = connected()
    private = {
        path.host
        for _, path in lab.left.node.sent + lab.right.node.sent
        if isinstance(path, Endpoint) and path.host.startswith("192.168.")
    }
    assert private == set()


def test_the_same_lan_is_found_and_preferred():
    """Two computers behind one router without hairpin talk directly on the LAN."""
    lab = Laboratory(RESTRICTED, RESTRICTED, same_site=True, right_host="192.168.1.20")
    lab.introduce()
    assert lab.run_until_both("lan", 1) <= 0.05
    assert lab.left.agent.selected == lab.right.socket.local


def test_without_a_relay_the_handshake_path_is_used():
    """LAN only: the path of the handshake is selected, and kept alive."""
    lab = Laboratory("none", "none", relay=False)
    now = lab.network.now
    lab.left.agent.start_on(lab.right.socket.local, now)
    lab.right.agent.start_on(lab.left.socket.local, now)
    lab.run(60)
    assert lab.left.selections() == lab.right.selections() == []
    assert lab.left.kind == lab.right.kind == "direct"
    assert lab.left.agent.selected == lab.right.socket.local
