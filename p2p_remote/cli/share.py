"""`p2p-remote share`: the customer's side in plain lines, or as NDJSON."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from p2p_remote.cli.event_json import as_json
from p2p_remote.cli.file_commands import transfer_field
from p2p_remote.cli.lines import (
    LineReader,
    emit,
    leave_stdout,
    parse_command,
    why_failed,
    writable,
)
from p2p_remote.cli.share_lines import PlainLines
from p2p_remote.cli.share_scope import (
    PlainScope,
    screens,
    selection_of,
    share_as_told,
)
from p2p_remote.cli.signals import before, leave, stop_on_signals
from p2p_remote.errors import UsageError
from p2p_remote.services import events as se
from p2p_remote.services.context import Context, load_context, read_password
from p2p_remote.services.customer import CustomerService
from p2p_remote.services.desk import Desk
from p2p_remote.session.customer import DEFAULT_SECONDS
from p2p_remote.store.known_peers import KnownPeers
from p2p_remote.store.paths import downloads_dir

_MAX_SECONDS = 86_400


def run(arguments: argparse.Namespace) -> int:
    """Share until Ctrl-C; with --once, until the end of the first session."""
    context = load_context(arguments)
    if context.server is None and not context.lan:
        raise UsageError(
            "Nobody could reach this machine: name a server with --rendezvous, or "
            "leave --no-lan out."
        )
    password = read_password(arguments.password_file)
    downloads = downloads_dir(arguments.downloads)
    desk = _open_desk(arguments)
    return leave(asyncio.run(_Share(arguments, context, desk, downloads).run(password)))


def _open_desk(arguments: argparse.Namespace) -> Desk:
    selection = selection_of(
        arguments.screen, arguments.monitor, arguments.window or []
    )
    return Desk(arguments.screen, selection)


class _Share:
    """Joins a `CustomerService` with lines in and out."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        context: Context,
        desk: Desk,
        downloads: Path,
    ) -> None:
        self._json: bool = arguments.json
        self._once: bool = arguments.once
        self._attached: bool = arguments.attached
        self._downloads = downloads
        self._context = context
        self._desk = desk
        self._had_session = False
        self._over: asyncio.Future[int]
        self._plain: PlainLines | None = None
        self._scope: PlainScope | None = None
        self._service: CustomerService

    async def run(self, password: str) -> int:
        """Run until told to stop; returns the exit code."""
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        stop_on_signals(self._stop, 0)
        self._service = CustomerService(
            self._context.node_options(listed=True, password=password),
            KnownPeers(self._context.state_dir),
            self._context.keep_identity,
            self._on_event,
            self._downloads,
        )
        if not self._json:
            self._plain = PlainLines(
                self._service,
                self._desk.has_hotkey,
                self._write,
                at_terminal=_is_terminal(),
            )
            self._scope = PlainScope(self._desk, self._write)
        for reason in self._desk.reasons:
            self._on_event(se.Trouble(reason))
        self._desk.listeners.append(self._on_shared)
        if self._json:
            self._emit("screens", **screens(self._desk))
        self._on_event(self._desk.shared)
        reader: asyncio.Task[None] | None = None
        try:
            if await before(self._over, self._service.start(self._desk)):
                reader = loop.create_task(self._read())
            return await self._over
        finally:
            if reader is not None:
                reader.cancel()
            await self._service.close()
            if self._plain is not None:
                self._write("Nobody can reach this machine now.")

    def _on_shared(self, shared: se.Shared) -> None:
        """Any thread."""
        self._over.get_loop().call_soon_threadsafe(self._on_event, shared)

    def _stop(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    def _on_event(self, event: se.ServiceEvent) -> None:
        if self._scope is not None:
            self._scope.note(event)
        if self._plain is not None:
            self._plain.show(event)
        else:
            described = as_json(event)
            if described is not None:
                self._emit(described[0], **described[1])
        if isinstance(event, se.Started):
            self._had_session = True
        elif isinstance(event, se.Ended) and self._once and self._had_session:
            self._stop(event.exit_code)

    def _emit(self, event: str, **fields: Any) -> None:
        try:
            emit(event, **fields)
        except OSError:
            self._unheard()

    def _write(self, text: str) -> None:
        try:
            print(writable(text, sys.stdout.encoding or "ascii"), flush=True)
        except OSError:
            self._unheard()

    def _unheard(self) -> None:
        """Nobody reads what happens here any more: then nobody may look either."""
        leave_stdout()
        self._stop(0)

    async def _read(self) -> None:
        lines = LineReader()
        try:
            while (line := await lines.next()) is not None:
                if self._plain is not None:
                    self._answer(self._plain, line)
                elif line.strip():
                    self._command(line)
            if self._plain is not None and _is_terminal():
                self._answer(self._plain, "quit")  # Ctrl+D
        finally:
            if self._attached:
                self._stop(0)

    def _answer(self, plain: PlainLines, line: str) -> None:
        try:
            if self._scope is not None and self._scope.answer(line):
                return
            if plain.answer(line):
                self._stop(0)
        except Exception as error:  # noqa: BLE001 -- one line never ends the others
            self._write(f"That {why_failed(error)}.")

    def _command(self, line: str) -> None:
        name = ""
        try:
            command = parse_command(line)
            name = command["do"]
            if self._do(name, command):
                self._emit("done", do=name)
        except Exception as error:  # noqa: BLE001 -- one line never ends the others
            self._emit("failed", do=name, error=why_failed(error))

    def _do(self, name: str, command: dict[str, Any]) -> bool:
        """Carry one answer out; False if it has been reported otherwise."""
        match name:
            case "approve":
                return self._approve(command)
            case "typing":
                self._service.is_there(_number(command))
                return False
            case "deny":
                self._service.deny(_number(command))
            case "grant" | "decline" | "revoke":
                change = getattr(self._service, name)
                change(_text(command, "permission"))
            case "allow" | "abort":
                number = transfer_field(command)
                self._service.answer_file(number, allow=name == "allow")
            case "screens" | "share":
                self._choose(name, command)
            case "remember":
                self._service.remember()
            case "end":
                self._service.end()
            case _:
                raise UsageError(f"unknown command '{name}'")
        return True

    def _choose(self, name: str, command: dict[str, Any]) -> None:
        if name == "share":
            share_as_told(self._desk, command)
        else:
            self._emit("screens", **screens(self._desk))

    def _approve(self, command: dict[str, Any]) -> bool:
        grants = command.get("grants", ["view"])
        seconds = command.get("seconds", DEFAULT_SECONDS)
        digits = command.get("digits") or ""
        if not isinstance(grants, list) or not all(isinstance(g, str) for g in grants):
            raise UsageError('"grants" is a list of permissions')
        if type(seconds) is not int or not 0 < seconds <= _MAX_SECONDS:
            raise UsageError(f'"seconds" is a number from 1 to {_MAX_SECONDS}')
        if not isinstance(digits, str):
            raise UsageError('"digits" is text')
        number = _number(command)
        if not self._service.approve(grants, digits, seconds, number):
            raise UsageError("the digits are not those of this session")
        return True


def _is_terminal() -> bool:
    """Whether somebody can type here, who would be deaf after the end of input."""
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _number(command: dict[str, Any]) -> int | None:
    """Return the number of the request that is answered, if the answer carries it."""
    value = command.get("request")
    if value is not None and type(value) is not int:
        raise UsageError('"request" is the number of the request')
    return value


def _text(command: dict[str, Any], key: str) -> str:
    value = command.get(key)
    if not isinstance(value, str):
        raise UsageError(f'"{key}" is missing')
    return value
