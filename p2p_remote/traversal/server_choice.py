"""A registration that goes to the next server when one does not answer.

A server's name may stand for several addresses, each a node of the same fleet: any of
them will do, and one of them may have died. Each is tried by all its ways.
"""

from collections.abc import Callable

from p2p_remote.crypto.identity import Identity
from p2p_remote.traversal.carriers import Carriers, ways_to
from p2p_remote.traversal.registration import UNREACHABLE_AFTER, Registration
from p2p_remote.wire.address import Endpoint


class ChoosingRegistration(Registration):
    """One registration, at one of several servers."""

    def __init__(
        self,
        identity: Identity,
        servers: tuple[Endpoint, ...],
        random: Callable[[int], bytes],
        now: float,
        *,
        listed: bool,
        proxied: bool = False,
    ) -> None:
        """Begin at the first of `servers`; else as `Registration`.

        `proxied`: there is a proxy, to be asked when no other way leads there.
        """
        carriers = Carriers(ways_to(each, proxied=proxied) for each in servers)
        super().__init__(
            identity, servers[0], random, now, listed=listed, carriers=carriers
        )
        self._servers = servers
        self._next_server_at: float | None = None

    def handle_timer(self, now: float) -> None:
        """Go to the next server after a lost lease, and on from one that is silent."""
        if self._lost_at is not None and now >= self._lost_at:
            super().handle_timer(now)
            self._next_server_at = now
        if self._next_server_at is not None and now >= self._next_server_at:
            self._next_server_at = None
            if self._lease is None:
                self._go_on(now)
        super().handle_timer(now)

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        due = (super().next_timer(), self._next_server_at)
        return min((when for when in due if when is not None), default=None)

    def refresh(self, now: float) -> None:
        """See at once where the server hears us; another one is tried before long."""
        if len(self._servers) > 1 and self._lost_at is not None:
            self._lost_at = min(self._lost_at, now + UNREACHABLE_AFTER)
        super().refresh(now)

    def close(self, now: float) -> None:
        """Tell the server that we leave; nothing happens after that."""
        super().close(now)
        self._next_server_at = None

    def _go_on(self, now: float) -> None:
        if len(self._servers) == 1:
            return
        place = self._servers.index(self.server) + 1
        self.server = self._servers[place % len(self._servers)]
        self._enrolment = self._enrolment_at(now)
        self._outbox.clear()
        self._next_server_at = now + UNREACHABLE_AFTER
