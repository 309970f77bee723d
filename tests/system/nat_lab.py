"""Sites behind NATs of every kind, for whole processes.

    with nat_lab("portrest+reject", "cgn", delay=0.015) as lab:
        lab.start("customer", ...)
        lab.rebind("customer")

    customer ── router [── carrier] ── provider ┐
    192.168.1.10     wan 198.51.100.1           ├─ internet ── middle
    technician ── router [── carrier] ─ provider┘    203.0.113.1, 203.0.113.2
    192.168.1.10     wan 192.0.2.1

Private addresses are the same on both sites, as in life. A site of kind `none` is its
own router. With a `delay` each site's line is a `tests.support.linkem.Link`: see
`NatLab.lines`.
"""

import contextlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.line import Line
from tests.support.linkem import INTERFACE, Link
from tests.system.namespaces import Network
from tests.system.nat_rules import CARRIERS, KINDS, MODIFIERS, Router

SERVERS = ("203.0.113.1", "203.0.113.2")
_WAN = {"customer": "198.51.100", "technician": "192.0.2"}  # first three numbers
_TRANSFER = {"customer": "10.250.1", "technician": "10.250.2"}
_SHARED = "100.64.0"  # between a carrier and its customers
# IPCTNL_MSG_CT_DELETE without a tuple (linux/netfilter/nfnetlink_conntrack.h)
# removes every entry of the namespace.
_FORGET = """
import socket, struct
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netfilter:
    netfilter.bind((0, 0))
    netfilter.send(struct.pack("=IHHIIBBH", 20, 0x102, 5, 1, 0, 2, 0, 0))
    assert struct.unpack_from("=i", netfilter.recv(4096), 16)[0] == 0
"""
_CUTS = """
table ip cuts {
  set dropped { type ipv4_addr . ipv4_addr; flags interval; auto-merge; }
  chain forward {
    type filter hook forward priority 0;
    ip saddr . ip daddr @dropped drop
  }
}
"""
_SILENT = """
table ip silent {
  chain output {
    type filter hook output priority 0;
    icmp type destination-unreachable icmp code 4 drop
  }
}
"""
_NAMED = Path("/etc/netns")  # `ip netns exec` lays what is there over /etc
_EVERYWHERE = "0.0.0.0/0"
_MIDDLE = "203.0.113.0/24"


@dataclass(slots=True)
class Site:
    """One side: its host, and the routers between it and the internet."""

    name: str
    kind: str
    modifiers: frozenset[str]
    generation: int = 0
    address_number: int = 1
    neighbours: int = 0

    @property
    def public(self) -> str:
        """Address under which the site appears."""
        return f"{_WAN[self.name]}.{self.address_number}"

    @property
    def prefix(self) -> str:
        """All addresses under which it may appear."""
        return f"{_WAN[self.name]}.0/24"

    @property
    def router(self) -> str:
        """Namespace of the router at home; the host itself where there is none."""
        return self.name if self.kind == "none" else f"{self.name}-router"

    @property
    def carrier(self) -> str:
        """Namespace with the public address."""
        return f"{self.name}-carrier" if self.kind in CARRIERS else self.router

    def rules(self) -> dict[str, str]:
        """Rules of each router for nftables, by namespace."""
        if self.kind == "none":
            return {}
        outer = CARRIERS.get(self.kind, self.kind)
        router = Router(outer, self.public, self.modifiers, self.generation)
        found = {self.carrier: router.rules()}
        if self.kind in CARRIERS:
            home = Router("portrest", f"{_SHARED}.2", self.modifiers)
            found[self.router] = home.rules()
        return found


