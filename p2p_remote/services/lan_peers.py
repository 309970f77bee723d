"""The peers on the local network, for lists."""

import asyncio
from collections.abc import Callable

from p2p_remote.errors import NetworkError
from p2p_remote.net.lan_discovery import LanDiscovery


class LanPeers:
    """Keeps a list of IDs found on the LAN; `on_change` is called on the loop."""

    def __init__(self, on_change: Callable[[list[int]], None], own_id: int) -> None:
        """Leave `own_id` out."""
        self._on_change = on_change
        self._own_id = own_id
        self._discovery = LanDiscovery(on_found=self._changed, on_lost=self._changed)

    async def start(self) -> str:
        """Begin to listen; returns why it does not work, or nothing."""
        return await self._discovery.start() or ""

    async def close(self) -> None:
        """Stop."""
        await self._discovery.close()

    def _changed(self, *_: object) -> None:
        found = sorted(self._discovery.peers())
        self._on_change([number for number in found if number != self._own_id])


async def browse(own_id: int, seconds: float) -> list[tuple[int, list[str]]]:
    """IDs and addresses of the machines that can be called on this network.

    Raises:
        NetworkError: the local network cannot be used.

    """
    discovery = LanDiscovery()
    problem = await discovery.start()
    if problem:
        raise NetworkError(problem)
    try:
        await asyncio.sleep(seconds)
        return [
            (number, [str(endpoint) for endpoint in endpoints])
            for number, endpoints in sorted(discovery.peers().items())
            if number != own_id
        ]
    finally:
        await discovery.close()
