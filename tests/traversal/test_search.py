"""Attempts at guessing ports, seen from one end."""

import random
from dataclasses import replace

import pytest

from p2p_remote.traversal.agent_events import MappingWanted
from p2p_remote.traversal.mapping import FIRST_PORT, LAST_PORT, Dependence, Mapping
from p2p_remote.traversal.paths import AuxiliaryEndpoint, PrimingEndpoint
from p2p_remote.traversal.plan import MANY
from p2p_remote.traversal.search import (
    FIRST_AFTER,
    HIT_PAUSE,
    MAX_GUESSES,
    MOVED_AFTER,
    Search,
)
from p2p_remote.wire.address import Endpoint

NOW = 100.0
PEER = Endpoint("198.51.100.9", 5000)
EASY = Mapping(Dependence.INDEPENDENT)
HARD = Mapping(Dependence.ADDRESS_AND_PORT, 40_000, 0, 0, FIRST_PORT, LAST_PORT)


def begun(own=EASY, peer=HARD):
    """A search that probes since NOW."""
    search = Search(7, random.Random(3).randbytes)
    search.punched([PEER], NOW - FIRST_AFTER)
    assert search.want_mapping(NOW) == MappingWanted(1, (7, 1))
    search.own_mapping(1, own, NOW)
    assert not search.is_probing
    search.peer_mapping(1, peer, NOW)
    assert search.is_probing
    return search


def run(search, until):
    """All paths that a check left on."""
    paths = []
    while search.is_probing and (due := search.next_timer()) <= until:
        if search.is_over(due):
            search.stop()
        paths += search.due(due)
    return paths


def test_it_begins_when_all_is_known():
    """Both mappings of one attempt and the server's word are needed."""
    search = begun()
    paths = run(search, NOW + 10)
    assert {path.host for path in paths} == {PEER.host}
    assert len(paths) == 2048
    assert not search.is_probing


def test_a_hard_end_uses_auxiliary_sockets_of_its_group():
    """Fresh sockets carry the group of the session; the next search has new ones."""
    search = begun(HARD, EASY)
    paths = run(search, NOW + 0.5)
    assert all(isinstance(path, PrimingEndpoint) for path in paths)
    assert [path.socket for path in paths] == [(7, n) for n in range(1, MANY + 1)]
    later = search.due(NOW + 1.0)
    assert all(isinstance(path, AuxiliaryEndpoint) for path in later)
    assert search.stop()
    search.again(NOW + 60, patient=True)
    assert search.want_mapping(NOW + 60) == MappingWanted(2, (7, MANY + 1))
    search.own_mapping(2, HARD, NOW + 60)
    search.peer_mapping(2, EASY, NOW + 60)
    assert search.due(NOW + 60)[0].socket == (7, MANY + 1)


def test_mappings_of_another_attempt_do_not_count():
    """An old measurement starts nothing."""
    search = Search(7, random.Random(3).randbytes)
    search.punched([PEER], NOW)
    search.want_mapping(NOW + FIRST_AFTER)
    search.own_mapping(2, EASY, NOW + 1)
    search.peer_mapping(2, HARD, NOW + 1)
    assert not search.is_probing


@pytest.mark.parametrize(
    "told",
    [Endpoint("10.0.0.1", 5), Endpoint("2001:db8::1", 5), Endpoint("224.0.0.1", 5)],
)
def test_only_public_ipv4_addresses_are_searched(told):
    """Nobody's LAN, no group and no IPv6 address is ever probed."""
    search = Search(7, random.Random(3).randbytes)
    search.punched([told], NOW)
    search.want_mapping(NOW + FIRST_AFTER)
    search.own_mapping(1, EASY, NOW + 1)
    search.peer_mapping(1, HARD, NOW + 1)
    assert not search.is_probing


