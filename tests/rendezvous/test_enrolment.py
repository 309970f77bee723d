"""HELLO, REGISTER, and whose ID it is."""

import pytest

from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint, pack_endpoint
from rendezvous.enrolment import (
    MAX_PENDING_DERIVATIONS,
    MAX_VERDICTS,
    DerivationRequested,
    Derivations,
)
from rendezvous.rate_limit import Limits, Rate, RateLimit
from rendezvous.registry import Claim, MemoryClaims
from rendezvous.settings import Settings
from tests.support.raw_client import Bench, address, raw_client
from tests.support.rendezvous import SERVER

ID = 482_913_070


@pytest.fixture
def bench():
    return Bench()


def answer_derivations(bench, owners):
    """Answer each request; `owners` are the keys that derive to the ID asked for."""
    count = 0
    while (event := bench.protocol.next_event()) is not None:
        bench.protocol.derivation_checked(event, holds=event.public in owners)
        count += 1
    return count


def test_hello_is_answered_with_address_and_cookie_and_keeps_nothing(bench):
    """The answer says where the client is seen; the server remembers nothing."""
    client = raw_client(bench, "a", "198.51.100.1")
    challenge = client.hello()
    seen = wire.unmask_endpoint(challenge.masked, challenge.transaction)
    assert seen == Endpoint("198.51.100.1", 5000)
    assert bench.state_size() == 0


