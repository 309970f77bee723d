"""Datagrams that are not the peer's: silence, and nothing changes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.traversal.agent import Agent
from p2p_remote.traversal.check_seal import CheckSeal
from p2p_remote.wire.address import Endpoint, RelayPath
from p2p_remote.wire.connectivity import CHECK_BYTES, Check, CheckResponse
from tests.support.agents import CHECK_KEY
from tests.support.paths import Paths, way

NOW = 1000.0
PEER = Endpoint("192.0.2.2", 4000)
STRANGER = Endpoint("198.18.0.66", 6666)
RELAY = RelayPath(Endpoint("203.0.113.1", 3479), 1)


def agent(*, controlling: bool = False) -> Agent:
    made = Agent(
        controlling=controlling,
        check_key=CHECK_KEY,
        local_index=1,
        remote_index=2,
        relay=RELAY,
        random=random.Random(1).randbytes,
        now=NOW,
    )
    assert [path for _, path in made.datagrams_to_send(NOW)] == [RELAY]
    return made


def peer_check(counter: int = 1, **options) -> bytes:
    transaction = counter.to_bytes(4, "little") + bytes(8)
    seal = CheckSeal(CHECK_KEY, controlling=True)
    return seal.seal(Check(options.pop("index", 1), transaction, 5, **options))


def quiet(made: Agent) -> bool:
    """Whether the agent has nothing to say but to its relay."""
    return made.datagrams_to_send(NOW) == [] and made.next_event() is None


def test_a_real_check_is_answered_and_triggers_one():
    """The measure for the tests below."""
    made = agent()
    made.receive_datagram(peer_check(), PEER, NOW)
    first = made.datagrams_to_send(NOW + 0.005)
    assert [(data[0], path) for data, path in first] == [(0x51, PEER), (0x50, PEER)]
    assert {len(data) for data, _ in first} == {CHECK_BYTES}


def test_forged_checks_meet_silence():
    """Wrong key, wrong MAC, wrong length, wrong session."""
    good = peer_check()
    stranger = CheckSeal(bytes(32), controlling=True)
    made = agent()
    for forged in (
        stranger.seal(Check(1, bytes(12), 5, nominate=True)),
        good[:-1] + bytes([good[-1] ^ 1]),
        good[:-1],
        good + b"\0",
        peer_check(index=3),
    ):
        made.receive_datagram(forged, STRANGER, NOW)
        assert quiet(made)


def test_our_own_checks_reflected_meet_silence():
    """The role letter in the MAC tells ours from the peer's."""
    made = agent()
    made.punch([PEER], NOW)
    sent = made.datagrams_to_send(NOW + 0.01)
    assert sent
    for data, _ in sent:
        changed = data[:1] + (1).to_bytes(4, "little") + data[5:]
        for reflected in (data, changed):
            made.receive_datagram(reflected, PEER, NOW)
    assert quiet(made)


def test_a_replayed_check_is_not_answered_again():
    """Neither from the same address nor, above all, from another one."""
    made = agent()
    made.receive_datagram(peer_check(), PEER, NOW)
    made.datagrams_to_send(NOW + 0.005)
    for source in (PEER, STRANGER):
        made.receive_datagram(peer_check(), source, NOW)
        assert quiet(made)


def test_a_response_counts_only_from_where_the_check_went():
    """An answer from elsewhere selects nothing, neither path."""
    made = agent(controlling=True)
    made.punch([PEER], NOW)
    (check,) = [
        data for data, path in made.datagrams_to_send(NOW + 0.006) if path == PEER
    ]
    seal = CheckSeal(CHECK_KEY, controlling=False)
    transaction = check[5:17]
    response = CheckResponse(1, transaction, seal.seal_address(PEER, transaction))
    made.receive_datagram(seal.seal(response), STRANGER, NOW + 0.05)
    assert made.next_event() is None
    made.receive_datagram(seal.seal(response), PEER, NOW + 0.05)
    assert made.selected == PEER


def test_a_response_without_a_check_means_nothing():
    """The peer cannot make us believe in an address that we never checked."""
    made = agent(controlling=True)
    seal = CheckSeal(CHECK_KEY, controlling=False)
    response = CheckResponse(1, bytes(12), bytes(18))
    made.receive_datagram(seal.seal(response), STRANGER, NOW)
    assert quiet(made)


