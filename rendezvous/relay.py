"""The blind relay: datagrams between the two proven addresses of a channel.

A relayed datagram is 0x30, the channel number and bytes that only the two peers can
read; it leaves as it came. Until the callee has agreed a channel carries no more than a
handshake needs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from p2p_remote.wire.constants import MAX_ANY_DATAGRAM
from p2p_remote.wire.first_byte import NO_CHANNEL
from rendezvous.addresses import Address, prefix_of
from rendezvous.counters import Counters, Drop
from rendezvous.holdings import Holdings
from rendezvous.rate_limit import TokenBucket
from rendezvous.settings import Settings
from rendezvous.timers import ExpiryWheel

HEADER_LENGTH = 5  # 0x30, channel u32 little endian
IDLE_CLOSE = 30.0  # s without a datagram
# Without one from one of the two: its address may be somebody else's by now. A session
# waits 600 s for an end that has no network.
ONE_SIDED_CLOSE = 660.0  # s
MAX_CHANNELS = 65_536
MAX_OF_PREFIX = 1_024  # channels that were opened from an IPv4 address or IPv6 /64
MAX_OF_SITE = 4_096  # or from a /48

# A handshake and what waits with it for the customer's answer: 64 datagrams and 64 KB
# at once, then enough for keepalives while a person makes up their mind.
HANDSHAKE_DATAGRAMS = 64
HANDSHAKE_BYTES = 64_000
HANDSHAKE_DATAGRAMS_PER_SECOND = 1.0
HANDSHAKE_BYTES_PER_SECOND = 1_000.0


@dataclass(slots=True)
class RemoteEnd:
    """A side's channel at another node of the fleet."""

    node: bytes
    """Name of the node."""

    link: bytes
    """Packed endpoint where the node takes relayed datagrams from other nodes."""

    number: int
    """Number of the channel there; 0 while it is not known."""


@dataclass(slots=True)
class Side:
    """One end of a channel."""

    public: bytes
    registration: int
    address: Address
    punch: bytes = b""
    """Transaction of the PUNCH that tells this side where the other one is now."""
    punched: bool = False
    """Whether this side has acknowledged that PUNCH, or it is repeated no more."""
    remote: RemoteEnd | None = None
    """Where the side is, if it is registered at another node."""


class Channel:
    """A relay channel between a caller and a callee."""

    __slots__ = (
        "_bytes",
        "_datagrams",
        "agreed",
        "callee",
        "callee_heard_at",
        "caller",
        "caller_heard_at",
        "heard_callee",
        "last_used",
        "number",
        "opened_at",
        "opener",
    )

    def __init__(self, number: int, caller: Side, callee: Side, now: float) -> None:
        self.number = number
        self.caller = caller
        self.callee = callee
        self.agreed = False
        self.heard_callee = False
        self.opened_at = self.last_used = now
        self.caller_heard_at = self.callee_heard_at = now
        # Of one side at another node no address is known at first.
        self.opener = prefix_of(caller.address or callee.address)
        self.limit_to_handshake(now)

    def limit_to_handshake(self, now: float) -> None:
        """Give the channel the allowance of a handshake."""
        self._datagrams: TokenBucket | None = TokenBucket(
            HANDSHAKE_DATAGRAMS_PER_SECOND, HANDSHAKE_DATAGRAMS, now
        )
        self._bytes = TokenBucket(HANDSHAKE_BYTES_PER_SECOND, HANDSHAKE_BYTES, now)

    def open_fully(self, rate: float, burst: float, now: float) -> None:
        """Give the channel the allowance of a session: bytes per second and burst."""
        self._datagrams = None
        self._bytes = TokenBucket(rate, burst, now)

    def spend(self, size: int, now: float) -> bool:
        """Count one datagram of `size` bytes; False if it is beyond the allowance."""
        if self._bytes.available(now) < size:
            return False
        if self._datagrams is not None:
            if self._datagrams.available(now) < 1:
                return False
            self._datagrams.take(1)
        self._bytes.take(size)
        return True

    def end(self) -> float:
        """When the channel is closed if nothing more comes (s)."""
        heard = min(self.caller_heard_at, self.callee_heard_at)
        return min(self.last_used + IDLE_CLOSE, heard + ONE_SIDED_CLOSE)

    def side_of(self, public: bytes) -> Side | None:
        """The end that belongs to this key."""
        if self.caller.public == public:
            return self.caller
        return self.callee if self.callee.public == public else None

    def is_used_from(self, address: Address) -> bool:
        """Whether one of the two ends is at this address."""
        return address in (self.caller.address, self.callee.address)

    def other(self, side: Side) -> Side:
        """The end opposite to `side`."""
        return self.callee if side is self.caller else self.caller


