"""Calls that come to nothing, by whole nodes in virtual time."""

from dataclasses import replace

import pytest

from p2p_remote.crypto.handshake import WANTED_HEARS
from p2p_remote.session import events as ev
from p2p_remote.session import node_events as nd
from p2p_remote.session.call_limits import HeldBack
from p2p_remote.wire import control
from tests.scenarios.world import World


def call_and_end(world: World, reason: int | None, *, by_technician: bool) -> str:
    """Call; end it so on one side, or see it fail. Returns what the caller is told."""
    world.technician.session, world.technician.reports = None, []
    world.call()
    for failed in world.technician.all_of(nd.CallFailed):
        return str(failed.error)
    if reason is not None:
        person = world.technician if by_technician else world.customer
        person.session.end(reason, "", world.network.now)
        world.network.run_for(1.0)
    return ""


def test_who_was_not_answered_may_call_again_at_once() -> None:
    """Cancelled and unanswered calls cost nothing but one of six in ten minutes."""
    world = World()
    for _ in range(3):
        for reason, by_technician in (
            (control.REASON_ENDED, True),
            (control.REASON_TIMED_OUT, False),
        ):
            assert not call_and_end(world, reason, by_technician=by_technician)
    told = call_and_end(world, None, by_technician=False)
    assert "Call again in" in told
    (held_back,) = world.customer.all_of(nd.CallHeldBack)
    assert held_back.why is HeldBack.TOO_MANY_CALLS
    world.network.run_for(600.0)
    assert not call_and_end(world, None, by_technician=False)


def test_a_no_makes_the_caller_wait_longer_each_time() -> None:
    """They are told how long, and the person is not asked meanwhile."""
    world = World()
    for seconds, spoken in ((30, "30 seconds"), (60, "60 seconds"), (120, "2 minutes")):
        assert not call_and_end(world, control.REASON_DENIED, by_technician=False)
        told = call_and_end(world, None, by_technician=False)
        assert f"Call again in {spoken}." in told
        world.network.run_for(float(seconds) + 5.0)
    kinds = {each.why for each in world.customer.all_of(nd.CallHeldBack)}
    assert kinds == {HeldBack.TOLD_NO}


@pytest.mark.parametrize("when", ["never", "with the yes", "later"])
def test_only_a_yes_to_somebody_verified_gives_calls_back(when: str) -> None:
    """Who may look without digits may be in the middle, and gets no new guesses."""
    world = World()
    for _ in range(5):
        assert not call_and_end(world, control.REASON_ENDED, by_technician=True)
    assert not call_and_end(world, None, by_technician=False)
    session = world.customer_session()
    if when == "with the yes":
        assert session.check_digits(session.handshake.digits, world.network.now)
    session.approve(["view"], (640, 400), world.network.now)
    if when == "later":
        assert session.check_digits(session.handshake.digits, world.network.now)
        session.grant("control", world.network.now)
    world.network.run_for(1.0)
    world.technician.session.end(control.REASON_ENDED, "", world.network.now)
    world.network.run_for(1.0)
    told = call_and_end(world, None, by_technician=False)
    assert ("Call again in" in told) is (when == "never")


def test_the_technician_hears_of_each_wrong_try() -> None:
    """How many are left, and nothing of what was typed; the right one still counts."""
    world = World()
    world.call()
    session = world.customer_session()
    wrong = f"{(int(session.handshake.digits) + 1) % 1_000_000:06d}"
    for left in (2, 1):
        assert not session.check_digits(wrong, world.network.now)
        world.customer.node.collect(world.network.now)
        world.network.run_for(1.0)
        told = world.technician.all_of(ev.WrongCodeTyped)
        assert told[-1] == ev.WrongCodeTyped(left)
    world.approve("view", "control")
    assert "control" in world.technician_session().grants


@pytest.mark.parametrize("tries", [[3], [2, 2], [1, 2]])
def test_wrong_tries_that_cannot_have_been_typed_end_the_call(tries: list[int]) -> None:
    """Nobody makes the technician's side tell of tries without end."""
    world = World()
    world.call()
    for left in tries:
        world.customer_session()._send_control(
            control.WrongCode(left), world.network.now
        )
    world.network.run_for(1.0)
    (ended,) = world.technician.all_of(ev.SessionEnded)
    assert ended.reason == "protocol_error"


def test_a_call_that_understands_nothing_new_is_told_nothing_new() -> None:
    """Neither waits nor wrong tries, which would end or deafen an older program."""
    world = World()
    world.call()
    session = world.customer_session()
    wanted = session.handshake.wanted & ~WANTED_HEARS
    session.handshake = replace(session.handshake, wanted=wanted)
    assert not session.check_digits("x", world.network.now)
    world.network.run_for(1.0)
    assert not world.technician.all_of(ev.WrongCodeTyped)
    assert session.tries_left == 2
