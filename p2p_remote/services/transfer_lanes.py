"""Finds a lane for a transfer: only beside a direct path, only where the peer is."""

import os
from collections.abc import Callable

from p2p_remote.net.bulk_lane import Lane, LaneDoor
from p2p_remote.net.interfaces import interface_addresses, is_usable
from p2p_remote.services.running_node import RunningNode
from p2p_remote.session import file_events as fe
from p2p_remote.session.session import Session
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.files import LANE_SECRET_BYTES, MAX_LANE_ADDRESSES


class LaneSearch:
    """Looks for the lane of one transfer, on both sides at once."""

    def __init__(
        self,
        session: Session,
        number: int,
        running: RunningNode,
        on_lane: Callable[[Lane], None],
    ) -> None:
        """`on_lane` is called on the loop for each lane that is found."""
        self._session = session
        self._number = number
        self._running = running
        self._door = LaneDoor(session.handshake.check_key, on_lane)
        self._dialled = False

    def start(self) -> bool:
        """Listen, and tell the other side where; relayed sessions have no lane.

        Returns whether there may be one.
        """
        if not isinstance(self._session.path, Endpoint):
            return False
        secret = os.urandom(LANE_SECRET_BYTES)
        is_ipv6 = ":" in self._session.path.host
        hosts = [
            each.host
            for each in interface_addresses()
            if is_usable(each) and each.is_ipv6 == is_ipv6
        ]
        endpoints = self._door.listen(secret, hosts[:MAX_LANE_ADDRESSES])
        if endpoints:
            now = self._running.clock()
            self._session.files.open_lane(self._number, secret, endpoints, now)
            self._running.poke()
        return True

    def dial(self, offer: fe.LaneOffered) -> None:
        """Connect, but only to where the session itself has proven the peer to be."""
        path = self._session.path
        if isinstance(path, Endpoint) and not self._dialled:
            self._dialled = True
            here = [each for each in offer.endpoints if each.host == path.host]
            self._door.dial(offer.secret, here)

    def close(self) -> None:
        """Stop looking."""
        self._door.close()
