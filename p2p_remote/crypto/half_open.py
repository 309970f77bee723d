"""Calls that a responder knows of, with bounds on how many and for how long."""

import ipaddress
from dataclasses import dataclass, field
from enum import Enum, auto

from p2p_remote.crypto.cpace import CPace
from p2p_remote.crypto.handshake_keys import AcceptKeys, OuterKeys
from p2p_remote.wire import handshake as wire
from p2p_remote.wire.address import Endpoint, Path


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a responder. Times in seconds."""

    half_open: int = 64  # calls between M1 and M3
    half_open_time: float = 15.0
    per_network: int = 4  # begun within that time from a /24 (IPv4) or /64 (IPv6)
    cookies_above: int = 16  # half-open calls above which a cookie is demanded
    forgeries: int = 8  # M3 with a wrong outer seal, per call
    attempts: int = 3  # wrong passwords ...
    attempts_time: float = 600.0  # ... within this time
    calls: int = 16  # calls past M3, ringing or answered
    silence: float = 12.0  # no M3 again for so long: a ringing caller is gone
    answer_kept: float = 180.0  # how long M4 or M5 is sent again when M3 comes again


class Stage(Enum):
    """How far a call has come."""

    HALF_OPEN = auto()  # M2 has gone out
    RINGING = auto()  # M3 holds; the caller of the machine has to decide
    ANSWERED = auto()  # released or refused; the reply, if any, is kept


def network_of(path: Path) -> str | None:
    """Network that a direct path belongs to: /24 of IPv4, /64 of IPv6."""
    if not isinstance(path, Endpoint):
        return None
    address = ipaddress.ip_address(path.host)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return address.packed[:8].hex()
        address = address.ipv4_mapped
    return address.packed[:3].hex()


@dataclass(frozen=True, slots=True)
class CallSecrets:
    """What the responder drew for one call."""

    ephemeral: bytes = field(repr=False)  # X25519 secret
    opening: bytes = field(repr=False)
    cpace: CPace = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """A caller whose signature holds, and the keys to accept it with."""

    caller: wire.CallerIdentity
    accept: AcceptKeys = field(repr=False)


@dataclass(slots=True)
class Call:
    """One call at the responder. `reply` is M4 or M5, for every further M3."""

    handle: int
    path: Path
    request: wire.CallRequest
    answer: wire.CallAnswer
    began: float
    expires: float
    secrets: CallSecrets | None = field(repr=False)
    password_set: bool
    stage: Stage = Stage.HALF_OPEN
    forgeries: int = 0
    proof: bytes = b""
    reply: bytes = b""
    outer: OuterKeys | None = field(default=None, repr=False)
    verified: Verified | None = None
    network: str | None = field(init=False)

    def __post_init__(self) -> None:
        """Note the network that the call began in."""
        self.network = network_of(self.path)

    @property
    def echo(self) -> bytes:
        """What M3 repeats."""
        return self.answer.nonce[: wire.ECHO_LENGTH]

    @property
    def accepted(self) -> bool:
        """Whether M4 has gone out."""
        return self.reply[:1] == bytes([wire.ACCEPTANCE])

    def forget_secrets(self) -> None:
        """Drop what only a pending call needs (Python cannot wipe bytes)."""
        self.secrets = self.outer = self.verified = None


class CallTable:
    """All calls of a responder, found by either nonce or by handle."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_handle: dict[int, Call] = {}
        self._by_nonce: dict[bytes, Call] = {}  # initiator's nonce
        self._by_echo: dict[bytes, Call] = {}  # beginning of the responder's nonce

    def __len__(self) -> int:
        return len(self._by_handle)

    @property
    def half_open(self) -> int:
        """Number of half-open calls."""
        calls = self._by_handle.values()
        return sum(call.stage is Stage.HALF_OPEN for call in calls)

    def by_nonce(self, nonce: bytes) -> Call | None:
        """Call of the initiator that drew this nonce."""
        return self._by_nonce.get(nonce)

    def by_echo(self, echo: bytes) -> Call | None:
        """Call that an M3 belongs to."""
        return self._by_echo.get(echo)

    def by_handle(self, handle: int) -> Call | None:
        """Call that the caller of the machine speaks of."""
        return self._by_handle.get(handle)

    def has_room(self, path: Path, now: float) -> bool:
        """Whether one more half-open call on `path` is within the limits."""
        if self.half_open >= self._limits.half_open:
            return False
        network = network_of(path)
        if network is None:
            return True
        since = now - self._limits.half_open_time
        begun = sum(
            call.network == network and call.began > since
            for call in self._by_handle.values()
        )
        return begun < self._limits.per_network

    def add(self, call: Call) -> None:
        """Take in a half-open call."""
        self._by_handle[call.handle] = call
        self._by_nonce[call.request.nonce] = call
        self._by_echo[call.echo] = call

    def remove(self, call: Call) -> None:
        """Forget a call."""
        call.forget_secrets()
        del self._by_handle[call.handle]
        del self._by_nonce[call.request.nonce]
        del self._by_echo[call.echo]

    def make_room_for_ringing(self) -> bool:
        """Forget an answered call if need be; False if too many are ringing.

        Refused calls go first, so that a flood of them does not cost an accepted one
        the M4 that may have to be sent again.
        """
        past = [c for c in self._by_handle.values() if c.stage is not Stage.HALF_OPEN]
        if len(past) < self._limits.calls:
            return True
        answered = [call for call in past if call.stage is Stage.ANSWERED]
        if not answered:
            return False
        self.remove(min(answered, key=lambda call: (call.accepted, call.expires)))
        return True

    def expire(self, now: float) -> list[Call]:
        """Forget the calls whose time is over and return them."""
        over = [call for call in self._by_handle.values() if now >= call.expires]
        for call in over:
            self.remove(call)
        return over

    def next_expiry(self) -> float | None:
        """When the first call's time is over."""
        return min((call.expires for call in self._by_handle.values()), default=None)
