"""Plans for guessing ports."""

import random
from itertools import pairwise

import pytest

from p2p_remote.traversal.mapping import (
    FIRST_PORT,
    LAST_PORT,
    Dependence,
    Mapping,
    mapping_from_samples,
    mapping_from_wire,
)
from p2p_remote.traversal.plan import FEW, MANY, MAX_PROBES, RATE, SOME, make_plan

EASY = Mapping(Dependence.INDEPENDENT)
UNKNOWN = Mapping(Dependence.UNKNOWN)
BOTH = Dependence.ADDRESS_AND_PORT
WIDE = Mapping(BOTH, 40_000, 0, 0, FIRST_PORT, LAST_PORT)
BLOCK = Mapping(BOTH, 40_000, 0, 0, 39_900, 40_411)
SEQUENCE = Mapping(BOTH, 40_000, 1, 1, 39_980, 40_020)
SKIPPING = Mapping(BOTH, 40_000, 1, 8, 39_900, 40_100)
BY_ADDRESS = Mapping(Dependence.ADDRESS, 40_000, 0, 0, FIRST_PORT, LAST_PORT)
HARD = (WIDE, BLOCK, SEQUENCE, SKIPPING, BY_ADDRESS)


def plan(own, peer):
    """Plan toward a peer at port 5000."""
    return make_plan(own, peer, 5000, random.Random(1).randbytes)


@pytest.mark.parametrize("own", [EASY, UNKNOWN])
@pytest.mark.parametrize("peer", [EASY, UNKNOWN])
def test_two_easy_ends_need_no_plan(own, peer):
    """Simultaneous opening has tried all there is."""
    assert plan(own, peer) is None


def test_two_easy_ends_may_meet_at_fresh_sockets():
    """Both open their own routers first; a few checks then go all the way."""
    fresh = Mapping(Dependence.INDEPENDENT, 41_000)
    found = plan(fresh, Mapping(Dependence.UNKNOWN, 42_000))
    assert not found.is_guess
    assert {(probe.socket, probe.port) for probe in found.probes} == {(1, 42_000)}
    assert [probe.primed for probe in found.probes] == [True] * 2 + [False] * 7
    assert found.probes[2].at - found.probes[1].at > 0.3
    for peer in (EASY, Mapping(Dependence.INDEPENDENT, FIRST_PORT - 1)):
        assert plan(fresh, peer) is None
    assert plan(EASY, fresh) is None


@pytest.mark.parametrize(
    ("own", "count"),
    [(WIDE, MANY), (BLOCK, SOME), (SEQUENCE, FEW), (SKIPPING, FEW), (BY_ADDRESS, MANY)],
)
def test_a_hard_end_opens_fresh_sockets(own, count):
    """Each fresh socket first opens the own router only, later it reaches the peer."""
    probes = plan(own, EASY).probes
    assert {probe.port for probe in probes} == {5000}
    assert [probe.socket for probe in probes if probe.primed] == [*range(1, count + 1)]
    assert len(probes) == 2 * count
    assert not any(probe.primed for probe in probes[count:])


@pytest.mark.parametrize("peer", HARD)
def test_an_easy_end_seeks_from_its_own_socket(peer):
    """It tries ports where the peer's mappings may be, from the session's socket."""
    probes = plan(EASY, peer).probes
    assert {probe.socket for probe in probes} == {0}
    assert not any(probe.primed for probe in probes)
    low = peer.last_port if peer.is_stepped else peer.low
    assert all(low <= probe.port <= max(peer.high, low + 200) for probe in probes)


def test_a_guess_is_not_made_twice_among_all_ports():
    """2,048 guesses go to 2,048 ports."""
    probes = plan(EASY, WIDE).probes
    assert len({probe.port for probe in probes}) == len(probes) == MAX_PROBES


@pytest.mark.parametrize("own", [EASY, UNKNOWN, *HARD])
@pytest.mark.parametrize("peer", [EASY, UNKNOWN, *HARD])
def test_guards(own, peer):
    """No plan has more than 2,048 probes, or more than 1,000 a second, or bad ports."""
    found = plan(own, peer)
    if found is None:
        return
    times = [probe.at for probe in found.probes]
    assert times == sorted(times)
    assert len(times) <= MAX_PROBES
    assert all(b - a >= 0.999 / RATE for a, b in pairwise(times))
    assert all(0 < probe.port <= LAST_PORT for probe in found.probes)


@pytest.mark.parametrize(
    ("own", "peer"),
    [(WIDE, WIDE), (WIDE, BLOCK), (SEQUENCE, WIDE), (BY_ADDRESS, BLOCK)],
)
def test_hopeless_pairs_stay_on_the_relay(own, peer):
    """Where two guesses among too many ports had to fit nobody is bothered."""
    assert plan(own, peer) is None
    assert plan(peer, own) is None


def test_two_sequences_meet_port_by_port():
    """The i-th probe of each end goes to the i-th port of the other."""
    other = Mapping(BOTH, 50_000, 1, 1, 49_980, 50_020)
    assert [p.port for p in plan(SEQUENCE, other).probes[:3]] == [
        50_001,
        50_002,
        50_003,
    ]
    assert [p.port for p in plan(other, SEQUENCE).probes[:3]] == [
        40_001,
        40_002,
        40_003,
    ]


def meet(left, right, seed):
    """Whether two plans meet, with mappings drawn as the routers draw them."""
    rng = random.Random(seed)

    def mapped(own, peer):
        port = own.last_port
        seen, result = {}, set()
        for probe in make_plan(own, peer, 5000, rng.randbytes).probes:
            key = (probe.socket, probe.port)
            if key not in seen:
                if own.is_stepped:
                    port += rng.randint(own.min_step, own.max_step)
                else:
                    port = rng.randint(own.low, own.high)
                seen[key] = port
            result.add((seen[key], probe.port))
        return result

    ours = mapped(left, right)
    theirs = {(b, a) for a, b in mapped(right, left)}
    return bool(ours & theirs)


@pytest.mark.parametrize(
    ("left", "right", "share"),
    [
        (SEQUENCE, SEQUENCE, 1.0),
        (SEQUENCE, SKIPPING, 0.95),
        (SKIPPING, SKIPPING, 0.5),
        (BLOCK, BLOCK, 0.9),
        (SEQUENCE, BLOCK, 0.9),
    ],
)
def test_two_hard_ends_meet(left, right, share):
    """Of 40 tries of two predictable ends the expected share meets."""
    met = sum(meet(left, right, seed) for seed in range(40))
    assert met >= share * 40


def test_a_peer_cannot_tell_nonsense():
    """Whatever numbers a peer tells make a usable mapping."""
    for numbers in ((3, 0, 9, 3, 60_000, 10), (3, 65_535, 0, 65_535, 0, 65_535)):
        mapping = mapping_from_wire(numbers)
        assert FIRST_PORT <= mapping.low <= mapping.high <= LAST_PORT
        assert mapping.min_step <= mapping.max_step <= 16
        assert plan(EASY, mapping) is None or plan(EASY, mapping).probes


def test_sequence_across_the_last_port():
    """A sequence that begins anew at the lowest ports is still one."""
    mapping = mapping_from_samples(BOTH, [65_534, 65_535, 0, 1])
    assert (mapping.min_step, mapping.max_step) == (1, 1)
