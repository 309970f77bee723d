"""The technician's picture under a customer's side that does not behave."""

import asyncio
import itertools
from typing import Any

import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.screen.layout import MAX_BODY
from p2p_remote.services.picture import (
    ASK_INTERVAL,
    MAX_WAITING_BYTES,
    MAX_WORK_RATE,
    Picture,
)
from p2p_remote.wire.screen import (
    MAX_HOT_BODY,
    MAX_PACKED,
    PACKER_DEFLATE,
    PACKER_RAW,
    HotPatch,
    ScreenUpdate,
)


async def test_updates_that_wait_are_bounded_by_their_bytes() -> None:
    """More packed bytes than the limit are dropped, and a key frame is asked for."""
    broken: list[str] = []
    picture = Picture(lambda: 0.0, lambda _: None, broken.append)
    body = bytes(MAX_PACKED)
    for number in range(MAX_WAITING_BYTES // MAX_PACKED):
        picture.put(ScreenUpdate(number, 0, body, PACKER_RAW))
    assert broken == []
    picture.put(ScreenUpdate(99, 0, body, PACKER_RAW))
    assert len(broken) == 1


async def test_an_unexpected_failure_does_not_end_the_decoding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever an update brings about, the next one is still decoded."""
    broken = asyncio.Queue[str]()
    clock = itertools.count(0.0, ASK_INTERVAL).__next__
    picture = Picture(clock, lambda _: None, broken.put_nowait)

    def explode(_update: Any) -> None:
        raise ValueError("surprise")

    await picture.load()
    monkeypatch.setattr(picture._view, "apply", explode)
    task = asyncio.create_task(picture.run())
    for number in range(2):
        picture.put(ScreenUpdate(number, 0, b"", PACKER_RAW))
        async with asyncio.timeout(10):
            assert "cannot be decoded" in await broken.get()
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_comes_before_the_key_frame_that_was_asked_for_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Updates that refer to what is lost are told of once, and again after a while."""
    broken: list[str] = []
    time = [0.0]
    picture = Picture(lambda: time[0], lambda _: None, broken.append)
    refused = asyncio.Queue[None]()
    loop = asyncio.get_running_loop()

    def refuse(_update: Any) -> None:
        loop.call_soon_threadsafe(refused.put_nowait, None)
        raise MalformedMessageError("screen update out of order")

    await picture.load()
    monkeypatch.setattr(picture._view, "apply", refuse)
    task = asyncio.create_task(picture.run())
    for time[0], asked in ((0.0, 1), (0.0, 1), (ASK_INTERVAL, 2), (ASK_INTERVAL, 2)):
        for number in range(2):  # the second comes after the first was judged
            picture.put(ScreenUpdate(number, 0, b"", PACKER_RAW))
            async with asyncio.timeout(10):
                await refused.get()
        assert len(broken) == asked
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "message",
    [
        ScreenUpdate(0, MAX_BODY, bytes(MAX_BODY), PACKER_DEFLATE),
        HotPatch(1, 9, 9, MAX_BODY, bytes(MAX_HOT_BODY), PACKER_DEFLATE),
    ],
    ids=["update", "patch"],
)
async def test_what_is_refused_counts_for_the_work_that_a_peer_may_ask_for(
    message: ScreenUpdate | HotPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a refusal the decoder rests as after an update that costs as much."""
    rests = asyncio.Queue[float]()
    yield_to_others = asyncio.sleep

    async def rest(seconds: float) -> None:
        rests.put_nowait(seconds)
        await yield_to_others(0)

    monkeypatch.setattr(asyncio, "sleep", rest)
    broken: list[str] = []
    picture = Picture(lambda: 0.0, lambda _: None, broken.append)
    task = asyncio.create_task(picture.run())
    if isinstance(message, ScreenUpdate):
        picture.put(message)
    else:
        picture.put_patch(message)
    async with asyncio.timeout(10):
        assert await rests.get() > len(message.body) / MAX_WORK_RATE
    assert len(broken) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
