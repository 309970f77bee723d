"""REJOIN between clients of different nodes of a fleet."""

import pytest

from p2p_remote.wire import rendezvous as wire
from p2p_remote.wire.address import Endpoint
from rendezvous.fleet_messages import Meeting
from rendezvous.rate_limit import Limits
from rendezvous.rejoins import MAX_CHANNELS_OF_ONE, WAITING
from rendezvous.relay import IDLE_CLOSE
from tests.support.fleet import NodeBench, two_nodes
from tests.support.raw_client import address, of_kind, raw_client

TOKEN = b"a token of two.."


@pytest.fixture
def fleet():
    """Two nodes with a client each."""
    store, one, two = two_nodes()
    left = raw_client(one, "left", "198.51.100.1")
    right = raw_client(two, "right", "203.0.113.2")
    assert left.register(listed=False)
    assert right.register(listed=False)
    return store, left, right


def show(client):
    """Show the token; what the client's own node sends to it."""
    sent = client.send(client.datagram(wire.Rejoin, TOKEN))
    return of_kind(sent, wire.Rejoined)


def joined(left, right):
    """Let both show the token; the channels of each at its own node."""
    assert show(left) == []
    ((at_right, _),) = show(right)
    ((at_left, _),) = of_kind(left.bench.drain(), wire.Rejoined)
    return at_left, at_right


def passes(sender, number, receiver, other_number):
    """Whether what one sends into its channel comes out of the other's."""
    sent = sender.send(b"\x30" + number.to_bytes(4, "little") + b"sealed")
    expected = (b"\x30" + other_number.to_bytes(4, "little") + b"sealed", receiver.home)
    return expected in sent + receiver.bench.drain()


def test_two_at_different_nodes_get_a_channel_each_and_data_flows(fleet):
    """Both are told where the other is seen, with their own transactions."""
    _, left, right = fleet
    at_left, at_right = joined(left, right)
    seen = wire.unmask_endpoint(at_left.masked, at_left.transaction)
    assert seen == Endpoint("203.0.113.2", 5000)
    seen = wire.unmask_endpoint(at_right.masked, at_right.transaction)
    assert seen == Endpoint("198.51.100.1", 5000)
    assert passes(left, at_left.channel, right, at_right.channel)
    assert passes(right, at_right.channel, left, at_left.channel)


def test_asking_again_gives_the_same_channels(fleet):
    """Whoever asks first, however often: one channel at each node."""
    _, left, right = fleet
    at_left, at_right = joined(left, right)
    for client, known in ((left, at_left), (right, at_right), (left, at_left)):
        assert {each.channel for each, _ in show(client)} == {known.channel}
        assert len(client.bench.protocol.introductions.relay) == 1
    left.bench.drain()
    assert passes(left, at_left.channel, right, at_right.channel)


def test_a_client_whose_node_has_died_is_joined_from_another_one(fleet):
    """The other keeps its channel and need not do anything."""
    store, left, right = fleet
    _, at_right = joined(left, right)
    del store.nodes[left.bench.fleet.node]
    third = NodeBench(store, 3)
    again = raw_client(third, "left", "198.51.100.1")
    assert again.register(listed=False)
    show(right)
    right.bench.drain()
    ((told, _),) = show(again)
    assert passes(again, told.channel, right, at_right.channel)
    assert passes(right, at_right.channel, again, told.channel)


def test_a_client_that_comes_to_the_same_node_is_joined_there(fleet):
    """The channel stays, and the other node is out of it."""
    _, left, right = fleet
    _, at_right = joined(left, right)
    moved = raw_client(right.bench, "left", "198.51.100.9")
    assert moved.register(listed=False)
    ((told, _),) = show(moved)
    assert told.channel == at_right.channel
    assert passes(moved, told.channel, right, at_right.channel)
    assert passes(right, at_right.channel, moved, told.channel)


def test_a_client_that_leaves_the_node_of_both_is_found_elsewhere(fleet):
    """A channel within one node becomes one between two."""
    store, left, right = fleet
    neighbour = raw_client(right.bench, "left", "198.51.100.1")
    assert neighbour.register(listed=False)
    assert show(neighbour) == []
    ((at_right, _), _) = show(right)
    show(right)
    ((told, _),) = show(left)
    assert passes(left, told.channel, right, at_right.channel)
    assert passes(right, at_right.channel, left, told.channel)
    assert len(store.tokens[TOKEN]) == 2


def test_a_dead_node_tells_nobody_of_a_channel(fleet):
    """Without the other node's answer a client waits; nothing stays behind."""
    store, left, right = fleet
    assert show(left) == []
    del store.nodes[left.bench.fleet.node]
    assert show(right) == []
    assert len(right.bench.protocol.introductions.relay) == 1
    right.bench.wait(IDLE_CLOSE + 1)
    assert len(right.bench.protocol.introductions.relay) == 0
    assert len(right.bench.protocol.introductions.rejoins) <= 1


def test_a_token_shown_long_ago_joins_nobody(fleet):
    """Its owner has stopped asking, so its node has no use for a channel."""
    _, left, right = fleet
    assert show(left) == []
    for client in (left, right):
        client.bench.now += WAITING + 1
    assert show(right) == []
    assert len(left.bench.protocol.introductions.relay) == 0


def test_hanging_up_ends_both_channels(fleet):
    """The other node is told."""
    _, left, right = fleet
    at_left, _ = joined(left, right)
    left.send(left.datagram(wire.HangUp, at_left.channel))
    for client in (left, right):
        assert len(client.bench.protocol.introductions.relay) == 0
        assert len(client.bench.protocol.introductions.rejoins) == 0


def test_a_client_that_moves_is_followed(fleet):
    """Another address at the same node: data goes there."""
    _, left, right = fleet
    at_left, at_right = joined(left, right)
    left.home = address("198.51.100.77")
    assert left.register(listed=False)
    show(left)
    assert passes(right, at_right.channel, left, at_left.channel)
    assert passes(left, at_left.channel, right, at_right.channel)


def test_a_stranger_gets_no_part_in_a_channel_of_two(fleet):
    """A third key with the token, and a node that speaks for it, change nothing."""
    store, left, right = fleet
    at_left, at_right = joined(left, right)
    third = NodeBench(store, 3)
    stranger = raw_client(third, "stranger", "192.0.2.66")
    assert stranger.register(listed=False)
    assert show(stranger) == []
    right.bench.drain()
    assert passes(left, at_left.channel, right, at_right.channel)
    forged = Meeting(b"3" * 8, 0, 77, bytes(18), TOKEN, b"k" * 32, bytes(18))
    right.bench.protocol.receive_from_node(forged.encode(), right.bench.now)
    assert passes(right, at_right.channel, left, at_left.channel)


def test_a_client_with_too_many_channels_gets_no_more(fleet):
    """Another node is no way around the limit either."""
    _, left, right = fleet
    registration = next(iter(right.bench.protocol.registry))
    registration.channels = set(range(1000, 1000 + MAX_CHANNELS_OF_ONE))
    assert show(left) == []
    assert show(right) == []
    assert len(right.bench.protocol.introductions.relay) == 0


def test_the_store_is_not_asked_without_end(fleet):
    """A client that shows tokens all the time is served by its own node only."""
    store, left, _ = fleet
    burst = Limits().rejoin.burst
    for number in range(3 * burst):
        token = number.to_bytes(16, "little")
        left.send(left.datagram(wire.Rejoin, token))
    assert len(store.tokens) == burst
