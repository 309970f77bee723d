"""REJOIN: a new relay channel for two who already have a session.

Both show the same token, which follows from their handshake. The server compares tokens
and understands nothing of them. One that waits is forgotten after a few seconds; its
owner asks again for as long as it needs the channel.
"""

from collections.abc import Callable
from dataclasses import dataclass

from p2p_remote.wire.rendezvous import Rejoin, Rejoined, mask
from rendezvous.addresses import Address, endpoint_bytes, prefix_of
from rendezvous.authentication import authenticated
from rendezvous.registry import Registration, Registry
from rendezvous.relay import Channel, Relay, Side

WAITING = 15.0  # s that a token is remembered after it was shown last
MAX_WAITING = 65_536
MAX_CHANNELS_OF_ONE = 16  # of one client


@dataclass(slots=True)
class _Waiting:
    """Who has shown a token first, and when it was last shown."""

    registration: Registration
    transaction: bytes
    shown_at: float


class Rejoins:
    """All tokens that were shown lately."""

    def __init__(
        self,
        registry: Registry,
        relay: Relay,
        send: Callable[[bytes, Address], None],
    ) -> None:
        """`send(data, address)` puts a datagram out."""
        self._registry = registry
        self._relay = relay
        self._send = send
        self._waiting: dict[bytes, _Waiting] = {}
        self._channels: dict[bytes, Channel] = {}
        self._tokens: dict[int, bytes] = {}  # by channel number

    def __len__(self) -> int:
        return len(self._waiting) + len(self._channels)

    def rejoin(self, message: Rejoin, asker: Registration, now: float) -> None:
        """Join the two who show a token, or remember the first."""
        channel = self._channels.get(message.token)
        if channel is not None and self._relay.get(channel.number) is channel:
            side = channel.side_of(asker.public)
            if side is not None:
                side.registration, side.address = asker.number, asker.address
                side.remote = None
                join(asker, channel.number)
                self._tell(channel, side, message.transaction, asker)
            return
        first = self._waiting_for(message.token, asker.public, now)
        if first is None:
            self._remember(message, asker, now)
        else:
            self._join_here(message, first, asker, now)

    def _waiting_for(
        self, token: bytes, public: bytes, now: float
    ) -> Registration | None:
        """Who else than this key has shown the token lately."""
        waiting = self._waiting.get(token)
        if waiting is None or now >= waiting.shown_at + WAITING:
            return None
        if waiting.registration.public == public:
            return None
        return self._registry.get(waiting.registration.number, now)

    def _remember(self, message: Rejoin, asker: Registration, now: float) -> None:
        # The order of the table is that of the last showing: the oldest come first.
        self._waiting.pop(message.token, None)
        self._forget_old(now)
        if len(self._waiting) < MAX_WAITING:
            self._waiting[message.token] = _Waiting(asker, message.transaction, now)

    def _forget_old(self, now: float) -> None:
        while self._waiting:
            token = next(iter(self._waiting))
            if now < self._waiting[token].shown_at + WAITING:
                break
            del self._waiting[token]

    def _join_here(
        self, message: Rejoin, first: Registration, second: Registration, now: float
    ) -> None:
        transaction = self._waiting.pop(message.token).transaction
        if any(map(is_busy, (first, second))):
            return
        sides = [
            Side(each.public, each.number, each.address) for each in (first, second)
        ]
        channel = self._open(message.token, sides[0], sides[1], now)
        if channel is None:
            return
        asked = (transaction, message.transaction)
        for each, side, own in zip((first, second), sides, asked, strict=True):
            join(each, channel.number)
            self._tell(channel, side, own, each)

    def _open(
        self, token: bytes, caller: Side, callee: Side, now: float
    ) -> Channel | None:
        """Open the channel of a token."""
        if not self._relay.has_room(prefix_of(caller.address or callee.address)):
            return None
        channel = self._relay.open(caller, callee, now)
        self._relay.agree(channel, now)
        self._channels[token] = channel
        self._tokens[channel.number] = token
        return channel

    def _tell(
        self, channel: Channel, side: Side, transaction: bytes, to: Registration
    ) -> None:
        seen = endpoint_bytes(channel.other(side).address)
        told = Rejoined(transaction, channel.number, mask(seen, transaction))
        self._send(authenticated(told, to.mac_key), to.address)

    def on_closed(self, channel: Channel) -> None:
        """A channel has ended; its token may open another one."""
        token = self._tokens.pop(channel.number, None)
        if token is not None:
            del self._channels[token]


def is_busy(registration: Registration) -> bool:
    """Whether a client takes part in as many channels as one may."""
    return len(registration.channels or ()) >= MAX_CHANNELS_OF_ONE


def join(registration: Registration, channel: int) -> None:
    """Note that a client takes part in a channel."""
    if registration.channels is None:
        registration.channels = set()
    registration.channels.add(channel)
