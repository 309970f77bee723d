"""The customer's half as a process that the interface starts."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from p2p_remote.services.share_process import ShareProcess
from tests.support.traps import set_traps


async def test_nothing_is_imported_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes as far as refusing its arguments, whatever files have come there."""
    traces = set_traps(tmp_path, "struct", "p2p_remote", "nacl")
    monkeypatch.chdir(tmp_path)
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    process = ShareProcess(["--no-such-option"], events.put_nowait)
    await process.start()
    async with asyncio.timeout(60):
        stopped = await events.get()
    await process.close()
    assert stopped["event"] == "stopped"
    assert "--no-such-option" in stopped["text"]
    assert not traces()
