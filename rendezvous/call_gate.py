"""Who may call now, and who may be rung now."""

from collections import Counter
from collections.abc import Callable
from math import ceil

from rendezvous.addresses import prefix_of
from rendezvous.rate_limit import Limits, PrefixLimit, RateLimit, site_of
from rendezvous.registry import Registration, Registry
from rendezvous.rejoins import is_busy
from rendezvous.relay import Channel, Relay

CHANNELS_RETRY_AFTER = 30  # s; told to a caller that has too many channels open


class CallGate:
    """The limits of calls, and room for those who do not go on."""

    def __init__(
        self,
        limits: Limits,
        registry: Registry,
        relay: Relay,
        random: Callable[[int], bytes],
    ) -> None:
        self._registry = registry
        self._relay = relay
        self._calls_of_key = RateLimit(limits.call, random(32))
        self._calls_of_prefix = PrefixLimit(limits.call, random(32))
        self._refusals_of_prefix = PrefixLimit(limits.refusal, random(32))
        self._rings_of_key = RateLimit(limits.ring, random(32))
        self.limits: dict[str, RateLimit] = {
            "call_of_key": self._calls_of_key,
            "call_of_prefix": self._calls_of_prefix,
            "unavailable": self._refusals_of_prefix,
            "ring": self._rings_of_key,
        }

    def may_refuse(self, caller: Registration, now: float) -> bool:
        """Whether a caller who is refused is told so; it is counted."""
        return self._refusals_of_prefix.allow(prefix_of(caller.address), now)

    def retry_after(self, caller: Registration, now: float) -> int:
        """Seconds a caller has to wait, 0 if the call may go on; it is counted."""
        prefix = prefix_of(caller.address)
        if self._is_busy(caller) or not self._relay.has_room(prefix):
            return CHANNELS_RETRY_AFTER
        # Nothing is counted that is not allowed: a key's place in the table may be
        # another key's as well, and an address may have as many keys as it likes.
        if self._calls_of_prefix.has_room(prefix, now) and self._calls_of_key.allow(
            caller.public, now
        ):
            self._calls_of_prefix.take(prefix, now)
            return 0
        wait = max(
            self._calls_of_key.wait(caller.public, now),
            self._calls_of_prefix.wait(prefix, now),
        )
        return max(1, ceil(wait))

    def callee(self, target_id: int, caller: bytes, now: float) -> Registration | None:
        """Who is called by this ID and may be rung now by the key `caller`."""
        callee = self._registry.called(target_id, now)
        if callee is None or callee.public == caller or self._relay.is_full:
            return None
        spare = self._spare_channel(callee) if self._is_busy(callee) else None
        if is_busy(callee) and spare is None:
            return None
        if not self._rings_of_key.allow(callee.public, now):
            return None
        if spare is not None:
            self._relay.close(spare)
        return callee

    def _is_busy(self, registration: Registration) -> bool:
        """Whether a client takes part in as many channels as one may."""
        if is_busy(registration) and registration.channels is not None:
            # Another registration of the same key may have taken some over.
            registration.channels.intersection_update(
                [each for each in registration.channels if self._relay.get(each)]
            )
        return is_busy(registration)

    def _spare_channel(self, callee: Registration) -> Channel | None:
        """Channel of a callee who has not agreed to it, to make room for another call.

        It is one of those who have most of them, so that nobody keeps others out by
        calls that he never goes on with; and among these the one that the callee has
        said nothing on for longest. A customer's node goes on speaking to a caller who
        waits for the answer, and to nobody else.
        """
        found = [
            channel
            for channel in map(self._relay.get, callee.channels or ())
            if channel is not None
            and not channel.agreed
            and channel.callee.public == callee.public
        ]
        callers = Counter(map(_site_of_caller, found))
        return min(
            found,
            key=lambda each: (-callers[_site_of_caller(each)], each.callee_heard_at),
            default=None,
        )


def _site_of_caller(channel: Channel) -> bytes:
    """The caller's IPv4 address or IPv6 /48: of that one gets many /64s for nothing."""
    prefix = prefix_of(channel.caller.address)
    return site_of(prefix) or prefix
