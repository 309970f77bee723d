"""What two nodes send while nothing happens."""

import pytest

from p2p_remote.session import events as ev
from p2p_remote.wire.address import Path
from tests.scenarios.world import World
from tests.support.nat import Nat


def test_an_idle_session_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keepalives stand for most checks of a direct path, and the rest go together."""
    world = World(customer_nat=Nat("192.0.2.1"), technician_nat=Nat("192.0.2.2"))
    world.call()
    world.approve("control")
    world.network.run_for(60.0)
    node, sent = world.customer.node, []
    drain = node.datagrams_to_send

    def note(now: float) -> list[tuple[bytes, Path]]:
        datagrams = drain(now)
        sent.extend(datagrams)
        return datagrams

    monkeypatch.setattr(node, "datagrams_to_send", note)
    world.network.run_for(600.0)
    assert 300 < len(sent) < 480
    assert world.customer.session.path_kind == "direct"
    assert len(world.customer.all_of(ev.PathChanged)) == 1
