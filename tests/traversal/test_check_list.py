"""How many pairs there may be, in which order and how fast they are checked."""

import pytest

from p2p_remote.traversal.check_list import LEARNT_LIFE, MAX_LEARNT, PACING, CheckList
from p2p_remote.traversal.pair import CHECKS_A_ROUND, Pair, PathKind
from p2p_remote.wire.address import Endpoint, Path, RelayPath
from p2p_remote.wire.connectivity import MAX_CANDIDATES

NOW = 50.0


def pair(
    port: int,
    kind: PathKind = PathKind.DIRECT,
    *,
    priority: int = 1,
    learnt: bool = False,
) -> Pair:
    path: Path = Endpoint("192.0.2.1", port)
    if kind is PathKind.RELAY:
        path = RelayPath(Endpoint("203.0.113.1", 3479), port)
    made = Pair(path, kind, priority, learnt=learnt)
    made.begin_round(NOW)
    return made


def filled(*pairs: Pair) -> CheckList:
    check_list = CheckList(NOW, priming=False)
    check_list.expect(each.path for each in pairs)
    for each in pairs:
        assert check_list.add(each, keep=None)
    return check_list


def send_all(check_list: CheckList, until: float) -> list[tuple[float, Pair]]:
    """Run the list's own timer and send what is due."""
    sent = []
    while (due := check_list.next_timer()) is not None and due <= until:
        while (found := check_list.next_due(due)) is not None:
            found.check_sent(b"%d" % len(sent), due)
            sent.append((due, found))
        for each in check_list:
            each.review(due)
    return sent


def test_first_checks_go_out_in_order_and_paced():
    """LAN first, then by priority, the relay last, 5 ms apart."""
    relay = pair(1, PathKind.RELAY, priority=99)
    low, high = pair(2), pair(3, priority=2)
    lan = pair(4, PathKind.LAN, priority=0)
    sent = send_all(filled(relay, low, high, lan), NOW + 0.016)
    assert [each for _, each in sent] == [lan, high, low, relay]
    assert [when - NOW for when, _ in sent] == pytest.approx([0, 0.005, 0.01, 0.015])


def test_what_has_answered_is_not_paced():
    """A check on a path in use neither waits for the others nor holds them up."""
    used, new, newer = pair(1), pair(2), pair(3)
    used.assume_answered(NOW)
    used.check_soon(NOW)
    sent = send_all(filled(used, new, newer), NOW + 0.006)
    assert [each for _, each in sent] == [used, new, newer]
    assert [when - NOW for when, _ in sent] == pytest.approx([0, 0, 0.005])


def test_triggered_checks_go_first():
    """The peer is waiting for them."""
    first, second = pair(1, priority=9), pair(2)
    check_list = filled(first, second)
    second.check_soon(NOW)
    assert check_list.next_due(NOW) is second


def test_room_for_eight_told_and_four_learnt_pairs():
    """More are refused while none of the old ones has failed."""
    check_list = filled(*(pair(port) for port in range(1, MAX_CANDIDATES + 1)))
    assert not check_list.add(pair(100), keep=None)
    for port in range(200, 200 + MAX_LEARNT):
        assert check_list.add(pair(port, learnt=True), keep=None)
    assert check_list.add(pair(7, PathKind.RELAY), keep=None)
    assert len(list(check_list)) == MAX_CANDIDATES + MAX_LEARNT + 1


def test_a_failed_pair_makes_room():
    """Old candidates give way to new ones."""
    failed = pair(1)
    check_list = filled(failed, *(pair(port) for port in range(2, 9)))
    send_all(check_list, NOW + 10)
    assert not failed.usable
    assert check_list.add(pair(100), keep=None)
    assert check_list.get(failed.path) is None


def test_an_address_that_is_not_told_any_more_makes_room():
    """Even if it still answers: a peer cannot make the list grow."""
    pairs = [pair(port) for port in range(1, MAX_CANDIDATES + 1)]
    check_list = filled(*pairs)
    for each in pairs:
        each.check_sent(b"x", NOW)
        each.answered(b"x", NOW)
    assert not check_list.add(pair(100), keep=pairs[0])
    check_list.expect(pair(port).path for port in range(100, 107))
    for port in range(100, 107):
        assert check_list.add(pair(port), keep=pairs[0])
    assert len(list(check_list)) == MAX_CANDIDATES
    assert check_list.get(pairs[0].path) is pairs[0]


