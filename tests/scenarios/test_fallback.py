"""Networks without UDP: another way to the server, and TCP between the peers."""

import pytest

from p2p_remote.session import node_events as nd
from p2p_remote.traversal import reasons
from p2p_remote.traversal.enrolment import FALLBACK_AFTER
from p2p_remote.traversal.mapping import Dependence
from p2p_remote.wire.address import Endpoint, TcpEndpoint
from tests.scenarios.world import World
from tests.support.where import SERVER

DELAYS = {"delay": 0.015, "server_delay": 0.0}
EVERY_PORT = range(65_536)
NO_PORT = range(0)


def world_of(technician, customer, **options):
    """Two nodes at places of these kinds."""
    return World(
        1, technician_nat=technician, customer_nat=customer, **DELAYS, **options
    )


def in_session(world):
    """Call and approve; both people."""
    world.call()
    world.approve("view")
    return world.technician, world.customer


def carrier_of(person):
    """The way to the server that a node uses."""
    return person.node._registration.carrier


@pytest.mark.parametrize(
    ("kind", "carrier"),
    [
        ("portrest", SERVER),
        ("udp443", Endpoint(SERVER.host, 443)),
        ("noudp", TcpEndpoint(SERVER.host, SERVER.port)),
        ("tcp443", TcpEndpoint(SERVER.host, 443)),
    ],
)
def test_every_network_finds_a_way_in_time(kind, carrier):
    """Registered and called within 400 ms of the start at 30 ms round trip."""
    world = world_of(kind, "none")
    began = world.network.now
    world.call(after=0.0)
    assert world.technician.session is not None
    assert world.network.now - began < 0.4
    assert carrier_of(world.technician) == carrier
    (registered,) = world.technician.all_of(nd.NodeRegistered)
    assert registered.carrier == carrier


def test_udp_is_preferred_when_it_is_only_slow():
    """A long round trip makes TCP answer too, and that changes nothing."""
    world = World(1, technician_nat="portrest", delay=0.2, server_delay=0.0)
    world.network.run_for(5.0)
    assert world.technician.socket.tcp.attempts > 0
    assert carrier_of(world.technician) == SERVER
    assert len(world.technician.all_of(nd.NodeRegistered)) == 1


@pytest.mark.parametrize(
    ("technician", "customer"),
    [
        ("none", "noudp"),
        ("portrest", "noudp"),
        ("noudp", "cgn"),
        ("noudp", "noudp"),
        ("udp443", "eim"),
        ("udp443", "noudp"),
    ],
)
def test_two_ends_meet_by_tcp(technician, customer):
    """Where one end has no UDP to the other, from both sides, after the approval."""
    people = in_session(world_of(technician, customer))
    for person in people:
        assert person.session.path_kind == "direct"
        assert isinstance(person.session.path, TcpEndpoint)


@pytest.mark.parametrize(
    ("technician", "customer", "whys"),
    [
        ("noudp", "symrandom", (reasons.OWN_BLOCKED, reasons.PEER_BLOCKED)),
        ("tcp443", "tcp443", (reasons.BOTH_BLOCKED,) * 2),
        ("tcp443", "udp443", (reasons.BOTH_BLOCKED,) * 2),
    ],
)
def test_where_they_cannot_the_relay_carries_on_and_says_why(
    technician, customer, whys
):
    """The reason names the side whose network lets no UDP through."""
    world = world_of(technician, customer)
    people = in_session(world)
    world.network.run_for(10.0)
    assert [person.session.path_kind for person in people] == ["relay"] * 2
    assert tuple(person.session.path_why for person in people) == whys


@pytest.mark.parametrize(
    ("kind", "dependence"),
    [
        ("portrest", Dependence.INDEPENDENT),
        ("symrandom", Dependence.ADDRESS_AND_PORT),
        ("udp443", Dependence.BLOCKED),
        ("noudp", Dependence.BLOCKED),
    ],
)
def test_a_node_knows_what_its_network_does(kind, dependence):
    """UDP that reaches one port of the server alone counts as none."""
    world = world_of(kind, "none")
    assert world.technician.node.mapping is None
    world.network.run_for(5.0)
    assert world.technician.node.mapping.dependence is dependence


