"""In which order the ways to a server are tried, in simulated time."""

import heapq
import itertools

import pytest

from p2p_remote.traversal.carriers import Carriers, waves_of, ways_to
from p2p_remote.traversal.enrolment import COVER_AFTER, FALLBACK_AFTER
from p2p_remote.traversal.registration import Registration
from p2p_remote.traversal.registration_events import Registered
from p2p_remote.wire.address import (
    Endpoint,
    ProxiedEndpoint,
    TcpEndpoint,
    TlsEndpoint,
    unresolved,
)
from rendezvous.addresses import TCP, pack
from rendezvous.protocol import Protocol
from rendezvous.registry import MemoryClaims
from rendezvous.settings import Settings
from tests.support.network import Network
from tests.support.rendezvous import SERVER, quick_identity

HALF = 0.015  # s from us to the server
INSIDE = 0.002  # s to the proxy and back
UDP_443 = Endpoint(SERVER.host, 443)
TCP_OWN, TCP_443 = (TcpEndpoint(SERVER.host, port) for port in (SERVER.port, 443))
TLS = TlsEndpoint(SERVER.host, 443)
PROXIED_443, PROXIED_OWN = (
    ProxiedEndpoint(SERVER.host, port) for port in (443, SERVER.port)
)
ALL = (SERVER, UDP_443, TCP_OWN, TCP_443, TLS, PROXIED_443, PROXIED_OWN)


def opening(way):
    """Seconds until a connection stands: round trips of TCP, CONNECT and TLS."""
    if isinstance(way, ProxiedEndpoint):
        return 2 * INSIDE + 4 * HALF
    if isinstance(way, TlsEndpoint):
        return 4 * HALF
    return 2 * HALF if isinstance(way, TcpEndpoint) else 0.0


class Ways:
    """A registration and a server, and between them only the ways that are `open`."""

    def __init__(self, *is_open, ways=ALL, half=HALF):
        random = Network(1).random("ways")
        self.now = 0.0
        self.is_open = set(is_open)
        self.half = half
        self.slow = {}  # way: s that it takes longer
        self.tried = {}  # way: when first
        self.events = []
        self._opened = {}
        self._order = itertools.count()
        self._coming = []
        self._server = Protocol(Settings(), MemoryClaims(), random)
        self.client = Registration(
            quick_identity("client"),
            ways[0],
            random,
            0.0,
            listed=True,
            carriers=Carriers([ways]),
        )
        self._paths = {pack(self._source(way), self._number(way)): way for way in ways}

    @staticmethod
    def _source(way):
        return Endpoint("198.51.100.1", 1000 + len(str(way)) + way.port % 2)

    @staticmethod
    def _number(way):
        kinds = (Endpoint, TcpEndpoint, TlsEndpoint, ProxiedEndpoint)
        number = 2 * kinds.index(type(way)) + (way.port == 443)
        return number | (TCP if isinstance(way, TcpEndpoint) else 0)

    def run_until(self, end):
        """Go on until `end`."""
        while True:
            self._drain()
            due = self.client.next_timer()
            times = [due] if due is not None else []
            times += [self._coming[0][0]] if self._coming else []
            if not times or min(times) > end:
                self.now = end
                return
            self.now = max(self.now, min(times))
            while self._coming and self._coming[0][0] <= self.now:
                self._deliver(*heapq.heappop(self._coming)[2:])
            self.client.handle_timer(self.now)

    def _deliver(self, data, way, to_server):
        if to_server:
            address = pack(self._source(way), self._number(way))
            self._server.receive_datagram(data, address, self.now)
        else:
            self.client.receive_datagram(data, way, self.now)

    def _drain(self):
        for data, way in self.client.datagrams_to_send(self.now):
            self.tried.setdefault(way, self.now)
            stands = self._opened.setdefault(way, self.now + opening(way))
            self._put(data, way, max(stands, self.now), to_server=True)
        for data, address in self._server.datagrams_to_send(self.now):
            self._put(data, self._paths[address], self.now, to_server=False)
        while (event := self.client.next_event()) is not None:
            self.events.append((self.now, event))

    def _put(self, data, way, at, *, to_server):
        if way in self.is_open:
            arrives = at + self.half + self.slow.get(way, 0.0)
            entry = (arrives, next(self._order), data, way, to_server)
            heapq.heappush(self._coming, entry)

    @property
    def registered(self):
        """When and how."""
        return [(t, e.carrier) for t, e in self.events if isinstance(e, Registered)]

    @property
    def is_called(self):
        """Whether who calls the client's ID gets to the lease that it uses."""
        peer_id = quick_identity("client").peer_id
        return self._server.registry.called(peer_id, self.now).number == (
            self.client._lease.number
        )


def test_the_ways_in_their_order():
    """Bare before covered, direct before proxied; through a proxy 443 first."""
    assert ways_to(SERVER, proxied=True) == ALL
    assert ways_to(SERVER) == ALL[:5]
    assert ways_to(UDP_443, proxied=True) == (UDP_443, TCP_443, TLS, PROXIED_443)


def test_the_ways_in_their_waves():
    """The best, the bare ones, all at 443, all."""
    assert waves_of(ALL) == (ALL[:1], ALL[:4], ALL[:6], ALL)
    assert waves_of((SERVER,)) == ((SERVER,),)
    nowhere = unresolved("rendezvous.test", 3479)
    ways = ways_to(nowhere, proxied=True)
    proxied = [ProxiedEndpoint(nowhere.host, port) for port in (443, 3479)]
    assert ways == (nowhere, *proxied)
    assert waves_of(ways) == (ways[:2], ways)


