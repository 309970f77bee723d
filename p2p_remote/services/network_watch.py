"""What changes under a running node: addresses, sleep and wake, the router's port."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from p2p_remote.net.address_changes import AddressChanges
from p2p_remote.net.interfaces import host_candidates
from p2p_remote.net.port_mapping import PortMapping
from p2p_remote.session.node import Node
from p2p_remote.traversal.candidate import (
    Candidate,
    CandidateKind,
    Scope,
    candidate,
    scope_of,
)
from p2p_remote.wire.address import Endpoint

INTERVAL = 4.0  # s between looks at the addresses where nobody tells
PATIENCE = 10.0  # s between looks at the clocks where somebody does
SLEPT = 5.0  # s that the wall clock gains on the loop's while the computer sleeps


class NetworkWatch:
    """Tells a node that its network is another one, and keeps a port mapped."""

    def __init__(
        self,
        node: Node,
        port: int,
        clock: Callable[[], float],
        poke: Callable[[], None],
    ) -> None:
        """`clock` is the one the node lives by; `poke` sends what has come about."""
        self._node = node
        self._port = port
        self._clock = clock
        self._poke = poke
        self._addresses = _endpoints(node.config.candidates)
        self._task: asyncio.Task[None] | None = None
        self.mapping: PortMapping | None = None
        server = node.config.server
        if server is not None and scope_of(server) is Scope.PUBLIC:
            self.mapping = PortMapping(port, self._on_mapped)

    def start(self) -> None:
        """Begin to look, on the running loop."""
        self._task = asyncio.create_task(self._run())
        if self.mapping is not None:
            self.mapping.start()

    async def close(self) -> None:
        """Stop, and give a mapped port back."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.mapping is not None:
            await self.mapping.close()

    async def _run(self) -> None:
        with contextlib.closing(AddressChanges()) as changes:
            self.look(slept=False)  # for what changed before we listened
            while True:
                ahead = time.time() - time.monotonic()
                changed = await changes.wait(INTERVAL, PATIENCE)
                slept = time.time() - time.monotonic() - ahead > SLEPT
                if changed or slept:
                    self.look(slept=slept)

    def look(self, *, slept: bool) -> None:
        """Compare with what was there before."""
        found = host_candidates(self._port)
        addresses = _endpoints(found)
        changed = addresses != self._addresses
        self._addresses = addresses
        now = self._clock()
        if changed:
            self._node.set_candidates(CandidateKind.HOST, found, now)
        if (changed and addresses) or slept:
            self._node.network_changed(now)
            self._poke()

    def _on_mapped(self, endpoint: Endpoint | None) -> None:
        found = [] if endpoint is None else [candidate(CandidateKind.MAPPED, endpoint)]
        self._node.set_candidates(CandidateKind.MAPPED, found, self._clock())
        self._poke()


def _endpoints(candidates: "tuple[Candidate, ...] | list[Candidate]") -> set[Endpoint]:
    return {each.endpoint for each in candidates}
