"""A link between two network namespaces for real processes: the wire of `line.Line`.

    with Link(up=Line(rate=2e6, delay=0.02, queue=0.3), down=Line(delay=0.02)) as link:
        server = link.popen("b", "python3", "-m", "http.server")
        link.run("a", "ping", "-c", "3", link.address("b"))
        link.set("both", loss=0.03)        # while traffic flows
        link.statistics()["up"]["dropped"]

`up` is the way from a to b, `down` the way back. A process of its own (this module run
as a program) holds a TUN device in each namespace and carries whole IP packets: MTU
filter, drop-tail queue, rate, loss, delay, jitter, reordering, duplication. A packet's
fate is decided when it comes in, so a new rate or delay holds for packets from then on.

Namespaces are made and removed here; with `namespaces=` the link joins two that exist.
Needs root and iproute2. Carries about 10,000 packets a second on a slow core.
"""

import contextlib
import ctypes
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from tests.support.line import HEADERS, Line

INTERFACE = "link0"
ROOT = Path(__file__).parent.parent.parent

_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000  # bare IP packets
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_TIMERSLACK = 29
_MAX_PACKET = 65_536
_BATCH = 32  # packets read before others that are due are sent
_LONGEST_WAIT = 1.0  # s
_numbers = itertools.count(1)
_COUNTERS = ("sent", "bytes_sent", "lost", "dropped", "worst_wait")


