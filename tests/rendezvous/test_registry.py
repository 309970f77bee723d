"""Registrations, claims in memory, timers."""

import tracemalloc

from p2p_remote.wire.address import Endpoint
from rendezvous.addresses import pack
from rendezvous.registry import Claim, MemoryClaims, Registration, Registry
from rendezvous.timers import ExpiryWheel, Timers

BYTES_PER_ID = 450  # what one online ID may cost


def test_memory_claims_make_room_for_new_ones():
    """The oldest goes when the limit is reached; an update takes no room."""
    claims = MemoryClaims(limit=2)
    for number in (1, 2, 2, 3):
        claims.put(number, Claim(bytes(32), number))
    assert [claims.get(number) is not None for number in (1, 2, 3)] == [
        False,
        True,
        True,
    ]
    assert len(claims) == 2


def test_a_registration_costs_at_most_450_bytes():
    """A million machines fit into half a gigabyte."""
    count = 22_000  # just after the dicts have grown: the worst number
    registry = Registry()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(count):
        registration = Registration(
            number + 2**31,
            number + 10**8,
            (number.to_bytes(32, "big"), number.to_bytes(16, "big")),
            pack(Endpoint("198.51.100.1", number % 60_000 + 1), 0),
            1000.0 + number / 1000,
        )
        registration.counter = number + 1000
        registry.add(registration)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert used / count <= BYTES_PER_ID


def test_a_registration_keeps_its_keys_when_it_moves():
    """Key, MAC key and address share their place in memory, not their fate."""
    here = pack(Endpoint("198.51.100.1", 1), 0)
    there = pack(Endpoint("2001:db8::1", 65535), 3)
    keys = (bytes(range(32)), bytes(range(100, 116)))
    registration = Registration(1, 2, keys, here, 3.0)
    assert registration.address == here
    registration.address = there
    assert (registration.public, registration.mac_key) == keys
    assert registration.address == there


def test_timers_run_in_order_of_time_then_of_asking():
    """What is due runs, what is not stays; an action may ask for another."""
    timers = Timers()
    ran = []
    timers.at(2.0, lambda _: ran.append("c"))
    timers.at(1.0, lambda _: (ran.append("a"), timers.at(1.5, more)))
    timers.at(1.0, lambda _: ran.append("b"))

    def more(now):
        ran.append(f"more at {now}")

    timers.run(1.7)
    assert ran == ["a", "b", "more at 1.7"]
    assert timers.next_due() == 2.0
    timers.run(2.0)
    assert timers.next_due() is None
    assert len(timers) == 0


def test_a_wheel_brings_things_up_within_a_second_of_their_deadline():
    """Never before the deadline, at most a second late."""
    wheel = ExpiryWheel()
    wheel.add("a", 10.0)
    wheel.add("b", 10.9)
    wheel.add("c", 12.0)
    assert wheel.next_due() == 11.0
    assert wheel.due(10.99) == []
    assert wheel.due(11.0) == ["a", "b"]
    assert wheel.next_due() == 13.0
    assert wheel.due(20.0) == ["c"]
    assert wheel.next_due() is None
