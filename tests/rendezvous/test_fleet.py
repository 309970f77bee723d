"""Calls between nodes of a fleet, with a store that answers at once."""

import pytest

from p2p_remote.errors import MalformedMessageError
from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint
from rendezvous import fleet_messages
from rendezvous.addresses import endpoint_bytes
from rendezvous.counters import Drop
from rendezvous.fleet import Location, LookupWanted
from rendezvous.registry import Claim
from tests.support.fleet import two_nodes
from tests.support.raw_client import address, of_kind, raw_client, ring_of
from tests.support.rendezvous import FIRST_MESSAGE

UNKNOWN = 999_999_999


@pytest.fixture
def fleet():
    """Two nodes, a caller at the first, a callee at the second."""
    store, one, two = two_nodes()
    caller = raw_client(one, "caller", "198.51.100.1")
    callee = raw_client(two, "callee", "203.0.113.2")
    assert caller.register(listed=False)
    assert callee.register()
    return store, one, two, caller, callee


def connected(fleet):
    """Call through; the channel's number at either node."""
    _, _, two, caller, callee = fleet
    ((called, _),) = of_kind(caller.call(callee.identity.peer_id), wire.Called)
    ring, target = ring_of(two.drain())
    assert target == callee.home
    assert ring.first_message == FIRST_MESSAGE
    callee.send(callee.datagram(wire.Rung, ring.channel))
    return called.channel, ring.channel


def relayed(number, inner=b"inner"):
    """A relayed datagram."""
    return b"\x30" + number.to_bytes(4, "little") + inner


def punches(sent):
    """Endpoints in the PUNCH messages among what was sent, by target."""
    return {
        target: wire.unmask_endpoint(m.masked, m.transaction)
        for m, target in of_kind(sent, wire.Punch)
    }


def test_a_call_rings_at_the_other_node_and_data_flows_both_ways(fleet):
    """Each client talks to its own node, under a channel number of that node."""
    _, one, two, caller, callee = fleet
    at_one, at_two = connected(fleet)
    assert caller.send(relayed(at_one)) == []
    assert two.drain() == [(relayed(at_two), callee.home)]
    assert callee.send(relayed(at_two, b"back")) == []
    assert one.drain() == [(relayed(at_one, b"back"), caller.home)]


def test_punch_shows_both_sides_to_each_other_after_agree_only(fleet):
    """At AGREE both nodes send PUNCH in the same instant."""
    _, one, _, caller, callee = fleet
    _, at_two = connected(fleet)
    assert one.drain() == []
    at_callee = punches(callee.send(callee.datagram(wire.Agree, at_two)))
    at_caller = punches(one.drain())
    assert at_callee == {callee.home: Endpoint("198.51.100.1", 5000)}
    assert at_caller == {caller.home: Endpoint("203.0.113.2", 5000)}


def test_a_caller_that_moves_is_punched_at_its_new_address(fleet):
    """The other node is told as soon as the address is proven."""
    _, _, _, caller, callee = fleet
    _, at_two = connected(fleet)
    new = address("198.51.100.99", 7)
    challenge = wire.decode(caller.send(caller.datagram(wire.Keepalive), new)[0][0])
    caller.send(caller.datagram(wire.Rebind, challenge.cookie), new)
    sent = callee.send(callee.datagram(wire.Agree, at_two))
    assert punches(sent) == {callee.home: Endpoint("198.51.100.99", 7)}


@pytest.mark.parametrize("by_caller", [True, False])
def test_hanging_up_closes_the_channel_at_both_nodes(fleet, by_caller):
    """Whoever hangs up; nothing is remembered anywhere."""
    _, one, two, caller, callee = fleet
    at_one, at_two = connected(fleet)
    if by_caller:
        caller.send(caller.datagram(wire.HangUp, at_one))
    else:
        callee.send(callee.datagram(wire.HangUp, at_two))
    for node in (one, two):
        assert len(node.protocol.introductions) == 0
        assert len(node.protocol.introductions.relay) == 0


