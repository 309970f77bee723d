"""The TCP lane on the loopback: proven, or closed; and what happens when it breaks."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator

import pytest

from p2p_remote.net import bulk_lane
from p2p_remote.net.bulk_lane import Lane, LaneBrokenError, LaneDoor
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


async def test_a_file_goes_through_whole(doors: Doors) -> None:
    there, here = await doors.pair()
    content = os.urandom(3 * bulk_lane.BATCH_BYTES + 17)
    came = bytearray()

    def take(number: int, offset: int, data: bytes) -> None:
        assert (number, offset) == (5, len(came) + 10)
        came.extend(data)

    def read(offset: int, size: int) -> bytes:
        return content[offset : offset + size]

    receiving = asyncio.create_task(asyncio.to_thread(here.receive, take))
    await asyncio.to_thread(there.send, 5, 10, len(content), read)
    await receiving
    assert bytes(came) == content[10:]
    there.close()
    here.close()


async def test_a_cut_is_noticed_at_both_ends(doors: Doors) -> None:
    """A connection that ends without the last record was cut."""
    there, here = await doors.pair()
    there.close()
    with pytest.raises(LaneBrokenError):
        await asyncio.to_thread(here.receive, lambda *_: None)
    with pytest.raises(LaneBrokenError):
        await asyncio.to_thread(there.send, 1, 0, 1 << 30, lambda _, size: bytes(size))
    here.close()


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
