"""`p2p-remote connect ID --json`: the technician's side for scripts."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from p2p_remote.cli.event_json import as_json, left
from p2p_remote.cli.file_commands import carry_out, text_field, transfer_field
from p2p_remote.cli.input_commands import input_messages
from p2p_remote.cli.lines import (
    LineReader,
    emit,
    leave_stdout,
    parse_command,
    why_failed,
)
from p2p_remote.cli.signals import before, leave, stop_on_signals
from p2p_remote.errors import RemoteSupportError, SessionAbortedError, UsageError
from p2p_remote.services import events as se
from p2p_remote.services import wishes
from p2p_remote.services.context import load_context, read_password
from p2p_remote.services.technician import TechnicianService
from p2p_remote.wire import control, peer_id
from p2p_remote.wire.constants import MAX_SCREEN_SIDE


def run_json(arguments: argparse.Namespace) -> int:
    """Connect, carry commands out, leave with the exit code of the end."""
    try:
        target = peer_id.parse(arguments.id)
        context = load_context(arguments)
        password = read_password(arguments.password_file)
    except RemoteSupportError as error:
        name, fields = as_json(se.Failed(error)) or left()
        emit(name, **fields)
        raise
    wanted = wishes.VIEW if arguments.view_only else wishes.SUPPORT
    service_options = context.node_options(listed=False, wanted=wanted)

    async def go() -> int:
        script = _Script(view_only=arguments.view_only)
        service = TechnicianService(service_options, script.on_event)
        return await script.run(service, target, password)

    return leave(asyncio.run(go()))


class _Script:
    """Joins a `TechnicianService` with NDJSON."""

    def __init__(self, *, view_only: bool) -> None:
        self._view_only = view_only
        self._service: TechnicianService
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._started = asyncio.Event()
        self._left = False
        self._told_end = False
        self._moving: set[asyncio.Task[None]] = set()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="pictures")

    async def run(self, service: TechnicianService, target: int, password: str) -> int:
        """Run until the session is over."""
        self._service = service
        loop = asyncio.get_running_loop()
        stop_on_signals(self._stop, SessionAbortedError.exit_code)
        reading: list[asyncio.Task[None]] = []
        try:
            if await before(self._over, service.start()):
                reading.append(loop.create_task(self._read()))
                await before(self._over, service.call(target, password=password))
            return await self._over
        except RemoteSupportError as error:
            self.on_event(se.Failed(error))
            print(f"p2p-remote: {error}", file=sys.stderr)
            return error.exit_code
        finally:
            for task in reading:
                task.cancel()
            await service.close()
            if not self._told_end:
                name, fields = left(self._over.result() if self._over.done() else 1)
                self._emit(name, **fields)
            for task in self._moving:
                task.cancel()
            await asyncio.gather(*reading, *self._moving, return_exceptions=True)
            self._disk.shutdown(wait=False, cancel_futures=True)

    def on_event(self, event: se.ServiceEvent) -> None:
        """Print an event, and end with the session."""
        self._told_end |= isinstance(event, se.Ended | se.Failed)
        described = as_json(event)
        if described is not None:
            self._emit(described[0], **described[1])
        match event:
            case se.Started():
                self._started.set()
            case se.Ended(exit_code=code):
                self._stop(0 if self._left else code)
            case se.Failed(error=error):
                self._stop(error.exit_code)
            case _:
                pass

    def _emit(self, event: str, **fields: Any) -> None:
        """Print an event; if nobody reads it, nobody should be connected."""
        try:
            emit(event, **fields)
        except OSError:
            leave_stdout()
            self._stop(SessionAbortedError.exit_code)

    def _stop(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    async def _read(self) -> None:
        """Carry commands out one after the other; the end of input is the last."""
        lines = LineReader()
        seen = False
        try:
            while (line := await lines.next()) is not None:
                if line.strip():
                    seen = True
                    await self._command(line)
        except asyncio.CancelledError:
            while (line := lines.waiting()) is not None:
                self._not_done(line)
            raise
        if seen:
            await self._started.wait()
            await asyncio.gather(*self._moving, return_exceptions=True)
            self._leave()

    def _leave(self) -> None:
        self._left = True
        self._service.end()

    async def _command(self, line: str) -> None:
        name = ""
        try:
            command = parse_command(line)
            name = command["do"]
            await self._started.wait()
            if name == "end":
                self._emit("done", do=name)
                self._leave()
                return
            if name in ("send", "get"):
                self._move(name, command)
                return
            found = _COMMANDS.get(name)
            details = (
                await found(self, command)
                if found is not None
                else self._input(name, command)
            )
            self._emit("done", do=name, **details)
        except asyncio.CancelledError:
            self._not_done(line)
            raise
        except Exception as error:  # noqa: BLE001 -- one line never ends the others
            self._emit("failed", do=name, error=why_failed(error))

    def _not_done(self, line: str) -> None:
        """Answer a command that the end of the session came before."""
        with contextlib.suppress(UsageError):
            name = parse_command(line)["do"]
            self._emit("failed", do=name, error="The session has ended.")

    def _input(self, name: str, command: dict[str, Any]) -> dict[str, Any]:
        if self._view_only:
            raise UsageError("this session was started with --view-only")
        self._service.send_input(input_messages(name, command))
        return {}

    def _move(self, name: str, command: dict[str, Any]) -> None:
        """Begin with a file; other commands go on beside it."""
        task = asyncio.create_task(self._move_file(name, command))
        self._moving.add(task)
        task.add_done_callback(self._moving.discard)

    async def _move_file(self, name: str, command: dict[str, Any]) -> None:
        try:
            details = await carry_out(self._service.transfers, name, command)
            self._emit("done", do=name, **details)
        except asyncio.CancelledError:
            self._emit("failed", do=name, error="The session has ended.")
            raise
        except Exception as error:  # noqa: BLE001 -- one file never ends the others
            self._emit("failed", do=name, error=why_failed(error))

    async def _abort(self, command: dict[str, Any]) -> dict[str, Any]:
        number = transfer_field(command)
        self._service.transfers.stop(number)
        return {"transfer": number}

    async def _snapshot(self, command: dict[str, Any]) -> dict[str, Any]:
        from p2p_remote.services.snapshot import write_png

        file = text_field(command, "file")
        picture = await self._service.snapshot(
            wait_settled=bool(command.get("wait_settled"))
        )
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._disk, write_png, Path(file), picture)
        height, width = picture.shape[:2]
        return {"file": file, "width": width, "height": height}

    async def _viewport(self, command: dict[str, Any]) -> dict[str, Any]:
        x, y, width, height = _numbers(command, "region", 4)
        output_width, output_height = _numbers(command, "size", 2)
        if not all((width, height, output_width, output_height)):
            raise UsageError("width and height are at least 1")
        message = control.Viewport(x, y, width, height, output_width, output_height)
        self._service.send_viewport(message)
        return {}

    async def _request(self, command: dict[str, Any]) -> dict[str, Any]:
        permission = command.get("permission")
        if not isinstance(permission, str):
            raise UsageError('"permission" is missing')
        if self._view_only and permission != "view":
            raise UsageError("this session was started with --view-only")
        self._service.request(permission)
        return {}


def _numbers(command: dict[str, Any], key: str, count: int) -> list[int]:
    values = command.get(key)
    if (
        not isinstance(values, list)
        or len(values) != count
        or not all(
            type(value) is int and 0 <= value < MAX_SCREEN_SIDE for value in values
        )
    ):
        raise UsageError(f'"{key}" is a list of {count} numbers')
    return values


_COMMANDS: dict[str, Callable[[_Script, dict[str, Any]], Awaitable[dict[str, Any]]]] = {
    "snapshot": _Script._snapshot,  # noqa: SLF001 -- the table of this class
    "viewport": _Script._viewport,  # noqa: SLF001
    "request": _Script._request,  # noqa: SLF001
    "abort": _Script._abort,  # noqa: SLF001
}
