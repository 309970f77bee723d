"""The technician's network in a thread of its own."""

import threading

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.errors import NetworkError
from p2p_remote.services import events as se
from p2p_remote.services import technician_thread as module
from p2p_remote.services.running_node import NodeOptions
from p2p_remote.services.technician_thread import TechnicianThread

IDENTITY = Identity(bytes(32), bytes(32), 0, 482_913_070)


class NoNetwork:
    """A service on a machine without a network."""

    def __init__(self, *_arguments: object) -> None:
        pass

    async def start(self) -> None:
        """Fail as the real one does."""
        raise NetworkError("This machine has no network.")

    async def close(self) -> None:
        """Nothing was begun."""


def test_a_call_that_cannot_start_says_why_and_leaves_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The interface can try again without a thread for every failure."""
    monkeypatch.setattr(module, "TechnicianService", NoNetwork)
    told = threading.Event()
    seen: list[se.ServiceEvent] = []

    def notify(event: se.ServiceEvent) -> None:
        seen.append(event)
        told.set()

    thread = TechnicianThread(NodeOptions(IDENTITY), notify)
    thread.start()
    thread.call(482_913_070)
    assert told.wait(10.0)
    thread.close()
    (failed,) = seen
    assert isinstance(failed, se.Failed)
    assert "no network" in str(failed.error)
    assert not any(each.name == "network" for each in threading.enumerate())
