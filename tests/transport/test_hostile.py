"""A peer that has the keys and breaks every rule: no exception, bounded memory."""

import random
import tracemalloc

import msgpack
import pytest

from p2p_remote.crypto.sealing import Sealing
from p2p_remote.transport.config import Config
from p2p_remote.transport.connection import Connection
from p2p_remote.transport.events import ConnectionLost, MessageReceived
from p2p_remote.wire.constants import (
    CHANNEL_BULK,
    CHANNEL_CONTROL,
    CHANNEL_INPUT,
    CHANNEL_SCREEN,
)
from p2p_remote.wire.frames import Close, decode_packet
from tests.support.connections import LEFT, RIGHT, sealings

NOW = 1000.0
SEALED = 10_000  # packets of a peer that has the keys
FORGED = 70_000  # of one that has not


class Victim:
    """A connection whose peer is written by hand."""

    def __init__(self) -> None:
        self.peer: Sealing
        self.peer, own = sealings(NOW)
        self.connection = Connection(
            Config(), own, LEFT, random.Random(1).randbytes, NOW
        )
        self.now = NOW

    def plaintext(self, data: bytes) -> list[object]:
        """Let the victim receive any plaintext, and return its events."""
        self.now += 1e-4
        _, datagram = self.peer.seal(data, self.now)
        self.connection.receive_datagram(datagram, LEFT, self.now)
        return self.events()

    def frames(self, *frames: list[object]) -> list[object]:
        return self.plaintext(msgpack.packb(list(frames)))

    def events(self) -> list[object]:
        events = []
        while (event := self.connection.next_event()) is not None:
            events.append(event)
        return events

    def answers(self) -> list[object]:
        """Frames that the victim sends now."""
        result: list[object] = []
        for data, _ in self.connection.datagrams_to_send(self.now):
            result += decode_packet(self.peer.open(data, self.now)[1])
        return result


OFFENCES = {
    "not msgpack": b"\xc1",
    "no array": b"\xc0",
    "unknown frame": msgpack.packb([[11]]),
    "two acks": msgpack.packb([[0, 0, 0, 0, [1]], [0, 0, 0, 0, [1]]]),
    "ack of a packet never sent": msgpack.packb([[0, 0, 0, 0, [1]]]),
    "ack of the far future": msgpack.packb([[0, 2**47, 0, 0, [1]]]),
    "huge offset": msgpack.packb([[1, CHANNEL_BULK, 2**56, b"x"]]),
    "beyond the credit": msgpack.packb([[1, CHANNEL_INPUT, 64 * 1024, b"x"]]),
    "channel without use": msgpack.packb([[1, 7, 0, b"x"]]),
    "message too large": msgpack.packb([[1, CHANNEL_CONTROL, 0, b"\xff" * 4]]),
    "rekey of nonsense": msgpack.packb([[10, 0, b"x"]]),
    "rekey answer to nothing": msgpack.packb([[10, 1, bytes([1]) + bytes(35)]]),
    "rekey with a key of low order": msgpack.packb(
        [[10, 0, (1).to_bytes(4, "little") + bytes(32)]]
    ),
}


@pytest.mark.parametrize("name", OFFENCES)
def test_an_offence_closes_with_a_reason(name):
    """The victim says goodbye with a reason and reports it, once."""
    victim = Victim()
    (event,) = victim.plaintext(OFFENCES[name])
    assert isinstance(event, ConnectionLost)
    assert event.reason
    (goodbye,) = victim.answers()
    assert isinstance(goodbye, Close)
    assert goodbye.text == event.reason
    assert victim.plaintext(OFFENCES[name]) == []


def test_single_bytes_with_holes_close_the_connection():
    """Fragments are bounded in number, not only in bytes."""
    victim = Victim()
    for offset in range(1, 200_000, 2):
        events = victim.frames([1, CHANNEL_SCREEN, offset, b"x"])
        if events:
            break
    (event,) = events
    assert isinstance(event, ConnectionLost)
    assert "fragments" in event.reason
    assert offset < 2 * (64 + 4 * 1024 * 4 + 2)


def test_overlapping_data_that_contradicts_itself_is_harmless():
    """Of two versions of a byte one counts; the length stays right."""
    victim = Victim()
    assert victim.frames([1, CHANNEL_INPUT, 2, b"\x00\x00AAAA"]) == []
    assert victim.frames([1, CHANNEL_INPUT, 1, b"\x00\x00\x00BBBBBB"]) == []
    (event,) = victim.frames([1, CHANNEL_INPUT, 0, b"\x06\x00\x00\x00CC"])
    assert event == MessageReceived(CHANNEL_INPUT, b"AAAABB")


