"""What happens when a path breaks in mid session."""

from itertools import groupby

import pytest

from p2p_remote.traversal.agent_events import PathLost, PathSelected
from p2p_remote.wire.address import Endpoint
from tests.support.agents import Laboratory, Side
from tests.support.paths import Paths, way

RESTRICTED = "port_restricted"
FORGIVING = "address_restricted"


def connected(kind: str = RESTRICTED) -> Laboratory:
    lab = Laboratory(kind, kind)
    lab.introduce()
    lab.run_until_both("direct", 6)
    lab.run(1)
    return lab


def ends(lab: Laboratory, first: str) -> tuple[Side, Side]:
    sides = (lab.left, lab.right)
    return sides if first == "left" else sides[::-1]


def suspect(*sides: Side) -> None:
    for side in sides:
        side.agent.suspect(side.socket.host.site.network.now)


@pytest.mark.parametrize("rebinder", ["left", "right"])
def test_rebind_while_data_flows(rebinder):
    """A NAT restarts: direct again by a peer-reflexive address within 250 ms."""
    lab = connected(FORGIVING)
    side, other = ends(lab, rebinder)
    side.middlebox.rebind()
    lab.run(0.4)
    suspect(side, other)
    assert {lab.left.kind, lab.right.kind} == {"relay"}
    assert lab.run_until_both("direct", 1) <= 0.25
    assert other.agent.selected == Endpoint(side.middlebox.public, 21_000)


@pytest.mark.parametrize("rebinder", ["left", "right"])
def test_rebind_while_idle(rebinder):
    """The next checks find the new address; nothing has to be sent for it."""
    lab = connected(FORGIVING)
    side, other = ends(lab, rebinder)
    side.middlebox.rebind()
    lab.run(12)
    assert lab.left.kind == lab.right.kind == "direct"
    assert other.agent.selected == Endpoint(side.middlebox.public, 21_000)
    assert "relay" not in side.selections() + other.selections()


@pytest.mark.parametrize("rebinder", ["left", "right"])
def test_a_packet_from_a_new_address_is_enough(rebinder):
    """The transport hears the peer elsewhere: checked at once, used after it."""
    lab = connected(FORGIVING)
    side, other = ends(lab, rebinder)
    side.middlebox.rebind()
    side.socket.send(b"\xc0 sealed packet", side.agent.selected)
    lab.run(0.1)
    new = Endpoint(side.middlebox.public, 21_000)
    other.agent.path_heard(new, lab.network.now)
    lab.run(0.5)
    assert other.agent.selected == new
    assert lab.left.kind == lab.right.kind == "direct"


@pytest.mark.parametrize("rebinder", ["left", "right"])
def test_rebind_between_strict_nats_needs_the_server(rebinder):
    """No packet passes until the server tells the new address; then it is quick."""
    lab = connected(RESTRICTED)
    side, other = ends(lab, rebinder)
    side.middlebox.rebind()
    lab.run(0.4)
    suspect(side, other)
    lab.run(5)
    assert {lab.left.kind, lab.right.kind} == {"relay"}
    lab.introduce()
    assert lab.run_until_both("direct", 1) <= 0.3


def test_roaming_to_another_network():
    """A laptop changes networks: new addresses are told, direct again."""
    lab = connected(FORGIVING)
    new_home = lab.network.site("192.0.2.99")
    new_home.move(lab.right.host, "192.0.2.99")
    suspect(lab.left, lab.right)
    lab.run(0.2)
    lab.introduce()
    lab.run_until_both("direct", 2)
    assert lab.left.agent.selected == Endpoint("192.0.2.99", 4000)


@pytest.mark.parametrize("active", [True, False])
def test_lost_relay_direct_again(active):
    """The direct path is cut and comes back: relay meanwhile, upgrade after it."""
    lab = connected()
    lab.cut_direct()
    if active:
        lab.run(0.4)
        suspect(lab.left, lab.right)
        assert {lab.left.kind, lab.right.kind} == {"relay"}
    else:
        lab.run(12)
        assert {lab.left.kind, lab.right.kind} == {"relay"}
    lab.run(20)
    assert {lab.left.kind, lab.right.kind} == {"relay"}
    lab.cut_direct(cut=False)
    lab.run_until_both("direct", 61)
    for side in (lab.left, lab.right):
        kinds = [kind for kind in side.selections() if kind != "lost"]
        told = [kind for kind, _ in groupby(kinds)]  # and why it is the relay
        assert told == ["direct", "relay", "direct"]


def test_punch_upgrades_at_once():
    """The server says that now is the time: no waiting for the next minute."""
    lab = connected()
    lab.cut_direct()
    lab.run(12)
    lab.cut_direct(cut=False)
    lab.punch()
    assert lab.run_until_both("direct", 1) <= 0.3


def test_one_end_asks_and_both_check():
    """A round of one end makes the other begin, through the relay."""
    lab = connected()
    lab.cut_direct()
    lab.run(22)
    lab.cut_direct(cut=False)
    suspect(lab.left)
    assert lab.run_until_both("direct", 1) <= 0.3


