"""REJOIN between clients of different nodes.

Every node tells the store who shows a token at it, and is told who else does, where. It
opens a channel of its own and tells the other node about its client by MEETING; the
other node answers with the same about its own. So each has one channel for a token, and
whatever comes last about the other end of it holds: a client may have gone to another
node, because its own has died.
"""

from collections.abc import Callable, Iterable

from p2p_remote.wire.rendezvous import Rejoin
from rendezvous.addresses import Address, endpoint_bytes
from rendezvous.fleet import Fleet, Location, Tell, TokenShown, elsewhere
from rendezvous.fleet_messages import Meeting
from rendezvous.registry import Registration, Registry
from rendezvous.rejoins import Rejoins, is_busy, join
from rendezvous.relay import Channel, Relay, RemoteEnd, Side


class FleetRejoins(Rejoins):
    """All tokens that were shown lately at one node of a fleet."""

    def __init__(
        self,
        registry: Registry,
        relay: Relay,
        send: Callable[[bytes, Address], None],
        fleet: Fleet,
    ) -> None:
        """As `Rejoins`, as a node of `fleet`."""
        super().__init__(registry, relay, send)
        self._fleet = fleet

    def rejoin(self, message: Rejoin, asker: Registration, now: float) -> None:
        """Join the two who show a token, wherever the other one is."""
        super().rejoin(message, asker, now)
        # Also if there is a channel: who asks again has found that it leads nowhere.
        self._fleet.ask(TokenShown(message.token, asker.public))

    def met(self, token: bytes, shown: Iterable[Location], now: float) -> None:
        """The store tells who has shown a token."""
        for each in shown:
            if each.node == self._fleet.node:
                continue
            channel = self._channel_to(token, each, now)
            if channel is not None:
                self._tell_node(token, channel, each, 0)

    def on_meeting(self, message: Meeting, now: float) -> None:
        """Another node tells where one of the two is."""
        there = Location(message.node, message.public)
        channel = self._channel_to(message.token, there, now)
        side = channel.side_of(message.public) if channel is not None else None
        if channel is None or side is None:
            return
        side.remote = RemoteEnd(message.node, message.link, message.own_channel)
        side.registration, side.address = 0, elsewhere(message.address)
        if not message.channel:
            self._tell_node(message.token, channel, there, message.own_channel)
        waiting = self._waiting.get(message.token)
        own = channel.other(side)
        if waiting is not None and waiting.registration.public == own.public:
            del self._waiting[message.token]
            self._tell(channel, own, waiting.transaction, waiting.registration)

    def _channel_to(self, token: bytes, there: Location, now: float) -> Channel | None:
        """Channel between a client of ours and one that is elsewhere."""
        channel = self._channels.get(token)
        if channel is not None:
            side = channel.side_of(there.public)
            known = side is not None and channel.other(side).remote is None
            return channel if known else None
        own = self._waiting_for(token, there.public, now)
        if own is None or is_busy(own):
            return None
        remote = RemoteEnd(there.node, b"", 0)
        channel = self._open(
            token,
            Side(there.public, 0, Address(b""), remote=remote),
            Side(own.public, own.number, own.address),
            now,
        )
        if channel is not None:
            join(own, channel.number)
        return channel

    def _tell_node(
        self, token: bytes, channel: Channel, there: Location, number: int
    ) -> None:
        """Tell another node about our side of a channel."""
        side = channel.side_of(there.public)
        if side is None:
            return
        own = channel.other(side)
        meeting = Meeting(
            self._fleet.node,
            number,
            channel.number,
            self._fleet.link,
            token,
            own.public,
            endpoint_bytes(own.address),
        )
        self._fleet.ask(Tell(there.node, meeting.encode()))

    def _tell(
        self, channel: Channel, side: Side, transaction: bytes, to: Registration
    ) -> None:
        remote = channel.other(side).remote
        if remote is None or remote.number:
            super()._tell(channel, side, transaction, to)
        # Else the other node has not answered yet; the client is told then.
