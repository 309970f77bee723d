"""A large file between two hosts on an emulated LAN, beside scp.

    python -m tests.bench.bench_files [--size MIB] [--rounds N] [--write]

Two network namespaces joined by a veth pair; on both ends `tbf` makes it a line of
1 Gbit/s or 100 Mbit/s, then the same without a shaper. A queue of the own machine is
kept short by Linux itself; so one line has it in a router between the two. ours and
scp take turns (A B A B); files lie in memory (tmpfs), so no disk decides. scp goes
through a connection that is up already, as ours does. Meanwhile keys are typed into the
shared screen: the delay is from the command to the frame that shows it. Needs root,
iproute2 and the Debian packages openssh-server and openssh-client (`make
bench-files-deps`).
`--write` puts the table into docs/figures.md.
"""

import argparse
import datetime
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench import figures
from tests.system.couple import Couple
from tests.system.namespaces import Network, local_network, routed_network

MIB = 1 << 20
ALLOWED = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
TYPE_EVERY = 0.15  # s
IDLE_TIME = 3.0  # s of typing while nothing moves
PATIENCE = 180.0  # s for one file


@dataclass(frozen=True)
class Shape:
    """A line: its queue (for `tc`), whose it is, and the share of the file it gets."""

    queue: str
    behind_router: bool = False
    share: int = 1


SHAPES = {
    "1 Gbit/s, queue 50 ms": Shape("tbf rate 1gbit burst 256kb latency 50ms"),
    "100 Mbit/s, queue 100 ms": Shape(
        "tbf rate 100mbit burst 64kb latency 100ms", share=16
    ),
    "100 Mbit/s, queue 100 ms in a router between them": Shape(
        "tbf rate 100mbit burst 64kb latency 100ms", behind_router=True, share=16
    ),
    "veth without a shaper": Shape(""),
}
_SSHD = """
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
Port 2222
StrictModes no
UsePAM no
PermitRootLogin yes
Subsystem sftp internal-sftp
"""


@dataclass
class Result:
    """Rates in bytes/s, delays in s."""

    rates: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def row(self, name: str, scp: float | None) -> str:
        """Line of the table; `scp` is the rate that ours is compared with."""
        rate = median(self.rates) if self.rates else None
        cells = [
            "" if rate is None else f"{rate * 8 / 1e6:.0f}",
            "" if rate is None or scp is None else f"{rate / scp:.2f}",
            *(_centile(self.delays, share) for share in (0.5, 0.95, 0.99)),
        ]
        return f"| {name} | {' | '.join(cells)} |"


def _centile(delays: list[float], share: float) -> str:
    ordered = sorted(delays)
    if not ordered:
        return ""
    return f"{ordered[round(share * (len(ordered) - 1))] * 1e3:.0f}"


class Typist:
    """Types into the shared screen and times the frame that follows."""

    def __init__(self, couple: Couple) -> None:
        self._couple = couple
        self._letters = itertools.cycle("abcdefghij")

    def type_until(self, over: Callable[[], bool]) -> list[float]:
        """Type one letter after the other; the delays in s."""
        connect = self._couple.connect
        delays = []
        while not over():
            seen = len(connect.output)
            begun = time.monotonic()
            connect.say({"do": "text", "text": next(self._letters)})
            while not any('"frame"' in line for line in connect.output[seen:]):
                with connect._news:
                    connect._news.wait(0.2)
                if time.monotonic() - begun > 2.0:
                    break
            delays.append(time.monotonic() - begun)
            time.sleep(max(0.0, TYPE_EVERY - delays[-1]))
        return delays


class Ssh:
    """sshd at the customer's, a connection to it at the technician's."""

    def __init__(self, network: Network, folder: Path) -> None:
        self._network, self._folder = network, folder
        for name in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name],
                check=True,
            )
        config = folder / "sshd_config"
        config.write_text(_SSHD.format(folder=folder))
        Path("/run/sshd").mkdir(exist_ok=True)
        network.start("customer", "/usr/sbin/sshd", "-D", "-e", "-f", config)
        self._options = [
            *("-F", "none", "-i", folder / "user", "-o", f"ControlPath={folder}/c"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "LogLevel=ERROR", "-o", "Port=2222"),
        ]
        self._host = f"root@{network.addresses['customer']}"
        network.start("technician", "ssh", "-M", "-N", *self._options, self._host)
        deadline = time.monotonic() + 10
        while not (folder / "c").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def copy(self, file: Path, to: Path) -> None:
        """Copy a file to the customer's."""
        target = f"{self._host}:{to}"
        arguments = ["scp", *self._options, file, target]
        self._network.run("technician", *map(str, arguments), timeout=PATIENCE)