def test_a_repeated_call_gets_the_same_channel(fleet):
    """And rings once."""
    _, _, two, caller, callee = fleet
    at_one, _ = connected(fleet)
    sent = caller.call(callee.identity.peer_id)
    assert [m.channel for m, _ in of_kind(sent, wire.Called)] == [at_one]
    assert two.drain() == []


def test_a_callee_that_does_not_answer_counts_as_offline(fleet):
    """Its node gives up after the last RING, and the caller's says UNAVAILABLE."""
    _, one, two, caller, callee = fleet
    assert of_kind(caller.call(callee.identity.peer_id), wire.Called)
    two.wait(10)
    assert len(of_kind(one.drain(), wire.Unavailable)) == 1
    assert len(one.protocol.introductions.relay) == 0


@pytest.mark.parametrize("case", ["unknown", "stale", "dead node", "itself"])
def test_whoever_cannot_be_called_is_unavailable_alike(fleet, case):
    """Nothing before 150 ms, then UNAVAILABLE with 0; nothing stays behind."""
    store, one, two, caller, callee = fleet
    target = callee.identity.peer_id
    if case == "unknown":
        target = UNKNOWN
    elif case == "stale":
        two.protocol.registry.remove(two.protocol.registry.find(callee.number))
    elif case == "dead node":
        del store.nodes[two.fleet.node]
    else:
        store.entries[target] = Location(two.fleet.node, caller.identity.public)
    assert caller.call(target) == []
    assert one.wait(0.149) == []
    ((message, _),) = of_kind(one.wait(2), wire.Unavailable)
    assert message.retry_after == 0
    one.wait(60)
    assert len(one.protocol.introductions) == 0
    assert len(one.protocol.introductions.relay) == 0


def test_without_the_store_calls_within_a_node_work(fleet):
    """After a second of waiting for it."""
    store, one, _, caller, _ = fleet
    near = raw_client(one, "near", "192.0.2.77")
    assert near.register()
    store.is_away = True
    assert caller.call(near.identity.peer_id) == []
    sent = one.wait(1.5)
    assert of_kind(sent, wire.Called)
    assert of_kind(sent, wire.Ring)


def test_without_the_store_nobody_new_is_listed_and_clients_may_ask_again(fleet):
    """Silence, no state; with the store back the next try works."""
    store, one, *_ = fleet
    store.is_away = True
    newcomer = raw_client(one, "newcomer", "192.0.2.78")
    assert not newcomer.register()
    store.is_away = False
    assert newcomer.register()


def test_a_caller_that_hangs_up_before_the_other_node_answers_leaves_nothing(fleet):
    """The late acceptance is answered by the end of the call."""
    store, one, two, caller, callee = fleet
    told, store.nodes = dict(store.nodes), {one.fleet.node: one}
    caller.call(callee.identity.peer_id)
    (channel,) = one.protocol.registry.find(caller.number).channels
    caller.send(caller.datagram(wire.HangUp, channel))
    store.nodes = told
    (invite,) = [data for data in store.told if data[0] == fleet_messages.Invite.TYPE]
    two.protocol.receive_from_node(invite, two.now)
    two.settle()
    for node in (one, two):
        assert len(node.protocol.introductions.relay) == 0


def test_a_client_that_registers_elsewhere_is_called_there(fleet):
    """The newest registration counts; the old node does not take it back."""
    store, one, _, caller, callee = fleet
    again = raw_client(one, "callee", "203.0.113.3")
    assert again.register()
    assert store.entries[callee.identity.peer_id].node == one.fleet.node
    callee.send(callee.datagram(wire.Unregister))
    ring, target = ring_of(caller.call(callee.identity.peer_id))
    assert target == again.home
    assert ring.first_message == FIRST_MESSAGE


def test_the_first_claim_stands_even_if_two_nodes_are_asked_at_once(fleet):
    """A claim that lost the race loses its registration with it."""
    store, one, *_ = fleet
    owner = Claim(bytes(32), 0)

    class Racing(dict):
        def get(self, key, default=None):
            found = super().get(key, default)
            self.setdefault(late.identity.peer_id, owner)
            return found

    late = raw_client(one, "late", "192.0.2.79")
    store.claims = Racing(store.claims)
    late.register()
    assert one.protocol.registry.called(late.identity.peer_id, one.now) is None
    assert store.claims[late.identity.peer_id] == owner


