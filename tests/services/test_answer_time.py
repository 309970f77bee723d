"""How long an answer may take: simulated time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from p2p_remote.services.answer_time import (
    ANSWER_SECONDS,
    AT_MOST,
    LEFT_AT_LEAST,
    AnswerTime,
)
from tests.support.simulated_loop import SimulatedLoop

ResultT = TypeVar("ResultT")


def simulated(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run it to its end by a clock that jumps."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(work)


def test_without_a_sign_of_life_it_is_a_minute() -> None:
    """Nothing is told, and it ends once."""

    async def go() -> list[float]:
        loop = asyncio.get_running_loop()
        over: list[float] = []
        began = loop.time()
        AnswerTime(lambda: over.append(loop.time() - began), lambda _left: None)
        await asyncio.sleep(AT_MOST * 2)
        return over

    assert simulated(go()) == [ANSWER_SECONDS]


def test_each_sign_of_life_leaves_half_a_minute_up_to_three_minutes() -> None:
    """Somebody who types all the time is still asked no longer than the maximum."""

    async def go() -> tuple[list[float], list[int]]:
        loop = asyncio.get_running_loop()
        over: list[float] = []
        told: list[int] = []
        began = loop.time()
        time = AnswerTime(lambda: over.append(loop.time() - began), told.append)
        for _ in range(AT_MOST):
            time.extend()
            await asyncio.sleep(2.0)
        return over, told

    over, told = simulated(go())
    assert over == [AT_MOST]
    assert set(told[:-1]) == {LEFT_AT_LEAST}


def test_what_has_been_answered_does_not_come_back() -> None:
    """A key that was on its way when the caller left ends nothing later."""

    async def go() -> list[str]:
        said: list[str] = []
        time = AnswerTime(
            lambda: said.append("over"), lambda _left: said.append("told")
        )
        await asyncio.sleep(ANSWER_SECONDS - 20)
        time.cancel()
        time.extend()
        await asyncio.sleep(AT_MOST * 2)
        return said

    assert simulated(go()) == []