def send(couple: Couple, file: Path) -> None:
    """Send a file by ours and wait until it is stored."""
    output = couple.connect.output
    seen = len(output)
    couple.connect.say({"do": "send", "file": str(file)})
    while not (answers := [x for x in output[seen:] if '"do": "send"' in x]):
        time.sleep(0.005)
    assert '"done"' in answers[0], answers[0]


def timed(work: Callable[[], None], typist: Typist) -> tuple[float, list[float]]:
    """Seconds that `work` took, and the delays of keys typed meanwhile."""
    took: list[float] = []

    def run() -> None:
        begun = time.monotonic()
        work()
        took.append(time.monotonic() - begun)

    thread = threading.Thread(target=run)
    thread.start()
    delays = typist.type_until(lambda: not thread.is_alive())
    thread.join()
    return took[0], delays


@contextmanager
def cubic_allowed() -> Iterator[None]:
    """Let namespaces use cubic, which most systems do."""
    known = ALLOWED.read_text()
    ALLOWED.write_text(" ".join({*known.split(), "cubic"}))
    try:
        yield
    finally:
        ALLOWED.write_text(known)


@contextmanager
def stage(shape: Shape) -> Iterator[tuple[Network, Path, Couple]]:
    """Two hosts on a line of this shape, with a session between them."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own in there
    kind = routed_network if shape.behind_router else local_network
    with tempfile.TemporaryDirectory(dir=memory) as name, kind() as network:
        folder = Path(name)
        for host in ("customer", "technician"):
            cubic = "net.ipv4.tcp_congestion_control=cubic"
            network.run(host, "sysctl", "-qw", cubic)
            where, port = ("router", host) if shape.behind_router else (host, "eth0")
            if shape.queue:
                command = f"tc qdisc add dev {port} root {shape.queue}"
                network.run(where, *command.split())
        couple = Couple(folder, network.programs, network)
        if shape.behind_router:
            couple.start_rendezvous()
        couple.start_share("--screen", "synthetic", "--downloads", str(folder / "in"))
        couple.begin("view", "control", "file_in")
        couple.connect.event("frame")
        yield network, folder, couple


def measure(shape: Shape, size: int, rounds: int) -> dict[str, Result]:
    """Both in turns on a line of this shape."""
    results = {name: Result() for name in ("ours", "scp", "nothing")}
    with stage(shape) as (network, folder, couple):
        file = folder / "file.bin"
        with file.open("wb") as target:
            for _ in range(size // MIB):
                target.write(os.urandom(MIB))
        ssh = Ssh(network, folder)
        typist = Typist(couple)
        for number in range(rounds):
            idle_until = time.monotonic() + IDLE_TIME
            results["nothing"].delays += typist.type_until(
                lambda until=idle_until: time.monotonic() > until
            )
            came = folder / "in" / "file.bin"
            copied = folder / f"copy{number}"
            for name, work, result in (
                ("ours", lambda: send(couple, file), came),
                ("scp", lambda path=copied: ssh.copy(file, path), copied),
            ):
                took, delays = timed(work, typist)
                results[name].rates.append(size / took)
                results[name].delays += delays
                same = result.stat().st_size == size
                assert same, f"{name} did not bring the file"
                result.unlink()
    return results


def table(shape: str, results: dict[str, Result]) -> list[str]:
    scp = median(results["scp"].rates)
    return [
        f"### {shape}",
        "| | Mbit/s | of scp | key to pixel p50 ms | p95 | p99 |",
        "|---|---|---|---|---|---|",
        results["ours"].row("**ours**", scp),
        results["scp"].row("scp", None),
        results["nothing"].row("no file moves", None),
        "",
    ]


def header(size: int, rounds: int) -> list[str]:
    today = datetime.datetime.now(datetime.UTC).date()
    version = subprocess.run(
        ["ssh", "-V"], capture_output=True, text=True, check=True
    ).stderr.split(",")[0]
    return [
        "## Files on a LAN",
        f"`make bench-files`, {today}, {os.cpu_count()} cores for both hosts, load",
        f"average {os.getloadavg()[1]:.1f}; {size // MIB} MiB, medians of {rounds} in",
        f"turns; {version}; TCP cubic on both. Goal: at least 0.8 of scp.",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="shapes whose name has this text")
    parser.add_argument("--write", action="store_true", help="into docs/figures.md")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("The benchmark needs root, for network namespaces.")
    if shutil.which("scp") is None or not Path("/usr/sbin/sshd").exists():
        sys.exit("scp and sshd are missing: make bench-files-deps")
    size, lines = options.size * MIB, []
    for name, shape in SHAPES.items():
        if options.only in name:
            # A slow line is measured with less.
            part = size // shape.share
            with cubic_allowed():
                found = table(name, measure(shape, part, options.rounds))
            print("\n".join(found), flush=True)
            lines += found
    if options.write:
        figures.put("files", "\n".join(header(size, options.rounds) + lines[:-1]))


if __name__ == "__main__":
    main()
