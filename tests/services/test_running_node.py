"""What a running node makes of the events of its node."""

from types import SimpleNamespace
from typing import Any

import pytest

from p2p_remote.crypto.identity import Identity
from p2p_remote.services.running_node import NodeOptions, RunningNode
from p2p_remote.session.node_events import NodeRegistered
from p2p_remote.wire.address import Endpoint, ProxiedEndpoint, TlsEndpoint

HOST = "192.0.2.1"
IDENTITY = Identity(bytes(32), bytes(32), 0, 482_913_070)


@pytest.mark.parametrize(
    ("carrier", "times"),
    [
        (Endpoint(HOST, 3479), 1),
        (TlsEndpoint(HOST, 443), 1),
        (ProxiedEndpoint(HOST, 443), 0),
    ],
)
def test_a_registration_by_a_direct_way_makes_the_proxy_forgotten(
    carrier: Endpoint, times: int
) -> None:
    """One through the proxy does not; the event is passed on in any case."""
    running: Any = RunningNode(NodeOptions(IDENTITY))
    forgotten: list[bool] = []
    seen: list[NodeRegistered] = []
    running._driver = SimpleNamespace(forget_proxy=lambda: forgotten.append(True))
    running._report = seen.append
    event = NodeRegistered(Endpoint("198.51.100.1", 1), carrier)
    running._on_event(event)
    assert len(forgotten) == times
    assert seen == [event]
