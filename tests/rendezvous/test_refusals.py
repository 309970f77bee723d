"""Calls that are not let through: uniform answers and limits."""

import pytest

from p2p_remote.wire import rendezvous as wire
from rendezvous import introductions
from rendezvous.introductions import UNAVAILABLE_DELAY
from rendezvous.rate_limit import Limits, Rate
from rendezvous.rejoins import MAX_CHANNELS_OF_ONE
from rendezvous.settings import Settings
from tests.support.raw_client import Bench, of_kind, raw_client, raw_pair, ring_of
from tests.support.rendezvous import FIRST_MESSAGE, UNKNOWN_ID

FREE = Limits(call=Rate(1000, 1000), ring=Rate(1000, 1000))


@pytest.mark.parametrize(
    "case", ["unknown", "offline", "itself", "caller-only", "busy"]
)
def test_refusals_look_alike(case):
    """The same bytes after the same delay, whatever the reason."""
    bench = Bench(Settings(limits=FREE))
    caller, callee = raw_pair(bench)
    target = {
        "unknown": UNKNOWN_ID,
        "itself": caller.identity.peer_id,
    }.get(case, callee.identity.peer_id)
    if case == "offline":
        bench.wait(66)
        assert caller.register(listed=False)
    elif case == "itself":
        assert raw_client(bench, "caller", "198.51.100.7").register()
    elif case == "caller-only":
        callee.send(callee.datagram(wire.Unregister))
        assert callee.register(listed=False)
    elif case == "busy":
        others = [raw_client(bench, f"{n}", f"192.0.2.{n + 9}") for n in range(16)]
        for other in others:
            other.register(listed=False)
            ring, _ = ring_of(other.call(target))
            callee.send(callee.datagram(wire.Agree, ring.channel))
    bench.wait(0.01)
    asked_at = bench.now
    caller.counter = 40
    data = caller.datagram(wire.Call, 7, target, FIRST_MESSAGE)
    transaction = data[2:10]
    assert of_kind(caller.send(data), wire.Unavailable) == []
    early = bench.wait(UNAVAILABLE_DELAY - 0.001)
    assert of_kind(early, wire.Unavailable) == []
    answers = of_kind(bench.wait(0.002), wire.Unavailable)
    assert answers == [(wire.Unavailable(transaction, 7, 0), caller.home)]
    assert bench.now == pytest.approx(asked_at + UNAVAILABLE_DELAY + 0.001)


def test_a_repeated_call_that_was_refused_gets_the_same_answer():
    """Before the delay is over it changes nothing; after it the answer comes again."""
    bench = Bench()
    caller, _ = raw_pair(bench)
    assert caller.call(UNKNOWN_ID, call=3) == []
    assert caller.call(UNKNOWN_ID, call=3) == []
    first = bench.wait(1)
    assert len(first) == 1
    assert caller.call(UNKNOWN_ID, call=3) == first


def test_calls_are_limited_by_key_and_the_refusal_says_when_to_try_again():
    """Five at once; the sixth is refused like any other, with a hint."""
    bench = Bench()
    caller, callee = raw_pair(bench)
    for call in range(5):
        assert of_kind(caller.call(callee.identity.peer_id, call), wire.Called)
    assert caller.call(callee.identity.peer_id, 5) == []
    ((refused, _),) = of_kind(bench.wait(UNAVAILABLE_DELAY), wire.Unavailable)
    assert refused.retry_after == 6
    bench.wait(6)
    assert of_kind(caller.call(callee.identity.peer_id, 6), wire.Called)


def test_calls_are_limited_by_prefix():
    """Fresh keys from the same address do not help somebody who tries numbers."""
    bench = Bench()
    _, callee = raw_pair(bench)
    called = 0
    for number in range(10):
        other = raw_client(bench, f"other {number}", "192.0.2.9", port=number + 1)
        other.register(listed=False)
        called += len(of_kind(other.call(callee.identity.peer_id), wire.Called))
    assert called == 5


def test_a_callee_is_not_rung_without_end():
    """Many callers from everywhere: ten rings, and the rest looks like offline."""
    bench = Bench()
    _, callee = raw_pair(bench)
    rings = 0
    for number in range(20):
        other = raw_client(bench, f"other {number}", f"192.0.2.{number + 9}")
        other.register(listed=False)
        sent = other.call(callee.identity.peer_id)
        rings += len(of_kind(sent, wire.Ring))
        ring_channels = [m.channel for m, _ in of_kind(sent, wire.Called)]
        for channel in ring_channels:
            other.send(other.datagram(wire.HangUp, channel))
    assert rings == 10


def test_a_caller_has_a_limited_number_of_channels():
    """The seventeenth at the same time is refused with a hint."""
    bench = Bench(Settings(limits=FREE))
    caller, _ = raw_pair(bench)
    callees = [raw_client(bench, f"{n}", f"192.0.2.{n + 9}") for n in range(17)]
    for callee in callees:
        callee.register()
    answers = [
        of_kind(caller.call(callee.identity.peer_id, call), wire.Called)
        for call, callee in enumerate(callees)
    ]
    assert [bool(answer) for answer in answers] == [True] * MAX_CHANNELS_OF_ONE + [
        False
    ]


def test_floods_of_refused_calls_are_bounded():
    """Beyond 40 and 10 a second CALL gets silence, and memory stays small."""
    bench = Bench()
    caller, _ = raw_pair(bench)
    for call in range(500):
        caller.call(UNKNOWN_ID, call)
    assert len(bench.protocol.introductions) == 40
    bench.wait(11)
    assert len(bench.protocol.introductions) == 0


def test_the_memory_for_refusals_is_bounded(monkeypatch):
    """Beyond the bound CALL gets silence."""
    monkeypatch.setattr(introductions, "MAX_REFUSALS", 3)
    bench = Bench(Settings(limits=FREE))
    caller, _ = raw_pair(bench)
    for call in range(10):
        caller.call(UNKNOWN_ID, call)
    assert len(of_kind(bench.wait(1), wire.Unavailable)) == 3