def test_a_false_alarm_costs_a_round_trip():
    """The path was fine: back on it after one check."""
    lab = connected()
    suspect(lab.left)
    assert [type(event) for event in lab.left.events] == [PathSelected]
    assert lab.left.kind == "relay"
    assert lab.run_until_both("direct", 1) <= 0.15
    assert lab.left.selections() == ["direct", "lost", "relay", "direct"]


def test_suspecting_again_and_again_is_harmless():
    """A transport that calls every 10 ms for a minute does not cause a flood."""
    lab = connected()
    lab.cut_direct()
    before = len(lab.left.node.sent)
    for _ in range(6000):
        suspect(lab.left)
        lab.run(0.01)
    assert len(lab.left.node.sent) - before < 600
    assert lab.left.selections() == ["direct", "lost", "relay"]


def test_without_a_relay_a_suspected_path_stays_until_it_has_failed():
    """There is nothing else to use meanwhile."""
    only = way("192.0.2.2", "198.51.100.1", 0.02)
    paths = Paths(only)
    for agent, path in ((paths.left, only.to_right), (paths.right, only.to_left)):
        agent.start_on(path, paths.now)
    paths.run(5)
    only.down = True
    paths.left.suspect(paths.now)
    paths.run(3.9)
    assert paths.left.selected == only.to_right
    paths.run(0.5)
    assert paths.left.selected is None
    assert paths.events[paths.left] == [PathLost(only.to_right)]
    only.down = False
    paths.run(6)
    assert paths.left.selected == only.to_right
    assert paths.right.selected == only.to_left


def test_a_dead_relay_is_given_up_and_found_again():
    """The server restarts: nothing works for a while, then the relay again."""
    lab = Laboratory("symmetric_random", "symmetric_random")
    lab.introduce()
    lab.run(5.5)
    assert lab.left.selections() == ["relay"]  # the reason for it
    lab.left.events.clear()
    lab.right.events.clear()
    for line in lab.lines():
        line.down = True
    lab.run(45)
    assert lab.left.agent.selected is lab.right.agent.selected is None
    assert lab.left.selections() == ["lost"]
    for line in lab.lines():
        line.down = False
    lab.run_until_both("relay", 6)


def test_idle_for_an_hour():
    """The NAT forgets after two minutes; checks every 5 s keep its mapping."""
    lab = connected()
    before = len(lab.left.node.sent)
    lab.run(3600)
    assert lab.left.selections() == ["direct"]
    # Checks and responses: direct 2 x 720, relay 2 x 200.
    assert len(lab.left.node.sent) - before == pytest.approx(1840, rel=0.1)


def datagrams(side: Side) -> list[tuple[bytes, object]]:
    """What the session sends on the path in use."""
    return [(b"\xc0 sealed packet", side.agent.selected)]


def test_what_is_overdue_goes_by_the_relay_too_until_a_check_is_answered():
    """The path that works stays selected and is copied for a round trip only."""
    lab = connected()
    agent = lab.left.agent
    assert agent.copies(datagrams(lab.left)) == []
    agent.overdue(lab.network.now)
    ((data, path),) = agent.copies(datagrams(lab.left))
    assert (data, path) == (datagrams(lab.left)[0][0], agent.backup)
    assert agent.copies([(b"a check", path)]) == []
    lab.run(0.2)
    assert agent.copies(datagrams(lab.left)) == []
    lab.run(5)
    assert "lost" not in lab.left.selections() + lab.right.selections()


def test_what_is_overdue_on_a_dead_path_moves_to_the_relay():
    """The check is overdue 0.2 s later, and the relay carries the session."""
    lab = connected()
    lab.cut_direct()
    lab.left.agent.overdue(lab.network.now)
    lab.run(0.5)
    assert lab.left.kind == lab.right.kind == "relay"
    assert lab.left.agent.backup is None
    lab.run(3)
    lab.cut_direct(cut=False)
    lab.run_until_both("direct", 10)


def test_the_peer_copies_too_when_it_hears_the_relay():
    """It need not miss anything by itself; right after a change it does not."""
    lab = connected()
    agent = lab.right.agent
    relay = agent._relay.path
    lab.run(1)
    agent.path_heard(relay, lab.network.now)
    assert agent.backup == relay
    lab.run(0.5)
    assert agent.backup is None


def test_a_peer_heard_from_elsewhere_is_answered_by_the_relay_too():
    """It has moved, perhaps: what goes to where it was may not arrive."""
    lab = connected()
    agent = lab.right.agent
    lab.run(1)
    elsewhere = Endpoint("192.0.2.99", 4321)
    agent.path_heard(elsewhere, lab.network.now)
    assert agent.backup is None  # nobody has answered a check there yet
    agent._check_list.get(elsewhere).assume_answered(lab.network.now)
    agent.path_heard(elsewhere, lab.network.now)
    assert agent.backup == agent._relay.path
    lab.run(0.5)
    assert agent.backup is None
    assert lab.right.kind == "direct"


def test_right_after_a_change_the_relay_is_no_sign():
    """What was sent before the change still comes by the relay."""
    lab = Laboratory(RESTRICTED, RESTRICTED)
    lab.introduce()
    lab.run_until_both("direct", 6)
    agent = lab.right.agent
    agent.path_heard(agent._relay.path, lab.network.now)
    assert agent.backup is None
