"""REJOIN: the server's side."""

import random

import pytest

from p2p_remote.wire.address import Endpoint
from p2p_remote.wire.rendezvous import Rejoin, Rejoined, decode, unmask_endpoint
from rendezvous import rejoins as module
from rendezvous.addresses import pack
from rendezvous.counters import Counters
from rendezvous.registry import Registration, Registry
from rendezvous.rejoins import WAITING, Rejoins
from rendezvous.relay import IDLE_CLOSE, Relay
from rendezvous.settings import Settings

NOW = 100.0
TOKEN = b"a token of two.."


class Server:
    """Rejoins with a relay, and what was sent."""

    def __init__(self) -> None:
        source = random.Random(1).randbytes
        self.registry = Registry()
        self.sent = []
        self.relay = Relay(Settings(), source, self._on_close, Counters())
        self.rejoins = Rejoins(self.registry, self.relay, self._send)

    def _on_close(self, channel):
        self.rejoins.on_closed(channel)

    def _send(self, data, address):
        self.sent.append((decode(data), address))

    def client(self, number, *, port=5000):
        """A registration; the same number is the same key."""
        registration = Registration(
            number,
            0,
            (bytes([number]) * 32, bytes(16)),
            pack(Endpoint(f"198.51.100.{number}", port), 0),
            NOW + 1000,
        )
        self.registry.add(registration)
        return registration

    def show(self, client, now=NOW, token=TOKEN):
        """Let a client show a token; returns what the server sends."""
        message = Rejoin(client.number.to_bytes(8, "little"), client.number, 1, token)
        self.rejoins.rejoin(message, client, now)
        sent, self.sent = self.sent, []
        return sent


def test_two_who_show_the_same_token_get_a_channel():
    """Both are told it, each with its own transaction and the other's address."""
    server = Server()
    left, right = server.client(1), server.client(2)
    assert server.show(left) == []
    told = server.show(right, NOW + 1)
    assert [address for _, address in told] == [left.address, right.address]
    first, second = (message for message, _ in told)
    assert isinstance(first, Rejoined)
    assert first.channel == second.channel
    assert first.transaction == (1).to_bytes(8, "little")
    seen = unmask_endpoint(first.masked, first.transaction)
    assert seen == Endpoint("198.51.100.2", 5000)
    channel = server.relay.get(first.channel)
    assert channel is not None
    assert channel.agreed
    assert left.channels == right.channels == {first.channel}


def test_one_alone_waits():
    """The same client twice, other tokens and old ones join nobody."""
    server = Server()
    left, right = server.client(1), server.client(2)
    assert server.show(left) == []
    assert server.show(left) == []
    assert server.show(right, token=b"another token...") == []
    assert server.show(right, NOW + WAITING + 1) == []
    assert len(server.relay) == 0
    assert len(server.rejoins) == 1


def test_asking_again_gives_the_same_channel_and_moves_it():
    """A lost answer is repeated; a client that moved meanwhile is followed."""
    server = Server()
    left, right = server.client(1), server.client(2)
    server.show(left)
    ((first, _), _) = server.show(right)
    moved = server.client(1, port=6000)
    ((again, address),) = server.show(moved)
    assert (again.channel, address) == (first.channel, moved.address)
    channel = server.relay.get(first.channel)
    assert moved.address in (channel.caller.address, channel.callee.address)
    assert server.show(server.client(3)) == []


def test_a_closed_channel_can_be_opened_again():
    """Nothing is left of a channel that has ended."""
    server = Server()
    left, right = server.client(1), server.client(2)
    server.show(left)
    server.show(right)
    server.relay.close_idle(NOW + IDLE_CLOSE + 1)
    assert len(server.rejoins) == 0
    assert server.show(left, NOW + 40) == []
    assert len(server.show(right, NOW + 40)) == 2


def test_memory_is_bounded(monkeypatch):
    """Beyond the limit new tokens are not remembered, and old ones make room."""
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    server = Server()
    client = server.client(1)
    for number in range(50):
        server.show(client, token=number.to_bytes(16, "little"))
    assert len(server.rejoins) == 10
    server.show(client, NOW + WAITING + 1)
    assert len(server.rejoins) == 1


@pytest.mark.parametrize("busy", [1, 2])
def test_a_client_with_too_many_channels_gets_no_more(busy):
    """Tokens are no way around the limit of channels."""
    server = Server()
    clients = {number: server.client(number) for number in (1, 2)}
    clients[busy].channels = set(range(1000, 1000 + module.MAX_CHANNELS_OF_ONE))
    server.show(clients[1])
    assert server.show(clients[2]) == []