def test_no_tcp_before_the_approval():
    """Neither side tries to reach the other."""
    world = world_of("none", "noudp")
    world.call()
    world.network.run_for(5.0)
    for person in (world.technician, world.customer):
        ends = person.socket.tcp.connections if person.socket.tcp else ()
        assert {each.host for each in ends} <= {SERVER.host}


def test_udp_that_comes_back_is_used_again():
    """In mid session, without a new registration and without losing the relay."""
    world = world_of("symrandom", "noudp")
    _, customer = in_session(world)
    channel = customer.session.relay_path
    customer.socket.host.middlebox.udp = EVERY_PORT
    world.network.run_for(40.0)
    assert carrier_of(customer) == SERVER
    assert customer.session.relay_path == channel
    assert len(world.protocol.registry) == 2
    assert [each.carrier for each in customer.all_of(nd.NodeRegistered)] == [
        TcpEndpoint(SERVER.host, SERVER.port),
        SERVER,
    ]
    world.technician.session.end(0, "", world.network.now)
    world.network.run_for(1.0)
    assert len(world.protocol.introductions.relay) == 0
    assert customer.session.is_finished


def test_udp_that_goes_away_is_replaced():
    """A session goes on by TCP when the network begins to block UDP."""
    world = world_of("symrandom", "symrandom")
    technician, customer = in_session(world)
    assert customer.session.path_kind == "relay"
    world.block_udp(customer)
    world.network.run_for(30.0)
    assert isinstance(carrier_of(customer), TcpEndpoint)
    heard = technician.session.statistics()
    world.network.run_for(15.0)
    assert world.technician.session.statistics() != heard
    assert not customer.session.is_lonely
    assert not technician.session.is_lonely


def test_udp_that_goes_away_is_replaced_soon():
    """A KEEPALIVE that is not answered goes by all ways, and moves the lease."""
    world = world_of("symrandom", "symrandom")
    _, customer = in_session(world)
    world.block_udp(customer)
    began = world.network.now
    world.customer.node.network_changed(began)
    world.network.run_for(10.0, lambda: carrier_of(customer) == SERVER)
    assert world.network.now - began < 2.5
    world.network.run_for(2.0)
    assert not customer.session.is_lonely
    assert len(world.protocol.registry) == 2


def test_a_restart_of_the_server_is_survived_by_tcp():
    """The connection ends, and another one carries the session again."""
    world = world_of("symrandom", "noudp")
    technician, customer = in_session(world)
    world.stop_server()
    world.network.run_for(3.0)
    world.start_server()
    world.network.run_for(20.0)
    assert isinstance(carrier_of(customer), TcpEndpoint)
    for person in (technician, customer):
        assert person.node._registration.is_registered
        assert not person.session.is_lonely


def test_a_direct_connection_that_ends_is_noticed_at_once():
    """The relay takes over, and the two meet again."""
    world = world_of("none", "noudp")
    technician, customer = in_session(world)
    path = customer.session.path
    for person in (technician, customer):
        tcp = person.socket.tcp
        tcp._fail(person.session.path, tcp.connections[person.session.path])
        person.socket.drain()
    assert {each.session.path_kind for each in (technician, customer)} == {"relay"}
    world.network.run_for(8.0)
    assert customer.session.path == path


def test_a_server_without_tcp_is_found_by_udp_as_ever():
    """Other ways are tried in vain, and only after the first has had its time."""
    world = world_of("portrest", "portrest", fallback=False)
    world.call(after=0.0)
    assert world.technician.session is not None
    assert world.technician.socket.tcp is None
    assert FALLBACK_AFTER > 0.06
