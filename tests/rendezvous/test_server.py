"""The server's edge: what goes on beside the sockets."""

import asyncio
import contextlib
import socket

from rendezvous import server
from rendezvous.fleet import Fleet, FleetClaims
from rendezvous.server import Server
from rendezvous.settings import Settings
from tests.support.waiting import until


class FailingStore:
    """A store whose work fails each time it has begun."""

    def __init__(self):
        self.link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.fleet = Fleet(bytes(8), bytes(18), bytes(32))
        self.began = 0

    async def run(self, _protocol, _after):
        """Fail."""
        self.began += 1
        assert self.link.fileno() >= 0
        raise RuntimeError("a lookup that nobody asked for")

    async def close(self):
        """As the real one."""
        self.link.close()


async def test_the_work_with_the_store_begins_again_when_it_has_failed(
    monkeypatch, caplog
):
    """It is told, and the node stays in the fleet until the server ends."""
    monkeypatch.setattr(server, "_STORE_PAUSE", 0.0)
    store = FailingStore()
    made = Server(Settings(), FleetClaims(store.fleet), store)
    task = asyncio.create_task(made._run_store(store))
    await until(lambda: store.began > 2 or task.done())
    assert not task.done()
    assert "a lookup that nobody asked for" in caplog.text
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert store.link.fileno() < 0
