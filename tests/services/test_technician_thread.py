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


class SlowStart(NoNetwork):
    """A service that notes how often it is started."""

    starts = 0

    async def start(self) -> None:
        """Fail the first time."""
        type(self).starts += 1
        if self.starts == 1:
            raise NetworkError("This machine has no network.")

    async def call(self, target: int, *, password: str = "") -> None:
        """Ring at once."""
        del target, password
        rung.set()


rung = threading.Event()


def test_what_could_not_be_prepared_is_tried_again_by_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failure before there is a call is not told; what was started is not again."""
    monkeypatch.setattr(module, "TechnicianService", SlowStart)
    seen: list[se.ServiceEvent] = []
    thread = TechnicianThread(NodeOptions(IDENTITY), seen.append)
    thread.start()
    for _ in range(3):
        thread.prepare()
    thread.call(482_913_070)
    assert rung.wait(10.0)
    thread.close()
    assert seen == []
    assert SlowStart.starts == 2
