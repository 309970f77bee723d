"""Calls whose two ends are registered at different nodes.

Each node keeps a channel of its own for its own side and talks to nobody else's
clients: CALL, CALLED and PUNCH stay between a client and its node, so the proofs of
address hold as they are. The caller's node asks the store where the ID is and invites
that node; the callee's node rings. Relayed datagrams pass both nodes, and both limit
them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import count

from p2p_remote.wire.rendezvous import Call
from rendezvous.addresses import Address, endpoint_bytes, prefix_of
from rendezvous.counters import Counters
from rendezvous.fleet import Fleet, Location, LookupWanted, Tell, elsewhere
from rendezvous.fleet_messages import (
    Accepted,
    Agreed,
    Ended,
    FleetMessage,
    Invite,
    Meeting,
    Moved,
)
from rendezvous.fleet_rejoins import FleetRejoins
from rendezvous.introductions import CallKey, Introduction, Introductions
from rendezvous.registry import Registration, Registry
from rendezvous.relay import Channel, RemoteEnd, Side
from rendezvous.settings import Settings

ANSWER_WAIT = 1.0  # s for the store, and then for the other node


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call whose target is being looked up or invited."""

    message: Call
    caller: Registration
    at: float


class FleetIntroductions(Introductions):
    """All calls under way at one node of a fleet."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        random: Callable[[int], bytes],
        send: Callable[[bytes, Address], None],
        counters: Counters,
        fleet: Fleet,
    ) -> None:
        """As `Introductions`, as a node of `fleet`."""
        super().__init__(settings, registry, random, send, counters)
        self._fleet = fleet
        self._tokens = FleetRejoins(registry, self.relay, send, fleet)
        self.rejoins = self._tokens
        self._tickets = count()
        self._lookups: dict[int, _Asked] = {}
        self._asked: dict[CallKey, _Asked] = {}
        self._handlers: dict[type[FleetMessage], Callable[..., None]] = {
            Invite: self._on_invite,
            Accepted: self._on_accepted,
            Ended: self._on_ended,
            Agreed: self._on_agreed,
            Moved: self._on_moved,
        }

    def __len__(self) -> int:
        """Number of calls that something is remembered of."""
        return super().__len__() + len(self._asked)

    # The caller's node.

    def _connect(self, message: Call, caller: Registration, now: float) -> None:
        key = (caller.public, message.call)
        if key in self._asked:
            return
        asked = _Asked(message, caller, now)
        ticket = next(self._tickets)
        self._asked[key] = self._lookups[ticket] = asked
        self._fleet.ask(LookupWanted(ticket, message.target_id))
        self._timers.at(now + ANSWER_WAIT, partial(self._lookup_failed, ticket))

    def _lookup_failed(self, ticket: int, now: float) -> None:
        """The store does not answer: whoever is at this node can still be called."""
        if ticket in self._lookups:
            self._here(self._lookups.pop(ticket), now)

    def looked_up(self, ticket: int, location: Location | None, now: float) -> None:
        """The store has answered; None if nobody is registered by the ID."""
        asked = self._lookups.pop(ticket, None)
        if asked is None:
            return
        if location is None or location.node == self._fleet.node:
            self._here(asked, now)
        elif location.public == asked.caller.public or self.relay.is_full:
            self._refuse_late(asked, now)
        else:
            self._invite(asked, location, now)

    def _here(self, asked: _Asked, now: float) -> None:
        message, caller = asked.message, asked.caller
        callee = self._gate.callee(message.target_id, caller.public, now)
        if callee is None:
            self._refuse_late(asked, now)
        else:
            self._asked.pop((caller.public, message.call), None)
            self._introduce(message, caller, callee, now)

    def _refuse_late(self, asked: _Asked, now: float) -> None:
        self._asked.pop((asked.caller.public, asked.message.call), None)
        self._refuse(asked.message, asked.caller, 0, now, asked.at)

    def _invite(self, asked: _Asked, location: Location, now: float) -> None:
        message, caller = asked.message, asked.caller
        remote = RemoteEnd(location.node, b"", 0)
        introduction = self._open(
            message,
            Side(caller.public, caller.number, caller.address),
            Side(location.public, 0, Address(b""), remote=remote),
            now,
        )
        invite = Invite(
            self._fleet.node,
            introduction.channel.number,
            self._fleet.link,
            caller.public,
            endpoint_bytes(caller.address),
            location.public,
            message.target_id,
            message.call,
            message.first_message,
        )
        self._fleet.ask(Tell(location.node, invite.encode()))
        self._timers.at(
            now + ANSWER_WAIT, partial(self._not_accepted, introduction.channel)
        )

    def _not_accepted(self, channel: Channel, now: float) -> None:
        remote = channel.callee.remote
        if not self._is_over(channel) and remote is not None and not remote.number:
            self._fail(channel, now)

    def _fail(self, channel: Channel, now: float) -> None:
        """An invitation came to nothing: answer as for anybody who is offline."""
        asked = self._asked.pop(self._by_channel[channel.number].key)
        self.relay.close(channel)
        self._refuse(asked.message, asked.caller, 0, now, asked.at)

    def _send_called(self, introduction: Introduction, address: Address) -> None:
        if introduction.key not in self._asked:
            super()._send_called(introduction, address)

    def _on_accepted(self, message: Accepted, channel: Channel, now: float) -> None:
        remote = channel.callee.remote
        if remote is None or remote.number or channel.number not in self._by_channel:
            return
        remote.number, remote.link = message.own_channel, message.link
        introduction = self._by_channel[channel.number]
        asked = self._asked.pop(introduction.key)
        self._send_called(introduction, asked.caller.address)

    def _on_agreed(self, message: Agreed, channel: Channel, now: float) -> None:
        remote = channel.callee.remote
        if remote is None or not remote.number or channel.agreed:
            return
        channel.callee.address = elsewhere(message.address)
        self.relay.agree(channel, now)
        self._punch(channel, channel.caller, now)

    # The callee's node.

    def _on_invite(self, message: Invite, now: float) -> None:
        callee = None
        prefix = prefix_of(elsewhere(message.address))
        # The same key may call here as well, under the same number.
        key = (message.caller, message.call)
        is_new = key not in self._by_call and key not in self._asked
        if is_new and self.relay.has_room(prefix):
            callee = self._gate.callee(message.target_id, message.caller, now)
        if callee is None or callee.public != message.callee:
            ended = Ended(self._fleet.node, message.own_channel, unanswered=True)
            self._fleet.ask(Tell(message.node, ended.encode()))
            return
        remote = RemoteEnd(message.node, message.link, message.own_channel)
        call = Call(
            bytes(8), 0, 0, message.call, message.target_id, message.first_message
        )
        introduction = self._open(
            call,
            Side(message.caller, 0, elsewhere(message.address), remote=remote),
            Side(callee.public, callee.number, callee.address),
            now,
        )
        self._ring(introduction, self._random(8), 0, now)
        accepted = Accepted(
            self._fleet.node,
            message.own_channel,
            introduction.channel.number,
            self._fleet.link,
        )
        self._fleet.ask(Tell(message.node, accepted.encode()))

    def agree(self, number: int, callee: Registration, now: float) -> None:
        """The callee lets the caller know its address: also at another node."""
        super().agree(number, callee, now)
        channel = self.relay.get(number)
        if channel is None or not channel.agreed:
            return
        remote = channel.caller.remote
        if remote is not None and channel.callee.public == callee.public:
            seen = endpoint_bytes(channel.callee.address)
            agreed = Agreed(self._fleet.node, remote.number, seen)
            self._fleet.ask(Tell(remote.node, agreed.encode()))

    # Both.

    def met(self, token: bytes, shown: Iterable[Location], now: float) -> None:
        """The store has answered: where this token is shown."""
        self._tokens.met(token, shown, now)

    def receive(self, message: FleetMessage, now: float) -> None:
        """Take a message of another node."""
        if isinstance(message, Invite):
            self._on_invite(message, now)
            return
        if isinstance(message, Meeting):
            self._tokens.on_meeting(message, now)
            return
        channel = self.relay.get(message.channel)
        remote = _remote_of(channel)
        if channel is not None and remote is not None and remote.node == message.node:
            self._handlers[type(message)](message, channel, now)
        elif isinstance(message, Accepted):  # the caller has hung up meanwhile
            ended = Ended(self._fleet.node, message.own_channel, unanswered=True)
            self._fleet.ask(Tell(message.node, ended.encode()))

    def moved(self, old: int, registration: Registration, now: float) -> None:
        """Let the channels follow, and tell the nodes of the other sides."""
        super().moved(old, registration, now)
        seen = endpoint_bytes(registration.address)
        for number in registration.channels or ():
            remote = _remote_of(self.relay.get(number))
            if remote is not None and remote.number:
                message = Moved(self._fleet.node, remote.number, seen)
                self._fleet.ask(Tell(remote.node, message.encode()))

    def _on_moved(self, message: Moved, channel: Channel, now: float) -> None:
        for side in (channel.caller, channel.callee):
            if side.remote is not None:
                side.address = elsewhere(message.address)
                self._punch_again(channel, channel.other(side), now)

    def _on_ended(self, message: Ended, channel: Channel, now: float) -> None:
        introduction = self._by_channel.get(channel.number)
        if introduction is not None and introduction.key in self._asked:
            self._fail(channel, now)
            return
        for side in (channel.caller, channel.callee):
            side.remote = None  # it knows
        if introduction is not None and message.unanswered:
            self._give_up(introduction, now)
        else:
            self.relay.close(channel)

    def _on_channel_closed(self, channel: Channel) -> None:
        introduction = self._by_channel.get(channel.number)
        remote = _remote_of(channel)
        rung = introduction is None or introduction.rung or channel.heard_callee
        if introduction is not None:
            self._asked.pop(introduction.key, None)
        if remote is not None and remote.number:
            ended = Ended(self._fleet.node, remote.number, unanswered=not rung)
            self._fleet.ask(Tell(remote.node, ended.encode()))
        super()._on_channel_closed(channel)


def _remote_of(channel: Channel | None) -> RemoteEnd | None:
    """The end of a channel that is at another node."""
    if channel is None:
        return None
    return channel.caller.remote or channel.callee.remote
