"""Which watched keys our own injector has sent, so that the hotkey lets them pass."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

MAX_AGE: Final = 0.5  # s; an echo that takes longer is not believed to be ours


class InjectionLedger:
    """Shared by the injector and the hotkey of one process; any thread.

    Each entry excuses exactly one key press, so a press from any other program beside
    ours still counts as the person's. Keys are whatever both sides call a key by:
    keycodes on X11.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[int, deque[float]] = {}
        self._lock = threading.Lock()

    def watch(self, keys: Iterable[int]) -> None:
        """Keep entries for these keys from now on, and for no others."""
        with self._lock:
            self._sent = {key: self._sent.get(key, deque()) for key in keys}

    def sending(self, key: int) -> None:
        """Note that a press of this key is about to be injected."""
        with self._lock:
            if key in self._sent:
                self._sent[key].append(self._clock())

    def claim(self, key: int) -> bool:
        """Whether a press that was just seen is one of ours; used up by asking."""
        with self._lock:
            entries = self._sent.get(key)
            oldest = self._clock() - MAX_AGE
            while entries and entries[0] < oldest:
                entries.popleft()
            if not entries:
                return False
            entries.popleft()
            return True
