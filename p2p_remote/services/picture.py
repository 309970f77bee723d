"""The technician's copy of the screen: decodes updates beside the network's loop.

Updates are decoded in order; a hot patch that comes meanwhile goes before those that
still wait.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.geometry import Rect
from p2p_remote.services.decoding import load_decoder
from p2p_remote.wire.screen import HotPatch, ScreenUpdate

if TYPE_CHECKING:
    import numpy as np

    from p2p_remote.screen.hot_view import HotView

_LOG = logging.getLogger(__name__)
MAX_WAITING_BYTES = 64 * 1024 * 1024  # of packed updates
MAX_PATCHES = 32  # hot patches that wait; no more are shown at a time
MAX_WAITING = 512  # updates; an honest sender waits for acknowledgements before
MAX_WORK_RATE = 64 * 1024 * 1024  # units of effort/s that a peer may ask for
ASK_INTERVAL = 2.5  # s between key frames asked for while none has come
SETTLED_QUIET = 0.15  # s without a new update after "settled" for a snapshot


class Picture:
    """Decodes in order in one worker thread; falls back on a key frame."""

    def __init__(
        self,
        clock: Callable[[], float],
        on_frame: Callable[[list[Rect]], None],
        on_broken: Callable[[str], None],
    ) -> None:
        """Start empty.

        Args:
            clock: s.
            on_frame: the framebuffer has changed in these places.
            on_broken: updates cannot be followed any more; a key frame is needed.

        """
        self._clock = clock
        self._on_frame = on_frame
        self._on_broken = on_broken
        self._view: HotView  # made by `load`
        self._loading = asyncio.Lock()
        self._abilities: int | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        # The worker takes from the left while the loop adds to the right.
        self._updates: deque[ScreenUpdate] = deque()
        self._patches: deque[HotPatch] = deque(maxlen=MAX_PATCHES)
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._settled: int | None = None
        self._last_sequence: int | None = None
        self._last_update = 0.0
        self._broken_at: float | None = None
        self.generation = 0
        """How often the picture has changed; 0 while there is none."""

    @property
    def framebuffer(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """The newest of the remote screen, (height, width, 4) BGRX.

        It is another array from time to time.
        """
        return self._view.framebuffer

    @property
    def reference(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """The picture of the updates alone, without hot patches; like `framebuffer`."""
        return self._view.reference

    def put(self, update: ScreenUpdate) -> None:
        """Queue one update."""
        size = _size(update)
        if (
            len(self._updates) >= MAX_WAITING
            or self._waiting_bytes + size > MAX_WAITING_BYTES
        ):
            self._updates.clear()
            self._waiting_bytes = 0
            self._break("more pictures than can be decoded")
            return
        self._waiting_bytes += size
        self._updates.append(update)
        self._arrived.set()

    def put_patch(self, patch: HotPatch) -> None:
        """Queue a hot patch; of too many the oldest are left out."""
        self._patches.append(patch)
        self._arrived.set()

    def settled(self, sequence: int) -> None:
        """The other side has nothing more to send after this update."""
        self._settled = sequence
        self._changed.set()

    async def wait_settled(self, limit: float) -> bool:
        """Wait until everything that the other screen shows is here; False if not."""
        deadline = self._clock() + limit
        while not self._is_settled():
            if self._clock() >= deadline:
                return False
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLED_QUIET / 3):
                    await self._changed.wait()
        return True

    async def load(self) -> int:
        """Load what decodes, in the worker; returns the `control.ABILITY_*` bits."""
        async with self._loading:
            if self._abilities is None:
                loop = asyncio.get_running_loop()
                loaded = await loop.run_in_executor(self._worker, load_decoder)
                self._view, self._abilities = loaded
            return self._abilities

    async def run(self) -> None:
        """Decode until cancelled; then the worker is let go."""
        try:
            await self.load()
            while True:
                while not (self._updates or self._patches):
                    self._arrived.clear()
                    await self._arrived.wait()
                await self._decode_some()
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)

    async def _decode_some(self) -> None:
        began, work = self._clock(), self._view.work
        await self._turn()
        # A peer may not keep this machine busy with updates that cost it nothing, be
        # they carried out or refused.
        earned = (self._view.work - work) / MAX_WORK_RATE
        if (rest := began + earned - self._clock()) > 0:
            await asyncio.sleep(rest)

    async def _turn(self) -> None:
        """Let the worker decode once."""
        loop = asyncio.get_running_loop()
        try:
            decoded = await loop.run_in_executor(self._worker, self._decode)
        except MalformedMessageError as error:
            self._break(str(error))
        except Exception:  # noqa: BLE001 -- a peer must not end the decoding
            _LOG.exception("an update could not be decoded")
            self._break("an update that cannot be decoded")
        else:
            self._note(*decoded)
        finally:
            self._waiting_bytes = sum(map(_size, self._updates))

    def _decode(self) -> tuple[list[Rect], int | None]:
        """Worker: show patches that wait, else carry out updates until one comes.

        Returns what changed and the number of the last update.
        """
        damage: list[Rect] = []
        while self._patches:
            damage += self._view.show(self._patches.popleft())
        if damage:
            return damage, None
        sequence = None
        while self._updates and not self._patches:
            if self._view.prepare():
                continue
            update = self._updates.popleft()
            damage += self._view.apply(update)
            sequence = update.sequence
        return damage, sequence

    def _break(self, why: str) -> None:
        """Ask for a key frame; what still comes before it cannot be followed either."""
        now = self._clock()
        if self._broken_at is None or now - self._broken_at >= ASK_INTERVAL:
            self._broken_at = now
            self._on_broken(why)

    def _note(self, damage: list[Rect], sequence: int | None) -> None:
        """Tell what has been decoded."""
        if sequence is not None:
            self._broken_at = None
            self._last_sequence = sequence
            self._last_update = self._clock()
            self._changed.set()
        if damage or sequence is not None:
            self.generation += 1
            self._on_frame(damage)

    def _is_settled(self) -> bool:
        return (
            self._settled is not None
            and self._settled == self._last_sequence
            and self._clock() - self._last_update >= SETTLED_QUIET
        )


def _size(update: ScreenUpdate) -> int:
    return len(update.body) + len(update.side)