class Link:
    """Two namespaces, "a" and "b", and the wire between them."""

    def __init__(
        self,
        up: Line | None = None,
        down: Line | None = None,
        *,
        seed: int = 1,
        mtu: int = 1500,
        namespaces: tuple[str, str] | None = None,
        network: str = "10.77.0",
    ) -> None:
        """Set the link up.

        Args:
            up: from a to b.
            down: from b to a; like `up` if left out.
            seed: of losses, jitter and the rest.
            mtu: of the two devices, bytes.
            namespaces: names of two that exist; else they are made.
            network: first three numbers of the /24 of both ends.

        """
        prefix = f"em{os.getpid():x}-{next(_numbers)}"
        first, second = namespaces or (f"{prefix}a", f"{prefix}b")
        self.namespaces = {"a": first, "b": second}
        self._network = network
        self._made: list[str] = []
        self._children: list[subprocess.Popen[Any]] = []
        self._process: subprocess.Popen[str] | None = None
        try:
            if namespaces is None:
                for name in (first, second):
                    _ip("netns", "add", name)
                    self._made.append(name)
                    _ip("-n", name, "link", "set", "lo", "up")
            self._start(seed)
            for end in "ab":
                self._configure(end, mtu)
            up = up or Line()
            self.set("up", **_parameters(up))
            self.set("down", **_parameters(down or up))
        except BaseException:
            self.close()
            raise

    def _start(self, seed: int) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.linkem"),
                *(self.namespaces["a"], self.namespaces["b"], str(seed)),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._answer()

    def _configure(self, end: str, mtu: int) -> None:
        inside = ("-n", self.namespaces[end])
        tail = ":".join(f"{int(part):x}" for part in self._network.split("."))
        address6 = f"fd00:{tail}::{'ab'.index(end) + 1}/64"
        _ip(*inside, "link", "set", INTERFACE, "mtu", str(mtu), "up")
        _ip(*inside, "addr", "add", f"{self.address(end)}/24", "dev", INTERFACE)
        _ip(*inside, "addr", "add", address6, "dev", INTERFACE, "nodad")

    def address(self, end: str) -> str:
        """IPv4 address of an end, "a" or "b"."""
        return f"{self._network}.{'ab'.index(end) + 1}"

    def set(self, way: str, **parameters: float) -> None:
        """Change parameters of `Line` for "up", "down" or "both"."""
        self._ask({"set": way, "parameters": parameters})

    def statistics(self) -> dict[str, dict[str, float]]:
        """Counters of `Line` for "up" and "down", and `late`, our worst lateness (s).

        Every call starts them anew.
        """
        found: dict[str, dict[str, float]] = self._ask({"statistics": True})
        return found

    def command(self, end: str, *arguments: str | Path) -> list[str]:
        """Command line that runs `arguments` at an end."""
        inside = ["ip", "netns", "exec", self.namespaces[end]]
        return [*inside, *(str(argument) for argument in arguments)]

    def run(self, end: str, *arguments: str | Path, timeout: float = 60.0) -> str:
        """Run a command at an end and return its output."""
        return subprocess.run(
            self.command(end, *arguments),
            check=True,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=ROOT,
        ).stdout

    def popen(self, end: str, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a process at an end; its standard streams are pipes, but errors.

        It ends with the link at the latest.
        """
        child = subprocess.Popen(
            self.command(end, *arguments),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._children.append(child)
        return child

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the link emulator has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def close(self) -> None:
        """End what runs here and remove what was made. Again does nothing."""
        if self._process is not None:
            self._children.append(self._process)
            self._process = None
        for child in self._children:
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            try:
                child.wait(1.0)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
        for name in self._made:
            _ip("netns", "delete", name)
        self._made.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=20.0)


def _parameters(line: Line) -> dict[str, float]:
    return {name: getattr(line, name) for name in PARAMETERS}


PARAMETERS = frozenset(
    name
    for name in Line.__dataclass_fields__
    if name not in _COUNTERS and not name.startswith("_")
)


# The emulator's process


@dataclass
class Way:
    """One direction: from one device to the other."""

    source: int  # file descriptors of the TUN devices
    sink: int
    line: Line
    rng: random.Random
    held: list[tuple[float, int, bytes]] = field(default_factory=list)  # heap by due
    order: Iterator[int] = field(default_factory=itertools.count)
    late: float = 0.0

    def take(self, now: float) -> None:
        """Read packets and decide what becomes of them."""
        line, held, rng = self.line, self.held, self.rng
        for _ in range(_BATCH):
            try:
                packet = os.read(self.source, _MAX_PACKET)
            except BlockingIOError:
                return
            for due in line.arrivals(len(packet) - HEADERS, now, rng):
                heapq.heappush(held, (due, next(self.order), packet))
            now = time.monotonic()

    def give(self, now: float) -> None:
        """Write packets that are due."""
        held = self.held
        while held and held[0][0] <= now:
            due, _, packet = heapq.heappop(held)
            self.late = max(self.late, now - due)
            with contextlib.suppress(OSError):  # the device is down
                os.write(self.sink, packet)


class Emulator:
    """Carries packets between two devices and takes orders meanwhile."""

    def __init__(self, devices: tuple[int, int], seed: int) -> None:
        first, second = devices
        self._ways = {
            "up": Way(first, second, Line(), random.Random(f"{seed}/up")),
            "down": Way(second, first, Line(), random.Random(f"{seed}/down")),
        }

    def run(self, orders: IO[str], answers: IO[str]) -> None:
        """Work until there are no more orders (the other end of the pipe has gone)."""
        ways = tuple(self._ways.values())
        by_source = {way.source: way for way in ways}
        watched = [orders.fileno(), *by_source]
        while True:
            now = time.monotonic()
            due = min(way.held[0][0] if way.held else now + 9 for way in ways)
            wait = min(max(0.0, due - now), _LONGEST_WAIT)
            ready, _, _ = select.select(watched, (), (), wait)
            now = time.monotonic()
            for each in ready:
                way = by_source.get(each)
                if way is not None:
                    way.take(now)
                elif line := orders.readline():
                    answers.write(json.dumps(self._obey(json.loads(line))) + "\n")
                    answers.flush()
                else:
                    return
            for way in ways:
                way.give(time.monotonic())

    def _obey(self, request: dict[str, Any]) -> dict[str, Any]:
        if "set" not in request:
            return {name: _counters(way) for name, way in self._ways.items()}
        unknown = set(request["parameters"]) - PARAMETERS
        if unknown or request["set"] not in {*self._ways, "both"}:
            return {"error": f"there is no {request['set']} with {sorted(unknown)}"}
        for name, way in self._ways.items():
            if request["set"] in {name, "both"}:
                for parameter, value in request["parameters"].items():
                    setattr(way.line, parameter, value)
        return {}


def _counters(way: Way) -> dict[str, float]:
    found: dict[str, float] = {name: getattr(way.line, name) for name in _COUNTERS}
    found["late"] = way.late
    for name in _COUNTERS:
        setattr(way.line, name, 0)
    way.late = 0.0
    return found


def _open_device(namespace: str) -> int:
    """TUN device in a namespace; this process moves there for it."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/run/netns", namespace).open("rb") as entry:
        if libc.setns(entry.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", INTERFACE.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(device, _TUNSETIFF, request)
    return device


def main() -> None:
    """Program: NAMESPACE NAMESPACE SEED, orders as JSON lines on standard input."""
    first, second, seed = sys.argv[1:]
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    libc.prctl(_PR_SET_TIMERSLACK, 1000)  # ns
    devices = (_open_device(first), _open_device(second))
    # Ahead of what is measured where that is allowed; it sleeps most of the time.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    emulator = Emulator(devices, int(seed))
    print("{}", flush=True)  # noqa: T201
    emulator.run(sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
