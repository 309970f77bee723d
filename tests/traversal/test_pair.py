"""One path: rounds of checks, round trips, silence."""

import pytest

from p2p_remote.traversal.pair import (
    CHECKS_A_ROUND,
    OPEN_ROUND,
    PRIMED_ROUND,
    TRANSITIONS,
    Cause,
    Pair,
    PairState,
    PathKind,
)
from p2p_remote.wire.address import Endpoint, RelayPath

NOW = 100.0


def direct(now: float = NOW, *, primed: bool = False) -> Pair:
    pair = Pair(Endpoint("192.0.2.1", 4000), PathKind.DIRECT, 1)
    pair.begin_round(now, primed=primed)
    return pair


def run_round(pair: Pair) -> tuple[list[float], list[bool]]:
    """Send every check when it is due; times since the start, and which primed."""
    times, priming = [], []
    while (due := pair.next_check) is not None:
        priming.append(pair.check_sent(f"{len(times)}".encode(), due))
        times.append(round(due - NOW, 6))
    return times, priming


def answered(rtt: float = 0.05) -> Pair:
    """A pair whose first check was answered at NOW."""
    pair = direct(NOW - rtt)
    pair.check_sent(b"first", NOW - rtt)
    assert pair.answered(b"first", NOW)
    return pair


def test_a_round_has_fourteen_checks_in_three_seconds():
    """The times are those both ends expect of each other."""
    pair = direct()
    times, priming = run_round(pair)
    assert times == list(OPEN_ROUND)
    assert len(times) == CHECKS_A_ROUND == len(PRIMED_ROUND)
    assert times[:6] == [0, 0.02, 0.05, 0.1, 0.2, 0.4]
    assert times[-1] == 3.0
    assert not any(priming)


def test_a_primed_round_begins_with_two_checks_that_die():
    """The controlled end opens its NAT and waits 150 ms before it really sends."""
    times, priming = run_round(direct(primed=True))
    assert times == list(PRIMED_ROUND)
    assert priming == [True, True] + [False] * 12


def test_a_pair_that_worked_once_needs_no_priming():
    """Its mapping exists, and 150 ms are long in a session."""
    pair = answered()
    pair.begin_round(NOW, primed=True)
    assert not pair.check_sent(b"again", NOW)


def test_a_triggered_check_ends_priming():
    """The peer's packet has come through, so ours will."""
    pair = direct(primed=True)
    pair.check_sent(b"1", NOW)
    pair.check_soon(NOW + 0.05)
    assert pair.next_check == NOW + 0.05
    assert not pair.check_sent(b"2", NOW + 0.05)


def test_triggered_checks_keep_a_distance():
    """A flood of the peer's checks does not become a flood of ours."""
    pair = direct()
    pair.check_sent(b"1", NOW)
    pair.check_soon(NOW + 0.001)
    assert pair.next_check == pytest.approx(NOW + 0.01)


def test_an_unanswered_round_fails_a_second_later():
    """The last check gets its time."""
    pair = direct()
    run_round(pair)
    assert not pair.review(NOW + 3.99)
    assert pair.review(NOW + 4.0)
    assert pair.state is PairState.FAILED
    assert pair.next_check is None
    assert pair.deadline() is None


def test_a_failed_pair_that_is_triggered_begins_anew():
    """The peer has found a way to us, so there may be one back."""
    pair = direct()
    run_round(pair)
    pair.review(NOW + 4)
    pair.check_soon(NOW + 10)
    times, _ = run_round(pair)
    assert len(times) == CHECKS_A_ROUND


def test_round_trips_are_smoothed():
    """One slow answer does not change everything."""
    pair = answered(0.1)
    assert pair.rtt == pytest.approx(0.1)
    pair.check_sent(b"2", NOW)
    pair.answered(b"2", NOW + 0.5)
    assert pair.rtt == pytest.approx(0.2)


def test_an_answer_counts_once_and_only_for_a_check_of_ours():
    """Unknown and repeated transactions change nothing."""
    pair = direct()
    assert not pair.answered(b"unknown", NOW)
    pair.check_sent(b"1", NOW)
    assert pair.answered(b"1", NOW + 0.1)
    assert not pair.answered(b"1", NOW + 0.2)
    assert pair.rtt == pytest.approx(0.1)


def test_answers_that_are_sixteen_checks_late_are_forgotten():
    """Memory for open transactions is bounded."""
    pair = direct()
    for number in range(20):
        pair.check_sent(b"%d" % number, NOW)
    assert not pair.answered(b"3", NOW + 1)
    assert pair.answered(b"4", NOW + 1)


def test_an_idle_path_is_checked_every_five_seconds_or_so():
    """Jitter keeps many sessions from checking in step."""
    for jitter, after in ((-1.0, 4.0), (0.0, 5.0), (1.0, 6.0)):
        pair = answered()
        pair.keep(NOW, jitter)
        assert pair.next_check == pytest.approx(NOW + after)


