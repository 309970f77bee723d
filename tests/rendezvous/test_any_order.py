"""Whatever registered clients do in whatever order: nothing breaks, nothing stays."""

import random

import pytest

from p2p_remote.crypto import primitives
from p2p_remote.wire import rendezvous as wire
from rendezvous import fleet_messages
from rendezvous.addresses import listener_of
from rendezvous.rate_limit import Limits, Rate
from rendezvous.settings import Settings
from tests.support.fleet import two_nodes
from tests.support.raw_client import Bench, address, of_kind, raw_client

FREE = Rate(1e6, 1_000_000)
ALL_FREE = Settings(
    limits=Limits(FREE, FREE, FREE, Rate(1, 3), FREE, FREE, FREE, FREE, FREE, FREE)
)
STEPS = 400
HOSTS = ("198.51.100.1", "198.51.100.2")
RELAY_BYTES = (0x28, 0x30)


class Crowd:
    """Clients that share some keys and addresses, at one server or two nodes."""

    def __init__(self, seed, *, nodes):
        self.random = random.Random(seed)
        self.benches = [Bench(ALL_FREE)]
        if nodes == 2:
            self.benches = list(two_nodes(ALL_FREE)[1:])
        self.clients = [
            raw_client(
                self.random.choice(self.benches),
                f"key {self.random.randrange(5)}",
                self.random.choice(HOSTS),
                port=5000 + number,
            )
            for number in range(8)
        ]
        self.channels = [1]

    def step(self):
        """Let one of them do something."""
        acts = [self.register, self.move, self.call, self.answer, self.rejoin]
        acts += [self.relayed, self.wait]
        if len(self.benches) == 2:
            acts.append(self.forge)
        self.random.choice(acts)(self.random.choice(self.clients))

    def channel(self):
        """One of the newest, or none."""
        return self.random.choice([*self.channels[-6:], 0])

    def of_kind(self, sent, kind):
        """Messages of one kind among what was sent to whomever."""
        return [
            message
            for message, _ in of_kind(
                [each for each in sent if each[0][0] not in RELAY_BYTES], kind
            )
        ]

    def said(self, sent):
        """Learn channels from what was sent, always to a socket of the server's own."""
        for data, target in sent:
            assert listener_of(target) == 0
            if data[0] not in RELAY_BYTES:
                number = getattr(wire.decode(data), "channel", None)
                self.channels += [] if number is None else [number]

    def register(self, client):
        """Anew, perhaps in the place of another one's registration."""
        hello = wire.Hello(bytes(8), client.identity.public).encode()
        (challenge,) = self.of_kind(client.send(hello), wire.Challenge)
        data = client.register_datagram(
            challenge.cookie,
            listed=self.random.random() < 0.7,
            replaces=self.random.choice([0, self.random.choice(self.clients).number]),
        )
        for registered in self.of_kind(client.send(data), wire.Registered):
            client.number, client.counter = registered.registration, 0
            client.key = primitives.sealed_box_open(
                client.identity.secret, registered.sealed_key
            )

    def move(self, client):
        """To another address, with the proof of it."""
        place = address(self.random.choice(HOSTS), 6000 + self.random.randrange(3))
        sent = client.send(client.datagram(wire.Keepalive), place)
        for challenge in self.of_kind(sent, wire.AddressChallenge):
            data = client.datagram(wire.Rebind, challenge.cookie)
            self.said(client.send(data, place))
            client.home = place

    def call(self, client):
        """Somebody, under a number that may be in use."""
        target = self.random.choice(self.clients).identity.peer_id
        self.said(client.call(target, self.random.randrange(4)))

    def answer(self, client):
        """One of the messages that name a channel, whosever it is."""
        kind = self.random.choice([wire.Rung, wire.Agree, wire.HangUp])
        self.said(client.send(client.datagram(kind, self.channel())))

    def rejoin(self, client):
        """Show one of a few tokens."""
        token = bytes([self.random.randrange(3)]) * 16
        self.said(client.send(client.datagram(wire.Rejoin, token)))

    def relayed(self, client):
        """Something to be relayed."""
        size = self.random.randrange(1, 200)
        header = b"\x30" + self.channel().to_bytes(4, "little")
        self.said(client.send(header + bytes(size)))

    def wait(self, _):
        """Let time pass."""
        seconds = self.random.choice([0.01, 0.2, 1, 3, 40 * self.random.random()])
        for bench in self.benches:
            self.said(bench.wait(seconds))

    def forge(self, client):
        """A message between nodes with fields that do not belong together."""
        identity = self.random.choice(self.clients).identity
        node, number = bytes([self.random.randrange(1, 3)]) * 8, self.channel()
        link, seen = bytes([1]) * 18, address(HOSTS[0])[:18]
        token = bytes([self.random.randrange(3)]) * 16
        public = client.identity.public
        message = self.random.choice(
            [
                fleet_messages.Invite(
                    node,
                    number,
                    link,
                    public,
                    seen,
                    identity.public,
                    identity.peer_id,
                    self.random.randrange(4),
                    bytes(119),
                ),
                fleet_messages.Accepted(node, number, self.channel(), link),
                fleet_messages.Ended(node, number, self.random.random() < 0.5),
                fleet_messages.Agreed(node, number, seen),
                fleet_messages.Moved(node, number, seen),
                fleet_messages.Meeting(
                    node, number, self.channel(), link, token, public, seen
                ),
            ]
        )
        bench = self.random.choice(self.benches)
        bench.protocol.receive_from_node(message.encode(), bench.now)
        self.said(bench.wait(0))


def assert_nothing_stays(protocol):
    """After everybody has gone."""
    introductions = protocol.introductions
    assert len(protocol.registry) == len(introductions) == 0
    assert len(introductions.relay) == 0
    assert not introductions.relay._held._held
    assert not introductions._by_channel
    assert not introductions.rejoins._channels
    assert len(introductions._timers) == 0
    assert protocol.next_timer() is None


@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize("seed", range(10))
def test_nothing_breaks_and_nothing_stays(seed, nodes):
    """Every table is empty again when all leases have ended."""
    crowd = Crowd(seed, nodes=nodes)
    for _ in range(STEPS):
        crowd.step()
    for bench in 2 * crowd.benches:
        bench.wait(300)
    for bench in crowd.benches:
        assert_nothing_stays(bench.protocol)