class Relay:
    """All channels."""

    def __init__(
        self,
        settings: Settings,
        random: Callable[[int], bytes],
        on_close: Callable[[Channel], None],
        counters: Counters,
        limit: int = MAX_CHANNELS,
    ) -> None:
        """`on_close(channel)` is told of every channel that has ended."""
        self._settings = settings
        self._random = random
        self._on_close = on_close
        self._counters = counters
        self._limit = limit
        self._channels: dict[int, Channel] = {}
        self._held = Holdings(MAX_OF_PREFIX, MAX_OF_SITE)
        self._expiry: ExpiryWheel[Channel] = ExpiryWheel()

    def __len__(self) -> int:
        return len(self._channels)

    @property
    def is_full(self) -> bool:
        """Whether no other channel is opened."""
        return len(self._channels) >= self._limit

    def has_room(self, prefix: bytes) -> bool:
        """Whether one more channel is opened for somebody at this prefix."""
        return not self.is_full and self._held.has_room(prefix)

    def get(self, number: int) -> Channel | None:
        """Channel of this number."""
        return self._channels.get(number)

    def open(self, caller: Side, callee: Side, now: float) -> Channel:
        """Open a channel under a random number."""
        number = 0
        while number == 0 or number in self._channels:
            number = int.from_bytes(self._random(4), "little")
        channel = Channel(number, caller, callee, now)
        self._take(channel, now)
        return channel

    def take_over(self, channel: Channel, now: float) -> bool:
        """Go on with a channel of the process before; False if it cannot be."""
        if self.is_full or channel.number in self._channels:
            return False
        self._take(channel, now)
        return True

    def _take(self, channel: Channel, now: float) -> None:
        self._channels[channel.number] = channel
        self._held.add(channel.opener)
        self._expiry.add(channel, now + IDLE_CLOSE)

    def agree(self, channel: Channel, now: float) -> None:
        """The callee lets the caller through."""
        channel.agreed = True
        if self._settings.relay:
            channel.open_fully(
                self._settings.relay_rate, self._settings.relay_burst, now
            )
        else:
            channel.limit_to_handshake(now)

    def forward(self, data: bytes, source: Address, now: float) -> Side | None:
        """Who the relayed datagram `data` goes to; None if it goes nowhere."""
        if not HEADER_LENGTH < len(data) <= HEADER_LENGTH + MAX_ANY_DATAGRAM:
            return self._drop(Drop.MALFORMED)
        channel = self._channels.get(int.from_bytes(data[1:HEADER_LENGTH], "little"))
        if channel is None:
            return self._drop(Drop.UNKNOWN_CHANNEL)
        if source == channel.caller.address:
            target = channel.callee
            channel.caller_heard_at = now
        elif source == channel.callee.address:
            target = channel.caller
            channel.callee_heard_at = now
            channel.heard_callee = True
        else:
            return self._drop(Drop.NOT_ON_CHANNEL)
        return self._spend(channel, target, len(data), now)

    def arrive(self, number: int, size: int, now: float) -> Side | None:
        """Who `size` bytes from another node go to; None if they go nowhere."""
        channel = self._channels.get(number)
        if channel is None:
            return self._drop(Drop.UNKNOWN_CHANNEL)
        if channel.callee.remote is not None:
            channel.callee_heard_at = now
            channel.heard_callee = True
            return self._spend(channel, channel.caller, size, now)
        if channel.caller.remote is not None:
            channel.caller_heard_at = now
            return self._spend(channel, channel.callee, size, now)
        return self._drop(Drop.NOT_ON_CHANNEL)

    def _spend(
        self, channel: Channel, target: Side, size: int, now: float
    ) -> Side | None:
        if not channel.spend(size, now):
            return self._drop(Drop.RELAY_LIMIT)
        channel.last_used = now
        self._counters.relayed_datagrams += 1
        self._counters.relayed_bytes += size
        return target

    def _drop(self, why: Drop) -> Side | None:
        self._counters.dropped[why] += 1
        return None

    def denial(self, data: bytes, source: Address) -> bytes | None:
        """Hint that `source` has no part in the channel of `data`, or None.

        It is shorter than any relayed datagram, and does not tell whether the channel
        exists. A client that the server knows anew, or at another address, need not
        wait for silence to notice that nothing of what it sends arrives.
        """
        channel = self._channels.get(int.from_bytes(data[1:HEADER_LENGTH], "little"))
        if len(data) <= HEADER_LENGTH:
            return None
        if channel is not None and channel.is_used_from(source):
            return None
        return bytes((NO_CHANNEL,)) + data[1:HEADER_LENGTH]

    def close(self, channel: Channel) -> None:
        """End a channel."""
        if self._channels.get(channel.number) is channel:
            del self._channels[channel.number]
            self._held.remove(channel.opener)
            self._on_close(channel)

    def close_idle(self, now: float) -> None:
        """End the channels that nobody has used for a while."""
        for channel in self._expiry.due(now):
            if self._channels.get(channel.number) is not channel:
                continue
            end = channel.end()
            if end <= now:
                self.close(channel)
            else:
                self._expiry.add(channel, end)

    def next_due(self) -> float | None:
        """When `close_idle` has something to look at."""
        return self._expiry.next_due()
