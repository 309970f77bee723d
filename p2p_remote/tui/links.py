"""What the interface asks of the floors below, and the real ones.

Tests put others in their place.
"""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from p2p_remote.screen.geometry import Rect
from p2p_remote.services.events import ServiceEvent
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.wire.control import Viewport
from p2p_remote.wire.input import InputMessage


class TechnicianLink(Protocol):
    """An outgoing call and session; `services.technician_thread` is the real one."""

    def start(self) -> None: ...
    def prepare(self) -> None: ...
    def call(self, target: int, *, password: str = "") -> None: ...
    def send_input(self, messages: Sequence[InputMessage]) -> None: ...
    def request(self, permission: str) -> None: ...
    def send_viewport(self, viewport: Viewport) -> None: ...
    def send_file(self, path: Path) -> None: ...
    def get_file(self, path: str, to: Path) -> None: ...
    def stop_files(self) -> None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...
    def take_damage(self) -> list[Rect]: ...
    @property
    def framebuffer(self) -> np.ndarray[Any, np.dtype[np.uint8]]: ...


class ShareLink(Protocol):
    """The customer's half; `services.share_process` is the real one."""

    async def start(self) -> None: ...
    def send(self, do: str, **fields: Any) -> None: ...
    async def close(self) -> None: ...


class LanLink(Protocol):
    """Machines on the local network; `services.lan_peers` is the real one."""

    async def start(self) -> str: ...
    async def close(self) -> None: ...


def _technician(
    options: NodeOptions, notify: Callable[[ServiceEvent], None]
) -> TechnicianLink:
    from p2p_remote.services.technician_thread import TechnicianThread

    return TechnicianThread(options, notify)


def _share(
    arguments: Sequence[str], on_event: Callable[[dict[str, Any]], None]
) -> ShareLink:
    from p2p_remote.services.share_process import ShareProcess

    return ShareProcess(arguments, on_event)


def _lan(on_change: Callable[[list[int]], None], own_id: int) -> LanLink:
    from p2p_remote.services.lan_peers import LanPeers

    return LanPeers(on_change, own_id)


def _wall_clock() -> dt.datetime:
    return dt.datetime.now().astimezone()  # noqa: TID251 -- shown to people


@dataclass(frozen=True, slots=True)
class Links:
    """How to make each of them; `clock` is monotonic, seconds; `wall_clock` local."""

    technician: Callable[
        [NodeOptions, Callable[[ServiceEvent], None]], TechnicianLink
    ] = _technician
    share: Callable[[Sequence[str], Callable[[dict[str, Any]], None]], ShareLink] = (
        _share
    )
    lan: Callable[[Callable[[list[int]], None], int], LanLink] = _lan
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], dt.datetime] = _wall_clock
