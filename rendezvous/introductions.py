"""Bringing two clients together: CALL, RING, AGREE, PUNCH, HANGUP.

An unknown ID, a client that is offline and a call that is not let through get the same
answer after the same delay, so that trying numbers tells nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from p2p_remote.wire.rendezvous import Call, Called, Punch, Ring, Unavailable, mask
from rendezvous.addresses import Address, endpoint_bytes
from rendezvous.authentication import authenticated
from rendezvous.call_gate import CallGate
from rendezvous.counters import Counters
from rendezvous.registry import Registration, Registry
from rendezvous.rejoins import Rejoins, join
from rendezvous.relay import Channel, Relay, Side
from rendezvous.settings import Settings
from rendezvous.timers import Timers

UNAVAILABLE_DELAY = 0.15  # s; longer than any difference in finding out
REFUSAL_MEMORY = 10.0  # s for which a repeated CALL gets the same answer again
REPEAT_AFTER = (0.25, 0.5, 1.0, 2.0)  # s between repeats of RING and PUNCH
RING_LAST_WAIT = 1.25  # s after the last RING until the callee counts as offline
MAX_REFUSALS = 65_536

CallKey = tuple[bytes, int]  # caller's public key, call number


@dataclass(slots=True)
class Introduction:
    """A call that has found its callee."""

    key: CallKey
    transaction: bytes
    target_id: int
    first_message: bytes
    channel: Channel
    rung: bool = False


@dataclass(slots=True)
class _Refusal:
    """A call that has not: the same answer for whatever reason."""

    transaction: bytes
    call: int
    retry_after: int
    registration: Registration
    is_answered: bool = False


class Introductions:
    """All calls under way."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        random: Callable[[int], bytes],
        send: Callable[[bytes, Address], None],
        counters: Counters,
    ) -> None:
        """`send(data, address)` puts a datagram out."""
        self.relay = Relay(settings, random, self._on_channel_closed, counters)
        self.rejoins = Rejoins(registry, self.relay, send)
        self._counters = counters
        self._registry = registry
        self._random = random
        self._send = send
        self._timers = Timers()
        self._by_call: dict[CallKey, Introduction] = {}
        self._by_channel: dict[int, Introduction] = {}
        self._refusals: dict[CallKey, _Refusal] = {}
        self._gate = CallGate(settings.limits, registry, self.relay, random)
        self.limits = self._gate.limits

    def __len__(self) -> int:
        """Number of calls that something is remembered of."""
        return len(self._by_call) + len(self._refusals)

    def handle_timer(self, now: float) -> None:
        """Repeat, answer and close what is due."""
        self._timers.run(now)
        self.relay.close_idle(now)

    def next_due(self) -> float | None:
        """When `handle_timer` has something to do."""
        due = (self._timers.next_due(), self.relay.next_due())
        return min((when for when in due if when is not None), default=None)

    def calls(self) -> list[tuple[Channel, int]]:
        """All calls that have found their callee: channel and number of the call."""
        return [(each.channel, each.key[1]) for each in self._by_channel.values()]

    def take_over(
        self, channel: Channel, call: int, now: float, *, agreed: bool
    ) -> None:
        """Go on with a call of the process before; it has rung there."""
        key = (channel.caller.public, call)
        if key in self._by_call or not self.relay.take_over(channel, now):
            return
        for side in (channel.caller, channel.callee):
            registration = self._registry.find(side.registration)
            if registration is not None:
                join(registration, channel.number)
        introduction = Introduction(key, bytes(8), 0, b"", channel, rung=True)
        self._by_call[key] = self._by_channel[channel.number] = introduction
        if agreed:
            self.relay.agree(channel, now)

    # What clients ask for. The caller of these has checked MAC and address.

    def call(self, message: Call, caller: Registration, now: float) -> None:
        """Ring at the target, or refuse; a repeated CALL changes nothing."""
        key = (caller.public, message.call)
        known = self._by_call.get(key)
        if known is not None:
            self._send_called(known, caller.address)
            return
        refusal = self._refusals.get(key)
        if refusal is not None:
            if refusal.is_answered:
                self._send_unavailable(refusal)
            return
        retry_after = self._gate.retry_after(caller, now)
        if retry_after:
            self._refuse(message, caller, retry_after, now)
        else:
            self._connect(message, caller, now)

    def rung(self, number: int, callee: Registration) -> None:
        """RING has arrived."""
        introduction = self._by_channel.get(number)
        if introduction and introduction.channel.callee.public == callee.public:
            introduction.rung = True

    def agree(self, number: int, callee: Registration, now: float) -> None:
        """The callee lets the caller know its address: tell both at once."""
        channel = self.relay.get(number)
        if channel is None or channel.callee.public != callee.public:
            return
        if channel.agreed:
            self._send_punch(channel, channel.callee, now)
            return
        self._by_channel[number].rung = True
        self.relay.agree(channel, now)
        for side in (channel.caller, channel.callee):
            self._punch(channel, side, now)

    def punched(
        self, number: int, registration: Registration, transaction: bytes
    ) -> None:
        """PUNCH has arrived: the newest one, and not one that told less."""
        channel = self.relay.get(number)
        side = channel.side_of(registration.public) if channel else None
        if side is not None and transaction == side.punch:
            side.punched = True

    def hang_up(self, number: int, registration: Registration) -> None:
        """One of the two has had enough."""
        channel = self.relay.get(number)
        if channel is not None and channel.side_of(registration.public) is not None:
            self.relay.close(channel)

    def moved(self, old: int, registration: Registration, now: float) -> None:
        """Let the channels of registration number `old` follow to `registration`.

        Where both may know each other's address the other side is told the new one.
        """
        for number in registration.channels or ():
            channel = self.relay.get(number)
            side = channel.side_of(registration.public) if channel else None
            if channel and side is not None and side.registration == old:
                is_new = side.address != registration.address
                side.registration = registration.number
                side.address = registration.address
                if is_new:
                    self._punch_again(channel, channel.other(side), now)

    # Refusing.

    def _connect(self, message: Call, caller: Registration, now: float) -> None:
        """Ring at the target if it is here, or refuse."""
        callee = self._gate.callee(message.target_id, caller.public, now)
        if callee is None:
            self._refuse(message, caller, 0, now)
        else:
            self._introduce(message, caller, callee, now)

    def _refuse(
        self,
        message: Call,
        caller: Registration,
        retry_after: int,
        now: float,
        asked_at: float | None = None,
    ) -> None:
        """Let UNAVAILABLE go out at its time after the CALL of `asked_at` (or now)."""
        self._counters.calls_refused += 1
        if len(self._refusals) >= MAX_REFUSALS:
            return
        if not self._gate.may_refuse(caller, now):
            return
        key = (caller.public, message.call)
        refusal = _Refusal(message.transaction, message.call, retry_after, caller)
        self._refusals[key] = refusal
        when = (now if asked_at is None else asked_at) + UNAVAILABLE_DELAY
        self._timers.at(when, partial(self._answer, refusal))
        self._timers.at(now + REFUSAL_MEMORY, partial(self._forget, key))

    def _answer(self, refusal: _Refusal, now: float) -> None:
        refusal.is_answered = True
        self._send_unavailable(refusal)

    def _forget(self, key: CallKey, now: float) -> None:
        self._refusals.pop(key, None)

    def _send_unavailable(self, refusal: _Refusal) -> None:
        self._send(
            Unavailable(
                refusal.transaction, refusal.call, refusal.retry_after
            ).encode(),
            refusal.registration.address,
        )

    # Introducing.

    def _introduce(
        self, message: Call, caller: Registration, callee: Registration, now: float
    ) -> None:
        introduction = self._open(
            message,
            Side(caller.public, caller.number, caller.address),
            Side(callee.public, callee.number, callee.address),
            now,
        )
        self._ring(introduction, self._random(8), 0, now)
        self._send_called(introduction, caller.address)

    def _open(
        self, message: Call, caller: Side, callee: Side, now: float
    ) -> Introduction:
        """Open the channel of a call."""
        self._counters.calls_introduced += 1
        channel = self.relay.open(caller, callee, now)
        for side in (caller, callee):
            registration = self._registry.find(side.registration)
            if registration is not None:
                join(registration, channel.number)
        introduction = Introduction(
            (caller.public, message.call),
            message.transaction,
            message.target_id,
            message.first_message,
            channel,
        )
        self._by_call[introduction.key] = introduction
        self._by_channel[channel.number] = introduction
        return introduction

    def _send_called(self, introduction: Introduction, address: Address) -> None:
        _, call = introduction.key
        number = introduction.channel.number
        self._send(Called(introduction.transaction, call, number).encode(), address)

    def _ring(
        self, introduction: Introduction, transaction: bytes, tries: int, now: float
    ) -> None:
        """Send RING for the `tries`-th time, counted from 0."""
        channel = introduction.channel
        if self._is_over(channel) or introduction.rung or channel.heard_callee:
            return
        if tries > len(REPEAT_AFTER):
            self._give_up(introduction, now)
            return
        callee = self._registry.called(introduction.target_id, now)
        if callee is not None and callee.public == channel.callee.public:
            # It may have registered anew since, from another address.
            channel.callee.registration = callee.number
            channel.callee.address = callee.address
            join(callee, channel.number)
            ring = Ring(transaction, channel.number, introduction.first_message)
            self._send(authenticated(ring, callee.mac_key), callee.address)
        wait = REPEAT_AFTER[tries] if tries < len(REPEAT_AFTER) else RING_LAST_WAIT
        self._timers.at(
            now + wait, partial(self._ring, introduction, transaction, tries + 1)
        )

    def _give_up(self, introduction: Introduction, now: float) -> None:
        """Nobody has answered RING: the callee is offline after all."""
        caller = self._registry.get(introduction.channel.caller.registration, now)
        self.relay.close(introduction.channel)
        if caller is None:
            return
        _, call = introduction.key
        refusal = _Refusal(introduction.transaction, call, 0, caller, is_answered=True)
        self._refusals[introduction.key] = refusal
        self._timers.at(now + REFUSAL_MEMORY, partial(self._forget, introduction.key))
        self._send_unavailable(refusal)

    def _punch_again(self, channel: Channel, side: Side, now: float) -> None:
        """Tell `side` where the other one is now, if it may know."""
        if channel.agreed:
            self._punch(channel, side, now)

    def _punch(self, channel: Channel, side: Side, now: float) -> None:
        """Send PUNCH to `side` until it acknowledges this one."""
        side.punch = self._random(8)
        side.punched = False
        self._repeat_punch(channel, side, (side.punch, 0), now)

    def _repeat_punch(
        self, channel: Channel, side: Side, count: tuple[bytes, int], now: float
    ) -> None:
        """Send PUNCH again; `count`: its transaction, and how often it was sent."""
        transaction, tries = count
        if self._is_over(channel) or side.punched or transaction != side.punch:
            return
        self._send_punch(channel, side, now)
        if tries == len(REPEAT_AFTER):
            side.punched = True
        else:
            self._timers.at(
                now + REPEAT_AFTER[tries],
                partial(self._repeat_punch, channel, side, (transaction, tries + 1)),
            )

    def _send_punch(self, channel: Channel, side: Side, now: float) -> None:
        registration = self._registry.get(side.registration, now)
        if registration is None:
            return
        side.punch = side.punch or self._random(8)  # none, if it was taken over
        seen = endpoint_bytes(channel.other(side).address)
        punch = Punch(side.punch, channel.number, mask(seen, side.punch))
        self._send(authenticated(punch, registration.mac_key), side.address)

    def _is_over(self, channel: Channel) -> bool:
        return self.relay.get(channel.number) is not channel

    def _on_channel_closed(self, channel: Channel) -> None:
        introduction = self._by_channel.pop(channel.number, None)
        if introduction is not None:
            del self._by_call[introduction.key]
        self.rejoins.on_closed(channel)
        for side in (channel.caller, channel.callee):
            registration = self._registry.find(side.registration)
            if registration is not None and registration.channels is not None:
                registration.channels.discard(channel.number)
