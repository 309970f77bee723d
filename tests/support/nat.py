"""NATs and firewalls for the simulated network, in the words of RFC 4787.

    home = network.site("192.0.2.7", middlebox=nat("port_restricted", "192.0.2.7"))
    home.middlebox.rebind()          # the router restarts: all mappings are new

A mapping says which public port stands for an inside socket, filtering says from where
that port takes datagrams. Both are endpoint-independent, address-dependent or
address-and-port-dependent.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from p2p_remote.wire.address import Endpoint
from tests.support.network import Datagram

_Address = tuple[str, int]
_Remote = tuple[str | None, int | None]

FIRST_PORT = 20_000
BLOCK_START, BLOCK_LENGTH = 31_744, 512
_MOST_TRIES = 64
TCP_TIMEOUT = 7440.0  # s, RFC 5382 section 5
SPOILED_FOR = 30.0  # s that conntrack keeps an entry without an answer


class Dependence(Enum):
    """What of the remote end a mapping or a filter depends on."""

    ENDPOINT_INDEPENDENT = 0
    ADDRESS = 1
    ADDRESS_AND_PORT = 2

    def of(self, remote: Endpoint) -> _Remote:
        """The part of `remote` that counts."""
        if self is Dependence.ENDPOINT_INDEPENDENT:
            return (None, None)
        return (remote.host, remote.port if self is _BOTH else None)


_ANY = Dependence.ENDPOINT_INDEPENDENT
_HOST = Dependence.ADDRESS
_BOTH = Dependence.ADDRESS_AND_PORT


class PortChoice(Enum):
    """How the public port of a new mapping is chosen."""

    PRESERVE = 0  # the inside port, if it is free
    SEQUENTIAL = 1
    RANDOM = 2
    SKIPPING = 3  # upwards, but other clients take up to seven ports in between
    BLOCK = 4  # random in one block of 512


@dataclass(slots=True)
class _Mapping:
    inside: _Address
    port: int
    used_at: float
    timeout: float
    permitted: set[_Remote] = field(default_factory=set)


@dataclass(slots=True)
class Nat:
    """A router that translates addresses. `timeout` in s without outgoing traffic.

    TCP has mappings of its own, by the same rules, that last for hours (RFC 5382).
    `spoils`: a refused datagram leaves an entry, as in Linux routers that answer it; a
    later datagram to that remote end gets another port than the one mapped before.
    """

    public: str
    mapping: Dependence = _ANY
    filtering: Dependence = _BOTH
    ports: PortChoice = PortChoice.PRESERVE
    hairpin: bool = False
    spoils: bool = False
    timeout: float = 120.0
    seed: int = 1
    refused: int = 0  # datagrams from outside that were dropped
    _mappings: dict[tuple[_Address, _Remote], _Mapping] = field(default_factory=dict)
    _by_port: dict[int, _Mapping] = field(default_factory=dict)
    _spoiled: dict[tuple[int, _Address], float] = field(default_factory=dict)
    _next_port: int = FIRST_PORT
    _rng: random.Random = field(default_factory=lambda: random.Random(1))
    _for_tcp: "Nat | None" = None

    def __post_init__(self) -> None:
        self._rng.seed(self.seed)

    def _of(self, datagram: Datagram) -> "Nat":
        """The part of this router that a datagram is for."""
        if datagram.segment is None:
            return self
        if self._for_tcp is None:
            self._for_tcp = Nat(
                self.public,
                self.mapping,
                self.filtering,
                self.ports,
                hairpin=self.hairpin,
                timeout=TCP_TIMEOUT,
                seed=self.seed,
            )
            self._for_tcp._for_tcp = self._for_tcp
        return self._for_tcp

    def outgoing(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Translate the source and permit the way back."""
        return self._of(datagram)._outgoing(datagram, now)

    def incoming(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Translate the destination if the filter permits the source."""
        return self._of(datagram)._incoming(datagram, now)

    def _outgoing(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        remote = datagram.destination
        if remote.host == self.public and not self.hairpin:
            return ()
        inside = (datagram.source.host, datagram.source.port)
        mapping = self._mapping_for(inside, remote, now)
        mapping.used_at = now
        mapping.permitted.add(self.filtering.of(remote))
        source = Endpoint(self.public, mapping.port)
        return (_with(datagram, source, datagram.destination),)

    def _incoming(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        remote = datagram.source
        mapping = self._by_port.get(datagram.destination.port)
        if mapping is not None and self._lives(mapping, now):
            permitted = mapping.permitted
            if self.filtering.of(remote) in permitted:
                mapping.timeout = self.timeout
            if _ANY is self.filtering or self.filtering.of(remote) in permitted:
                inside = Endpoint(*mapping.inside)
                return (_with(datagram, datagram.source, inside),)
        self.refused += 1
        if self.spoils:
            key = (datagram.destination.port, (remote.host, remote.port))
            self._spoiled[key] = now + SPOILED_FOR
        return ()

    def rebind(self) -> None:
        """Forget everything; new mappings get ports never used before."""
        if self._for_tcp is not None and self._for_tcp is not self:
            self._for_tcp.rebind()
        self._mappings.clear()
        self._by_port.clear()
        self._spoiled.clear()
        if self.ports is PortChoice.PRESERVE:
            self.ports = PortChoice.SEQUENTIAL
        self._next_port += 1000

    def _lives(self, mapping: _Mapping, now: float) -> bool:
        return now - mapping.used_at <= mapping.timeout

    def _mapping_for(self, inside: _Address, remote: Endpoint, now: float) -> _Mapping:
        exact = (inside, _BOTH.of(remote))
        usual = (inside, self.mapping.of(remote))
        known = (self._mappings.get(exact), self._mappings.get(usual))
        living = (each for each in known if each and self._lives(each, now))
        mapping = next(living, None)
        address = (remote.host, remote.port)
        port = mapping.port if mapping else self._choose_port(inside[1], now)
        timeout = self.timeout
        if self._spoiled.get((port, address), 0.0) > now:
            mapping, usual, port = None, exact, self._choose_port(0, now)
            timeout = SPOILED_FOR  # until it is answered, as conntrack has it
        if mapping is None:
            mapping = self._mappings[usual] = _Mapping(inside, port, now, timeout)
            self._by_port[port] = mapping
        return mapping

    def _is_free(self, port: int, now: float) -> bool:
        mapping = self._by_port.get(port)
        return mapping is None or not self._lives(mapping, now)

    def _choose_port(self, inside_port: int, now: float) -> int:
        preserve = self.ports is PortChoice.PRESERVE and inside_port
        if preserve and self._is_free(inside_port, now):
            return inside_port
        for _ in range(_MOST_TRIES):
            if self.ports is PortChoice.RANDOM:
                port = self._rng.randrange(1024, 65536)
            elif self.ports is PortChoice.BLOCK:
                port = BLOCK_START + self._rng.randrange(BLOCK_LENGTH)
            else:
                skipping = self.ports is PortChoice.SKIPPING
                port = self._next_port
                self._next_port += self._rng.randint(1, 8) if skipping else 1
            if self._is_free(port, now):
                return port
        # The subscriber's ports are used up: the oldest mapping goes.
        oldest = min(self._by_port.values(), key=lambda each: each.used_at)
        return oldest.port


@dataclass(slots=True)
class Firewall:
    """Translates nothing; lets in only what answers a datagram from inside."""

    timeout: float = 120.0
    refused: int = 0
    _flows: dict[tuple[bool, _Address, _Address], float] = field(default_factory=dict)

    def outgoing(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Permit the way back."""
        is_tcp = datagram.segment is not None
        flow = (is_tcp, *_flow(datagram.source, datagram.destination))
        self._flows[flow] = now
        return (datagram,)

    def incoming(self, datagram: Datagram, now: float) -> Sequence[Datagram]:
        """Let answers pass."""
        is_tcp = datagram.segment is not None
        flow = (is_tcp, *_flow(datagram.destination, datagram.source))
        used_at = self._flows.get(flow)
        timeout = TCP_TIMEOUT if is_tcp else self.timeout
        if used_at is None or now - used_at > timeout:
            self.refused += 1
            return ()
        return (datagram,)

    def rebind(self) -> None:
        """Forget every flow."""
        self._flows.clear()


def _with(datagram: Datagram, source: Endpoint, destination: Endpoint) -> Datagram:
    """Return the same under other addresses."""
    return Datagram(datagram.data, source, destination, datagram.ttl, datagram.segment)


def _flow(inside: Endpoint, outside: Endpoint) -> tuple[_Address, _Address]:
    return (inside.host, inside.port), (outside.host, outside.port)


_KINDS = {
    "full_cone": (_ANY, _ANY, PortChoice.PRESERVE),
    "address_restricted": (_ANY, _HOST, PortChoice.PRESERVE),
    "port_restricted": (_ANY, _BOTH, PortChoice.PRESERVE),
    "port_restricted_renumbering": (_ANY, _BOTH, PortChoice.RANDOM),
    "symmetric_address": (_HOST, _BOTH, PortChoice.RANDOM),
    "symmetric_sequential": (_BOTH, _BOTH, PortChoice.SEQUENTIAL),
    "symmetric_random": (_BOTH, _BOTH, PortChoice.RANDOM),
    "symmetric_skipping": (_BOTH, _BOTH, PortChoice.SKIPPING),
    "symmetric_block": (_BOTH, _BOTH, PortChoice.BLOCK),
}
KINDS = ("none", "firewall", *_KINDS)
"""Every kind that `nat` knows."""


def nat(
    kind: str, public: str, *, hairpin: bool = False, spoils: bool = False
) -> Nat | Firewall | None:
    """Middlebox of a kind at address `public`; None for "none"."""
    if kind == "none":
        return None
    if kind == "firewall":
        return Firewall()
    mapping, filtering, ports = _KINDS[kind]
    return Nat(
        public,
        mapping,
        filtering,
        ports,
        hairpin=hairpin,
        spoils=spoils,
        seed=len(kind),
    )


def is_address_preserving(kind: str) -> bool:
    """Whether hosts behind it keep their own addresses."""
    return kind in {"none", "firewall"}


def can_open(left: str, right: str) -> bool:
    """Whether simultaneous opening alone joins two kinds (no prediction, no luck).

    A mapping that differs per remote end shows the peer another port than the server
    saw, which only a filter that does not look at ports lets in.
    """
    for one, other in ((left, right), (right, left)):
        symmetric = one.startswith("symmetric")
        looks_at_ports = other not in {"none", "full_cone", "address_restricted"}
        if symmetric and looks_at_ports:
            return False
    return True
