"""Addresses of this computer, and which of them a peer may be told."""

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from p2p_remote.traversal.candidate import (
    Candidate,
    CandidateKind,
    candidate,
    in_subnet,
    is_sendable,
)
from p2p_remote.wire.address import Endpoint

MAX_HOST_CANDIDATES = 6  # of the 8 a peer is told; two stay for the router's addresses
_MAX_PER_INTERFACE = 2  # IPv6 gives an interface many addresses

# Bridges of containers and virtual machines: no other computer is behind them, and
# their addresses are the same on every computer that has them.
_VIRTUAL_PREFIXES = (
    "docker",
    "br-",
    "virbr",
    "lxcbr",
    "lxdbr",
    "podman",
    "cni",
    "flannel",
    "cali",
    "vmnet",
    "vboxnet",
    "vethernet",
    "virtualbox",
)

# The kernel picks its own address for these; nothing is sent there.
_DISTANT_IPV4 = ("192.0.2.1", 9)
_DISTANT_IPV6 = ("2001:db8::1", 9)


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of an interface. `zone`: interface number, for link-local IPv6."""

    interface: str
    host: str
    prefix_length: int
    zone: int = 0

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is an IPv6 one."""
        return ":" in self.host


def interface_addresses() -> list[InterfaceAddress]:
    """All addresses of all interfaces. Takes about a millisecond."""
    import ifaddr

    found = []
    for adapter in ifaddr.get_adapters():
        for each in adapter.ips:
            if isinstance(each.ip, str):
                host, zone = each.ip, 0
            else:
                host, zone = each.ip[0], each.ip[2]
            name = adapter.nice_name or adapter.name
            found.append(InterfaceAddress(name, host, each.network_prefix, zone))
    return found


def is_usable(address: InterfaceAddress) -> bool:
    """Whether another computer may reach this one there.

    Link-local IPv6 is left out: it means nothing without the number that the other
    computer gives to its own interface. LAN discovery tells those.
    """
    host = ipaddress.ip_address(address.host)
    return (
        not host.is_loopback
        and not (host.is_link_local and host.version == 6)
        and is_sendable(Endpoint(address.host, 1))
        and not address.interface.lower().startswith(_VIRTUAL_PREFIXES)
    )


def host_candidates(port: int) -> list[Candidate]:
    """Candidates for a socket bound to `port` on all addresses, best first.

    The addresses that lead to the rest of the world come first.
    """
    preferred = {host for host in map(_source_address, _DISTANT) if host is not None}
    usable = [each for each in interface_addresses() if is_usable(each)]
    usable.sort(key=lambda each: (each.host not in preferred, each.is_ipv6))
    chosen = list(_few_per_interface(usable))[:MAX_HOST_CANDIDATES]
    return [
        candidate(
            CandidateKind.HOST,
            Endpoint(each.host, port),
            rank=rank,
            prefix_length=each.prefix_length,
        )
        for rank, each in enumerate(chosen)
    ]


def same_subnet(host: str, addresses: Iterable[InterfaceAddress]) -> bool:
    """Whether `host` lies in the subnet of one of this computer's `addresses`."""
    return any(in_subnet(host, each.host, each.prefix_length) for each in addresses)


def _few_per_interface(
    addresses: Iterable[InterfaceAddress],
) -> Iterator[InterfaceAddress]:
    counts: dict[tuple[str, bool], int] = {}
    for each in addresses:
        key = (each.interface, each.is_ipv6)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= _MAX_PER_INTERFACE:
            yield each


_DISTANT = (
    (socket.AF_INET, _DISTANT_IPV4),
    (socket.AF_INET6, _DISTANT_IPV6),
)


def _source_address(
    destination: tuple[socket.AddressFamily, tuple[str, int]],
) -> str | None:
    """Our address on the way to a destination; None if there is no way."""
    family, address = destination
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError:
        return None
