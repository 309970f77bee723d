"""The rivals of bench_paths_lab, started in the same laboratory.

They live in an environment of their own, `.venv-rivals`; see `make bench-paths`.
"""

import time
from collections.abc import Callable
from pathlib import Path

from tests.system.mid_session import event_of
from tests.system.nat_lab import SERVERS, NatLab
from tests.system.programs import ROOT, Program

PYTHON = ROOT / ".venv-rivals" / "bin" / "python"
STUN_PORT = "3478"
MAILBOX_PORT, RELAY_PORT = "4000", "4001"
CODE = "4-purple-sausages"
PATIENCE = 8.0  # s for a direct path
WORMHOLE_PATIENCE = 20.0  # s; it waits for 2 s before it asks its relay


class Watch:
    """Sees the events of a program from now on."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._read = len(program.output)

    def saw(self, name: str, **fields: object) -> bool:
        """Whether such an event has come."""
        while self._read < len(self._program.output):
            event = event_of(self._program.output[self._read])
            self._read += 1
            if event.get("event") == name and fields.items() <= event.items():
                return True
        return False


def seconds_until(checks: list[Callable[[], bool]], limit: float) -> float | None:
    """Seconds until all have been true once; None after the limit."""
    began = time.monotonic()
    left = list(checks)
    while left:
        left = [check for check in left if not check()]
        if time.monotonic() - began > limit:
            return None
        time.sleep(0.001)
    return time.monotonic() - began


def has(library: str) -> bool:
    """Whether a rival can be had here."""
    return any(PYTHON.parent.parent.glob(f"lib/python*/site-packages/{library}"))


def _script(name: str) -> tuple[Path, Path]:
    return PYTHON, ROOT / "tests" / "bench" / name


def start_stun(lab: NatLab) -> None:
    """Let aioice find out where it is seen."""
    command = (*_script("paths_aioice.py"), "serve", SERVERS[0], STUN_PORT)
    lab.start("middle", *command).event("ready")


def start_aioice(lab: NatLab) -> tuple[list[Program], float | None]:
    """Both ends, and the seconds from "go" to both until both are connected."""
    script = _script("paths_aioice.py")
    ends = [
        lab.start(where, *script, role, SERVERS[0], STUN_PORT)
        for where, role in (("technician", "controlling"), ("customer", "controlled"))
    ]
    for end in ends:
        end.event("ready")
    began = time.monotonic()
    for end in ends:
        end.say({})
    told = [end.event("gathered") for end in ends]
    watches = [Watch(end) for end in ends]
    for end, other in zip(ends, reversed(told), strict=True):
        end.say(other)
    checks = [lambda each=each: each.saw("connected") for each in watches]
    connected = seconds_until(checks, PATIENCE)
    return ends, None if connected is None else time.monotonic() - began


def start_wormhole_servers(lab: NatLab, folder: Path) -> None:
    """Run the mailbox server and the transit relay."""
    twist = (PYTHON, "-m", "twisted", "--log-format=text")
    database = folder / "mailbox.sqlite"
    for command in (
        ("wormhole-mailbox", f"--channel-db={database}", f"--port=tcp:{MAILBOX_PORT}"),
        ("transitrelay", f"--port=tcp:{RELAY_PORT}"),
    ):
        lab.start("middle", *twist, *command).line("Starting reactor")


def wormhole(lab: NatLab) -> float | None:
    """Seconds from the code at both ends until both are connected."""
    mailbox = f"ws://{SERVERS[0]}:{MAILBOX_PORT}/v1"
    relay = f"tcp:{SERVERS[0]}:{RELAY_PORT}"
    script = _script("paths_wormhole.py")
    ends = [
        lab.start(where, *script, role, mailbox, relay)
        for where, role in (("customer", "sender"), ("technician", "receiver"))
    ]
    for end in ends:
        end.event("ready")
    watches = [Watch(end) for end in ends]
    for end in ends:
        end.say({"code": CODE})
    checks = [lambda each=each: each.saw("connected") for each in watches]
    connected = seconds_until(checks, WORMHOLE_PATIENCE)
    for end in ends:
        end.stop()
    return connected