def test_a_spare_path_is_checked_every_twenty_seconds_or_so():
    """Often enough to keep a NAT's mapping."""
    pair = answered()
    pair.keep(NOW, 0.0, spare=True)
    assert pair.next_check == pytest.approx(NOW + 20.0)
    pair.keep(NOW + 1, 0.0)  # now it is used
    assert pair.next_check == pytest.approx(NOW + 6.0)


def test_packets_of_the_session_stand_for_most_checks():
    """Where they come the next check is later, well within the consent."""
    pair = answered()
    pair.keep(NOW, 0.0, carries=True)
    assert pair.next_check == pytest.approx(NOW + 18.0)


def test_checks_of_keeping_go_together():
    """With another one, if the last one is not too new and nothing else is wanted."""
    pair = answered(rtt=0.0)
    pair.keep(NOW, 0.0, carries=True)
    pair.keep_together(NOW + 11)
    assert pair.next_check == pytest.approx(NOW + 18.0)
    pair.keep_together(NOW + 13)
    assert pair.next_check == pytest.approx(NOW + 13.0)
    pair.check_sent(b"second", NOW + 13)
    pair.keep_together(NOW + 26)
    assert pair.next_check == pytest.approx(NOW + 13.1)  # to repeat it
    pair.answered(b"second", NOW + 26)
    pair.keep(NOW + 26, 0.0)
    pair.release()
    pair.keep_together(NOW + 40)
    assert pair.next_check is None


def test_an_unanswered_check_is_repeated_doubted_and_given_up():
    """100 ms, then doubling to 400 ms; doubt after 200 ms, lost after 5 s."""
    pair = answered()
    times = []
    pair.check_soon(NOW)
    while pair.next_check is not None and pair.next_check < NOW + 5:
        now = pair.next_check
        pair.check_sent(b"%f" % now, now)
        times.append(round(now - NOW, 3))
        pair.review(now)
        assert pair.doubted is (now >= NOW + 0.2)
    assert times[:5] == [0, 0.1, 0.3, 0.7, 1.1]
    assert times[-1] == 4.7
    assert pair.usable
    assert pair.review(NOW + 5)
    assert not pair.usable


def test_whatever_is_heard_keeps_doubt_away():
    """Packets of the session show that the path is alive."""
    pair = answered()
    pair.check_sent(b"2", NOW)
    pair.heard(NOW + 0.1)
    pair.review(NOW + 0.3)
    assert not pair.doubted
    assert not pair.review(NOW + 5.05)
    assert pair.review(NOW + 5.1)


def test_consent_needs_an_answer_every_thirty_seconds():
    """Packets alone may be sent from a forged address (RFC 7675)."""
    pair = answered()
    pair.check_sent(b"2", NOW)
    for second in range(1, 30):
        pair.heard(NOW + second)
        assert not pair.review(NOW + second)
    pair.heard(NOW + 29.9)
    assert pair.review(NOW + 30)


def test_the_relay_is_given_thirty_seconds_and_needs_no_consent():
    """It is the last way, and its address is the server's own."""
    relay = Pair(RelayPath(Endpoint("192.0.2.1", 1), 5), PathKind.RELAY, 0)
    relay.assume_answered(NOW)
    assert relay.deadline() is None
    relay.check_sent(b"1", NOW)
    assert not relay.review(NOW + 29)
    assert relay.doubted
    assert relay.review(NOW + 30)


def test_a_relay_that_carries_one_way_only_is_lost():
    """Heard all the time, but nothing that we send by it is answered."""
    relay = Pair(RelayPath(Endpoint("192.0.2.1", 1), 5), PathKind.RELAY, 0)
    relay.assume_answered(NOW)
    relay.check_sent(b"1", NOW)
    for second in range(1, 30):
        relay.heard(NOW + second)
        assert not relay.review(NOW + second)
    assert relay.review(NOW + 30)


def test_a_round_is_over_when_little_comes_of_it_any_more():
    """A new reason to check need not wait for the last, slow checks."""
    pair = direct()
    pair.begin_round(NOW)
    assert not pair.is_round_over(NOW)
    pair.check_sent(b"1", NOW)
    assert not pair.is_round_over(NOW + 0.9)
    assert pair.is_round_over(NOW + 1)
    pair.answered(b"1", NOW + 1)
    assert not pair.is_round_over(NOW + 1)


def test_every_transition_is_in_the_table():
    """What is not in the table cannot happen: it raises."""
    assert set(TRANSITIONS.values()) == set(PairState)
    assert (PairState.FAILED, Cause.SENT) not in TRANSITIONS
    pair = direct()
    run_round(pair)
    pair.review(NOW + 4)
    with pytest.raises(KeyError):
        pair.check_sent(b"x", NOW + 5)
