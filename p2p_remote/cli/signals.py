"""Signals that end a command which runs on an asyncio loop."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

INTERRUPTED = 130
THREAD_PATIENCE = 2.0  # s for threads to finish with their files


def leave(code: int) -> int:
    """Return `code` to exit with; threads that hang in the system do not hold us up.

    A disk or a pipe that does not answer blocks its thread for ever, and Python waits
    for all of them: so if any is left, the process ends here.
    """
    deadline = time.monotonic() + THREAD_PATIENCE
    for thread in threading.enumerate():
        if thread is threading.current_thread() or thread.daemon:
            continue
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return code


async def before(over: "asyncio.Future[int]", work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` unless `over` comes first, which cuts it short; whether it was done.

    So what waits for a name server or a peer can be stopped as well. Raises what `work`
    raises.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task, over), return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return not task.cancelled()


def stop_on_signals(stop: Callable[[int], None], terminated: int) -> None:
    """Call `stop` with an exit code: `terminated`, or 130 for Ctrl-C.

    To be called on the running loop. Platforms without a signal are spared it; where
    the loop takes none (Windows), the interpreter's own handler wakes it.
    """
    loop = asyncio.get_running_loop()
    codes = {"SIGTERM": terminated, "SIGHUP": terminated, "SIGINT": INTERRUPTED}
    for name, code in codes.items():
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stop, code)
        except NotImplementedError:
            signal.signal(number, _waking(loop, stop, code))


def _waking(
    loop: asyncio.AbstractEventLoop, stop: Callable[[int], None], code: int
) -> Callable[[int, FrameType | None], None]:
    def wake(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop, code)

    return wake
