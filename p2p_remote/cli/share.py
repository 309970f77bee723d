"""`p2p-remote share`: the customer's side in plain lines, or as NDJSON."""

import argparse
import asyncio
import signal
from typing import Any

from p2p_remote.cli.event_json import as_json
from p2p_remote.cli.lines import LineReader, emit, parse_command
from p2p_remote.cli.share_lines import PlainLines
from p2p_remote.errors import RemoteSupportError, UsageError
from p2p_remote.services import events as se
from p2p_remote.services.context import Context, load_context, read_password
from p2p_remote.services.customer import CustomerService
from p2p_remote.services.desk import Desk
from p2p_remote.session.customer import DEFAULT_SECONDS
from p2p_remote.store.known_peers import KnownPeers

_MAX_SECONDS = 86_400


def run(arguments: argparse.Namespace) -> int:
    """Share until Ctrl-C; with --once, until the end of the first session."""
    context = load_context(arguments)
    password = read_password(arguments.password_file)
    desk = Desk(arguments.screen)
    return asyncio.run(_Share(arguments, context, desk).run(password))


class _Share:
    """Joins a `CustomerService` with lines in and out."""

    def __init__(
        self, arguments: argparse.Namespace, context: Context, desk: Desk
    ) -> None:
        self._json: bool = arguments.json
        self._once: bool = arguments.once
        self._attached: bool = arguments.attached
        self._context = context
        self._desk = desk
        self._over: asyncio.Future[int]
        self._plain: PlainLines | None = None
        self._service: CustomerService

    async def run(self, password: str) -> int:
        """Run until told to stop; returns the exit code."""
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop, 0)
        loop.add_signal_handler(signal.SIGINT, self._stop, 130)
        self._service = CustomerService(
            self._context.node_options(listed=True, password=password),
            KnownPeers(self._context.state_dir),
            self._context.keep_identity,
            self._on_event,
        )
        if not self._json:
            self._plain = PlainLines(self._service, self._desk.has_hotkey)
        for reason in self._desk.reasons:
            self._on_event(se.Trouble(reason))
        await self._service.start(self._desk)
        reader = loop.create_task(self._read())
        try:
            return await self._over
        finally:
            reader.cancel()
            await self._service.close()

    def _stop(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    def _on_event(self, event: se.ServiceEvent) -> None:
        if self._plain is not None:
            self._plain.show(event)
        else:
            described = as_json(event)
            if described is not None:
                emit(described[0], **described[1])
        if isinstance(event, se.Ended) and self._once:
            self._stop(event.exit_code)

    async def _read(self) -> None:
        lines = LineReader()
        while (line := await lines.next()) is not None:
            if self._plain is not None:
                if self._plain.answer(line):
                    self._stop(0)
            elif line.strip():
                self._command(line)
        if self._attached:
            self._stop(0)

    def _command(self, line: str) -> None:
        name = ""
        try:
            command = parse_command(line)
            name = command["do"]
            if self._do(name, command):
                emit("done", do=name)
        except RemoteSupportError as error:
            emit("failed", do=name, error=str(error))

    def _do(self, name: str, command: dict[str, Any]) -> bool:
        """Carry one answer out; False if it has been reported otherwise."""
        match name:
            case "approve":
                return self._approve(command)
            case "deny":
                self._service.deny()
            case "grant":
                self._service.grant(_text(command, "permission"))
            case "decline":
                self._service.decline(_text(command, "permission"))
            case "revoke":
                self._service.revoke(_text(command, "permission"))
            case "end":
                self._service.end()
            case _:
                raise UsageError(f"unknown command '{name}'")
        return True

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
        if not self._service.approve(grants, digits, seconds):
            raise UsageError("the digits are not those of this session")
        return True


def _text(command: dict[str, Any], key: str) -> str:
    value = command.get(key)
    if not isinstance(value, str):
        raise UsageError(f'"{key}" is missing')
    return value
