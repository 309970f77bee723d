"""Going from a dead server to the next one."""

from p2p_remote.traversal.registration_events import Registered, RegistrationLost
from p2p_remote.traversal.server_choice import ChoosingRegistration
from p2p_remote.wire.address import Endpoint
from tests.support.network import Line
from tests.support.rendezvous import (
    CALLEE,
    SERVER,
    RendezvousNetwork,
    ServerMachine,
    events_of,
)

DEAD = Endpoint("192.0.2.66", 3479)
SECOND = Endpoint("192.0.2.2", 3479)


def client_of(network, *servers):
    """A listed client that knows these servers."""
    host = network.host("203.0.113.2", up=Line(delay=0.015), down=Line(delay=0.015))
    machine = ChoosingRegistration(
        CALLEE, servers, network.random("client"), network.now, listed=True
    )
    return host.open(5000, machine)


def with_second_server():
    """A network with a server at `SECOND` too."""
    network = RendezvousNetwork()
    second = ServerMachine(network.random("second"))
    network.host(SECOND.host).open(SECOND.port, second)
    return network, second


def test_the_first_server_that_answers_is_kept():
    """As long as it does."""
    network, second = with_second_server()
    client = client_of(network, SERVER, SECOND)
    network.run_for(200)
    assert client.machine.server == SERVER
    assert len(second.protocol.registry) == 0


def test_a_client_goes_on_from_servers_that_do_not_answer():
    """Each has 5 s; the loss is reported once."""
    network, second = with_second_server()
    client = client_of(network, DEAD, Endpoint(DEAD.host, 1), SECOND)
    network.run_for(11)
    assert client.machine.server == SECOND
    assert client.machine.is_registered
    assert len(second.protocol.registry) == 1
    assert len(events_of(client, RegistrationLost)) == 1


def test_after_its_server_has_died_a_client_registers_at_the_next():
    """When the lease is lost: within 65 s of the last answer."""
    network, second = with_second_server()
    client = client_of(network, SERVER, SECOND)
    network.settle(client)
    network.stop_server()
    network.run_for(70)
    assert client.machine.is_registered
    assert client.machine.server == SECOND
    assert len(second.protocol.registry) == 1
    assert len(events_of(client, Registered)) == 2


def test_who_misses_something_does_not_wait_for_the_end_of_the_lease():
    """A session without a path asks: a dead server has 5 s to answer."""
    network, _ = with_second_server()
    client = client_of(network, SERVER, SECOND)
    network.settle(client)
    client.machine.refresh(network.now)
    network.run_for(10)
    assert client.machine.server == SERVER
    network.stop_server()
    for _ in range(20):
        client.machine.refresh(network.now)
        network.run_for(0.4)
    assert client.machine.is_registered
    assert client.machine.server == SECOND


def test_a_single_server_is_asked_for_ever():
    """Until it is back."""
    network = RendezvousNetwork()
    network.stop_server()
    client = client_of(network, SERVER)
    network.run_for(60)
    network.start_server()
    network.run_for(30)
    assert client.machine.is_registered
