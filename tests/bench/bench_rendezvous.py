"""What one core of the rendezvous server carries, and what an ID costs in memory.

    python -m tests.bench.bench_rendezvous [--registrations N] [--rounds N] [--write]

The server runs as its own process with its own limits; clients are real sockets on
loopback with real keys, in one process per other core. Rates are per second of the
server's CPU time, so they do not depend on how fast the load comes. The rival answers
the same datagrams in the same run, in turns: asyncio's DatagramProtocol as an echo that
checks and remembers nothing. `--write` puts the table into docs/figures.md.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from p2p_remote.wire import rendezvous as wire
from tests.bench import figures
from tests.bench.rendezvous_load import (
    CALLS_PER_CALLER,
    PER_ADDRESS,
    Generator,
    Key,
    blast,
    call_all,
)

SERVER = ("rendezvous", "--listen", "127.0.0.1:0")
ECHO = ("tests.bench.udp_echo",)
SOCKETS = 4  # of each load process, for keepalives
BURST = 60_000  # keepalives of one load process in one round
CALLERS = 400
ADDRESSES_OF_ONE = 100_000  # room for the addresses of one load process


class Process:
    """A server under load."""

    def __init__(self, module: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *module], stdout=subprocess.PIPE, text=True
        )
        if self._process.stdout is None:
            raise RuntimeError("no pipe")
        host, _, port = self._process.stdout.readline().split()[1].rpartition(":")
        self.address = (host, int(port))

    def cpu(self) -> float:
        """Seconds of CPU that it has used, all threads together."""
        tasks = Path(f"/proc/{self._process.pid}/task").iterdir()
        return (
            sum(
                int((task / "schedstat").read_text(encoding="ascii").split()[0])
                for task in tasks
            )
            / 1e9
        )

    def memory(self) -> int:
        """Bytes that it has in memory."""
        statm = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def running(module: tuple[str, ...]) -> Iterator[Process]:
    """A server for the time of a block."""
    process = Process(module)
    try:
        yield process
    finally:
        process.stop()


class Load:
    """One load process, driven over a pipe."""

    def __init__(self, index: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(theirs, index * ADDRESSES_OF_ONE), daemon=True
        )
        self._process.start()

    def start(self, task: str, *arguments: object) -> None:
        """Begin a task; `result` waits for its end."""
        self._pipe.send((task, *arguments))

    def result(self) -> Any:
        """What the task has returned."""
        return self._pipe.recv()


def all_do(loads: list[Load], task: str, *arguments: object) -> list[Any]:
    """Let every load process do its part, and return what each says."""
    for load in loads:
        load.start(task, *arguments)
    return [load.result() for load in loads]


def _work(pipe: Connection, first: int) -> None:
    """Do what the pipe says until it closes."""
    worker = Worker(first)
    while True:
        try:
            task, *arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(worker, task)(*arguments))


class Worker:
    """Tasks of a load process; state stays between them."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._sockets: list[Any] = []
        self._keys: list[list[Key]] = []
        self._datagrams: list[list[bytes]] = []

    def _generator(self, server: tuple[str, int]) -> Generator:
        generator = Generator(server, self._next)
        self._next += ADDRESSES_OF_ONE // 20
        return generator

    def register(self, server: tuple[str, int], count: int) -> int:
        """Register `count` machines that then stay silent; how many have a lease."""
        generator = self._generator(server)
        registered = 0
        for _ in range(0, count, PER_ADDRESS):
            with generator.open() as at:
                registered += generator.register(at, PER_ADDRESS, opened=0)[1]
        return registered

    def settle(self, server: tuple[str, int]) -> int:
        """Register the machines whose keepalives are to come."""
        generator = self._generator(server)
        self._sockets = [generator.open() for _ in range(SOCKETS)]
        self._keys = [
            generator.register(at, PER_ADDRESS, opened=PER_ADDRESS)[0]
            for at in self._sockets
        ]
        return sum(len(keys) for keys in self._keys)

    def prepare(self) -> int:
        """Make the keepalives of one round."""
        share = BURST // SOCKETS
        self._datagrams = [
            [keys[i % len(keys)].says(wire.Keepalive) for i in range(share)]
            for keys in self._keys
        ]
        return BURST

    def send(self) -> int:
        """Send them; how many were answered."""
        return blast(self._sockets, self._datagrams)

    def move(self, server: tuple[str, int]) -> None:
        """Send to this server from now on."""
        for at in self._sockets:
            at.connect(server)

    def prepare_calls(self, server: tuple[str, int], callers: int) -> int:
        """Register callers and callees."""
        generator = self._generator(server)
        self._callee_side = generator.open()
        self._callees = generator.register(
            self._callee_side, PER_ADDRESS, opened=PER_ADDRESS
        )[0]
        self._caller_sides = [generator.open() for _ in range(callers)]
        self._callers = [
            generator.register(at, 1, opened=1)[0] for at in self._caller_sides
        ]
        return len(self._callees)

    def call(self) -> int:
        """Let the callers call; how many were answered by CALLED."""
        pairs = [
            (caller[0], at)
            for caller, at in zip(self._callers, self._caller_sides, strict=True)
            if caller
        ]
        return call_all(
            [caller for caller, _ in pairs],
            [at for _, at in pairs],
            self._callee_side,
            self._callees,
        )


