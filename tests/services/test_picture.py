"""The technician's picture under a customer's side that does not behave."""

import asyncio
import itertools
from typing import Any

import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.services.picture import ASK_INTERVAL, MAX_WAITING_BYTES, Picture
from p2p_remote.wire.screen import MAX_PACKED, PACKER_RAW, ScreenUpdate


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
