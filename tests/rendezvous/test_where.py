"""The server's answers to WHERE."""

import pytest

from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.where import Where, decode_here
from rendezvous.addresses import TCP, pack
from rendezvous.protocol import Protocol
from rendezvous.registry import MemoryClaims
from rendezvous.settings import Settings
from rendezvous.where import WhereAnswers

CLIENT = Endpoint("198.51.100.7", 4242)
QUESTION = Where(b"8 bytes!").encode()
ONE = Endpoint("203.0.113.1", 3479)
BESIDE = Endpoint("203.0.113.1", 3480)
TWO = Endpoint("203.0.113.2", 3479)
ALL = Endpoint("0.0.0.0", 3479)
ALL_BESIDE = Endpoint("0.0.0.0", 3480)
SIX = Endpoint("2001:db8::1", 3479)


@pytest.mark.parametrize(
    ("listeners", "port", "other"),
    [
        ([ONE], 0, None),
        ([ONE, BESIDE], 3480, None),
        ([ONE, SIX], 0, None),
        ([ONE, TWO, BESIDE], 3480, TWO),
        ([ALL, ALL_BESIDE], 3480, None),
        ([ALL, TWO], 0, None),
        ([], 0, None),
    ],
)
def test_what_else_may_be_asked(listeners, port, other):
    """HERE names another port of the same address and another address, if any."""
    answers = WhereAnswers()
    answers.set_listeners(listeners)
    here = answers.answer(QUESTION, pack(CLIENT, 0))
    assert here is not None
    assert decode_here(here).seen == CLIENT
    assert (decode_here(here).other_port, decode_here(here).other) == (port, other)


def test_by_tcp_nothing_else_is_named():
    """Routers are compared by UDP."""
    answers = WhereAnswers()
    answers.set_listeners([ONE, TWO, BESIDE])
    here = decode_here(answers.answer(QUESTION, pack(CLIENT, TCP)))
    assert (here.seen, here.other_port, here.other) == (CLIENT, 0, None)


def test_the_protocol_answers_without_a_registration():
    """Anybody may ask, on any socket, and nothing is remembered."""
    protocol = Protocol(Settings(), MemoryClaims(), bytes)
    path = pack(CLIENT, 1)
    protocol.receive_datagram(QUESTION, path, 0.0)
    protocol.receive_datagram(QUESTION[:-1], path, 0.0)
    ((data, to),) = protocol.datagrams_to_send(0.0)
    assert to == path
    assert decode_here(data).transaction == b"8 bytes!"
    assert len(protocol.registry) == 0
