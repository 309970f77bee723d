"""Sessions that lose their network, their server or their address, in virtual time."""

import pytest

from p2p_remote.session import events as ev
from p2p_remote.session.roles import State
from p2p_remote.wire import input as wire_input
from tests.scenarios.world import World
from tests.support import breaks

RELAYED = ("symrandom", "symrandom")
DIRECT = ("portrest", "eim")


def in_session(kinds: tuple[str, str], seed: int = 1) -> World:
    """A session that has run for a while; its path is the one these kinds allow."""
    world = World(seed, technician_nat=kinds[0], customer_nat=kinds[1])
    world.call()
    world.approve("control")
    world.network.run_for(10.0)
    expected = "direct" if kinds == DIRECT else "relay"
    assert world.customer.session.path_kind == expected
    return world


def type_text(world: World, text: str) -> None:
    """Let the technician type."""
    world.technician_session().send_input(
        wire_input.TextInput(0, text), world.network.now
    )


def typed(world: World) -> list[str]:
    """What has arrived at the customer's side."""
    return [each.message.text for each in world.customer.all_of(ev.InputArrived)]


def seconds_until(world: World, text: str, limit: float = 30.0) -> float:
    """Seconds from now until a text arrives."""
    began = world.network.now
    world.network.run_for(limit, lambda: text not in typed(world))
    assert typed(world)[-1] == text
    return world.network.now - began


def cut(world: World, *, down: bool) -> None:
    """Take the technician's network away, or give it back."""
    lines = (
        world.technician.socket.host.up,
        world.technician.socket.host.down,
        world.technician.socket.host.site.up,
        world.technician.socket.host.site.down,
    )
    for line in lines:
        line.down = down


@pytest.mark.parametrize("absent", [1.0, 3.0, 20.0, 60.0])
@pytest.mark.parametrize("kinds", [("portrest", "noudp"), ("symaddr", "tcp443")])
def test_by_tcp_without_any_network(kinds, absent):
    """Connections that stand still are given up: TCP itself would wait ever longer."""
    world = World(3, technician_nat=kinds[0], customer_nat=kinds[1])
    world.call()
    world.approve("control")
    world.network.run_for(10.0)
    breaks.cut(world.customer, down=True)
    world.network.run_for(absent / 2)
    type_text(world, "a")
    world.network.run_for(absent / 2)
    breaks.cut(world.customer, down=False)
    type_text(world, "b")
    assert seconds_until(world, "b") <= 2.5
    assert typed(world) == ["a", "b"]


@pytest.mark.parametrize("kinds", [RELAYED, DIRECT])
@pytest.mark.parametrize("absent", [1.0, 8.0, 60.0, 125.0, 590.0])
def test_without_any_network(kinds, absent):
    """It goes on 0.8 s after the network is back, without a new approval."""
    world = in_session(kinds)
    type_text(world, "before")
    world.network.run_for(1.0)
    cut(world, down=True)
    world.network.run_for(absent)
    assert world.customer.session.state is State.ACTIVE
    cut(world, down=False)
    type_text(world, "after")
    assert seconds_until(world, "after") <= 0.8
    assert typed(world) == ["before", "after"]
    expected = "direct" if kinds == DIRECT else "relay"
    sessions = world.technician.session, world.customer.session
    world.network.run_for(
        90.0, lambda: any(session.path_kind != expected for session in sessions)
    )
    world.network.run_for(5.0)
    assert [session.path_kind for session in sessions] == [expected, expected]
    assert len(world.customer.all_of(ev.SessionApproved)) <= 1


@pytest.mark.parametrize("kinds", [RELAYED, DIRECT])
@pytest.mark.parametrize("absent", [0.5, 5.0, 40.0, 100.0])
def test_server_restart(kinds, absent):
    """A server that has forgotten everything joins the two again."""
    world = in_session(kinds)
    world.stop_server()
    world.network.run_for(absent)
    world.start_server()
    type_text(world, "after")
    assert seconds_until(world, "after") <= (1.2 if kinds == RELAYED else 0.8)
    world.network.run_for(60.0)
    for person in (world.technician, world.customer):
        assert person.session.state is State.ACTIVE
        assert not person.session.wants_relay


def test_a_relay_that_is_gone_is_replaced_while_the_path_is_direct():
    """After a restart of the server a direct session has a relay to fall back to."""
    world = in_session(DIRECT)
    world.stop_server()
    world.network.run_for(70.0)
    assert world.customer.session.path_kind == "direct"
    world.start_server()
    world.network.run_for(40.0)
    agents = [world.customer.session._agent, world.technician.session._agent]
    assert not any(agent.lacks_relay for agent in agents)


@pytest.mark.parametrize("kinds", [RELAYED, DIRECT])
def test_the_router_restarts(kinds):
    """New ports at the router are noticed by the first character that stays out."""
    world = in_session(kinds)
    site = world.technician.socket.host.site
    site.middlebox.rebind()
    type_text(world, "after")
    assert seconds_until(world, "after") <= 0.8
    world.network.run_for(20.0)
    expected = "direct" if kinds == DIRECT else "relay"
    assert world.technician.session.path_kind == expected


@pytest.mark.parametrize(("absent", "is_carried_out"), [(60.0, True), (120.0, False)])
def test_what_was_typed_before_a_long_silence_is_void(absent, is_carried_out):
    """After 90 s nobody expects it any more; what is typed afterwards counts again."""
    world = in_session(DIRECT)
    network, customer = world.network, world.customer
    cut(world, down=True)
    type_text(world, "before")
    network.run_for(absent)
    cut(world, down=False)
    network.run_for(3.0)
    type_text(world, "after")
    network.run_for(1.0)
    grants = customer.session.grants
    valid = [
        each.message.text
        for each in customer.all_of(ev.InputArrived)
        if each.message.serial == grants.serial_of("control")
    ]
    assert valid == (["before", "after"] if is_carried_out else ["after"])
    assert grants.allowed("control", network.now)


def test_the_time_box_ends_while_the_network_is_away():
    """An absence does not stretch what the customer has agreed to."""
    world = World(technician_nat="portrest", customer_nat="portrest")
    world.call()
    session = world.customer_session()
    session.approve(["view"], (640, 480), world.network.now, seconds=60)
    world.network.run_for(10.0)
    cut(world, down=True)
    world.network.run_for(60.0)
    (ended,) = world.customer.all_of(ev.SessionEnded)
    assert ended.reason == "expired"


def test_a_request_of_somebody_who_has_gone_is_forgotten():
    """Before the approval silence ends everything after half a minute."""
    world = World(technician_nat="portrest", customer_nat="portrest")
    world.call()
    cut(world, down=True)
    world.network.run_for(45.0)
    (ended,) = world.customer.all_of(ev.SessionEnded)
    assert ended.reason == "connection_lost"
