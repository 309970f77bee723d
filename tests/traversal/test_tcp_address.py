"""Asking how the server sees our TCP port."""

from random import Random

from p2p_remote.traversal.carriers import ways_to
from p2p_remote.traversal.tcp_address import FRESH_FOR, WAITS, TcpAddress
from p2p_remote.wire.address import Endpoint, TcpEndpoint
from p2p_remote.wire.where import Here, transaction_of

WAYS = ways_to(Endpoint("192.0.2.1", 3479))
SEEN = Endpoint("198.51.100.1", 40_000)
NOW = 1000.0


def asked():
    """A measurement under way: the machine, what it has sent, and its transaction."""
    machine = TcpAddress(WAYS, Random(1).randbytes)
    machine.ask(NOW)
    sent = machine.datagrams_to_send(NOW)
    return machine, sent, transaction_of(sent[0][0])


def test_all_tcp_ways_are_asked_and_the_first_answer_counts():
    """Once; the address is one for TCP. A connection in TLS has another port."""
    machine, sent, transaction = asked()
    assert [path for _, path in sent] == list(WAYS[2:4])
    machine.receive_datagram(Here(transaction, SEEN).encode(), WAYS[3], NOW + 0.1)
    assert machine.take() == TcpEndpoint(SEEN.host, SEEN.port)
    assert machine.take() is None
    assert machine.next_timer() is None
    assert machine.datagrams_to_send(NOW + 1) == []


def test_nonsense_and_answers_from_elsewhere_do_not_count():
    """Another transaction, another path, no HERE at all."""
    machine, _, transaction = asked()
    answer = Here(transaction, SEEN).encode()
    machine.receive_datagram(answer, WAYS[0], NOW)
    machine.receive_datagram(Here(bytes(8), SEEN).encode(), WAYS[2], NOW)
    machine.receive_datagram(b"\x25", WAYS[2], NOW)
    assert machine.take() is None


def test_it_is_asked_again_and_given_up():
    """Asking meanwhile changes nothing; later it may be asked anew."""
    machine, _, transaction = asked()
    machine.ask(NOW + 0.1)
    now = NOW
    for wait in WAITS[:-1]:
        now += wait
        sent = machine.datagrams_to_send(now)
        assert transaction_of(sent[0][0]) == transaction
    assert machine.next_timer() == now + WAITS[-1]
    assert machine.datagrams_to_send(now + WAITS[-1]) == []
    assert machine.next_timer() is None
    machine.ask(now + 10)
    assert machine.datagrams_to_send(now + 10) != []


def test_what_was_just_found_is_told_again_without_asking():
    """To the next session; after some seconds it is asked anew."""
    machine, _, transaction = asked()
    machine.receive_datagram(Here(transaction, SEEN).encode(), WAYS[2], NOW)
    machine.take()
    machine.ask(NOW + 1)
    assert machine.take() is not None
    assert machine.datagrams_to_send(NOW + 1) == []
    machine.ask(NOW + FRESH_FOR)
    assert machine.datagrams_to_send(NOW + FRESH_FOR) != []
