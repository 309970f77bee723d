"""Who may hold a TCP connection to the server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_remote.wire.address import Endpoint
from rendezvous.addresses import TCP, is_tcp, pack
from rendezvous.rate_limit import Rate
from rendezvous.tcp_admission import (
    IDLE_PATIENCE,
    PROOF_PATIENCE,
    Admission,
    Refusal,
    TcpLimits,
)

NOW = 1000.0


def source(number, port=5000):
    """Address of a connection from the host of this number."""
    return pack(Endpoint(f"198.51.{number >> 8}.{number & 255}", port), TCP)


def admission(**limits):
    """An empty table."""
    return Admission(TcpLimits(**limits), bytes(32))


def enter(table, *addresses, now=NOW):
    """Take connections as the edge does; what had to go for them."""
    gone = []
    for address in addresses:
        assert table.refusal(address, now) is None
        for each in table.surplus():
            table.leave(each)
            gone.append(each)
        table.enter(address, now)
    return gone


def test_an_address_tells_whether_it_is_a_connection():
    """By the highest bit of the listener's number."""
    assert is_tcp(source(1))
    assert not is_tcp(pack(Endpoint("198.51.100.1", 5000), 1))


def test_who_proves_nothing_is_given_seconds():
    """Talking alone does not help; a proof does, until it falls silent."""
    table = admission()
    enter(table, source(1), source(2))
    table.prove(source(2), NOW + 1)
    table.heard(source(1), NOW + 9)
    assert table.overdue(NOW + PROOF_PATIENCE) == [(source(1), Refusal.UNPROVEN)]
    table.leave(source(1))
    table.heard(source(2), NOW + 50)
    assert table.overdue(NOW + 50 + IDLE_PATIENCE - 1) == []
    assert table.overdue(NOW + 50 + IDLE_PATIENCE) == [(source(2), Refusal.IDLE)]


def test_a_flood_keeps_nobody_out():
    """The oldest without a proof makes room, who has proved itself stays."""
    table = admission(unproven=4)
    enter(table, source(1))
    table.prove(source(1), NOW)
    gone = enter(table, *map(source, range(2, 102)))
    assert len(table) == 5
    assert gone == [source(each) for each in range(2, 98)]
    assert source(1) in table


def test_what_is_proven_fills_the_server_in_the_end():
    """Then nobody else comes, and unproven ones have made room before."""
    table = admission(connections=3)
    for each in range(3):
        enter(table, source(each))
        table.prove(source(each), NOW)
    assert table.refusal(source(9), NOW) is Refusal.FULL
    table.leave(source(0))
    enter(table, source(9))
    enter(table, source(8))
    assert len(table) == 3


def test_one_address_holds_a_share():
    """An IPv4 address counts as one, and so does an IPv6 /64."""
    table = admission(per_prefix=2)
    enter(table, source(1, 1), source(1, 2))
    assert table.refusal(source(1, 3), NOW) is Refusal.PREFIX_FULL
    assert table.refusal(source(2, 3), NOW) is None
    table.leave(source(1, 1))
    table.leave(source(1, 1))
    assert table.refusal(source(1, 3), NOW) is None


def test_new_connections_have_a_rate():
    """Opening and closing again and again is refused without being remembered."""
    table = admission(rate=Rate(1.0, 5))
    for each in range(5):
        enter(table, source(1, each + 1))
        table.leave(source(1, each + 1))
    assert table.refusal(source(1, 99), NOW) is Refusal.RATE
    assert table.refusal(source(1, 99), NOW + 1) is None


def test_a_few_addresses_cannot_use_up_the_handshakes():
    """What is beyond the share of one is not taken from the others'."""
    table = admission(handshakes=Rate(1.0, 10), prefix_handshakes=Rate(0.5, 3))
    flood = [table.may_shake(source(1, port), NOW) for port in range(1, 100)]
    assert flood == [True] * 3 + [False] * 96
    others = [table.may_shake(source(each), NOW) for each in range(2, 12)]
    assert others == [True] * 7 + [False] * 3
    assert not table.may_shake(source(1), NOW + 1)
    assert table.may_shake(source(1), NOW + 2)


def test_the_usual_share_of_one_address_is_a_small_part():
    """An office comes in at once, fifteen offices do not fill the server."""
    table = admission()
    admitted = [0] * 16
    for second in range(100):
        for each in range(15):
            for _ in range(20):  # as many connections as one address may open
                admitted[each] += table.may_shake(source(each), NOW + second)
        admitted[15] += table.may_shake(source(99), NOW + second)
    assert admitted[15] == 100
    assert max(admitted[:15]) <= 50 + 2 * 100


def test_one_place_is_not_taken_twice():
    """The same sender at two addresses of the server would be one address to it."""
    table = admission()
    enter(table, source(1))
    assert table.refusal(source(1), NOW) is Refusal.FULL


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["enter", "prove", "heard", "leave", "sweep"]),
            st.integers(0, 12),
        ),
        max_size=60,
    )
)
def test_the_table_never_grows_beyond_its_limits(steps):
    """Whatever happens, and what is counted is what is there."""
    limits = TcpLimits(connections=6, unproven=3, per_prefix=2)
    table = Admission(limits, bytes(32))
    now = NOW
    for step, number in steps:
        now += 1.0
        address = source(number % 4, number + 1)
        if step == "enter":
            if table.refusal(address, now) is None:
                enter(table, address, now=now)
        elif step == "sweep":
            for overdue, _ in table.overdue(now):
                table.leave(overdue)
        elif step == "leave":
            table.leave(address)
        else:
            getattr(table, step)(address, now)
        assert len(table) <= 6
        assert len(table._unproven) <= 3
        assert sum(table._held._held.values()) == len(table)
        assert all(0 < each <= 2 for each in table._held._held.values())


@pytest.mark.parametrize("listener", [0, 5])
def test_the_listener_is_part_of_the_address(listener):
    """The same client at two ports of the server is two addresses."""
    here = pack(Endpoint("198.51.100.1", 5000), TCP | listener)
    there = pack(Endpoint("198.51.100.1", 5000), TCP | 1)
    assert here != there