class NatLab(Network):
    """Customer and technician, each at a site of some kind, and the middle."""

    def __init__(self, customer: str, technician: str, delay: float = 0.0) -> None:
        """See `nat_lab`."""
        super().__init__()
        self.lines: dict[str, Link] = {}
        self.sites = {
            name: _site(name, kind)
            for name, kind in (("customer", customer), ("technician", technician))
        }
        self._delay = delay
        self._named: list[Path] = []

    def build(self) -> None:
        """Make everything."""
        for name in ("internet", "middle"):
            self.add(name)
        self.forward("internet")
        self.connect("middle", "internet", ("eth0", "middle"))
        self.assign("internet", "middle", "203.0.113.254/24")
        self.assign("middle", "eth0", *(f"{address}/24" for address in SERVERS))
        self.ip("middle", "route", "add", "default", "via", "203.0.113.254")
        self.addresses["middle"] = SERVERS[0]
        self.nft("internet", _CUTS)
        for site in self.sites.values():
            self._build_line(site)
            self._build_home(site)
            self._load(site)

    def close(self) -> None:
        """End everything, whatever went wrong before."""
        for line in self.lines.values():
            line.close()
        super().close()
        for folder in self._named:
            shutil.rmtree(folder)

    def name_hosts(self, at: str, name: str, *addresses: str) -> None:
        """Let programs started at a host from now on know a name."""
        folder = _NAMED / self.namespace(at)
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{address} {name}\n" for address in addresses)
        (folder / "hosts").write_text(lines, "ascii")
        self._named.append(folder)

    def forward(self, name: str) -> None:
        """Let a namespace route, and answer without looking at the way back."""
        self.run(
            name,
            *("sysctl", "-qw", "net.ipv4.ip_forward=1"),
            *("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"),
            *("net.ipv4.conf.all.send_redirects=0",),
        )

    def _build_line(self, site: Site) -> None:
        """From the internet to the interface `wan` with the public address."""
        provider, transfer = f"{site.name}-provider", _TRANSFER[site.name]
        for name in {provider, site.carrier}:
            self.add(name)
            self.forward(name)
        self.connect(provider, "internet", ("core", site.name))
        self.assign(provider, "core", f"{transfer}.2/24")
        self.assign("internet", site.name, f"{transfer}.1/24")
        self.ip("internet", "route", "add", site.prefix, "via", f"{transfer}.2")
        self.ip(provider, "route", "add", "default", "via", f"{transfer}.1")
        if self._delay:
            ends = (self.namespace(site.carrier), self.namespace(provider))
            self.lines[site.name] = Link(
                Line(delay=self._delay / 2), namespaces=ends, network="10.251.0"
            )
            for name, interface in ((site.carrier, "wan"), (provider, "line")):
                self.ip(name, "address", "flush", "dev", INTERFACE)
                self.ip(name, "link", "set", INTERFACE, "name", interface)
        else:
            self.connect(site.carrier, provider, ("wan", "line"))
        self.assign(provider, "line", f"{_WAN[site.name]}.254/24")
        self._dial(site)

    def _dial(self, site: Site) -> None:
        """Take the public address."""
        self.ip(site.carrier, "address", "flush", "dev", "wan")
        self.assign(site.carrier, "wan", f"{site.public}/24")
        gateway = f"{_WAN[site.name]}.254"
        self.ip(site.carrier, "route", "replace", "default", "via", gateway)

    def _build_home(self, site: Site) -> None:
        self.addresses[site.name] = site.public
        if site.kind == "none":
            return
        if site.kind in CARRIERS:
            self.add(site.router)
            self.forward(site.router)
            self.connect(site.router, site.carrier, ("wan", "lan0"))
            self.assign(site.carrier, "lan0", f"{_SHARED}.1/24")
            self.assign(site.router, "wan", f"{_SHARED}.2/24")
            self.ip(site.router, "route", "add", "default", "via", f"{_SHARED}.1")
        self.add_host(site.name, site.name)

    def add_host(self, name: str, at: str) -> str:
        """Add a host at a site, cut off from others there; returns its address."""
        site = self.sites[at]
        number, site.neighbours = site.neighbours, site.neighbours + 1
        interface = f"lan{number + 1}"
        self.add(name)
        self.connect(name, site.router, ("eth0", interface))
        if site.kind == "fw":
            home, host = (
                f"{_WAN[at]}.{129 + 8 * number}",
                f"{_WAN[at]}.{130 + 8 * number}",
            )
            length = 29
            via = f"{_WAN[at]}.128/25", "via", site.public
            self.ip(f"{at}-provider", "route", "replace", *via)
        else:
            home, host = f"192.168.{number + 1}.1", f"192.168.{number + 1}.10"
            length = 24
        self.assign(site.router, interface, f"{home}/{length}")
        self.assign(name, "eth0", f"{host}/{length}")
        self.ip(name, "route", "add", "default", "via", home)
        self.addresses[name] = host
        return host

    def _load(self, site: Site) -> None:
        life = Router(site.kind, site.public, site.modifiers).life
        for name, rules in site.rules().items():
            self.nft(name, rules)
            timeouts = (
                f"net.netfilter.nf_conntrack_udp_timeout{suffix}={min(life, most)}"
                for suffix, most in (("", 30), ("_stream", 120))
            )
            self.run(name, "sysctl", "-qw", *timeouts)

    def _forget(self, site: Site) -> None:
        for name in site.rules():
            self.run(name, sys.executable, "-S", "-c", _FORGET)

    # What may happen in mid session.

    def become(self, at: str, kind: str) -> None:
        """Make the site's routers of another kind; there must be as many of them."""
        old = self.sites[at]
        new = replace(_site(at, kind), neighbours=old.neighbours)
        assert (new.router, new.carrier) == (old.router, old.carrier)
        self.sites[at] = new
        self._load(new)
        self._forget(new)

    def rebind(self, at: str) -> None:
        """The router forgets all mappings; new ones have other public ports."""
        site = self.sites[at]
        site.generation += 1
        self._load(site)
        self._forget(site)

    def move(self, at: str) -> None:
        """The site gets another public address."""
        site = self.sites[at]
        site.address_number += 1
        site.generation += 1
        self._dial(site)
        self._load(site)
        self._forget(site)
        if site.kind == "none":
            self.addresses[at] = site.public

    def narrow(self, at: str, mtu: int) -> None:
        """Let the site's line carry less, and nobody say so by ICMP."""
        for name, interface in (
            (self.sites[at].carrier, "wan"),
            (f"{at}-provider", "line"),
        ):
            self.nft(name, _SILENT)
            self.ip(name, "link", "set", interface, "mtu", str(mtu))

    def cut_direct(self) -> None:
        """Nothing passes between the sites; both reach the middle."""
        one, other = (site.prefix for site in self.sites.values())
        self._drop(one, other)

    def cut_server(self) -> None:
        """Nobody reaches the middle."""
        self._drop(_MIDDLE, _EVERYWHERE)

    def cut_all(self) -> None:
        """Nothing passes anywhere, and nobody is told."""
        self._drop(_EVERYWHERE, _EVERYWHERE)

    def heal(self) -> None:
        """Undo every cut."""
        self.nft("internet", "flush set ip cuts dropped")

    def _drop(self, one: str, other: str) -> None:
        pairs = {f"{one} . {other}", f"{other} . {one}"}
        self.nft("internet", f"add element ip cuts dropped {{ {', '.join(pairs)} }}")


@contextmanager
def nat_lab(
    customer: str = "none", technician: str = "none", *, delay: float = 0.0
) -> Iterator[NatLab]:
    """Build a laboratory.

    Args:
        customer: kind of the customer's site and its modifiers, as "eim+reject"; see
            `nat_rules.KINDS`.
        technician: that of the other.
        delay: s of a round trip from a site to the internet.

    """
    with contextlib.closing(NatLab(customer, technician, delay)) as lab:
        lab.build()
        yield lab


def _site(name: str, text: str) -> Site:
    kind, *modifiers = text.split("+")
    assert kind in KINDS, kind
    assert set(modifiers) <= MODIFIERS, modifiers
    return Site(name, kind, frozenset(modifiers))