def test_a_hit_pauses_the_probes():
    """While a path is looked at nothing else is sent; then it goes on in order."""
    search = begun()
    before = run(search, NOW + 0.1)
    assert search.hit(NOW + 0.1)
    assert search.hit(NOW + 0.1)
    assert not search.hit(NOW + 0.1)
    assert search.due(NOW + 0.1 + HIT_PAUSE / 2) == []
    after = run(search, NOW + 20)
    assert len(before) + len(after) == 2048
    assert len({path.port for path in before + after}) == 2048


def test_without_a_search_every_path_is_looked_at():
    """Hits are counted only while ports are guessed."""
    search = Search(7, random.Random(3).randbytes)
    assert all(search.hit(NOW) for _ in range(20))


def test_the_peer_cannot_ask_for_many_attempts():
    """Attempts follow one another at a distance and end."""
    search = begun()
    run(search, NOW + 10)
    followed = 0
    for attempt in range(2, 200):
        now = NOW + 10 + attempt / 10
        search.peer_mapping(attempt, HARD, now)
        wanted = search.want_mapping(now)
        if wanted is not None:
            followed += 1
            search.own_mapping(wanted.attempt, EASY, now)
            run(search, now)
    assert followed == 1
    guesses = 2
    for hour in range(1, 60):
        now = NOW + 3600 * hour
        search.again(now, patient=True)
        wanted = search.want_mapping(now)
        if wanted is not None:
            search.own_mapping(wanted.attempt, EASY, now)
            search.peer_mapping(wanted.attempt, HARD, now)
            guesses += bool(run(search, now + 10))
    assert guesses <= MAX_GUESSES


FRESH = Mapping(Dependence.INDEPENDENT, 41_000)


def meet(search, attempt, now):
    """One attempt between two ends that tell fresh ports; paths of its checks."""
    search.own_mapping(attempt, FRESH, now)
    search.peer_mapping(attempt, replace(FRESH, last_port=42_000), now)
    return run(search, now + 5)


def test_two_easy_ends_meet_and_may_do_so_again_soon():
    """Each time with a new socket, at the address where the server sees the peer."""
    search = Search(7, random.Random(3).randbytes)
    search.punched([PEER], NOW - FIRST_AFTER)
    for attempt in range(1, 20):
        now = NOW + 10 * attempt
        search.again(now, patient=False)
        assert search.want_mapping(now) == MappingWanted(attempt, (7, attempt))
        paths = meet(search, attempt, now)
        assert len(paths) == 9
        assert {(path.host, path.port) for path in paths} == {(PEER.host, 42_000)}
        assert {path.socket for path in paths} == {(7, attempt)}


@pytest.mark.parametrize("peer", [FRESH, HARD])
def test_a_peer_that_is_seen_elsewhere_is_met_there(peer):
    """The server tells its new address, and an attempt begins without a minute's wait.

    One that has not moved is left to the next retry if guessing is needed.
    """
    search = Search(7, random.Random(3).randbytes)
    search.punched([PEER], NOW - FIRST_AFTER)
    search.want_mapping(NOW)
    search.own_mapping(1, FRESH, NOW)
    search.peer_mapping(1, peer, NOW)
    run(search, NOW + 10)
    search.punched([PEER], NOW + 20)
    search.put_off(NOW + 20)  # and the reason for the relay
    soon = NOW + 20 + MOVED_AFTER
    assert search.next_timer() == (soon if peer is FRESH else None)
    moved = Endpoint("198.51.100.77", 5000)
    search.punched([moved], NOW + 20)
    assert search.next_timer() == soon
    assert search.want_mapping(NOW + 30).attempt == 2
    search.own_mapping(2, FRESH, NOW + 30)
    search.peer_mapping(2, peer, NOW + 30)
    assert {path.host for path in run(search, NOW + 40)} == {moved.host}


def test_put_off():
    """On a direct path a due attempt is given up until it is asked for again."""
    search = Search(7, random.Random(3).randbytes)
    search.punched([PEER], NOW)
    search.put_off(NOW + 1)
    assert search.next_timer() is None
    search.again(NOW + 2, patient=False)
    assert search.want_mapping(NOW + 2) == MappingWanted(1, (7, 1))
    assert search.want_mapping(NOW + 2) is None
