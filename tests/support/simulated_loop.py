"""An event loop whose clock stands still while there is work and jumps when not.

A sleep costs no time, and what happens in a pause does not depend on how busy the
machine is: a pause ends when everything that was due before its end is done.
"""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

import pytest
import textual._time
import textual._wait


class _JumpingSelector(selectors.DefaultSelector):
    """Looks at the sockets without waiting; the wait is told to `jump`."""

    jump: Callable[[float], None]

    def select(self, timeout: float | None = None) -> list[Any]:
        """Wait for sockets only if no timer is set."""
        if timeout is None:
            return list(super().select(None))
        ready = super().select(0)
        if not ready and timeout > 0:
            self.jump(timeout)
        return list(ready)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own, in seconds from 1000."""

    def __init__(self) -> None:
        selector = _JumpingSelector()
        selector.jump = self._jump
        self._now = 1000.0
        super().__init__(selector)

    def time(self) -> float:
        """Simulated seconds."""
        return self._now

    def _jump(self, seconds: float) -> None:
        self._now += seconds


def loop_time() -> float:
    """Seconds of the loop that runs; without one, those of the machine."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()


def use_time_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Textual's timers and the pauses of its pilot go by the clock of the loop."""
    monkeypatch.setattr(textual._time, "get_time", loop_time)
    monkeypatch.setattr(textual._wait, "monotonic", loop_time)
    # A pause ends with the work that was due; nobody measures the processor.
    monkeypatch.setattr(textual._wait, "process_time", lambda: 0.0)
