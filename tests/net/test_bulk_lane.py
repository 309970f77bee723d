"""The TCP lane on the loopback: proven, or closed; and what happens when it breaks."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from p2p_remote.net import bulk_lane
from p2p_remote.net.bulk_lane import Lane, LaneDoor
from p2p_remote.session.lane import HELLO_BYTES, LaneProof
from p2p_remote.wire.address import Endpoint

CHECK_KEY, SECRET = b"k" * 32, b"s" * 32
HERE = "127.0.0.1"


class Doors:
    """Two doors and the lanes that came out of them."""

    def __init__(self) -> None:
        self.lanes: dict[str, asyncio.Queue[Lane]] = {
            "listener": asyncio.Queue(),
            "dialer": asyncio.Queue(),
        }
        self.listener = LaneDoor(CHECK_KEY, self.lanes["listener"].put_nowait)
        self.dialer = LaneDoor(CHECK_KEY, self.lanes["dialer"].put_nowait)

    async def pair(self) -> tuple[Lane, Lane]:
        """A lane, as (dialer's end, listener's end)."""
        self.dialer.dial(SECRET, self.listener.listen(SECRET, [HERE]))
        async with asyncio.timeout(10):
            return await self.lanes["dialer"].get(), await self.lanes["listener"].get()


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    """Doors that are closed in the end."""
    made = Doors()
    yield made
    made.listener.close()
    made.dialer.close()
    await asyncio.sleep(0)
    for queue in made.lanes.values():
        while not queue.empty():
            queue.get_nowait().close()


async def test_the_lane_that_is_used_is_told(doors: Doors) -> None:
    there, here = await doors.pair()
    used = asyncio.Event()
    here.when_used(used.set)
    await asyncio.sleep(0.01)
    assert not used.is_set()
    there.announce()
    async with asyncio.timeout(10):
        await used.wait()
    assert (there.sealer.count, here.opener.count) == (2, 1)
    there.close()
    here.close()
    here.close()
    there.announce()  # harmless


async def test_a_lane_that_ends_unused_is_closed_and_nothing_else(
    doors: Doors,
) -> None:
    there, here = await doors.pair()
    used = asyncio.Event()
    here.when_used(used.set)
    there.close()
    async with asyncio.timeout(10):
        while here.connection.fileno() >= 0:  # noqa: ASYNC110 -- nobody tells it
            await asyncio.sleep(0.002)
    assert not used.is_set()


async def test_a_door_that_is_closed_on_the_first_lane_leaves_it_open() -> None:
    """At both ends: whoever has found one looks for no other."""
    lanes: dict[str, Lane] = {}
    both = asyncio.Event()

    def found(end: str) -> Callable[[Lane], None]:
        def on_lane(lane: Lane) -> None:
            lanes[end] = lane
            doors[end].close()
            if len(lanes) == 2:
                both.set()

        return on_lane

    doors = {end: LaneDoor(CHECK_KEY, found(end)) for end in ("dialer", "listener")}
    doors["dialer"].dial(SECRET, doors["listener"].listen(SECRET, [HERE]))
    async with asyncio.timeout(10):
        await both.wait()
        await asyncio.sleep(0)
        used = asyncio.Event()
        lanes["listener"].when_used(used.set)
        lanes["dialer"].announce()
        await used.wait()
    for lane in lanes.values():
        lane.close()


@pytest.mark.parametrize("said", ["nothing", "garbage", "repeated hello", "gone"])
async def test_who_proves_nothing_is_closed_without_a_word(
    doors: Doors, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_lane, "PROOF_SECONDS", 0.3)
    (endpoint,) = doors.listener.listen(SECRET, [HERE])
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    if said == "garbage":
        writer.write(os.urandom(HELLO_BYTES))
    elif said == "repeated hello":
        # Recorded on the line: it is answered, but no key follows from it.
        writer.write(LaneProof(CHECK_KEY, SECRET).hello(b"n" * 32))
        await reader.readexactly(HELLO_BYTES)
        writer.write(os.urandom(21))
    elif said == "gone":
        writer.close()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            assert await reader.read() == b""
    writer.close()
    assert doors.lanes["listener"].empty()
    # The door is still open for the right one.
    doors.dialer.dial(SECRET, [endpoint])
    async with asyncio.timeout(10):
        (await doors.lanes["listener"].get()).close()


async def test_a_listener_without_the_secret_gets_nothing(doors: Doors) -> None:
    (endpoint,) = doors.listener.listen(b"x" * 32, [HERE])
    doors.dialer.dial(SECRET, [endpoint])
    await asyncio.gather(*doors.dialer._tasks)
    assert doors.lanes["dialer"].empty()
    assert doors.lanes["listener"].empty()


async def test_nobody_there_is_no_error(doors: Doors) -> None:
    with socket.socket() as unused:
        unused.bind((HERE, 0))
        port = unused.getsockname()[1]
    doors.dialer.dial(SECRET, [Endpoint(HERE, port)])
    await asyncio.gather(*doors.dialer._tasks)
    assert doors.lanes["dialer"].empty()


async def test_addresses_that_are_not_ours_are_left_out(doors: Doors) -> None:
    bound = doors.listener.listen(SECRET, ["192.0.2.77", HERE])
    assert [each.host for each in bound] == [HERE]
