"""Signals that end a command which runs on an asyncio loop."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 130


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
