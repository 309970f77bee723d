"""Finding out how a router maps."""

import pytest

from p2p_remote.traversal.classification import Classified, Classifier
from p2p_remote.traversal.mapping import Dependence, Mapping
from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.where import Here
from tests.support.nat import BLOCK_LENGTH, BLOCK_START, nat
from tests.support.network import Line, Network, Socket
from tests.support.where import SERVER, open_server

PUBLIC = "198.51.100.10"


def classifier_behind(kind: str, *, loss: float = 0.0, alone: bool = False) -> Socket:
    """Socket of a classifier behind a router of this kind."""
    network = Network(seed=5)
    open_server(network, alone=alone)
    site = network.site(
        PUBLIC,
        middlebox=nat(kind, PUBLIC),
        up=Line(delay=0.015, loss=loss),
        down=Line(delay=0.015, loss=loss),
    )
    host = site.host(PUBLIC if kind in {"none", "firewall"} else "192.168.1.10")
    return host.open(5000, Classifier(SERVER, network.random("classifier")))


def measured(socket: Socket, *, afresh: bool = False) -> Mapping:
    """Let it measure to the end."""
    network = socket.host.site.network
    socket.events.clear()
    socket.machine.measure(network.now, afresh=afresh)
    network.run_for(5.0, lambda: not socket.events)
    (event,) = socket.events
    assert isinstance(event, Classified)
    assert socket.machine.mapping == event.mapping
    return event.mapping


@pytest.mark.parametrize("loss", [0.0, 0.1])
@pytest.mark.parametrize(
    "kind", ["none", "firewall", "full_cone", "port_restricted_renumbering"]
)
def test_independent(kind, loss):
    """A router that shows all of the server the same port is told as such."""
    assert measured(classifier_behind(kind, loss=loss)) == Mapping(
        Dependence.INDEPENDENT
    )


def test_sequence():
    """The next port of a router that counts upwards is known."""
    mapping = measured(classifier_behind("symmetric_sequential"))
    assert mapping.dependence is Dependence.ADDRESS_AND_PORT
    assert (mapping.min_step, mapping.max_step) == (1, 1)
    assert mapping.last_port == 20_011


def test_sequence_with_gaps():
    """Ports that other clients take widen the step and do not hide it."""
    mapping = measured(classifier_behind("symmetric_skipping"))
    assert mapping.is_stepped
    assert 1 <= mapping.min_step < mapping.max_step <= 8


def test_block():
    """Ports of one block give its range, a little wider."""
    mapping = measured(classifier_behind("symmetric_block"))
    assert not mapping.is_stepped
    assert mapping.low <= BLOCK_START + 128
    assert mapping.high >= BLOCK_START + BLOCK_LENGTH - 128
    assert mapping.width <= 2 * BLOCK_LENGTH


def test_random_ports():
    """Ports from anywhere give no range."""
    mapping = measured(classifier_behind("symmetric_random"))
    assert mapping.dependence is Dependence.ADDRESS_AND_PORT
    assert mapping.is_wide


def test_dependence_on_the_address_needs_a_second_address():
    """Only a server with two addresses sees that a port depends on the address."""
    mapping = measured(classifier_behind("symmetric_address"))
    assert mapping.dependence is Dependence.ADDRESS


def test_a_server_of_one_socket_tells_nothing():
    """Without anything to compare with the dependence stays unknown."""
    mapping = measured(classifier_behind("symmetric_random", alone=True))
    assert mapping == Mapping(Dependence.UNKNOWN)


def test_a_silent_server_ends_the_measurement():
    """Without an answer it is over after a second."""
    socket = classifier_behind("none", loss=1.0)
    began = socket.host.site.network.now
    assert measured(socket).dependence is Dependence.UNKNOWN
    assert socket.host.site.network.now - began < 1.0


def test_fresh_sockets_are_closed_and_the_next_sample_is_quick():
    """Of a known router only the ports are measured again: one round trip."""
    socket = classifier_behind("symmetric_random")
    network = socket.host.site.network
    measured(socket)
    assert socket.auxiliary == ()
    began = network.now
    measured(socket)
    assert network.now - began < 0.1
    measured(socket, afresh=True)
    assert network.now - began > 0.1


def test_a_known_easy_router_is_told_at_once():
    """What cannot have changed is not asked again."""
    socket = classifier_behind("port_restricted")
    measured(socket)
    began = socket.host.site.network.now
    measured(socket)
    assert socket.host.site.network.now == began


@pytest.mark.parametrize("loss", [0.0, 1.0])
def test_a_fresh_socket_is_asked_for_and_stays_open(loss):
    """Its port is told where all see the same; it belongs to the one who asked."""
    socket = classifier_behind("port_restricted_renumbering", loss=loss)
    network = socket.host.site.network
    socket.machine.measure(network.now, fresh=(7, 3))
    network.run_for(5.0, lambda: not socket.events)
    (event,) = socket.events
    assert event.mapping.dependence is socket.machine.mapping.dependence
    assert socket.auxiliary == ((7, 3),)
    port = event.mapping.last_port
    assert (port == 0) is (loss == 1.0)
    assert port in {0, *socket.host.site.middlebox._by_port}
    assert measured(socket).last_port == 0


def test_behind_a_hard_router_no_fresh_socket_is_left():
    """Samples are measured, and closed."""
    socket = classifier_behind("symmetric_random")
    network = socket.host.site.network
    measured(socket)
    socket.events.clear()
    socket.machine.measure(network.now, fresh=(7, 3))
    network.run_for(5.0, lambda: not socket.events)
    assert socket.events[0].mapping.is_wide
    assert socket.auxiliary == ()


def test_answers_from_elsewhere_do_not_count():
    """A HERE counts only for an open question, from where the question went."""
    network = Network()
    machine = Classifier(SERVER, network.random("classifier"))
    machine.measure(0.0)
    machine.handle_timer(0.0)
    ((question, path),) = machine.datagrams_to_send(0.0)
    assert path == SERVER
    forged = Here(question[2:10], Endpoint("1.2.3.4", 5), 0, None).encode()
    machine.receive_datagram(forged, Endpoint("192.0.2.66", 3479), 0.01)
    machine.receive_datagram(b"\x25" + bytes(47), SERVER, 0.01)
    assert machine.next_event() is None
    machine.receive_datagram(forged, SERVER, 0.02)
    assert machine.next_event() == Classified(Mapping(Dependence.UNKNOWN))


@pytest.mark.parametrize(
    "host",
    ["192.168.1.1", "127.0.0.1", "169.254.1.1", "224.0.0.251", "255.255.255.255"],
)
def test_a_server_on_the_internet_cannot_aim_us_at_our_own_network(host):
    """Only another address as far away as its own is asked where we are seen."""
    network = Network()
    machine = Classifier(SERVER, network.random("classifier"))
    machine.measure(0.0)
    machine.handle_timer(0.0)
    ((question, _),) = machine.datagrams_to_send(0.0)
    other = Endpoint(host, 5353)
    here = Here(question[2:10], Endpoint("198.51.100.1", 5), 3480, other)
    machine.receive_datagram(here.encode(), SERVER, 0.01)
    asked = {path for _, path in machine.datagrams_to_send(0.01)}
    assert asked == {Endpoint(SERVER.host, 3480)}