def test_a_packet_of_challenges_is_answered_once():
    """Challenges cannot be used to make us shout at somebody else."""
    victim = Victim()
    victim.frames(*([6, bytes(8)] for _ in range(60)))
    assert len(victim.connection.datagrams_to_send(victim.now)) == 1


def test_credit_that_shrinks_or_names_no_channel_is_ignored():
    """Credit only grows."""
    victim = Victim()
    assert victim.frames([3, CHANNEL_INPUT, 5], [3, 3, 10]) == []
    victim.connection.send_message(CHANNEL_INPUT, b"x" * 100, victim.now)
    assert victim.answers()


def mutate(rng: random.Random, data: bytes) -> bytes:
    """Flip, cut, double or insert."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(changed) + 1)
        what = rng.randrange(4)
        if what == 0 and place < len(changed):
            changed[place] ^= 1 << rng.randrange(8)
        elif what == 1:
            del changed[place : place + rng.randint(1, 4)]
        elif what == 2:
            changed[place:place] = rng.randbytes(rng.randint(1, 4))
        else:
            changed[place:place] = changed[place : place + 8]
    return bytes(changed)


def valid_plaintext(rng: random.Random) -> bytes:
    """A packet that a strange but lawful peer might send."""
    choice = rng.randrange(6)
    if choice == 0:
        frames = [[0, rng.randrange(50), 100, 5, [1 + rng.randrange(3), 1, 1]]]
    elif choice == 1:
        offset = rng.randrange(3_000_000)
        frames = [[1, rng.choice([0, 1, 2, 4, 5, 6]), offset, rng.randbytes(20)]]
    elif choice == 2:
        frames = [[3, rng.randrange(8), rng.randrange(2**40)], [4]]
    elif choice == 3:
        frames = [[5, rng.randrange(16), rng.randrange(1000), rng.randbytes(9)]]
    elif choice == 4:
        frames = [[6, rng.randbytes(8)], [7, rng.randbytes(8)], [9, bytes(30)]]
    else:
        frames = [[10, rng.randrange(2), rng.randbytes(36)], [8, 3, "bye"]]
    return msgpack.packb(frames)


@pytest.mark.parametrize(
    "seeds", [range(20, 21), pytest.param(range(21, 51), marks=pytest.mark.long)]
)
def test_mutated_packets_never_raise(seeds):
    """Sealed packets of strange and broken frames, most to live connections."""
    for seed in seeds:
        bombard(random.Random(seed))


def bombard(rng: random.Random) -> None:
    """Give a victim 10,000 of them, and a new one for each that has ended."""
    victim = Victim()
    survived = 0
    for index in range(SEALED):
        plaintext = valid_plaintext(rng)
        if index % 4 == 0:
            plaintext = mutate(rng, plaintext)
        events = victim.plaintext(plaintext)
        if index % 16 == 0:
            victim.connection.handle_timer(victim.now)
            victim.connection.next_timer()
            victim.connection.datagrams_to_send(victim.now)
        if index % 500 == 0 or any(isinstance(e, ConnectionLost) for e in events):
            victim = Victim()
        else:
            survived += 1
    assert survived > SEALED // 4


def test_a_message_in_tiny_pieces_costs_no_more_than_its_bytes():
    """Each of them would else be kept as an object of its own."""
    victim = Victim()
    assert victim.frames([1, CHANNEL_BULK, 0, (1 << 20).to_bytes(4, "little")]) == []
    tracemalloc.start()
    for packet in range(1000):
        offset = 4 + packet * 100
        pieces = [[1, CHANNEL_BULK, offset + at, b"xy"] for at in range(0, 100, 2)]
        assert victim.frames(*pieces) == []
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 2 * 100_000


def test_memory_of_a_victim_is_bounded():
    """Fragments of two channels up to their credit cost a few megabytes."""
    rng = random.Random(22)
    victim = Victim()
    tracemalloc.start()
    for _ in range(4000):
        channel = rng.choice([CHANNEL_BULK, CHANNEL_SCREEN])
        frame = [1, channel, rng.randrange(1, 4_190_000), rng.randbytes(1000)]
        assert victim.frames(frame) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 2 * 1024 * 1024 < peak < 12 * 1024 * 1024


def test_mutated_datagrams_are_dropped():
    """7e4 forged datagrams cost a MAC each, no event and no answer."""
    rng = random.Random(21)
    victim = Victim()
    _, datagram = victim.peer.seal(msgpack.packb([[4]]), NOW)
    for _ in range(FORGED):
        forged = mutate(rng, datagram)
        if forged != datagram:
            victim.connection.receive_datagram(forged, RIGHT, NOW)
    assert victim.events() == []
    assert victim.connection.datagrams_to_send(NOW) == []
    statistics = victim.connection.statistics()
    assert statistics.packets_received == 0
    assert statistics.packets_refused > 0.9 * FORGED
