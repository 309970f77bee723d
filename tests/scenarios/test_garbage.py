"""Garbage at every door of a node: no crash, no larger answer, no state."""

import random
from typing import Any

from p2p_remote.session.roles import State
from p2p_remote.wire.address import Endpoint, Path
from rendezvous.addresses import pack
from tests.scenarios.world import SERVER, World

ROUNDS = 100_000 // 3
STRANGER = Endpoint("198.51.100.77", 7777)


def _recorded(world: World) -> list[bytes]:
    """Datagrams of a whole session, as they crossed the network."""
    seen: list[bytes] = []
    carry = world.network.carry

    def watch(datagram: Any, line: Any, arrive: Any) -> None:
        seen.append(datagram.data)
        carry(datagram, line, arrive)

    world.network.carry = watch  # type: ignore[method-assign]
    world.call()
    world.approve("control")
    world.network.run_for(1.0)
    return seen


def _mutated(rng: random.Random, samples: list[bytes]) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        first = rng.choice((0x10, 0x14, 0x20, 0x30, 0x41, 0x43, 0x50, 0xC0, 0xFF))
        return bytes([first]) + rng.randbytes(rng.randrange(64))
    data = bytearray(rng.choice(samples))
    if kind == 1:
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del data[rng.randrange(len(data)) :]
    else:
        data += rng.randbytes(rng.randrange(1, 32))
    return bytes(data)


def _bombard(
    machine: Any,
    path: Path | bytes,
    samples: list[bytes],
    now: float,
    *,
    trusted: bool = False,
) -> None:
    """Send garbage; only a server we are registered at may get more than it sent."""
    rng = random.Random(5)
    for number in range(ROUNDS):
        data = _mutated(rng, samples)
        machine.receive_datagram(data, path, now + number * 1e-5)
        if number % 1000 == 0:
            machine.handle_timer(now + number * 1e-5)
        while machine.next_event() is not None:
            pass
        answered = sum(
            len(answer)
            for answer, to in machine.datagrams_to_send(now + number * 1e-5)
            if to == path
        )
        assert trusted or answered <= len(data), data.hex()


def test_garbage_at_both_peers_and_the_server() -> None:
    """A third of 100,000 random and mutated datagrams at each changes nothing."""
    world = World()
    samples = _recorded(world)
    customer, technician = world.customer.node, world.technician.node
    for node in (customer, technician):
        before = [session.state for session in node.sessions]
        assert before == [State.ACTIVE]
        _bombard(node, STRANGER, samples, world.network.now)
        assert [session.state for session in node.sessions] == before
    assert world.protocol is not None
    registered = len(world.protocol.registry)
    _bombard(world.protocol, pack(STRANGER, 0), samples, world.network.now)
    assert len(world.protocol.registry) == registered


def test_garbage_from_the_server_changes_nothing() -> None:
    """A server that sends rubbish can neither crash a node nor open a session."""
    world = World()
    samples = _recorded(world)
    before = [session.state for session in world.customer.node.sessions]
    _bombard(world.customer.node, SERVER, samples, world.network.now, trusted=True)
    assert [s.state for s in world.customer.node.sessions] == before