def test_forged_and_foreign_link_datagrams_are_dropped(fleet):
    """Wrong MAC, too short, a datagram for the other node, an unknown channel."""
    _, one, two, caller, _ = fleet
    at_one, _ = connected(fleet)
    one.protocol.receive_datagram(relayed(at_one), caller.home, one.now)
    ((good, target),) = one.fleet.link_datagrams
    assert target == two.link
    bad = (good[:-1] + bytes([good[-1] ^ 1]), good[:20], b"")
    for data in bad:
        two.protocol.receive_link_datagram(data, two.now)
    one.protocol.receive_link_datagram(good, one.now)
    assert two.protocol.counters.dropped[Drop.WRONG_MAC] == len(bad)
    assert one.protocol.counters.dropped[Drop.WRONG_MAC] == 1
    assert two.drain() == []
    two.protocol.receive_link_datagram(good, two.now)
    assert len(two.drain()) == 1


def test_messages_of_a_node_that_has_no_part_in_a_channel_have_no_effect(fleet):
    """A node speaks for its own side only."""
    _, one, two, caller, _ = fleet
    at_one, _ = connected(fleet)
    stranger = bytes(8)
    endpoint = endpoint_bytes(caller.home)
    for message in (
        fleet_messages.Ended(stranger, at_one, unanswered=False),
        fleet_messages.Agreed(stranger, at_one, endpoint),
        fleet_messages.Moved(stranger, at_one, endpoint),
    ):
        one.protocol.receive_from_node(message.encode(), one.now)
    channel = one.protocol.introductions.relay.get(at_one)
    assert not channel.agreed
    assert channel.callee.remote.node == two.fleet.node


@pytest.mark.parametrize("data", [b"", b"\x01\x01" + bytes(8), b"\x09\x01" + bytes(8)])
def test_malformed_messages_of_nodes_are_counted_and_dropped(fleet, data):
    """Whatever stands in the store."""
    _, one, *_ = fleet
    with pytest.raises(MalformedMessageError):
        fleet_messages.decode(data)
    one.protocol.receive_from_node(data, one.now)
    assert one.protocol.counters.dropped[Drop.MALFORMED] == 1


def test_one_call_number_at_two_nodes_is_one_call(fleet):
    """A key that calls here and, under the same number, from another node as well."""
    _, one, two, caller, callee = fleet
    here = raw_client(two, "caller", "198.51.100.9")
    other = raw_client(two, "other", "203.0.113.3")
    assert here.register(listed=False)
    assert other.register()
    assert of_kind(here.call(callee.identity.peer_id), wire.Called)
    assert of_kind(caller.call(other.identity.peer_id), wire.Called) == []
    assert of_kind(one.wait(1), wire.Unavailable)
    two.wait(100)
    assert len(two.protocol.introductions.relay) == 0
    assert two.state_size() == 0


def test_one_call_number_at_two_nodes_is_one_call_while_the_store_is_asked(
    fleet, monkeypatch
):
    """The invitation comes before the answer; it opens no second channel."""
    store, one, two, caller, callee = fleet
    here = raw_client(two, "caller", "198.51.100.9")
    other = raw_client(two, "other", "203.0.113.3")
    assert here.register(listed=False)
    assert other.register()
    serve, held = store.serve, []

    def late(protocol, request, now):
        if protocol is two.protocol and isinstance(request, LookupWanted):
            held.append((protocol, request, now))
        else:
            serve(protocol, request, now)

    monkeypatch.setattr(store, "serve", late)
    assert here.call(callee.identity.peer_id) == []
    assert of_kind(caller.call(other.identity.peer_id), wire.Called) == []
    assert of_kind(one.wait(1), wire.Unavailable)
    (lookup,) = held
    serve(*lookup)
    sent = two.drain()
    assert [to for _, to in of_kind(sent, wire.Called)] == [here.home]
    assert [to for _, to in of_kind(sent, wire.Ring)] == [callee.home]
    two.wait(100)
    assert two.state_size() == 0
