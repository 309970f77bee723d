"""Tells when the addresses of this computer may be others.

Linux says so by itself, through a netlink socket (rtnetlink(7)), so that a still
network costs nothing. Elsewhere somebody has to look from time to time.
"""

import asyncio
import contextlib
import socket
import sys

SETTLE = 0.2  # s: changes come in bursts, one for each address of an interface

_READ_BYTES = 65536
# Python's socket module has no names for these (linux/rtnetlink.h).
_NETLINK_ROUTE = 0
_GROUP_IPV4_ADDRESSES = 0x10
_GROUP_IPV6_ADDRESSES = 0x100


class AddressChanges:
    """Waits for changes, on the loop that is running; one waiter at a time."""

    def __init__(self) -> None:
        """Begin to listen where the system tells of changes."""
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()
        self._socket = _open_netlink()
        if self._socket is None:
            return
        try:
            self._loop.add_reader(self._socket, self._on_readable)
        except NotImplementedError:  # a loop that watches no sockets
            self._give_up()

    async def wait(self, interval: float, patience: float | None = None) -> bool:
        """Return True when addresses may have changed.

        Where nobody tells, that is always so after `interval` s. Where somebody does,
        return False after `patience` s, None = never.
        """
        if self._socket is None:
            await asyncio.sleep(interval)
            return True
        try:
            async with asyncio.timeout(patience):
                await self._told.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(SETTLE)
        self._told.clear()
        return True

    def close(self) -> None:
        """Listen no longer."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._give_up()

    def _give_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _on_readable(self) -> None:
        """Something changed. What it was does not matter: all is listed anew."""
        self._told.set()
        if self._socket is None:
            return
        # Too much at once is an error of the socket, and a change as well.
        with contextlib.suppress(OSError):
            while self._socket.recv(_READ_BYTES):
                pass


def _open_netlink() -> socket.socket | None:
    if sys.platform != "linux":
        return None
    try:
        opened = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_ROUTE
        )
    except OSError:  # a sandbox may not have it
        return None
    try:
        opened.bind((0, _GROUP_IPV4_ADDRESSES | _GROUP_IPV6_ADDRESSES))
    except OSError:
        opened.close()
        return None
    return opened
