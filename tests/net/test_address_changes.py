"""Notices of the system that addresses have changed."""

import asyncio
import socket

import pytest

from p2p_remote.net import address_changes
from p2p_remote.net.address_changes import AddressChanges


@pytest.fixture
def notices(monkeypatch):
    """A socket into which the test writes what the system would."""
    ours, systems = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    monkeypatch.setattr(address_changes, "_open_netlink", lambda: ours)
    monkeypatch.setattr(address_changes, "SETTLE", 0.0)
    with systems:
        yield systems


async def test_a_notice_is_a_change_once(notices):
    """Many notices are one change, and the next wait is for the next one."""
    changes = AddressChanges()
    for _ in range(3):
        notices.send(b"an address")
    assert await changes.wait(10.0) is True
    assert await changes.wait(10.0, 0.01) is False
    notices.send(b"another")
    assert await changes.wait(10.0) is True
    changes.close()


async def test_where_nobody_tells_addresses_may_always_have_changed(monkeypatch):
    """Then the one who waits has to look."""
    monkeypatch.setattr(address_changes, "_open_netlink", lambda: None)
    changes = AddressChanges()
    assert await changes.wait(0.0) is True
    changes.close()


async def test_a_loop_that_watches_no_sockets_is_told_nothing(notices, monkeypatch):
    """Windows' default loop has no `add_reader`."""

    def refuse(*_):
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
    changes = AddressChanges()
    assert await changes.wait(0.0) is True
    changes.close()


async def test_no_netlink_is_no_failure(monkeypatch):
    """A sandbox may refuse such a socket."""

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(address_changes.socket, "socket", refuse)
    assert address_changes._open_netlink() is None
