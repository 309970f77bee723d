"""`p2p-remote send` and `p2p-remote get`: connect, move files, leave."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from p2p_remote.cli.event_json import as_json, left
from p2p_remote.cli.lines import emit, writable
from p2p_remote.cli.signals import before, leave, stop_on_signals
from p2p_remote.errors import (
    FileTransferError,
    RemoteSupportError,
    SessionAbortedError,
)
from p2p_remote.services import events as se
from p2p_remote.services import wishes
from p2p_remote.services.context import load_context, read_password
from p2p_remote.services.names import quoted, size
from p2p_remote.services.notices import wrong_digits
from p2p_remote.services.technician import TechnicianService
from p2p_remote.services.technician_transfers import TechnicianTransfers
from p2p_remote.wire import peer_id

Errand = Callable[[TechnicianTransfers], Awaitable[se.TransferReport]]
_FAILED = 1  # exit code


def run_send(arguments: argparse.Namespace) -> int:
    """Send files one after the other."""
    paths = [Path(name) for name in arguments.file]
    for path in paths:
        if not path.is_file():
            raise FileTransferError(f"{path} is not a file.")
    return _run(arguments, [_sending(path) for path in paths], wishes.SEND)


def run_get(arguments: argparse.Namespace) -> int:
    """Get one file."""
    to = Path(arguments.to)
    if not to.is_dir() and not to.parent.is_dir():
        raise FileTransferError(f"The folder {to.parent} is not there.")

    async def get(transfers: TechnicianTransfers) -> se.TransferReport:
        return await transfers.get(arguments.path, to)

    return _run(arguments, [get], wishes.GET)


def _sending(path: Path) -> Errand:
    async def send(transfers: TechnicianTransfers) -> se.TransferReport:
        return await transfers.send(path)

    return send


def _run(
    arguments: argparse.Namespace, errands: list[Errand], wanted: tuple[str, ...]
) -> int:
    target = peer_id.parse(arguments.id)
    context = load_context(arguments)
    password = read_password(arguments.password_file)
    options = context.node_options(listed=False, wanted=wanted)

    async def go() -> int:
        visit = _Visit(json=arguments.json)
        service = TechnicianService(options, visit.on_event)
        return await visit.run(service, target, password, errands)

    return leave(asyncio.run(go()))


class _Visit:
    """One session for nothing but files."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._started = asyncio.Event()
        self._is_done = False  # what is told of the end after that is our own doing
        self._told_end = False
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(
        self,
        service: TechnicianService,
        target: int,
        password: str,
        errands: list[Errand],
    ) -> int:
        """Call, move everything, and end; returns the exit code."""
        stop_on_signals(self._stop, SessionAbortedError.exit_code)
        moving = asyncio.create_task(self._move(service, errands))
        try:
            if await before(self._over, service.start()):
                await before(self._over, service.call(target, password=password))
            await asyncio.wait((moving, self._over), return_when="FIRST_COMPLETED")
            self._is_done = moving.done()
            return moving.result() if moving.done() else self._over.result()
        except RemoteSupportError as error:
            self.on_event(se.Failed(error))
            return error.exit_code
        finally:
            moving.cancel()
            await service.close()
            if self._json and not self._told_end:
                over = (
                    self._over.result() if self._over.done() else int(not self._is_done)
                )
                name, fields = left(over)
                emit(name, **fields)

    async def _move(self, service: TechnicianService, errands: list[Errand]) -> int:
        await self._started.wait()
        code = 0
        for errand in errands:
            report = await errand(service.transfers)
            if report.state != "done":
                code = _FAILED
        return code

    def on_event(self, event: se.ServiceEvent) -> None:
        """Show what happens, and end with the session."""
        self._told_end |= isinstance(event, se.Ended | se.Failed)
        if self._json:
            described = as_json(event)
            if described is not None:
                emit(described[0], **described[1])
        else:
            self._show(event)
        match event:
            case se.Started():
                self._started.set()
            case se.Ended(exit_code=code):
                self._stop(code or SessionAbortedError.exit_code)
            case se.Failed(error=error):
                self._stop(error.exit_code)
            case _:
                pass

    def _stop(self, code: int) -> None:
        if not self._over.done():
            self._over.set_result(code)

    def _show(self, event: se.ServiceEvent) -> None:
        match event:
            case se.Ringing(digits=digits, digits_expected=expected):
                shown = f" Read them these digits: {digits[:3]} {digits[3:]}"
                self._write(f"It rings there.{shown if expected else ''}")
            case se.WrongDigits(tries_left=left):
                self._write(f"{wrong_digits(left)} Read them again.")
            case se.Started(grants=grants):
                self._write("Connected.")
                if not {"file_in", "file_out"} & set(grants):
                    self._write("They are asked about each file.")
            case se.TransferReport():
                self._show_transfer(event)
            case se.Ended(text=text) if not self._is_done:
                self._write(f"The session is over. {text}".rstrip())
            case se.Failed(error=error):
                print(f"p2p-remote: {error}", file=sys.stderr)
            case _:
                pass

    def _show_transfer(self, event: se.TransferReport) -> None:
        name = quoted(event.name)
        if event.state == "running":
            if sys.stdout.isatty() and event.size:
                share = 100 * event.position // event.size
                self._write(f"{name}: {share} % of {size(event.size)}", end="\r")
        elif event.state == "failed":
            self._write(f"{name}: {event.text}")
        else:
            here = f" is here: {Path(event.path).absolute()}"
            where = here if event.incoming else " has arrived."
            self._write(f"{name}, {size(event.size)},{where}")

    def _write(self, text: str, **options: Any) -> None:
        print(writable(text, sys.stdout.encoding or "ascii"), flush=True, **options)