def test_a_nomination_is_followed_only_after_our_own_round_trip():
    """Even the peer cannot aim our data at an address that does not answer us."""
    made = agent()
    made.receive_datagram(peer_check(nominate=True), STRANGER, NOW)
    for step in range(100):
        made.datagrams_to_send(NOW + 0.1 * step)
    assert made.selected == RELAY
    assert made.next_event() is None


@pytest.mark.parametrize("host", ["224.0.0.1", "255.255.255.255", "0.0.0.0", "::"])
def test_sources_that_cannot_be_are_not_answered(host):
    """A check that claims to come from multicast or broadcast."""
    made = agent()
    made.receive_datagram(peer_check(), Endpoint(host, 5), NOW)
    assert quiet(made)


def test_a_peer_that_asks_for_rounds_without_end_is_limited():
    """1000 requests in 10 s cost at most the budget of checks."""
    made = agent()
    made.punch([Endpoint("198.18.0.1", port) for port in range(1, 9)], NOW)
    sent = 0
    for step in range(1000):
        now = NOW + 0.01 * step
        made.receive_datagram(peer_check(step + 1, restart=True), RELAY, now)
        sent += sum(isinstance(to, Endpoint) for _, to in made.datagrams_to_send(now))
    assert sent <= 2 * 8 * 14 + 4 * 10


def test_a_hundred_thousand_pieces_of_garbage():
    """Neither a crash nor an answer nor a lasting change."""
    made = agent()
    rng = random.Random(7)
    good = peer_check()
    for number in range(100_000):
        if number % 3 == 0:
            data = rng.randbytes(rng.randrange(80))
        elif number % 3 == 1:
            data = bytes([rng.choice((0x50, 0x51))]) + rng.randbytes(CHECK_BYTES - 1)
        else:
            changed = bytearray(good)
            changed[rng.randrange(CHECK_BYTES)] ^= 1 << rng.randrange(8)
            data = bytes(changed)
        made.receive_datagram(data, STRANGER, NOW)
    assert quiet(made)
    made.receive_datagram(good, PEER, NOW)
    assert made.datagrams_to_send(NOW)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["check", "nominate", "restart", "heard", "punch", "suspect", "local"]
            ),
            st.integers(1, 30),
            st.floats(0, 40),
        ),
        max_size=60,
    ),
    st.booleans(),
)
def test_any_order_of_events(steps, controlling):
    """Whatever an authenticated peer and the session do, invariants hold."""
    from p2p_remote.traversal.candidate import CandidateKind, candidate

    made = agent(controlling=controlling)
    seal = CheckSeal(CHECK_KEY, controlling=not controlling)
    now = NOW
    for number, (what, port, wait) in enumerate(steps):
        path = RELAY if port == 1 else Endpoint("198.51.100.7", port)
        if what in ("check", "nominate", "restart"):
            check = Check(
                1,
                (number + 1).to_bytes(12, "little"),
                port,
                nominate=what == "nominate",
                restart=what == "restart",
            )
            made.receive_datagram(seal.seal(check), path, now)
        elif what == "heard":
            made.path_heard(path, now)
        elif what == "punch":
            made.punch([Endpoint("192.0.2.1", port)], now)
        elif what == "suspect":
            made.suspect(now)
        else:
            own = Endpoint("10.0.0.1", port)
            made.add_local([candidate(CandidateKind.SERVER_REFLEXIVE, own)])
        for data, _ in made.datagrams_to_send(now):
            assert len(data) == CHECK_BYTES
        while made.next_event() is not None:
            pass
        due = made.next_timer()
        assert due is not None
        now += wait
        made.handle_timer(now)
    # Nobody answers: at most the relay is in use, and it is lost in the end.
    for _ in range(400):
        due = made.next_timer()
        assert due is not None
        now = max(now, due)
        made.handle_timer(now)
        made.datagrams_to_send(now)
    assert made.selected in (RELAY, None)


def test_replay_window_lets_reordered_checks_pass():
    """Checks that overtook each other on two paths are all answered."""
    paths = Paths(
        way("192.0.2.2", "198.51.100.1", 0.3), way("192.0.2.3", "198.51.100.2", 0.001)
    )
    paths.left.punch([each.to_right for each in paths.ways], paths.now)
    paths.right.punch([each.to_left for each in paths.ways], paths.now)
    paths.run(3)
    for each in paths.ways:
        answered = [to for _, who, data, to in paths.sent if data[0] == 0x51]
        assert each.to_left in answered