def test_a_flood_of_hello_from_forged_addresses_leaves_memory_flat(bench):
    """Ten thousand senders, nothing kept, not even a timer."""
    for number in range(10_000):
        source = address(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        bench.send(wire.Hello(bytes(8), number.to_bytes(32, "big")).encode(), source)
    assert bench.state_size() == 0
    assert bench.protocol.next_timer() is None


def test_hello_is_limited_by_prefix(bench):
    """A hundred at once from one address, then silence; others are not affected."""
    client = raw_client(bench, "a", "198.51.100.1")
    answers = sum(client.hello() is not None for _ in range(150))
    assert answers == 100
    assert raw_client(bench, "b", "198.51.100.2").hello() is not None
    bench.now += 1
    assert sum(client.hello() is not None for _ in range(50)) == 20


def test_a_registration_is_granted_and_called_by_its_id(bench):
    """The lease, the interval and a key that only the client can read come back."""
    client = raw_client(bench, "a", "198.51.100.1")
    assert client.register()
    registration = bench.protocol.registry.called(client.identity.peer_id, bench.now)
    assert registration.number == client.number
    assert registration.mac_key == client.key
    assert registration.address == client.home


def test_a_client_that_only_calls_is_not_called(bench):
    """Without LISTED the ID is neither claimed nor reachable."""
    client = raw_client(bench, "a", "198.51.100.1")
    assert client.register(listed=False)
    assert bench.protocol.registry.called(client.identity.peer_id, bench.now) is None


def test_both_kinds_of_registration_live_side_by_side(bench):
    """A caller-only registration of the same key does not touch the listed one."""
    listed = raw_client(bench, "a", "198.51.100.1", port=5000)
    caller = raw_client(bench, "a", "198.51.100.1", port=5001)
    assert listed.register()
    assert caller.register(listed=False)
    assert isinstance(listed.keepalive(), wire.KeepaliveAck)
    assert isinstance(caller.keepalive(), wire.KeepaliveAck)
    registry = bench.protocol.registry
    assert registry.called(listed.identity.peer_id, bench.now).number == listed.number


def test_a_repeated_register_changes_nothing(bench):
    """REGISTERED got lost: the same datagram again gives the same registration."""
    client = raw_client(bench, "a", "198.51.100.1")
    data = client.register_datagram(client.hello().cookie)
    assert client.send_register(data)
    number, key = client.number, client.key
    assert client.send_register(data)
    assert (client.number, client.key) == (number, key)
    assert len(bench.protocol.registry) == 1


@pytest.mark.parametrize("cookie", ["forged", "of another address", "old"])
def test_without_a_fresh_cookie_of_the_address_there_is_silence(bench, cookie):
    """REGISTER proves the address first; nothing else is even looked at."""
    client = raw_client(bench, "a", "198.51.100.1")
    value = bytes(16)
    if cookie == "of another address":
        value = client.hello(address("198.51.100.9")).cookie
    elif cookie == "old":
        value = client.hello().cookie
        bench.now += 130
    assert client.send(client.register_datagram(value)) == []
    assert bench.state_size() == 0


def test_a_forged_signature_is_met_with_silence(bench):
    """One bit wrong anywhere in the signature, or in what it covers."""
    client = raw_client(bench, "a", "198.51.100.1")
    data = bytearray(client.register_datagram(client.hello().cookie))
    data[-1] ^= 1
    assert client.send(bytes(data)) == []
    data[-1] ^= 1
    data[60] ^= 1  # the claimed ID
    assert client.send(bytes(data)) == []
    assert bench.state_size() == 0


def test_a_registration_for_another_server_is_refused():
    """A malicious server cannot pass on what was signed for itself."""
    bench = Bench(Settings(public_endpoints=frozenset([pack_endpoint(SERVER)])))
    client = raw_client(bench, "a", "198.51.100.1")
    cookie = client.hello().cookie
    other = Endpoint("203.0.113.66", 3479)
    assert client.send(client.register_datagram(cookie, server=other)) == []
    assert client.send_register(client.register_datagram(cookie))


def test_the_newest_registration_of_a_key_is_called(bench):
    """A second machine or a restart takes over; the first comes back when it goes."""
    first = raw_client(bench, "a", "198.51.100.1")
    second = raw_client(bench, "a", "198.51.100.2")
    assert first.register()
    assert second.register()
    registry = bench.protocol.registry
    peer_id = first.identity.peer_id
    assert registry.called(peer_id, bench.now).number == second.number
    assert isinstance(first.keepalive(), wire.KeepaliveAck)
    assert registry.called(peer_id, bench.now).number == second.number
    second.send(second.datagram(wire.Unregister))
    assert registry.called(peer_id, bench.now) is None
    first.keepalive()
    assert registry.called(peer_id, bench.now).number == first.number


def test_replaces_ends_the_old_registration_of_the_same_key_only(bench):
    """A client names the registration it had; it cannot name somebody else's."""
    client = raw_client(bench, "a", "198.51.100.1")
    client.register()
    old = client.number
    client.register(replaces=old)
    assert client.number != old
    assert bench.protocol.registry.find(old) is None
    thief = raw_client(bench, "thief", "198.51.100.1", port=6000)
    assert thief.register(replaces=client.number)
    assert bench.protocol.registry.find(client.number) is not None


def test_another_key_cannot_take_an_id_over(bench):
    """A key that does not derive to the ID gets silence, from any address."""
    owner = raw_client(bench, "owner", "198.51.100.1", peer_id=ID)
    thief = raw_client(bench, "thief", "198.51.100.1", port=6000, peer_id=ID)
    assert owner.register()
    for _ in range(3):
        assert not thief.register()
        answer_derivations(bench, {owner.identity.public})
    assert thief.received == []
    called = bench.protocol.registry.called(ID, bench.now)
    assert called.public == owner.identity.public
    assert called.address == owner.home


def test_a_squatter_loses_the_id_to_the_key_that_derives_to_it(bench):
    """An unverified claim stands only until the true owner comes."""
    squatter = raw_client(bench, "squatter", "198.51.100.1", peer_id=ID)
    owner = raw_client(bench, "owner", "198.51.100.2", peer_id=ID)
    assert squatter.register()
    assert not owner.register()
    assert answer_derivations(bench, {owner.identity.public}) == 1
    assert not owner.register()
    assert answer_derivations(bench, {owner.identity.public}) == 1
    assert owner.register()
    assert bench.protocol.registry.called(ID, bench.now).number == owner.number
    assert isinstance(squatter.keepalive(), wire.UnknownRegistration)
    assert not squatter.register()


def test_a_loser_is_not_listed_again_when_the_owner_goes(bench):
    """A second registration of the squatter does not slip back into the list."""
    squatters = [
        raw_client(bench, "squatter", f"198.51.100.{n}", peer_id=ID) for n in (1, 2)
    ]
    assert all(squatter.register() for squatter in squatters)
    owner = raw_client(bench, "owner", "198.51.100.3", peer_id=ID)
    for _ in range(2):
        owner.register()
        answer_derivations(bench, {owner.identity.public})
    assert owner.register()
    owner.send(owner.datagram(wire.Unregister))
    assert isinstance(squatters[0].keepalive(), wire.KeepaliveAck)
    assert bench.protocol.registry.called(ID, bench.now) is None


def test_a_derivation_that_failed_is_asked_for_again(bench):
    """No memory for it, say: that is no verdict."""
    raw_client(bench, "owner", "198.51.100.1", peer_id=ID).register()
    rival = raw_client(bench, "rival", "198.51.100.2", peer_id=ID)
    rival.register()
    event = bench.protocol.next_event()
    bench.protocol.derivation_checked(event, holds=None)
    rival.register()
    assert bench.protocol.next_event() == event


def test_results_of_derivations_do_not_pile_up():
    """The oldest make room; at most 64 are waited for."""
    derivations = Derivations(RateLimit(Rate(1e6, 10**6), bytes(32)))
    for number in range(MAX_VERDICTS + 100):
        request = DerivationRequested(number.to_bytes(32, "big"), 0, ID)
        derivations.checked(request, holds=False)
    assert len(derivations._verdicts) == MAX_VERDICTS
    for number in range(1000):
        request = DerivationRequested(number.to_bytes(32, "little"), 1, ID)
        assert derivations.holds(request, b"", 0.0) is None
    assert len(derivations.take_requests()) == MAX_PENDING_DERIVATIONS


def test_two_registers_that_meet_in_one_number_do_not_mix(bench):
    """Two in 2^32: the second gets silence, and tries again with other bytes."""
    first = raw_client(bench, "a", "198.51.100.1")
    second = raw_client(bench, "b", "198.51.100.2")
    assert first.register()
    bench.protocol._enrolment._number = lambda *_: first.number
    assert not second.register()
    assert bench.protocol.registry.find(first.number).public == first.identity.public


def test_if_both_keys_derive_to_the_id_the_older_keeps_it(bench):
    """The newer is told which key holds it, so that it can check and step on."""
    older = raw_client(bench, "older", "198.51.100.1", peer_id=ID)
    newer = raw_client(bench, "newer", "198.51.100.2", peer_id=ID)
    both = {older.identity.public, newer.identity.public}
    assert older.register()
    for _ in range(3):
        assert not newer.register()
        answer_derivations(bench, both)
    taken = wire.decode(newer.received[-1])
    assert taken.public == older.identity.public
    assert taken.counter == older.identity.counter
    called = bench.protocol.registry.called(ID, bench.now)
    assert called.number == older.number


def test_a_verified_claim_is_not_computed_again():
    """Also after a restart: the claim says so itself."""
    claims = MemoryClaims()
    bench = Bench(claims=claims)
    older = raw_client(bench, "older", "198.51.100.1", peer_id=ID)
    claims.put(ID, Claim(older.identity.public, 0, verified=True))
    newer = raw_client(bench, "newer", "198.51.100.2", peer_id=ID)
    both = {older.identity.public, newer.identity.public}
    newer.register()
    assert answer_derivations(bench, both) == 1
    newer.register()
    newer.register()
    assert isinstance(wire.decode(newer.received[-1]), wire.IdTaken)
    assert older.register()
    assert claims.get(ID).verified


def test_a_derivation_is_computed_once(bench):
    """Repeating REGISTER does not make the server compute again."""
    raw_client(bench, "owner", "198.51.100.1", peer_id=ID).register()
    thief = raw_client(bench, "thief", "198.51.100.2", peer_id=ID)
    thief.register()
    thief.register()
    assert answer_derivations(bench, set()) == 1
    thief.register()
    assert answer_derivations(bench, set()) == 0


def test_derivations_are_limited_by_prefix(bench):
    """Each costs a tenth of a second and 64 MiB: three, then six an hour."""
    raw_client(bench, "owner", "198.51.100.1", peer_id=ID).register()
    computed = 0
    for number in range(10):
        thief = raw_client(bench, f"thief {number}", "203.0.113.5", peer_id=ID)
        thief.register()
        computed += answer_derivations(bench, set())
    assert computed == 3


def test_new_keys_are_limited_by_prefix():
    """Keys never seen before are rationed; those that are known are not."""
    limits = Limits(new_key=Rate(10 / 3600, 2))
    bench = Bench(Settings(limits=limits))
    clients = [raw_client(bench, f"{n}", "198.51.100.1", port=n) for n in (1, 2, 3)]
    assert [client.register() for client in clients] == [True, True, False]
    assert clients[0].register()
    bench.now += 400
    assert clients[2].register()


def test_signature_checks_are_limited_by_prefix(bench):
    """A hundred at once, then five a second."""
    client = raw_client(bench, "a", "198.51.100.1")
    cookie = client.hello().cookie
    data = client.register_datagram(cookie)
    assert sum(bool(client.send(data)) for _ in range(120)) == 100


def test_a_full_registry_takes_nobody_else(bench):
    """What is there goes on; newcomers get silence until somebody leaves."""
    bench.protocol.registry._limit = 1
    first = raw_client(bench, "a", "198.51.100.1")
    second = raw_client(bench, "b", "198.51.100.2")
    assert first.register()
    assert not second.register()
    first.send(first.datagram(wire.Unregister))
    assert second.register()
