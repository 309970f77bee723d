"""The technician's copy of the screen: decodes updates beside the network's loop."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.decoder import Decoder
from p2p_remote.screen.geometry import Rect
from p2p_remote.wire.constants import MAX_SCREEN_PIXELS
from p2p_remote.wire.screen import ScreenUpdate

_LOG = logging.getLogger(__name__)
MAX_WAITING_BYTES = 64 * 1024 * 1024  # of packed updates
MAX_WAITING = 512  # updates; an honest sender waits for acknowledgements before
MAX_WORK_RATE = 256 * 1024 * 1024  # bytes/s that a peer may let us decode
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
        self._decoder = Decoder(MAX_SCREEN_PIXELS)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        self._updates: asyncio.Queue[ScreenUpdate] = asyncio.Queue(MAX_WAITING)
        self._waiting_bytes = 0
        self._changed = asyncio.Event()
        self._settled: int | None = None
        self._last_sequence: int | None = None
        self._last_update = 0.0
        self.generation = 0
        """How often the picture has changed; 0 while there is none."""

    @property
    def framebuffer(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The remote screen, (height, width, 4) BGRX; another array after a resize."""
        return self._decoder.framebuffer

    def put(self, update: ScreenUpdate) -> None:
        """Queue one update."""
        size = len(update.body) + len(update.side)
        if self._updates.full() or self._waiting_bytes + size > MAX_WAITING_BYTES:
            while not self._updates.empty():
                self._updates.get_nowait()
            self._waiting_bytes = 0
            self._on_broken("more pictures than can be decoded")
            return
        self._waiting_bytes += size
        self._updates.put_nowait(update)

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

    async def run(self) -> None:
        """Decode until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._updates.get()]
            while not self._updates.empty():
                batch.append(self._updates.get_nowait())
            self._waiting_bytes = 0
            began, work = self._clock(), self._decoder.work
            try:
                damage = await loop.run_in_executor(self._worker, self._decode, batch)
            except MalformedMessageError as error:
                self._on_broken(str(error))
                continue
            except Exception:  # noqa: BLE001 -- a peer must not end the decoding
                _LOG.exception("an update could not be decoded")
                self._on_broken("an update that cannot be decoded")
                continue
            self._last_sequence = batch[-1].sequence
            self._last_update = self._clock()
            self.generation += 1
            self._on_frame(damage)
            self._changed.set()
            # A peer may not keep this machine busy with updates that cost it nothing.
            earned = (self._decoder.work - work) / MAX_WORK_RATE
            if (rest := began + earned - self._clock()) > 0:
                await asyncio.sleep(rest)

    def close(self) -> None:
        """Let the worker go."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _decode(self, batch: list[ScreenUpdate]) -> list[Rect]:
        damage: list[Rect] = []
        for update in batch:
            damage += self._decoder.apply(update)
        return damage

    def _is_settled(self) -> bool:
        return (
            self._settled is not None
            and self._settled == self._last_sequence
            and self._clock() - self._last_update >= SETTLED_QUIET
        )