@pytest.mark.parametrize(
    ("is_open", "way", "most"),
    [
        (ALL, SERVER, 0.07),
        (ALL[1:], UDP_443, FALLBACK_AFTER + 0.07),
        (ALL[2:], TCP_OWN, FALLBACK_AFTER + 0.1),
        (ALL[3:], TCP_443, FALLBACK_AFTER + 0.1),
        ((TLS,), TLS, FALLBACK_AFTER + COVER_AFTER + 0.13),
        ((PROXIED_443,), PROXIED_443, FALLBACK_AFTER + COVER_AFTER + 0.13),
        ((PROXIED_OWN,), PROXIED_OWN, 1.0),
    ],
)
def test_the_best_way_that_works_is_found_in_time(is_open, way, most):
    """Registered, at 30 ms to the server and back."""
    world = Ways(*is_open)
    world.run_until(2.0)
    ((when, carrier),) = world.registered
    assert carrier == way
    assert when <= most


@pytest.mark.parametrize("is_open", [ALL, ALL[1:], ALL[2:], ALL[3:]])
def test_what_is_not_needed_is_not_tried(is_open):
    """No TLS and no proxy where UDP or plain TCP answers in time."""
    world = Ways(*is_open)
    world.run_until(60.0)
    assert not {TLS, PROXIED_443, PROXIED_OWN} & set(world.tried)


def test_a_long_round_trip_does_not_take_a_worse_way():
    """All are tried meanwhile, but UDP answers first."""
    world = Ways(*ALL, half=0.3)
    world.run_until(5.0)
    assert [carrier for _, carrier in world.registered] == [SERVER]


def test_a_better_way_that_answers_a_moment_later_gets_the_same_lease():
    """REGISTER is out by TCP when UDP answers: the lease moves, there is no second."""
    world = Ways(TCP_OWN)  # the first HELLO by UDP is lost
    world.slow[SERVER] = 0.025
    world.run_until(0.1)
    world.is_open.add(SERVER)
    world.run_until(2.0)
    assert [carrier for _, carrier in world.registered] == [TCP_OWN, SERVER]
    assert world.registered[1][0] <= 0.5
    assert len(world._server.registry) == 1
    assert world.is_called


def test_a_register_that_comes_late_does_not_take_the_calls_away():
    """TCP stalls, UDP is taken; what TCP delivers in the end changes nothing."""
    world = Ways(SERVER, TCP_OWN)
    world.slow[SERVER] = 0.15
    world.run_until(0.205)
    world.slow[TCP_OWN] = 1.0  # from REGISTER on
    world.run_until(1.1)
    assert [carrier for _, carrier in world.registered] == [SERVER]
    assert world.is_called
    world.run_until(1.3)  # the server has granted it
    assert not world.is_called
    world.run_until(3.0)
    assert world.is_called


@pytest.mark.parametrize(
    "round_trips", [(0.6, 0.3), (0.8, 0.5), (4.0, 2.0), (4.0, 4.0)]
)
def test_slow_ways_lead_to_a_lease_that_stays(round_trips):
    """Neither a way that is always late nor answers after the last try go round."""
    world = Ways(SERVER, TCP_OWN, half=0.0)
    for way, time in zip((SERVER, TCP_OWN), round_trips, strict=True):
        world.slow[way] = time / 2
    world.run_until(25.0)
    assert world.is_called
    lease = world.client._lease.number
    world.run_until(60.0)
    assert world.is_called
    assert world.client._lease.number == lease
    assert len(world._server.registry) <= 4


def test_a_covered_way_is_left_for_udp_alone():
    """What is plain is not tried again and again in a network that looks for it."""
    world = Ways(PROXIED_443)
    world.run_until(1.0)
    world.tried.clear()
    world.is_open |= {TCP_OWN, TCP_443}
    world.run_until(100.0)
    assert set(world.tried) == {SERVER, UDP_443, PROXIED_443}
    world.is_open.add(SERVER)
    world.run_until(140.0)
    assert [carrier for _, carrier in world.registered] == [PROXIED_443, SERVER]


def test_a_way_that_dies_is_replaced_and_the_covered_ones_come_last():
    """One lost KEEPALIVE asks the bare ways, two ask all."""
    world = Ways(SERVER)
    world.run_until(1.0)
    world.is_open = {TLS}
    world.run_until(40.0)
    assert [carrier for _, carrier in world.registered] == [SERVER, TLS]
    assert world.tried[TLS] - world.tried[TCP_443] == pytest.approx(2.0, abs=0.1)
    assert world.client.is_registered


def test_what_worked_is_tried_first_next_time():
    """A server that has forgotten us is asked by that way at once."""
    world = Ways(PROXIED_443)
    world.run_until(1.0)
    world.tried.clear()
    world.client._enrolment.enrol(world.now)
    world.run_until(1.0 + FALLBACK_AFTER)
    assert set(world.tried) <= {SERVER, PROXIED_443}
    assert len(world.registered) == 2


def test_a_covered_connection_is_no_address_for_peers():
    """Its port is no other connection's, and perhaps a proxy's."""
    reflexive = Endpoint("198.51.100.1", 5)
    assert Registered(reflexive, 1, TLS).candidate is None
    assert Registered(reflexive, 1, PROXIED_443).candidate is None
    assert Registered(reflexive, 1, TCP_443).candidate == TcpEndpoint("198.51.100.1", 5)
    assert Registered(reflexive, 1, SERVER).candidate == reflexive


def test_however_often_it_is_hurried_the_last_ways_get_their_turn():
    """A session without a path asks for haste four times a second."""
    ways = Ways(PROXIED_OWN)
    for step in range(1, 20):
        ways.run_until(0.2 * step)
        ways.client.refresh(ways.now)
    assert ways.registered
