"""Breaks of the path while text is typed and the picture moves, in virtual time."""

import pytest

from tests.support.breaks import BREAKS, DIRECT_KINDS, RELAYED_KINDS, run, run_in_turn
from tests.support.no_breaks import BAD_LINES, STALLED_FOR, run_on, run_stall

GAP = 0.7  # s
REBINDS_AND_MOVES = tuple(BREAKS)[:4]


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("kinds", [DIRECT_KINDS[0], RELAYED_KINDS[0]])
@pytest.mark.parametrize(
    "seeds", [range(1), pytest.param(range(1, 11), marks=pytest.mark.long)]
)
def test_a_break_costs_less_than_a_second(name, kinds, seeds):
    """Nothing typed is lost or doubled, and the path is as good as before."""
    for seed in seeds:
        outcome = run(name, kinds, seed)
        assert not outcome.is_over
        assert (outcome.lost, outcome.doubled) == (0, 0)
        assert outcome.text_gap <= GAP
        assert outcome.picture_gap <= GAP
        assert outcome.restored_after is not None


@pytest.mark.parametrize("name", ["the technician's router forgets", "none"])
def test_a_break_on_a_lossy_line(name):
    """The same where 3 % of the packets are lost; without a break nothing happens."""
    for seed in range(2):
        outcome = run(name, DIRECT_KINDS[0], seed, loss=0.008)
        assert not outcome.is_over
        assert (outcome.lost, outcome.doubled) == (0, 0)
        assert outcome.text_gap <= GAP
        assert outcome.restored_after is not None


def test_a_lost_question_to_the_server_does_not_split_the_ways_to_it():
    """The lease moves by one way, the same that the session is relayed by."""
    outcome = run("the technician's router forgets", RELAYED_KINDS[0], 9, loss=0.008)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert outcome.text_gap <= GAP


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_that_works_is_not_left(line):
    """Neither end takes another path for loss, bursts of it, jitter or a queue."""
    outcome = run_on(line, DIRECT_KINDS[0], 1)
    assert (outcome.changes, outcome.notices) == (0, 0)
    assert (outcome.lost, outcome.doubled) == (0, 0)


@pytest.mark.parametrize("who", ["technician", "customer"])
def test_a_computer_that_stands_still_for_a_moment_keeps_its_path(who):
    """No other path would answer any sooner."""
    outcome = run_stall(who, DIRECT_KINDS[0], 1)
    assert (outcome.changes, outcome.notices) == (0, 0)
    assert (outcome.lost, outcome.doubled) == (0, 0)
    assert outcome.text_gap <= STALLED_FOR + 0.1


def test_many_breaks_in_one_session():
    """Addresses that are no more do not stand in the way of the new ones."""
    took = run_in_turn(REBINDS_AND_MOVES * 4, ("eim", "portrest"), 1)
    assert all(each is not None and each <= 1.5 for each in took)


@pytest.mark.parametrize("name", REBINDS_AND_MOVES)
@pytest.mark.parametrize(
    "kinds", [("eim", "portrest+reject"), ("portrest+reject", "cgn+reject")]
)
def test_a_break_opposite_a_router_that_answers_strangers(name, kinds):
    """It keeps what it has refused for 30 s, so both ends meet at fresh sockets."""
    (took,) = run_in_turn([name], kinds, 1)
    assert took is not None
    assert took <= 2.0


def test_many_breaks_opposite_a_router_that_answers_strangers():
    """Each of them has fresh sockets of its own."""
    took = run_in_turn(REBINDS_AND_MOVES * 3, ("eim+reject", "portrest+reject"), 1)
    assert all(each is not None and each <= 2.5 for each in took)
