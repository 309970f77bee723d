"""Changes of the network under a running node."""

import pytest

from p2p_remote.services import network_watch
from p2p_remote.services.network_watch import NetworkWatch
from p2p_remote.session.node import Node, NodeConfig
from p2p_remote.traversal.candidate import CandidateKind, candidate
from p2p_remote.wire.address import Endpoint
from tests.support.rendezvous import quick_identity

OLD = candidate(CandidateKind.HOST, Endpoint("192.168.1.10", 5000))
NEW = candidate(CandidateKind.HOST, Endpoint("10.9.8.7", 5000))
SERVER = Endpoint("203.0.113.9", 3479)


class Watched:
    """A node that is not run, and what its watch has done."""

    def __init__(self, server: Endpoint | None = SERVER) -> None:
        config = NodeConfig(server=server, candidates=(OLD,))
        self.node = Node(quick_identity("watched"), config, bytes, 0.0)
        self.changes = 0
        self.pokes = 0
        self.node.network_changed = self._on_change
        self.watch = NetworkWatch(self.node, 5000, lambda: 1.0, self._on_poke)

    def _on_change(self, now: float) -> None:
        self.changes += 1

    def _on_poke(self) -> None:
        self.pokes += 1


@pytest.mark.parametrize(
    ("found", "slept", "changes"),
    [([OLD], False, 0), ([OLD], True, 1), ([NEW], False, 1), ([], False, 0)],
)
def test_look(monkeypatch, found, slept, changes):
    """New addresses and a sleep are told; the loss of the last address is not."""
    watched = Watched()
    monkeypatch.setattr(network_watch, "host_candidates", lambda _port: found)
    watched.watch.look(slept=slept)
    assert watched.changes == watched.pokes == changes
    watched.watch.look(slept=False)
    assert watched.changes == changes


def test_a_mapped_port_becomes_a_candidate_and_goes_again():
    """What the router lets through is told to later peers as long as it lasts."""
    watched = Watched()
    mapped = Endpoint("198.51.100.77", 40_000)
    watched.watch._on_mapped(mapped)
    assert [each.endpoint for each in watched.node._own] == [
        OLD.endpoint,
        mapped,
    ]
    watched.watch._on_mapped(None)
    assert [each.endpoint for each in watched.node._own] == [OLD.endpoint]
    assert watched.pokes == 2


@pytest.mark.parametrize("server", [None, Endpoint("127.0.0.1", 3479)])
def test_no_router_is_asked_without_need(server):
    """On one machine or on a LAN alone no port has to be let through."""
    assert Watched(server).watch.mapping is None


async def test_it_looks_again_and_again(monkeypatch):
    """Started, it looks until it is closed."""
    watched = Watched(None)
    monkeypatch.setattr(network_watch, "INTERVAL", 0.0)
    monkeypatch.setattr(network_watch, "PATIENCE", 0.0)
    monkeypatch.setattr(network_watch, "host_candidates", lambda _port: [NEW])
    watched.watch.start()
    async with network_watch.asyncio.timeout(5):
        while not watched.changes:
            await network_watch.asyncio.sleep(0)
    await watched.watch.close()
