"""`p2p-remote demo`: server, customer and technician on this machine.

Nothing is simulated but the people: the demo reads the digits on the technician's
side and types them on the customer's, as two people on the phone would, and its
customer allows whatever else is asked.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

from p2p_remote.cli.demo_customer import DemoCustomer
from p2p_remote.cli.interface import require_terminal
from p2p_remote.cli.signals import leave
from p2p_remote.errors import NetworkError, RemoteSupportError
from p2p_remote.services.running_node import passing_options
from p2p_remote.wire import peer_id

_ZOOM = 3  # pixels of the demo's display along one half of a cell: text stays readable
_BESIDE = 3  # rows of the terminal that hold no picture
_LEAST, _MOST = (240, 160), (1600, 1000)  # pixels of the demo's display
_FONT_CELL = (15, 28)  # pixels of a character of Monospace in 18 point
_CLOCK = 100  # pixels of a side; only where it covers no text
_WINDOW_VARIABLES = (  # set by terminals that are windows of a desktop
    "WINDOWID",
    "WAYLAND_DISPLAY",
    "KITTY_WINDOW_ID",
    "ALACRITTY_WINDOW_ID",
    "VTE_VERSION",
    "KONSOLE_VERSION",
    "WEZTERM_PANE",
)
_SERVER_LOG = "server.log"
_CUSTOMER_LOG = "customer.log"
_DOWNLOADS = "received"


def run(arguments: argparse.Namespace) -> int:
    """Run all three until the technician leaves."""
    require_terminal()
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _leave)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="p2p-")))
        server = stack.enter_context(_rendezvous(folder))
        environment, screen = stack.enter_context(_screen(arguments.screen))
        customer = stack.enter_context(_customer(folder, server, environment, screen))
        number = _wait_ready(customer.stdout, folder)
        person = DemoCustomer(customer)
        options = passing_options(server, "Demo technician")
        from p2p_remote.tui.app import Start
        from p2p_remote.tui.app import run as run_app

        code = run_app(
            Start(
                options,
                target=number,
                on_digits=person.hear,
                note="Demo: the other machine is this one too, with a shell of yours. "
                "Its customer says yes to everything. Click into the picture and type. "
                "Ctrl+] opens the menu: z shows it nearer, f sends a file (to "
                f"{folder / _DOWNLOADS}, which goes with the demo).",
            )
        )
    return leave(code)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind on a signal, so that everything started is ended."""
    sys.exit(128 + number)


def _tied(command: list[str]) -> list[str]:
    """Let the kernel end a program when the demo is killed, where `setpriv` is."""
    if sys.platform == "linux" and shutil.which("setpriv"):
        return ["setpriv", "--pdeathsig", "TERM", *command]
    return command


def _drain(stream: IO[str] | None) -> None:
    """Read on, so that a full pipe never stops the program that writes it."""

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):
            for _ in stream or ():
                pass

    threading.Thread(target=read, name="drain", daemon=True).start()


@contextlib.contextmanager
def _process(
    command: list[str], log_file: Path, environment: dict[str, str] | None = None
) -> "Iterator[subprocess.Popen[str]]":
    """Run Python in the background; it is ended on leaving.

    It imports nothing from the current folder.
    """
    log = log_file.open("a")
    with (
        log,
        subprocess.Popen(
            _tied([sys.executable, "-P", *command]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def _rendezvous(folder: Path) -> Iterator[str]:
    command = ["-u", "-m", "rendezvous", "--listen", "127.0.0.1:0", "--store", "memory"]
    with _process(command, folder / _SERVER_LOG) as process:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line.startswith("listening "):
            raise NetworkError("The rendezvous server of the demo did not start.")
        _drain(process.stdout)
        yield line.split()[1]


@contextlib.contextmanager
def _screen(wanted: str) -> Iterator[tuple[dict[str, str], str]]:
    """Find what the customer shares: a display, else Xvfb, else a drawn desktop.

    A display that this terminal itself stands on is not taken: it would show itself
    in itself, and every movement would throw the pointer that made it.
    """
    environment = dict(os.environ)
    has_display = bool(environment.get("DISPLAY")) and not _stands_on_display()
    if wanted != "auto" or has_display or sys.platform != "linux":
        yield environment, wanted
        return
    if shutil.which("Xvfb") is None:
        yield environment, "synthetic"
        return
    with contextlib.ExitStack() as stack:
        width, height = _display_size(*shutil.get_terminal_size())
        display = _start_xvfb(stack, width, height)
        environment["DISPLAY"] = display
        environment.pop("WAYLAND_DISPLAY", None)
        _decorate(stack, environment, width, height)
        yield environment, "x11"


def _stands_on_display() -> bool:
    """Whether this terminal is a window of the display in the environment."""
    return any(name in os.environ for name in _WINDOW_VARIABLES)


def _display_size(columns: int, rows: int) -> tuple[int, int]:
    """Width and height in pixels, so that its text can be read when all is shown."""
    wanted = (_ZOOM * columns, _ZOOM * 2 * (rows - _BESIDE))
    width, height = (
        max(least, min(size, most))
        for size, least, most in zip(wanted, _LEAST, _MOST, strict=True)
    )
    return width, height


def _start_xvfb(stack: contextlib.ExitStack, width: int, height: int) -> str:
    read, write = os.pipe()
    command = f"Xvfb -displayfd {write} -screen 0 {width}x{height}x24 -nolisten tcp"
    process = stack.enter_context(
        subprocess.Popen(
            _tied(command.split()),
            pass_fds=(write,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    )
    os.close(write)
    stack.callback(process.terminate)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    if not number:
        raise NetworkError(
            "Xvfb did not start. Try: p2p-remote demo --screen synthetic"
        )
    return f":{number}"


def _decorate(
    stack: contextlib.ExitStack, environment: dict[str, str], width: int, height: int
) -> None:
    """Put something on the empty screen that reacts to mouse and keys."""
    clock = _CLOCK if height > 4 * _CLOCK else 0  # below the shell
    columns, rows = width // _FONT_CELL[0], (height - clock) // _FONT_CELL[1]
    shell = f"xterm -fa Monospace -fs 18 -b 0 -bw 0 -geometry {columns}x{rows}+0+0"
    programs = [shell.split()]
    if clock:
        programs.append(["xclock", "-geometry", f"{clock}x{clock}-0-0"])
    for program in programs:
        if shutil.which(program[0]) is None:
            continue
        process = stack.enter_context(
            subprocess.Popen(
                _tied(program),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(process.terminate)


def _customer(
    folder: Path, server: str, environment: dict[str, str], screen: str
) -> "contextlib.AbstractContextManager[subprocess.Popen[str]]":
    state = folder / "customer"
    command = [
        "-u", "-m", "p2p_remote", "share", "--json", "--once", "--attached", "--no-lan",
        "--name", "Demo customer", "--screen", screen,
        "--downloads", str(folder / _DOWNLOADS),
        "--state-dir", str(state), "--rendezvous", server,
    ]  # fmt: skip
    return _process(command, folder / _CUSTOMER_LOG, environment)


def _wait_ready(stdout: IO[str] | None, folder: Path) -> int:
    """Read events until the customer can be called; the ID is in `ready`.

    Raises:
        RemoteSupportError: the customer's half did not start.

    """
    for line in stdout or ():
        event = json.loads(line)
        if event.get("event") == "ready" and event.get("rendezvous"):
            return peer_id.parse(event["id"])
    text = (folder / _CUSTOMER_LOG).read_text(errors="replace").strip()
    raise RemoteSupportError(f"The customer's half did not start. {text}")
