"""Who may hold a TCP connection, and for how long: pure, and bounded in every way.

A connection is *proven* once the server has acknowledged a signature or a MAC on it.
Others are given a few seconds; where there are too many of them the oldest makes room,
so that a flood of connections cannot keep those out who have something to say.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice

from rendezvous.addresses import Address, prefix_of
from rendezvous.holdings import Holdings
from rendezvous.rate_limit import PrefixLimit, Rate, RateLimit

PROOF_PATIENCE = 10.0  # s
IDLE_PATIENCE = 75.0  # s; a lease ends after 65


class Refusal(IntEnum):
    """Why a connection was not taken, or was ended by the server."""

    FULL = 0
    PREFIX_FULL = 1
    RATE = 2
    UNPROVEN = 3
    IDLE = 4
    SLOW = 5
    MALFORMED = 6
    HANDSHAKE = 7


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """Limits of one server."""

    connections: int = 16_384
    """In all; the number of open files that the system allows may be a lower one."""

    unproven: int = 4_096
    """Of these, before they have proved anything."""

    per_prefix: int = 512
    """Of one IPv4 address or IPv6 /64: an office behind one router."""

    per_site: int = 2_048
    """Of one IPv6 /48, which may be 65,536 /64s in one hand."""

    rate: Rate = field(default_factory=lambda: Rate(20.0, 200))
    """New ones per prefix."""

    handshakes: Rate = field(default_factory=lambda: Rate(300.0, 600))
    """Handshakes of TLS in all: each costs about 0.5 ms of one core, so a flood of
    them leaves most of it to everybody else."""

    prefix_handshakes: Rate = field(default_factory=lambda: Rate(2.0, 50))
    """Of these, per prefix: a few addresses cannot use up what there is for all."""


@dataclass(slots=True)
class TcpFigures:
    """What is counted."""

    accepted: int = 0
    open: int = 0
    tls: int = 0
    """Handshakes of TLS that were completed."""

    refused: list[int] = field(default_factory=lambda: [0] * len(Refusal))
    unsent: int = 0
    """Relayed datagrams that a slow reader had no room for."""


class Admission:
    """All connections with the times that they were opened or heard at."""

    def __init__(self, limits: TcpLimits, secret: bytes) -> None:
        """`secret` places prefixes in the table of the rate limit."""
        self.limits = limits
        self._rate = PrefixLimit(limits.rate, secret)
        self._handshakes = RateLimit(limits.handshakes, secret, slots=1)
        self._prefix_handshakes = PrefixLimit(limits.prefix_handshakes, secret)
        # Both in the order of their times: the first is the oldest.
        self._unproven: dict[Address, float] = {}
        self._proven: dict[Address, float] = {}
        self._held = Holdings(limits.per_prefix, limits.per_site)

    def __len__(self) -> int:
        return len(self._unproven) + len(self._proven)

    def __contains__(self, address: Address) -> bool:
        return address in self._unproven or address in self._proven

    def is_proven(self, address: Address) -> bool:
        """Whether a signature or a MAC was right."""
        return address in self._proven

    def refusal(self, address: Address, now: float) -> Refusal | None:
        """Why a new connection is not taken; None if it may be."""
        prefix = prefix_of(address)
        if not self._held.has_room(prefix):
            return Refusal.PREFIX_FULL
        if not self._rate.allow(prefix, now):
            return Refusal.RATE
        if address in self or len(self._proven) >= self.limits.connections:
            return Refusal.FULL
        return None

    def may_shake(self, address: Address, now: float) -> bool:
        """Whether there is time for one more handshake of TLS with this client."""
        # Its share comes first: what is beyond it must not count against the others.
        if not self._prefix_handshakes.allow(prefix_of(address), now):
            return False
        return self._handshakes.allow(b"", now)

    def surplus(self) -> list[Address]:
        """Oldest unproven connections that have to go before another one comes."""
        most = min(self.limits.unproven, self.limits.connections - len(self._proven))
        count = max(0, len(self._unproven) + 1 - most)
        return list(islice(self._unproven, count))

    def enter(self, address: Address, now: float) -> None:
        """Take a connection."""
        self._unproven[address] = now
        self._held.add(prefix_of(address))

    def prove(self, address: Address, now: float) -> None:
        """Note that a signature or a MAC was right."""
        if self._unproven.pop(address, None) is not None:
            self._proven[address] = now

    def heard(self, address: Address, now: float) -> None:
        """Note that something came; what is not proven is not kept by it."""
        if self._proven.pop(address, None) is not None:
            self._proven[address] = now

    def leave(self, address: Address) -> None:
        """Forget a connection."""
        if address not in self:
            return
        self._unproven.pop(address, None)
        self._proven.pop(address, None)
        self._held.remove(prefix_of(address))

    def overdue(self, now: float) -> list[tuple[Address, Refusal]]:
        """Connections whose time is over; the caller closes them."""
        found = []
        for known, patience, why in (
            (self._unproven, PROOF_PATIENCE, Refusal.UNPROVEN),
            (self._proven, IDLE_PATIENCE, Refusal.IDLE),
        ):
            for address, since in known.items():
                if since + patience > now:
                    break
                found.append((address, why))
        return found
