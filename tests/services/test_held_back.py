"""Lines about calls that did not ring: simulated time."""

import asyncio

from p2p_remote.services import events as se
from p2p_remote.services.held_back import FIRST_PAUSE, LONGEST_PAUSE, HeldBackCalls
from p2p_remote.services.notices import held_back
from p2p_remote.session.call_limits import HeldBack
from p2p_remote.session.node_events import CallHeldBack
from tests.services.test_answer_time import simulated

CALL = CallHeldBack(HeldBack.TOLD_NO, 29.5)


def test_the_first_is_told_at_once_and_the_others_together() -> None:
    """Whoever calls every second all day is a line every ten minutes."""

    async def go() -> list[tuple[float, int]]:
        loop, told = asyncio.get_running_loop(), list[tuple[float, int]]()
        began = loop.time()

        def notify(event: se.ServiceEvent) -> None:
            assert isinstance(event, se.HeldBack)
            assert (event.why, event.wait) == ("told_no", 30)
            told.append((loop.time() - began, event.calls))

        calls = HeldBackCalls(notify)
        for _ in range(3600):
            calls.note(CALL)
            await asyncio.sleep(1.0)
        return told

    told = simulated(go())
    assert told[0] == (0.0, 1)
    assert told[1] == (FIRST_PAUSE, FIRST_PAUSE - 1)
    assert len(told) < 11
    assert told[-1][0] - told[-2][0] == LONGEST_PAUSE


def test_after_a_pause_a_call_is_told_at_once_again() -> None:
    """And nothing is told when nobody has called since."""

    async def go() -> list[int]:
        told: list[int] = []
        calls = HeldBackCalls(lambda event: told.append(getattr(event, "calls", 0)))
        calls.note(CALL)
        await asyncio.sleep(FIRST_PAUSE * 2)
        assert told == [1]
        calls.note(CALL)
        assert told == [1, 1]
        calls.note(CALL)
        calls.close()
        await asyncio.sleep(LONGEST_PAUSE)
        return told

    assert simulated(go()) == [1, 1]


def test_it_is_one_plain_line() -> None:
    """That it was not shown, why, and how long they wait."""
    line = held_back(1, "told_no", 30)
    assert line == (
        "Another call came in and was not shown. You said no to them a short while "
        "ago. They can call again in 30 seconds."
    )
    assert "again in 9 minutes." in held_back(1, "too_many_calls", 510)


def test_of_several_no_reason_is_told() -> None:
    """They may have had different ones: nobody is said to have been refused."""
    for why in HeldBack:
        assert held_back(2, why.value, 30) == (
            "2 calls came in and were not shown. The callers have to wait before they "
            "can call again."
        )
