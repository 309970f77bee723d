"""Waiting for what has no event: the kernel, another thread, another process."""

import asyncio
from collections.abc import Callable

PATIENCE = 20.0  # s; a busy machine is slow


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something holds.

    Raises:
        TimeoutError: it has not come to that.

    """
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - conditions are of any kind
            await asyncio.sleep(0.001)