def test_the_dead_are_dropped():
    """Where the peer is no more, and what was learnt and silent for long."""
    told, gone, answering = pair(1), pair(2), pair(3)
    old, young = pair(4, learnt=True), pair(5, learnt=True)
    check_list = filled(told, gone, answering, old, young)
    answering.check_sent(b"x", NOW)
    answering.answered(b"x", NOW)
    old.heard(NOW)
    send_all(check_list, NOW + 10)
    young.heard(NOW + LEARNT_LIFE)
    check_list.expect([told.path])
    check_list.drop_dead(NOW + LEARNT_LIFE + 1, keep=(None, answering))
    assert list(check_list) == [told, answering, young]


def test_a_round_with_a_pause_sends_nothing_that_arrives_before():
    """Two checks that die on the way open our router; the relay tells the peer."""
    relay, direct = pair(9, PathKind.RELAY), pair(1)
    check_list = filled(relay, direct)
    direct.check_sent(b"x", NOW)
    direct.answered(b"x", NOW)
    check_list.begin_round(NOW, everything=True, pause=0.4)
    assert relay.announce_round
    dies = []
    while (due := check_list.next_timer()) is not None and due <= NOW + 1:
        while (found := check_list.next_due(due)) is not None:
            primed = found.check_sent(b"%d" % len(dies), due)
            if found is direct:
                dies.append((primed, due - NOW > 0.399))
    assert dies[:3] == [(True, False), (True, False), (False, True)]
    assert all(late and not primed for primed, late in dies[2:])


def test_a_peer_that_moves_on_and_on_is_followed():
    """The learnt address not heard for longest goes; the one in use stays."""
    learnt = [pair(port, learnt=True) for port in range(1, MAX_LEARNT + 1)]
    check_list = filled(*learnt)
    for age, each in enumerate(learnt):
        each.check_sent(b"x", NOW)
        each.answered(b"x", NOW + age)
    assert check_list.add(pair(100, learnt=True), keep=learnt[0])
    assert check_list.get(learnt[0].path) is learnt[0]
    assert check_list.get(learnt[1].path) is None


def test_unanswered_checks_draw_on_a_budget():
    """Rounds begun without end send two rounds at once, then four checks a second."""
    pairs = [pair(port) for port in range(1, MAX_CANDIDATES + 1)]
    check_list = filled(*pairs)
    sent = 0
    now = NOW
    while now < NOW + 60:
        for each in pairs:
            each.begin_round(now)
        sent += len(send_all(check_list, now + 1))
        now += 1
    budget = 2 * MAX_CANDIDATES * CHECKS_A_ROUND
    assert budget < sent <= budget + 4 * 61


def test_paths_in_use_are_checked_even_without_budget():
    """Keeping a path alive is no flood: it answers."""
    used = pair(1)
    check_list = filled(used, *(pair(port) for port in range(2, 9)))
    used.check_sent(b"x", NOW)
    used.answered(b"x", NOW)
    now = NOW
    while now < NOW + 3:
        for each in check_list:
            if not each.usable:
                each.begin_round(now)
        send_all(check_list, now + 0.1)
        now += 0.1
    used.check_soon(now)
    sent = send_all(check_list, now + PACING)
    assert used in [each for _, each in sent]


def test_what_is_kept_alive():
    """The path in use, the two best direct ones and the relay; no others."""
    pairs = [pair(port) for port in range(1, 5)]
    relay = pair(9, PathKind.RELAY)
    check_list = filled(*pairs, relay)
    for number, each in enumerate([*pairs, relay]):
        each.check_sent(b"x", NOW)
        each.answered(b"x", NOW + 0.01 * (number + 1))
    check_list.plan_keeping(pairs[3], NOW + 1, bytes, carries=False)
    kept = [each.next_check is not None for each in (*pairs, relay)]
    assert kept == [True, True, False, True, True]
    assert check_list.next_timer() == pytest.approx(NOW + 1 + 5 * 0.8)
