"""Lines in and out: NDJSON for scripts, text for people. No interface toolkit."""

import asyncio
import json
import logging
import os
import sys
import threading
from typing import Any, TextIO

from p2p_remote.errors import RemoteSupportError, UsageError

_LOG = logging.getLogger(__name__)
_MAX_LINE = 1 << 20  # bytes


def emit(event: str, **fields: Any) -> None:
    """Print one event as a JSON line, in ASCII so that every stdout can carry it.

    Raises:
        OSError: nobody reads stdout any more.

    """
    print(json.dumps({"event": event, **fields}), flush=True)


def writable(text: str, encoding: str) -> str:
    """Keep the quotes around a name recognisable where “ and ” cannot be written.

    No name holds a quote of its own (`services.names`), so `"` is as good.
    """
    try:
        "“”".encode(encoding)
    except UnicodeEncodeError:
        return text.replace("“", '"').replace("”", '"')
    return text


def leave_stdout() -> None:
    """Nobody reads stdout: let what is still written, at the exit too, go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def why_failed(error: Exception) -> str:
    """Text of what went wrong with one line; a defect of ours goes to the log."""
    if isinstance(error, RemoteSupportError):
        return str(error)
    _LOG.error("a line could not be carried out", exc_info=error)
    return f"could not be carried out ({type(error).__name__})"


def parse_command(line: str) -> dict[str, Any]:
    """Read one JSON object with a `do`.

    Raises:
        UsageError: it is not one.

    """
    try:
        command = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}") from error
    if not isinstance(command, dict) or not isinstance(command.get("do"), str):
        raise UsageError('a command is an object with "do"')
    return command


class LineReader:
    """Reads stdin in a thread, so that no platform's pipes block the loop."""

    def __init__(self, source: TextIO | None = None) -> None:
        """Read `source`, by default stdin, on the running loop."""
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._source: TextIO | None = source if source is not None else sys.stdin
        thread = threading.Thread(target=self._read, name="lines", daemon=True)
        thread.start()

    def _read(self) -> None:
        source = self._source
        try:
            while source is not None and (line := source.readline(_MAX_LINE)):
                self._put(line.rstrip("\r\n"))
        except (OSError, ValueError):
            pass  # stdin was closed under us: the same as its end
        finally:
            self._put(None)

    def _put(self, line: str | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, line)
        except RuntimeError:
            return  # the loop is closed: nobody waits for lines any more

    def waiting(self) -> str | None:
        """Return the next line that has come already; None if there is none."""
        return None if self._queue.empty() else self._queue.get_nowait()

    async def next(self) -> str | None:
        """Return the next line without its line break; None at the end."""
        return await self._queue.get()
