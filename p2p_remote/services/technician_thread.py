"""A `TechnicianService` in a thread of its own, for a user interface.

The loop of an interface redraws for tens of milliseconds; the network must not wait
for that.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from p2p_remote.errors import RemoteSupportError
from p2p_remote.screen.geometry import Rect
from p2p_remote.services import events as se
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.services.technician import TechnicianService
from p2p_remote.wire.control import Viewport
from p2p_remote.wire.input import InputMessage

if TYPE_CHECKING:
    import numpy as np

_MAX_DAMAGE = 64  # rectangles kept apart; more are merged into everything


class TechnicianThread:
    """Every method may be called from the interface's thread and returns at once."""

    def __init__(
        self,
        options: NodeOptions,
        notify: Callable[[se.ServiceEvent], None],
    ) -> None:
        """Prepare; `notify` is called in the thread of the network.

        `Frame` events are merged: after one, no other follows until `take_damage`.
        """
        self._options = options
        self._notify = notify
        self._loop = asyncio.new_event_loop()
        self._service: TechnicianService
        self._starting = asyncio.Lock()
        self._is_started = False
        self._lock = threading.Lock()
        self._damage: list[Rect] = []
        self._announced = False
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def prepare(self) -> None:
        """Open the sockets and register already: a call follows soon, perhaps."""
        self._submit(self._prepare())

    def call(self, target: int, *, password: str = "") -> None:
        """Call an ID; everything after this arrives as events."""
        self._submit(self._call(target, password))

    def send_input(self, messages: Sequence[InputMessage]) -> None:
        """Send input; without the grant it is dropped."""
        self._later(self._service_call, "send_input", messages)

    def request(self, permission: str) -> None:
        """Ask for a permission."""
        self._later(self._service_call, "request", permission)

    def send_viewport(self, viewport: Viewport) -> None:
        """Tell what is shown."""
        self._later(self._service_call, "send_viewport", viewport)

    def send_file(self, path: Path) -> None:
        """Send a file; `TransferReport` events tell of it."""
        self._submit(self._move("send", path))

    def get_file(self, path: str, to: Path) -> None:
        """Get a file to a folder or a name; `TransferReport` events tell of it."""
        self._submit(self._move("get", path, to))

    def stop_files(self) -> None:
        """Stop every file that is on its way."""
        self._later(self._stop_files)

    def end(self) -> None:
        """End the session, or give the call up."""
        self._later(self._service_call, "end")

    def close(self) -> None:
        """End everything; returns when the goodbye has been sent."""
        if not self._thread.is_alive():
            return
        done = self._submit(self._service.close())
        try:
            with contextlib.suppress(TimeoutError, RemoteSupportError):
                done.result(timeout=3.0)  # the process is leaving anyway
        finally:
            self._later(self._loop.stop)
            self._thread.join(timeout=1.0)

    @property
    def framebuffer(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """The remote screen, (height, width, 4) BGRX; written by another thread."""
        return self._service.framebuffer

    def take_damage(self) -> list[Rect]:
        """Rectangles changed since the last call; the next `Frame` may come."""
        with self._lock:
            damage, self._damage = self._damage, []
            self._announced = False
        return damage

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._service = TechnicianService(self._options, self._on_event)
        self._loop.run_forever()
        self._loop.close()

    async def _prepare(self) -> None:
        with contextlib.suppress(RemoteSupportError):  # the call tries again, and tells
            await self._start()

    async def _start(self) -> None:
        """Start the service, unless it runs."""
        async with self._starting:
            if not self._is_started:
                await self._service.start()
                self._is_started = True

    async def _call(self, target: int, password: str) -> None:
        try:
            await self._start()
            await self._service.call(target, password=password)
        except RemoteSupportError as error:
            self._notify(se.Failed(error))

    async def _move(self, name: str, *arguments: Any) -> None:
        try:
            await getattr(self._service.transfers, name)(*arguments)
        except RemoteSupportError as error:
            self._notify(se.Trouble(str(error)))

    def _stop_files(self) -> None:
        with contextlib.suppress(RemoteSupportError):
            self._service.transfers.stop_all()

    def _service_call(self, name: str, *arguments: Any) -> None:
        try:
            getattr(self._service, name)(*arguments)
        except RemoteSupportError as error:
            self._notify(se.Trouble(str(error)))

    def _on_event(self, event: se.ServiceEvent) -> None:
        if isinstance(event, se.Frame):
            with self._lock:
                self._damage.extend(event.damage)
                if len(self._damage) > _MAX_DAMAGE:
                    self._damage = [Rect(0, 0, event.width, event.height)]
                announced, self._announced = self._announced, True
            if announced:
                return
        self._notify(event)

    def _submit(self, coroutine: Coroutine[Any, Any, None]) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _later(self, function: Callable[..., object], *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)
