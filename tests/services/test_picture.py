"""The technician's picture under a customer's side that does not behave."""

import asyncio
from typing import Any

import pytest

from p2p_remote.services.picture import MAX_WAITING_BYTES, Picture
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
    picture.close()


async def test_an_unexpected_failure_does_not_end_the_decoding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever an update brings about, the next one is still decoded."""
    broken = asyncio.Queue[str]()
    picture = Picture(lambda: 0.0, lambda _: None, broken.put_nowait)

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
    picture.close()
