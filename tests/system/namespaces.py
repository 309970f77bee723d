"""Several hosts on one machine: network namespaces joined by veth pairs.

`routed_network` (fixture `netns`), where the two peers meet only through a router:

    customer                    router                     technician
    198.51.100.2 ── 198.51.100.1 │ 192.0.2.1 ── 192.0.2.2
    2001:db8:a::2   2001:db8:a::1│ 2001:db8:b::1   2001:db8:b::2
                                 │ 203.0.113.1, 2001:db8:c::1
                                 │
                                 │ 203.0.113.2, 2001:db8:c::2
                               middle  (the rendezvous runs here)

`local_network` (fixture `lan`), one wire that carries multicast:

    customer 192.168.77.2, fd00:77::2 ── technician 192.168.77.3, fd00:77::3

Names are unique to the process and the network, so runs side by side do not meet.
"""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.system.programs import Program, Programs

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_numbers = itertools.count(1)
_ROUTER_TABLE = """
add table inet lab
add chain inet lab forward { type filter hook forward priority 0; }
"""


class Network:
    """Namespaces, their addresses, and the programs that run in them."""

    def __init__(self) -> None:
        self._prefix = f"p2p{os.getpid():x}-{next(_numbers)}"
        self._links = itertools.count(1)
        self._names: list[str] = []
        self._cables: dict[str, tuple[str, str, str]] = {}
        self.programs = Programs()
        self.addresses: dict[str, str] = {}
        self.addresses6: dict[str, str] = {}

    def namespace(self, name: str) -> str:
        """What the system calls the namespace, for `ip -n`."""
        return f"{self._prefix}-{name}"

    def command(self, name: str, *arguments: str | Path) -> list[str]:
        """Command line that runs `arguments` inside a namespace."""
        inside = ["ip", "netns", "exec", self.namespace(name)]
        return [*inside, *(str(argument) for argument in arguments)]

    def run(self, name: str, *arguments: str | Path, timeout: float = 20.0) -> str:
        """Run a command inside a namespace to its end and return its output."""
        return _run(self.command(name, *arguments), timeout)

    def start(
        self,
        name: str,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Program:
        """Start a program inside a namespace; it ends before the network does."""
        return self.programs.start(*self.command(name, *arguments), env=env, cwd=cwd)

    def open_socket(self, name: str, *kind: int) -> socket.socket:
        """Open a socket of ours inside a namespace; `kind` as for `socket.socket`."""
        with ThreadPoolExecutor(1) as thread:  # only it goes there
            return thread.submit(self._open_socket, name, kind).result()

    def _open_socket(self, name: str, kind: tuple[int, ...]) -> socket.socket:
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", self.namespace(name)).open("rb") as entry:
            if libc.setns(entry.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {name}")
        return socket.socket(*kind)

    def nft(self, name: str, script: str) -> None:
        """Load nftables rules (a NAT, a filter) inside a namespace."""
        _run(self.command(name, "nft", "-f", "-"), 20.0, script)

    def block(self, one: str, other: str) -> None:
        """Let the router drop everything between two namespaces, both ways."""
        rules = [
            f"add rule inet lab forward {family} saddr {a} {family} daddr {b} drop"
            for family, known in (("ip", self.addresses), ("ip6", self.addresses6))
            for a, b in (
                (known[one], known[other]),
                (known[other], known[one]),
            )
        ]
        self.nft("router", "\n".join(rules))

    def unblock(self) -> None:
        """Undo every `block`."""
        self.nft("router", "flush chain inet lab forward")

    def cable(self, name: str, state: str) -> None:
        """Pull ("down") or plug ("up") a peer's cable, at its far end.

        The peer sees its carrier go and keeps its addresses and routes. Returns
        once both ends know: the kernel may take a second to notice a carrier, and
        a route over a cable without one drops what is sent.
        """
        far, far_interface, interface = self._cables[name]
        self.ip(far, "link", "set", far_interface, state)
        for _ in range(100):
            ends = ((far, far_interface), (name, interface))
            shown = [self.ip(end, "-br", "link", "show", "dev", of) for end, of in ends]
            if all((" UP " in line) == (state == "up") for line in shown):
                return
            time.sleep(0.05)
        message = f"the cable of {name} did not go {state}"
        raise AssertionError(message)

    def add(self, name: str) -> None:
        """Make a namespace with a loopback interface."""
        _run(["ip", "netns", "add", self.namespace(name)], 20.0)
        self._names.append(name)
        self.ip(name, "link", "set", "lo", "up")
        # Interfaces that go down keep their IPv6 addresses, and nothing waits for
        # duplicates of an address that is known to be unique.
        for setting in ("all.keep_addr_on_down=1", "default.accept_dad=0"):
            self.run(name, "sysctl", "-qw", f"net.ipv6.conf.{setting}")

    def ip(self, name: str, *arguments: str) -> str:
        """Run `ip` on a namespace."""
        return _run(["ip", "-n", self.namespace(name), *arguments], 20.0)

    def connect(self, one: str, other: str, interfaces: tuple[str, str]) -> None:
        """Join two namespaces by a veth pair with these interface names."""
        number = next(self._links)
        # Interface names have at most 15 bytes until they are inside.
        ends = [f"v{os.getpid():x}{number}{side}" for side in "ab"]
        _run(["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]])
        self._cables[one] = (other, interfaces[1], interfaces[0])
        self._cables[other] = (one, interfaces[0], interfaces[1])
        for name, end, interface in zip((one, other), ends, interfaces, strict=True):
            _run(["ip", "link", "set", end, "netns", self.namespace(name)])
            self.ip(name, "link", "set", end, "name", interface)
            self.ip(name, "link", "set", interface, "up")

    def assign(self, name: str, interface: str, *addresses: str) -> None:
        """Give an interface its addresses."""
        for address in addresses:
            self.ip(name, "address", "add", address, "dev", interface)

    def peer(self, name: str, prefix: str, prefix6: str) -> None:
        """Add a host behind the router, with the router as its gateway."""
        self.add(name)
        self.connect(name, "router", ("eth0", name))
        self.assign(name, "eth0", f"{prefix}.2/24", f"{prefix6}::2/64")
        self.assign("router", name, f"{prefix}.1/24", f"{prefix6}::1/64")
        self.addresses[name] = f"{prefix}.2"
        self.addresses6[name] = f"{prefix6}::2"
        for gateway in (f"{prefix}.1", f"{prefix6}::1"):
            self.ip(name, "route", "add", "default", "via", gateway)

    def close(self) -> None:
        """End the programs and remove the namespaces, whatever went wrong before."""
        self.programs.__exit__()
        names, self._names = self._names, []
        kept = [
            name
            for name in names
            if subprocess.run(
                ["ip", "netns", "delete", self.namespace(name)],
                check=False,
                timeout=20.0,
            ).returncode
        ]
        assert not kept


@contextmanager
def routed_network() -> Iterator[Network]:
    """Customer, technician and middle, each behind its own leg of a router."""
    with contextlib.closing(Network()) as network:
        network.add("router")
        for family in ("ipv4.ip_forward", "ipv6.conf.all.forwarding"):
            network.run("router", "sysctl", "-qw", f"net.{family}=1")
        network.nft("router", _ROUTER_TABLE)
        network.peer("customer", "198.51.100", "2001:db8:a")
        network.peer("technician", "192.0.2", "2001:db8:b")
        network.peer("middle", "203.0.113", "2001:db8:c")
        yield network


@contextmanager
def local_network() -> Iterator[Network]:
    """Customer and technician on one wire, without a router or a rendezvous."""
    with contextlib.closing(Network()) as network:
        for name in ("customer", "technician"):
            network.add(name)
        network.connect("customer", "technician", ("eth0", "eth0"))
        for name, last in (("customer", 2), ("technician", 3)):
            network.addresses[name] = f"192.168.77.{last}"
            network.addresses6[name] = f"fd00:77::{last}"
            network.assign(name, "eth0", f"192.168.77.{last}/24", f"fd00:77::{last}/64")
            network.ip(name, "route", "add", "224.0.0.0/4", "dev", "eth0")
        yield network


def _run(command: list[str], timeout: float = 20.0, script: str | None = None) -> str:
    result = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stderr}"
    return result.stdout
