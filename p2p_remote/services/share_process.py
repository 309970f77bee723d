"""The customer's side as a process of its own: `p2p-remote share --json`.

An interface starts it and speaks the same NDJSON contract as scripts do; so a redraw
never delays a packet, and what the interface can do, a script can do.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from p2p_remote.wire.text import clean

_LINE_LIMIT = 1 << 20  # bytes
_LEAVE_SECONDS = 3.0  # s to say goodbye before the process is ended


class ShareProcess:
    """Runs on the interface's loop; `on_event` gets each event as a dict.

    When the process ends by itself, the last event is
    `{"event": "stopped", "code": exit code, "text": last line of its errors}`.
    """

    def __init__(
        self, arguments: Sequence[str], on_event: Callable[[dict[str, Any]], None]
    ) -> None:
        """`arguments` are added to `share --json`."""
        self._arguments = tuple(arguments)
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._last_error = ""

    async def start(self) -> None:
        """Start the process."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from the current folder: files may come there
            "-m",
            "p2p_remote",
            "share",
            "--json",
            "--attached",
            *self._arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
        )
        self._tasks = [
            asyncio.create_task(self._read_events()),
            asyncio.create_task(self._read_errors()),
        ]

    def send(self, do: str, **fields: Any) -> None:
        """Send one answer or command of the contract."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            return
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")

    async def close(self) -> None:
        """End the process; sharing is over when this returns."""
        process = self._process
        self._process = None
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_LEAVE_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read_events(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        while line := await process.stdout.readline():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    self._on_event(event)
        code = await process.wait()
        if self._process is not None:
            await asyncio.sleep(0)
            self._on_event({"event": "stopped", "code": code, "text": self._last_error})

    async def _read_errors(self) -> None:
        process = self._process
        if process is None or process.stderr is None:
            return
        while line := await process.stderr.readline():
            text = clean(line.decode("utf-8", "replace").strip(), 300)
            if text:
                self._last_error = text.removeprefix("p2p-remote: ")