def per_cpu_second(process: Process, do: Callable[[], int]) -> float:
    """Done things per second of CPU of `process`."""
    before = process.cpu()
    done = do()
    return done / (process.cpu() - before)


def measure_registrations(
    loads: list[Load], count: int, *store: str
) -> tuple[float, float]:
    """Registrations per CPU second, and bytes for each."""
    with running((*SERVER, *store)) as server:
        all_do(loads, "register", server.address, PER_ADDRESS)  # warm
        before = server.memory()
        registered = 0

        def register() -> int:
            nonlocal registered
            share = count // len(loads)
            registered = sum(all_do(loads, "register", server.address, share))
            return registered

        started = time.monotonic()
        rate = per_cpu_second(server, register)
        if time.monotonic() - started > wire.LEASE:
            sys.exit("The first leases ended before the last began: --registrations")
        return rate, (server.memory() - before) / registered


def measure_calls(loads: list[Load]) -> float:
    """Calls per CPU second: CALL, RING, RUNG, CALLED."""
    callers = min(CALLERS, PER_ADDRESS * 10 // CALLS_PER_CALLER)
    with running(SERVER) as server:
        all_do(loads, "prepare_calls", server.address, callers)
        return per_cpu_second(server, lambda: sum(all_do(loads, "call")))


def measure_keepalives(loads: list[Load], rounds: int) -> tuple[float, float]:
    """Answers per CPU second of the server and of the echo, medians of `rounds`."""
    ours, theirs = [], []
    with running(SERVER) as server, running(ECHO) as echo:
        all_do(loads, "settle", server.address)
        for _ in range(rounds):
            all_do(loads, "prepare")
            for process, rates in ((server, ours), (echo, theirs)):
                all_do(loads, "move", process.address)
                rates.append(
                    per_cpu_second(process, lambda: sum(all_do(loads, "send")))
                )
    return median(ours), median(theirs)


def table(options: argparse.Namespace) -> str:
    """Measure everything and return the section's text."""
    loads = [Load(i) for i in range(max(1, (os.cpu_count() or 1) - 1))]
    keepalives, echo = measure_keepalives(loads, options.rounds)
    calls = measure_calls(loads)
    registrations, size = measure_registrations(loads, options.registrations)
    with tempfile.TemporaryDirectory() as folder:
        database = f"{folder}/ids.db"
        kept, kept_size = measure_registrations(
            loads, options.registrations, "--database", database
        )
    day = datetime.now(UTC).date()
    registered = f"{options.registrations:,} registered"
    rows = (
        ("keepalives per second and core", ">= 100,000", keepalives, f"{echo:,.0f}"),
        (f"bytes per ID, {registered}, keys in a file", "<= 450", kept_size, ""),
        (f"bytes per ID, {registered}, keys in memory", "", size, ""),
        ("registrations per second and core, keys in a file", "", kept, ""),
        ("registrations per second and core, keys in memory", "", registrations, ""),
        ("calls per second and core", "", calls, ""),
    )
    head = (
        f"`make bench-rendezvous`, {day}, CPython {sys.version.split()[0]}, "
        f"{os.cpu_count()} cores. Rates are per second of the server's CPU time; "
        f"medians of {options.rounds} rounds in turns for keepalives. Bytes are those "
        "that the process grows by, tables of limits included; keys in a file is "
        "`--database`, what an operator would run."
    )
    lines = [
        head,
        "",
        "| figure | goal | server | asyncio DatagramProtocol, echo only |",
    ]
    lines.append("|---|---|---|---|")
    lines += [f"| {a} | {goal} | {b:,.0f} | {c} |" for a, goal, b, c in rows]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registrations", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    options = parser.parse_args()
    started = time.monotonic()
    text = table(options)
    print(text)
    print(f"({time.monotonic() - started:.0f} s)")
    if options.write:
        figures.put("rendezvous", text)


if __name__ == "__main__":
    main()
